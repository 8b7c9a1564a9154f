// Follows a gateway's stream from the first entry on: a line of JSON for each event, on stdout, until it is ended.
//   NODE_EXTRA_CA_CERTS=FILE node follower.mjs URL
import { connect } from '../../gateway/web/client.mjs';

await connect(process.argv[2]).follow((event) => console.log(JSON.stringify(event)), { from: 0 }).done;

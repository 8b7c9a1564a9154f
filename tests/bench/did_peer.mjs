// A server for DIDs as one writes it in Node: node:http around did-resolver, whose own cache is on or off. The method reads the
// document from a given origin, as web-did-resolver does from the DID's host.
//   node did_peer.mjs PORT ORIGIN cache|no-cache
import http from "node:http";
import { createRequire } from "node:module";

const require = createRequire(new URL("npm/", import.meta.url));
const { Resolver } = require("did-resolver");
const [port, origin, cache] = process.argv.slice(2);

async function web(did, parsed) {
  const [, ...path] = parsed.id.split(":");
  const answer = await fetch(`${origin}/${path.length ? path.map(decodeURIComponent).join("/") : ".well-known"}/did.json`);
  if (!answer.ok)
    return { didResolutionMetadata: { error: "notFound" }, didDocument: null, didDocumentMetadata: {} };
  return { didResolutionMetadata: { contentType: "application/did+json" }, didDocument: await answer.json(), didDocumentMetadata: {} };
}

const resolver = new Resolver({ web }, { cache: cache === "cache" });
http.createServer(async (request, response) => {
  const result = await resolver.resolve(request.url.slice("/1.0/identifiers/".length));
  const body = JSON.stringify(result);
  response.writeHead(result.didDocument ? 200 : 404, { "Content-Type": "application/did-resolution", "Content-Length": Buffer.byteLength(body),
    "Access-Control-Allow-Origin": "*", "Cache-Control": "public, max-age=2" });
  response.end(body);
}).listen(Number(port), "127.0.0.1");

# JSON-RPC is not pure, so it is a library of its own; only who speaks to a node links it.
kedge_room(eth_rpc
  SOURCES rpc_text.c rpc_member.c rpc_call.c rpc_read.c rpc_read_header.c rpc_read_proof.c rpc_errors.c rpc_message.c rpc_result.c rpc.c rpc_batch.c rpc_verdict.c rpc_quorum.c rpc_pool.c rpc_http.c
  LINKS kedge_eth PkgConfig::CURL PkgConfig::EVENT PkgConfig::JANSSON)

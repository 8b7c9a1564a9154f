# The JSON-RPC client: messages as bytes, and the client against a fake node.
kedge_test(test_eth_rpc_message LABEL unit
  SOURCES ${CMAKE_SOURCE_DIR}/tests/eth/test_rpc_message.c LINKS kedge_eth_rpc)
kedge_test(test_eth_rpc LABEL unit
  SOURCES ${CMAKE_SOURCE_DIR}/tests/eth/test_rpc.c ${CMAKE_SOURCE_DIR}/tests/eth/fake_node.c LINKS kedge_eth_rpc)
kedge_test(test_eth_rpc_errors LABEL unit
  SOURCES ${CMAKE_SOURCE_DIR}/tests/eth/test_rpc_errors.c LINKS kedge_eth_rpc)
kedge_fuzz(eth_rpc_errors SOURCES ${CMAKE_SOURCE_DIR}/tests/eth/fuzz_rpc_errors.c LINKS kedge_eth_rpc)
kedge_fuzz(eth_rpc_answer SOURCES ${CMAKE_SOURCE_DIR}/tests/eth/fuzz_rpc_answer.c LINKS kedge_eth_rpc)

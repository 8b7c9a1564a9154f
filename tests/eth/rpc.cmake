# The JSON-RPC client: messages as bytes, and the client against a fake node.
kedge_test(test_eth_rpc_message LABEL unit
  SOURCES ${CMAKE_SOURCE_DIR}/tests/eth/test_rpc_message.c LINKS kedge_eth_rpc)
kedge_test(test_eth_rpc LABEL unit
  SOURCES ${CMAKE_SOURCE_DIR}/tests/eth/test_rpc.c ${CMAKE_SOURCE_DIR}/tests/eth/fake_node.c LINKS kedge_eth_rpc)
foreach(thing IN ITEMS providers quorum)
  kedge_test(test_eth_rpc_${thing} LABEL unit TIMEOUT 120
    SOURCES ${CMAKE_SOURCE_DIR}/tests/eth/test_rpc_${thing}.c ${CMAKE_SOURCE_DIR}/tests/eth/fake_providers.c
      ${CMAKE_SOURCE_DIR}/tests/eth/fake_node.c LINKS kedge_eth_rpc)
endforeach()
kedge_test(test_eth_rpc_pool LABEL unit
  SOURCES ${CMAKE_SOURCE_DIR}/tests/eth/test_rpc_pool.c LINKS kedge_eth_rpc)
kedge_test(test_eth_rpc_errors LABEL unit
  SOURCES ${CMAKE_SOURCE_DIR}/tests/eth/test_rpc_errors.c LINKS kedge_eth_rpc)
kedge_fuzz(eth_rpc_errors SOURCES ${CMAKE_SOURCE_DIR}/tests/eth/fuzz_rpc_errors.c LINKS kedge_eth_rpc)
kedge_fuzz(eth_rpc_answer SOURCES ${CMAKE_SOURCE_DIR}/tests/eth/fuzz_rpc_answer.c LINKS kedge_eth_rpc)
foreach(thing IN ITEMS rpc_read recorded_proofs)
  kedge_test(test_eth_${thing} LABEL unit
    SOURCES ${CMAKE_SOURCE_DIR}/tests/eth/test_${thing}.c ${CMAKE_SOURCE_DIR}/tests/eth/vectors.c
    LINKS kedge_eth_rpc PkgConfig::ZLIB PkgConfig::CRYPTO)
endforeach()
kedge_fuzz(eth_rpc_read SOURCES ${CMAKE_SOURCE_DIR}/tests/eth/fuzz_rpc_read.c LINKS kedge_eth_rpc)

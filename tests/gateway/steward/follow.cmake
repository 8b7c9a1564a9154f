kedge_test(test_steward_follow_judge LABEL unit
  SOURCES ${CMAKE_SOURCE_DIR}/tests/gateway/steward/test_follow_judge.c LINKS kedge_steward)
kedge_pg_test(test_steward_follow TIMEOUT 120
  SOURCES ${CMAKE_SOURCE_DIR}/tests/gateway/steward/test_follow.c ${CMAKE_SOURCE_DIR}/tests/eth/fake_node.c
  LINKS kedge_steward)
kedge_test(test_steward_follow_read LABEL unit
  SOURCES ${CMAKE_SOURCE_DIR}/tests/gateway/steward/test_follow_read.c ${CMAKE_SOURCE_DIR}/tests/eth/fake_node.c
  LINKS kedge_steward)
kedge_test(test_steward_index_batch LABEL unit
  SOURCES ${CMAKE_SOURCE_DIR}/tests/gateway/steward/test_index_batch.c LINKS kedge_steward)
kedge_test(test_steward_index_logs LABEL unit
  SOURCES ${CMAKE_SOURCE_DIR}/tests/gateway/steward/test_index_logs.c ${CMAKE_SOURCE_DIR}/tests/eth/fake_node.c
  LINKS kedge_steward PkgConfig::JANSSON)
kedge_test(test_steward_index_blocks LABEL unit
  SOURCES ${CMAKE_SOURCE_DIR}/tests/gateway/steward/test_index_blocks.c ${CMAKE_SOURCE_DIR}/tests/eth/fake_node.c
  LINKS kedge_steward PkgConfig::JANSSON)
kedge_test(test_steward_index_proofs LABEL unit
  SOURCES ${CMAKE_SOURCE_DIR}/tests/gateway/steward/test_index_proofs.c LINKS kedge_steward)

kedge_test(test_gateway_steward_guard LABEL unit SOURCES test_guard.c LINKS kedge_steward)
kedge_test(test_gateway_steward_anchor_call LABEL unit SOURCES test_anchor_call.c LINKS kedge_steward PkgConfig::JANSSON)
kedge_test(test_gateway_steward_node_cache LABEL unit SOURCES test_node_cache.c LINKS kedge_steward)
kedge_pg_test(test_gateway_steward_sign_publish TIMEOUT 180 SOURCES test_sign_publish.c LINKS kedge_steward)
kedge_pg_test(test_gateway_steward_notary TIMEOUT 180
  SOURCES test_notary.c ${CMAKE_SOURCE_DIR}/tests/eth/fake_node.c ${CMAKE_SOURCE_DIR}/tests/sql/index_rows.c
  LINKS kedge_steward PkgConfig::JANSSON)
kedge_pg_test(test_gateway_steward_participants TIMEOUT 180 SOURCES test_participants.c people.c LINKS kedge_steward kedge_participant PkgConfig::JANSSON PkgConfig::SODIUM)
kedge_pg_test(test_gateway_steward_lapses TIMEOUT 180
  SOURCES test_lapses.c people.c ${CMAKE_SOURCE_DIR}/tests/sql/index_rows.c LINKS kedge_steward kedge_participant PkgConfig::JANSSON PkgConfig::SODIUM)

kedge_pg_test(test_gateway_steward_files TIMEOUT 180
  SOURCES ${CMAKE_SOURCE_DIR}/tests/gateway/steward/test_files.c ${CMAKE_SOURCE_DIR}/tests/gateway/fetch/rig.c LINKS kedge_steward)
if(TARGET test_gateway_steward_files)
  target_compile_definitions(test_gateway_steward_files PRIVATE
    KEDGE_FETCH_SERVER="${CMAKE_SOURCE_DIR}/tests/gateway/fetch/server.mjs")
endif()
kedge_pg_test(test_gateway_steward_links TIMEOUT 180
  SOURCES ${CMAKE_SOURCE_DIR}/tests/gateway/steward/test_links.c ${CMAKE_SOURCE_DIR}/tests/gateway/fetch/rig.c ${CMAKE_SOURCE_DIR}/tests/eth/fake_node.c
  LINKS kedge_steward kedge_participant PkgConfig::JANSSON PkgConfig::SODIUM)
if(TARGET test_gateway_steward_links)
  target_compile_definitions(test_gateway_steward_links PRIVATE
    KEDGE_FETCH_SERVER="${CMAKE_SOURCE_DIR}/tests/gateway/fetch/server.mjs")
endif()

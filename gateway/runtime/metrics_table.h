/*
 * Every metric kedge has, as data: METRIC(id, kind, name, labels, help). Add a line to add a metric; rows that share a
 * name stand together and share kind and help. labels is the text between the braces, or "". Kinds:
 *
 *   COUNTER    grows only; exposed as the sum over processes
 *   GAUGE      a level; exposed as the sum over processes
 *   GAUGE_MAX  a level that every process sees alike (a head, a height); exposed as the largest
 *   HISTOGRAM  a duration in microseconds, exposed in seconds over the fixed buckets of metrics.h
 *
 * No pragma once: metrics.h and metrics.c include this with their own METRIC.
 */
METRIC(HTTP_CONNECTIONS, GAUGE, "kedge_http_connections", "", "Open connections")
METRIC(HTTP_IN_FLIGHT, GAUGE, "kedge_http_requests_in_flight", "", "Requests a handler has not answered yet")
METRIC(HTTP_2XX, COUNTER, "kedge_http_requests_total", "code=\"2xx\"", "Answers by status class")
METRIC(HTTP_3XX, COUNTER, "kedge_http_requests_total", "code=\"3xx\"", "Answers by status class")
METRIC(HTTP_4XX, COUNTER, "kedge_http_requests_total", "code=\"4xx\"", "Answers by status class")
METRIC(HTTP_5XX, COUNTER, "kedge_http_requests_total", "code=\"5xx\"", "Answers by status class")
METRIC(HTTP_REFUSED, COUNTER, "kedge_http_refused_total", "", "Requests the header policy refused")
METRIC(HTTP_DEADLINE, COUNTER, "kedge_http_deadline_total", "", "Requests answered 503 at their deadline")
METRIC(HTTP_SECONDS, HISTOGRAM, "kedge_http_request_seconds", "", "From the full request to its answer")
METRIC(STREAMS, GAUGE, "kedge_streams", "", "Open event streams")
METRIC(STREAMS_REFUSED, COUNTER, "kedge_streams_refused_total", "", "Event streams refused because there were too many")
METRIC(STREAM_EVENTS, COUNTER, "kedge_stream_events_total", "", "Events given to subscribers, one for each of them")
METRIC(STREAMS_CUT, COUNTER, "kedge_streams_cut_total", "", "Event streams cut because the client took nothing")
METRIC(PG_CONNECTS, COUNTER, "kedge_pg_connects_total", "", "Connections to PostgreSQL made")
METRIC(PG_QUEUE, GAUGE, "kedge_pg_queue", "", "Statements waiting for PostgreSQL")
METRIC(RPC_CALLS, COUNTER, "kedge_rpc_calls_total", "", "JSON-RPC calls asked")
METRIC(RPC_ERRORS, COUNTER, "kedge_rpc_errors_total", "", "JSON-RPC batches that failed")
METRIC(AGENT_READS_INDEX, COUNTER, "kedge_agent_reads_total", "from=\"index\"", "Agents read for answers, by where")
METRIC(AGENT_READS_CHAIN, COUNTER, "kedge_agent_reads_total", "from=\"chain\"", "Agents read for answers, by where")
METRIC(RPC_FAILOVERS, COUNTER, "kedge_rpc_failovers_total", "", "JSON-RPC batches sent again to another provider")
METRIC(RPC_LIMITED, COUNTER, "kedge_rpc_limited_total", "", "JSON-RPC requests refused for their rate")
METRIC(RPC_PROVIDER_REQUESTS_0, COUNTER, "kedge_rpc_provider_requests_total", "place=\"0\"",
       "Requests to a provider, by its place in the list of its chain")
METRIC(RPC_PROVIDER_REQUESTS_1, COUNTER, "kedge_rpc_provider_requests_total", "place=\"1\"",
       "Requests to a provider, by its place in the list of its chain")
METRIC(RPC_PROVIDER_REQUESTS_2, COUNTER, "kedge_rpc_provider_requests_total", "place=\"2\"",
       "Requests to a provider, by its place in the list of its chain")
METRIC(RPC_PROVIDER_REQUESTS_3, COUNTER, "kedge_rpc_provider_requests_total", "place=\"3\"",
       "Requests to a provider, by its place in the list of its chain")
METRIC(RPC_PROVIDER_REQUESTS_4, COUNTER, "kedge_rpc_provider_requests_total", "place=\"4\"",
       "Requests to a provider, by its place in the list of its chain")
METRIC(RPC_PROVIDER_REQUESTS_5, COUNTER, "kedge_rpc_provider_requests_total", "place=\"5\"",
       "Requests to a provider, by its place in the list of its chain")
METRIC(RPC_PROVIDER_REQUESTS_6, COUNTER, "kedge_rpc_provider_requests_total", "place=\"6\"",
       "Requests to a provider, by its place in the list of its chain")
METRIC(RPC_PROVIDER_REQUESTS_7, COUNTER, "kedge_rpc_provider_requests_total", "place=\"7+\"",
       "Requests to a provider, by its place in the list of its chain")
METRIC(RPC_PROVIDER_FAILURES_0, COUNTER, "kedge_rpc_provider_failures_total", "place=\"0\"",
       "Of them failed: not reached, silent, refused, unreadable")
METRIC(RPC_PROVIDER_FAILURES_1, COUNTER, "kedge_rpc_provider_failures_total", "place=\"1\"",
       "Of them failed: not reached, silent, refused, unreadable")
METRIC(RPC_PROVIDER_FAILURES_2, COUNTER, "kedge_rpc_provider_failures_total", "place=\"2\"",
       "Of them failed: not reached, silent, refused, unreadable")
METRIC(RPC_PROVIDER_FAILURES_3, COUNTER, "kedge_rpc_provider_failures_total", "place=\"3\"",
       "Of them failed: not reached, silent, refused, unreadable")
METRIC(RPC_PROVIDER_FAILURES_4, COUNTER, "kedge_rpc_provider_failures_total", "place=\"4\"",
       "Of them failed: not reached, silent, refused, unreadable")
METRIC(RPC_PROVIDER_FAILURES_5, COUNTER, "kedge_rpc_provider_failures_total", "place=\"5\"",
       "Of them failed: not reached, silent, refused, unreadable")
METRIC(RPC_PROVIDER_FAILURES_6, COUNTER, "kedge_rpc_provider_failures_total", "place=\"6\"",
       "Of them failed: not reached, silent, refused, unreadable")
METRIC(RPC_PROVIDER_FAILURES_7, COUNTER, "kedge_rpc_provider_failures_total", "place=\"7+\"",
       "Of them failed: not reached, silent, refused, unreadable")
METRIC(RPC_PROVIDER_DISTRUSTS_0, COUNTER, "kedge_rpc_provider_distrusts_total", "place=\"0\"",
       "Times a provider was set aside for an untruth or a wrong chain")
METRIC(RPC_PROVIDER_DISTRUSTS_1, COUNTER, "kedge_rpc_provider_distrusts_total", "place=\"1\"",
       "Times a provider was set aside for an untruth or a wrong chain")
METRIC(RPC_PROVIDER_DISTRUSTS_2, COUNTER, "kedge_rpc_provider_distrusts_total", "place=\"2\"",
       "Times a provider was set aside for an untruth or a wrong chain")
METRIC(RPC_PROVIDER_DISTRUSTS_3, COUNTER, "kedge_rpc_provider_distrusts_total", "place=\"3\"",
       "Times a provider was set aside for an untruth or a wrong chain")
METRIC(RPC_PROVIDER_DISTRUSTS_4, COUNTER, "kedge_rpc_provider_distrusts_total", "place=\"4\"",
       "Times a provider was set aside for an untruth or a wrong chain")
METRIC(RPC_PROVIDER_DISTRUSTS_5, COUNTER, "kedge_rpc_provider_distrusts_total", "place=\"5\"",
       "Times a provider was set aside for an untruth or a wrong chain")
METRIC(RPC_PROVIDER_DISTRUSTS_6, COUNTER, "kedge_rpc_provider_distrusts_total", "place=\"6\"",
       "Times a provider was set aside for an untruth or a wrong chain")
METRIC(RPC_PROVIDER_DISTRUSTS_7, COUNTER, "kedge_rpc_provider_distrusts_total", "place=\"7+\"",
       "Times a provider was set aside for an untruth or a wrong chain")
METRIC(ATTESTATIONS_NEW, COUNTER, "kedge_attestations_total", "result=\"new\"", "Attestations by outcome")
METRIC(ATTESTATIONS_DUPLICATE, COUNTER, "kedge_attestations_total", "result=\"duplicate\"", "Attestations by outcome")
METRIC(ATTESTATIONS_REFUSED, COUNTER, "kedge_attestations_total", "result=\"refused\"", "Attestations by outcome")
METRIC(RECOVERS, COUNTER, "kedge_recovers_total", "", "Signers recovered from submitted signatures")
METRIC(APPEND_BATCH, COUNTER, "kedge_append_transactions_total", "", "Append transactions")
METRIC(APPEND_ENTRIES, COUNTER, "kedge_append_entries_total", "", "Entries appended")
METRIC(APPEND_SECONDS, HISTOGRAM, "kedge_append_seconds", "", "From an accepted attestation to its committed entry")
METRIC(APPEND_QUEUE, GAUGE, "kedge_append_queue", "", "Entries waiting for the next append transaction")
METRIC(LOG_SIZE, GAUGE_MAX, "kedge_log_size", "", "Entries in the log")
METRIC(LOG_PUBLISHED_SIZE, GAUGE_MAX, "kedge_log_published_size", "", "Size of the published checkpoint")
METRIC(LOG_ANCHORED_SIZE, GAUGE_MAX, "kedge_log_anchored_size", "", "Size the contract holds at the safe block")
METRIC(NOTARY_ENTRIES, COUNTER, "kedge_notary_entries_total", "", "Identity, feedback and void entries appended")
METRIC(PARTICIPANTS_CHANGED, COUNTER, "kedge_participant_changes_total", "result=\"done\"", "Changes of participants asked for")
METRIC(PARTICIPANTS_REFUSED, COUNTER, "kedge_participant_changes_total", "result=\"refused\"", "Changes of participants asked for")
METRIC(PARTICIPANTS_LAPSED, COUNTER, "kedge_participant_changes_total", "result=\"lapsed\"", "Changes of participants asked for")
METRIC(LINKS_CONFIRMED, COUNTER, "kedge_link_checks_total", "result=\"confirmed\"", "Claims of links by what came of asking")
METRIC(LINKS_DENIED, COUNTER, "kedge_link_checks_total", "result=\"denied\"", "Claims of links by what came of asking")
METRIC(LINKS_UNKNOWN, COUNTER, "kedge_link_checks_total", "result=\"unknown\"", "Claims of links by what came of asking")
METRIC(LINKS_BUSY, COUNTER, "kedge_link_checks_total", "result=\"busy\"", "Claims of links by what came of asking")
METRIC(SIGN_CHECKPOINTS, COUNTER, "kedge_signer_checkpoints_total", "", "Checkpoints signed")
METRIC(SIGN_REFUSED, COUNTER, "kedge_signer_refused_total", "", "Checkpoints the signer refused to sign")
METRIC(CHAIN_HEAD, GAUGE_MAX, "kedge_chain_head_block", "", "Latest block seen")
METRIC(CHAIN_FINALIZED, GAUGE_MAX, "kedge_chain_finalized_block", "", "Finalized block seen")
METRIC(INDEX_TIP, GAUGE_MAX, "kedge_index_tip_block", "", "Newest block the index of the default chain has taken in")
METRIC(INDEX_FINAL, GAUGE_MAX, "kedge_index_final_block", "", "Finalized block the index of the default chain has come to")
METRIC(INDEX_EVENTS, COUNTER, "kedge_index_events_total", "", "Registry events stored")
METRIC(INDEX_STATES, COUNTER, "kedge_index_states_total", "", "Agent states given to the store")
METRIC(INDEX_RANGES, COUNTER, "kedge_index_ranges_total", "result=\"taken\"", "Block ranges asked in the backfill")
METRIC(INDEX_REFUSALS, COUNTER, "kedge_index_ranges_total", "result=\"refused\"", "Block ranges asked in the backfill")
METRIC(INDEX_REORGS, COUNTER, "kedge_index_reorgs_total", "", "Reorganisations the index dropped blocks for")
METRIC(INDEX_DIFFERENCES, COUNTER, "kedge_index_differences_total", "", "States whose storage was not what the events said")
METRIC(INDEX_LIES, COUNTER, "kedge_index_untrue_answers_total", "", "Answers of providers that contradict themselves or a header")
METRIC(INDEX_PROOFS, COUNTER, "kedge_index_proofs_total", "", "Proofs of changed agents taken and stored")
METRIC(INDEX_ALARM, GAUGE, "kedge_index_alarm", "", "1 while a finalized block has changed its hash: nothing is indexed")
METRIC(INDEX_UNKNOWN, GAUGE, "kedge_index_unknown_layouts", "", "Registries whose implementation is not known here")
METRIC(FILE_LOOKS_OK, COUNTER, "kedge_file_looks_total", "result=\"ok\"", "Looks at agents' registration files")
METRIC(FILE_LOOKS_FAILED, COUNTER, "kedge_file_looks_total", "result=\"failed\"", "Looks at agents' registration files")
METRIC(FOREIGN_OK, COUNTER, "kedge_foreign_documents_total", "result=\"ok\"", "DID documents of other hosts, by how they were come by")
METRIC(FOREIGN_FAILED, COUNTER, "kedge_foreign_documents_total", "result=\"failed\"", "DID documents of other hosts, by how they were come by")
METRIC(FOREIGN_REMEMBERED, COUNTER, "kedge_foreign_documents_total", "result=\"remembered\"",
       "DID documents of other hosts, by how they were come by")
METRIC(FOREIGN_BUSY, COUNTER, "kedge_foreign_documents_total", "result=\"busy\"", "DID documents of other hosts, by how they were come by")
METRIC(CHAIN_BACKWARDS, COUNTER, "kedge_chain_finalized_backwards_total", "", "Times a finalized block was contradicted")
METRIC(CHAIN_DISAGREED, COUNTER, "kedge_chain_quorum_disagreed_total", "",
       "Looks at which providers named different finalized blocks")
METRIC(ANCHOR_ATTEMPTS, COUNTER, "kedge_anchor_attempts_total", "", "Anchor transactions broadcast")
METRIC(ANCHOR_FAILURES, COUNTER, "kedge_anchor_failures_total", "", "Anchor attempts that failed or reverted")
METRIC(ANCHOR_LAST_SECONDS, GAUGE_MAX, "kedge_anchor_last_timestamp_seconds", "",
       "Unix time of the last confirmed anchor")
METRIC(PROCESS_RESTARTS, COUNTER, "kedge_process_restarts_total", "", "Children the supervisor started again")

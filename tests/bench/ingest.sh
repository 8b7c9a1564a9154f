#!/bin/bash
# Attestations per second over HTTP: each parsed, its signer recovered, checked against the chain, committed by PostgreSQL with
# fsync, covered by a signed checkpoint and answered with its receipt.
#   ingest.sh [SECONDS [AGENTS [ITEMS_A_SECOND]]]   defaults 60 128 6000; ITEMS_A_SECOND, and twice that for batches, is only how
#                                                   much is prepared and signed beforehand; running out of it is said
set -euo pipefail
. "$(dirname "$0")/stand.sh"
seconds=${1:-60} agents=${2:-128} rate=${3:-6000}

one_run()
{
  local connections=$1 batch=$2 rate=$3 recovers new
  stand_cpu "$state/before"
  recovers=$(stand_metric kedge_recovers_total) new=$(stand_metric 'kedge_attestations_total{result="new"}')
  "$build/tests/bench/bench_ingest" "$state/agents.txt" "$origin" "localhost:$port" "$chain" "$registry" "$port" \
    "$connections" "$batch" "$seconds" $((rate * seconds / batch * batch)) >"$state/result" 2>"$state/trouble" || {
    cat "$state/trouble" >&2
    exit 1
  }
  stand_cpu "$state/after"
  cat "$state/result"
  grep -v '^prepared' "$state/trouble" || true
  recovers=$(($(stand_metric kedge_recovers_total) - recovers))
  new=$(($(stand_metric 'kedge_attestations_total{result="new"}') - new))
  accepted=$(sed -n 's/.*accepted \([0-9]*\) .*/\1/p' "$state/result")
  echo "  signers recovered $recovers, entries new $new, accepted $accepted: $([ "$recovers" = "$accepted" ] && [ "$new" = "$accepted" ] && echo equal || echo DIFFERENT)"
  stand_cpu_diff "$state/before" "$state/after" "$accepted" item
  [ "$recovers" = "$accepted" ] && [ "$new" = "$accepted" ]
}

stand_build kedge bench_ingest
stand_up
stand_agents "$agents"
stand_settings
echo "single posts:"
one_run 64 1 "$rate"
echo "batches:"
one_run 16 128 $((2 * rate))
echo "load $(cut -d' ' -f1-3 /proc/loadavg); log size $(curl -s "http://localhost:$port/log/checkpoint" | sed -n 2p) published"

#!/bin/bash
# Fan-out of an event to many subscribers of one worker, and what they cost when nothing happens: the gateway's streams, libmicrohttpd alone with
# suspended connections, and a Node server, with the same load in the same run. Three turns each, in alternation.
#   streams.sh [SUBSCRIBERS [EVENTS]]    defaults 5000 30
set -euo pipefail
. "$(dirname "$0")/stand.sh"
subscribers=${1:-5000} events=${2:-30}

stand_build kedge bench_streams
bench=$build/tests/bench/bench_streams
state=$(mktemp -d /tmp/kedge-bench.XXXXXX)
trap stand_down EXIT
trap 'exit 130' INT TERM HUP
export KEDGE_STATE=$state
"$top/tests/pg/cluster.sh" start "$state/cluster" --like-production
owner=$("$top/tests/pg/cluster.sh" conninfo "$state/cluster" kedge_owner)
printf 'state = %s\ndatabase = %s\nowner_database = %s\n' "$state" "$owner" "$owner" >"$state/kedge.ini"
"$kedge" db migrate --create >/dev/null
stand_psql -c "UPDATE log_head SET size = 10000000" >/dev/null # so that every id has as many digits
stand_settings | grep -v '^postgresql'

# one_turn NAME CONNINFO COMMAND…
one_turn()
{
  local name=$1 conninfo=$2 pid
  shift 2
  rm -f "$state/port"
  "$@" >"$state/port" &
  pid=$!
  stand_pids+=("$pid")
  wait_for test -s "$state/port"
  "$bench" load "$name" "$(cat "$state/port")" "$pid" "$subscribers" "$events" ${conninfo:+"$conninfo"}
  kill "$pid"
  wait "$pid" 2>/dev/null || true
  unset 'stand_pids[-1]'
}

for turn in 1 2 3; do
  one_turn "kedge" "$owner" "$bench" kedge "$owner"
  one_turn "libmicrohttpd, suspended" "" "$bench" suspended
  one_turn "Node $(node --version)" "" node "$top/tests/bench/sse.mjs"
done
echo "load $(cut -d' ' -f1-3 /proc/loadavg)"

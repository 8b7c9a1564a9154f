#!/bin/bash
# The index's backfill of EVENTS registry events from a provider that is as fast as JSON can be had, against (1) the bare fetch of the
# same ranges with the same client and parallelism, and (2) ponder indexing the same events into the same PostgreSQL.
#   backfill.sh [--events N] [--blocks PER_EVENT] [--range MOST] [--latency MS] [--ponder FOLDER]
# --range: the provider refuses longer ranges, as Base's public endpoint does beyond 2,000 blocks; it answers after the latency.
# --ponder: a folder in which `npm install ponder@0.16.6 viem@2.45.1 hono typescript@5` was run; ponder is not among the project's packages.
# BENCH_BUILD names a build folder that is to be used as it is; otherwise the release preset is built.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/stand.sh"
events=50000 latency=0 blocks=2 range=100000 ponder=
while [ $# -gt 0 ]; do
  case $1 in
  --events) events=$2 ;;
  --latency) latency=$2 ;;
  --blocks) blocks=$2 ;;
  --range) range=$2 ;;
  --ponder) ponder=$(cd "$2" && pwd) ;;
  *) echo "usage: backfill.sh [--events N] [--blocks PER_EVENT] [--range MOST] [--latency MS] [--ponder FOLDER]" >&2; exit 2 ;;
  esac
  shift 2
done

stand_build kedge bench_backfill
"$top/tests/setup/npm.sh"
REGISTRY=0x8004a169fb4a3325136eb29fa0ceb6d2e539a432

begin()
{
  local i
  state=$(mktemp -d /tmp/kedge-bench.XXXXXX)
  trap stand_down EXIT
  trap 'exit 130' INT TERM HUP
  export KEDGE_STATE=$state
  mkdir -m 0700 "$state/run"
  "$top/tests/pg/cluster.sh" start "$state/cluster" --like-production
  node "$top/tests/bench/backfill_node.mjs" --events "$1" --blocks "$blocks" --range "$range" --latency "$latency" >"$state/node.out" 2>"$state/node.log" &
  stand_pids+=($!)
  for ((i = 0; i < 1800; i++)); do grep -qs http "$state/node.out" && break; sleep 0.1; done # it makes a chain first
  read -r url last bytes agents code <"$state/node.out"
  target=$((last - 1024))
}

serve()
{
  local role
  port=$(free_port) metrics_port=$(free_port)
  for role in log assertion; do "$kedge" keygen $role >/dev/null; done
  cat >"$state/kedge.ini" <<-INI
	state = $state
	public_url = http://localhost:$port
	listen = 127.0.0.1:$port
	metrics_listen = 127.0.0.1:$metrics_port
	database = $("$top/tests/pg/cluster.sh" conninfo "$state/cluster" kedge_app)
	owner_database = $("$top/tests/pg/cluster.sh" conninfo "$state/cluster" kedge_owner)
	rpc_url = $url
	chain_id = 31337
	registry_start = 1
	registry_code = $code
	multicall = 0xca11bde05977b3631167028862be2a173976ca11
	workers = 1
	head_age_s = 0
	INI
  "$kedge" db migrate --create >/dev/null
  "$kedge" serve >"$state/serve.log" 2>&1 &
  serve_pid=$!
  stand_pids+=("$serve_pid")
}

came_to()
{
  [ "$(stand_psql -c "SELECT final_number FROM chain_index WHERE final_number >= $target")" ]
}

# Milliseconds since 1970 of the first log line with that text.
at_line()
{
  date -d "$(grep -m 1 -F -- "$1" "$state/serve.log" | sed 's/^ts=\([^ ]*\) .*/\1/')" +%s%3N
}

one()
{
  local index_pid began fetched joined i bare
  begin "$1"
  serve
  index_pid=
  for ((i = 0; i < 6000; i++)); do
    [ -n "$index_pid" ] || index_pid=$(for p in $(pgrep -P "$serve_pid"); do grep -qx index "/proc/$p/comm" 2>/dev/null && echo "$p"; done) || true
    if came_to; then break; fi
    sleep 0.1
  done
  came_to || { tail -n 5 "$state/serve.log" >&2; return 1; }
  peak=$(awk '/^VmHWM/ {print $2}' "/proc/$index_pid/status")
  began=$(at_line 'msg="backfill begins"')
  fetched=$(at_line " percent=100 ")
  joined=$(at_line 'msg="agents compared with storage"')
  stored=$(stand_psql -F ' ' -c 'SELECT (SELECT count(*) FROM agent_event), (SELECT count(*) FROM agent_state), (SELECT count(*) FROM agent_now)')
  cpu=$(cpu_of index "$index_pid" | cut -d' ' -f2)
  pg_cpu=$(cpu_of pg "$(stand_psql -c "SELECT pid FROM pg_stat_activity WHERE application_name LIKE '%steward/index'")" | cut -d' ' -f2)
  kill -TERM "$serve_pid"
  wait "$serve_pid" || true
  curl -s "$url" | awk '$2 <= t' t="$target" >"$state/ranges"
  bare=
  for i in 1 2 3; do bare="$bare $("$build/tests/bench/bench_backfill" "$url" $REGISTRY <"$state/ranges")
"; done
  bare=$(printf '%s' "$bare" | sort -n | sed -n 2p)
  ms=$((fetched - began)) whole=$((joined - began))
  echo "$1 events ($((bytes / 1048576)) MiB of logs, $(wc -l <"$state/ranges") ranges over $target blocks, $agents agents; at most $range blocks a request, answered after $latency ms):"
  echo "    bare fetch of the same ranges     $(awk '{print $1}' <<<"$bare") ms, $(awk '{print $3}' <<<"$bare") logs (median of 3)"
  echo "    backfill, everything stored       $ms ms: $(awk -v a=$ms -v b="$(awk '{print $1}' <<<"$bare")" 'BEGIN {printf "%.2f", a / b}') times the bare fetch, $((1000 * $1 / ms)) events/s"
  echo "    and every agent's storage compared $whole ms"
  echo "    stored (events, states, agents)   $stored"
  echo "    CPU of the index process and of its PostgreSQL backend  $cpu ms, $pg_cpu ms"
  echo "    peak memory of the index process  $peak KiB"
}

ponder_app()
{
  mkdir -p "$state/ponder/src/api"
  ln -s "$ponder/node_modules" "$state/ponder/node_modules"
  cp "$ponder/package.json" "$state/ponder/"
  cp "$top"/tests/bench/ponder/*.ts "$state/ponder/"
  mv "$state/ponder/index.ts" "$state/ponder/src/"
  mv "$state/ponder/api.ts" "$state/ponder/src/api/index.ts"
}

against_ponder()
{
  local began ended i n
  local conninfo
  ponder_app
  conninfo=$("$top/tests/pg/cluster.sh" conninfo "$state/cluster" postgres) # host=FOLDER port=N user=U dbname=D
  conninfo=$(sed -E 's|host=([^ ]+) port=([^ ]+) user=([^ ]+) dbname=([^ ]+).*|postgresql://\3@localhost:\2/\4?host=\1|' <<<"$conninfo")
  began=$(date +%s%3N)
  (cd "$state/ponder" && exec env KEDGE_BENCH_URL="$url" KEDGE_BENCH_END="$target" KEDGE_BENCH_PG="$conninfo" PONDER_TELEMETRY_DISABLED=1 \
    node node_modules/ponder/dist/esm/bin/ponder.js start --schema bench --port "$(free_port)") >"$state/ponder.log" 2>&1 &
  stand_pids+=($!)
  for ((i = 0; i < 12000; i++)); do
    n=$(stand_psql -c 'SELECT count(*) FROM bench.event' 2>/dev/null || echo 0)
    [ "$n" -ge "$1" ] && break
    kill -0 "${stand_pids[-1]}" 2>/dev/null || { tail -n 20 "$state/ponder.log" >&2; return 1; }
    sleep 0.25
  done
  ended=$(date +%s%3N)
  echo "    ponder $(node -p "require('$ponder/node_modules/ponder/package.json').version"), the same events   $((ended - began)) ms ($n events): $(awk -v a=$((ended - began)) -v b=$whole 'BEGIN {printf "%.1f", a / b}') times the backfill with its comparison"
}

echo "machine: $(nproc) cores, $(awk -F': ' '/^model name/ {print $2; exit}' /proc/cpuinfo); load $(cut -d' ' -f1-3 /proc/loadavg)"
if [ "$events" -gt 10000 ]; then
  one 10000
  stand_down
fi
one "$events"
if [ -n "$ponder" ]; then against_ponder "$events"; fi

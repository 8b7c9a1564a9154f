# The stand of the benches, to be sourced: a release build, a private PostgreSQL, a local chain and `kedge serve` on free
# ports, all below one temporary folder. BENCH_BUILD names a build folder that is to be used as it is.
#
#   stand_build TARGET…     builds the release preset, unless BENCH_BUILD is set; sets $build and $kedge
#   stand_up                sets $state $port $metrics_port $origin $registry $chain; serving and ready when it returns;
#                           $stand_config is added to its kedge.ini
#   stand_agents N          registers N agents; their keys are in $state/agents.txt
#   stand_cpu FILE          writes "label CPU-milliseconds" of every process of the stand
#   stand_cpu_diff A B N    prints what each label used between two of those, a unit of N
#   stand_metric NAME       value of a metric, summed over its labels
#   stand_settings          machine and PostgreSQL, as they are
# Everything is stopped and removed when the shell exits.
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
state= port= metrics_port= origin= registry= chain=
stand_pids=()

stand_build()
{
  build=${BENCH_BUILD:-}
  if [ -z "$build" ]; then
    build=$top/build/release
    (cd "$top" && cmake --preset release >/dev/null && cmake --build "$build" --target "$@" >/dev/null)
  fi
  kedge=$build/kedge
}

stand_down()
{
  trap '' INT TERM HUP
  for ((i = ${#stand_pids[@]} - 1; i >= 0; i--)); do
    kill -TERM "${stand_pids[i]}" 2>/dev/null || true
    wait "${stand_pids[i]}" 2>/dev/null || true
  done
  stand_pids=()
  [ -n "$state" ] || return 0
  "$top/tests/pg/cluster.sh" drop "$state/cluster" 2>/dev/null || true
  rm -rf "$state"
  state=
}

free_port()
{
  node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })'
}

wait_for()
{
  local i
  for ((i = 0; i < 300; i++)); do
    if "$@" >/dev/null 2>&1; then return 0; fi
    sleep 0.1
  done
  echo "stand: gave up waiting for: $*" >&2
  tail -n 5 "$state"/*.log >&2
  return 1
}

address_of()
{
  "$kedge" keygen "$1" --show | awk '{print $2}'
}

stand_up()
{
  local role file
  state=$(mktemp -d /tmp/kedge-bench.XXXXXX)
  trap stand_down EXIT
  trap 'exit 130' INT TERM HUP
  export KEDGE_STATE=$state
  mkdir -m 0700 "$state/run"
  port=$(free_port) metrics_port=$(free_port) origin=localhost:$port/log
  for role in log assertion anchor relayer guardian; do "$kedge" keygen $role >/dev/null; done
  "$top/tests/pg/cluster.sh" start "$state/cluster" --like-production
  node "$top/tests/chain/chain.mjs" --dir "$state/run/chain" --origin "$origin" --signer "$(address_of anchor)" \
    --guardian "$(address_of guardian)" --fund "$(address_of relayer)" --port 0 >"$state/chain.log" 2>&1 &
  stand_pids+=($!)
  file=$state/run/chain/chain.json
  wait_for test -s "$file"
  registry=$(jq -r .registry "$file") chain=$(jq -r .chainId "$file")
  cat >"$state/kedge.ini" <<-INI
	state = $state
	public_url = http://localhost:$port
	listen = 127.0.0.1:$port
	metrics_listen = 127.0.0.1:$metrics_port
	database = $("$top/tests/pg/cluster.sh" conninfo "$state/cluster" kedge_app)
	owner_database = $("$top/tests/pg/cluster.sh" conninfo "$state/cluster" kedge_owner)
	rpc_url = $(jq -r .rpc "$file")
	chain_id = $chain
	anchor_contract = $(jq -r .anchor "$file")
	registry_start = 0
	registry_code = $(jq -r .registryCode "$file")
	multicall = $(jq -r .multicall "$file")
	reputation = $(jq -r .reputation "$file")
	open_quota = 1000000000
	head_age_s = 0
	${stand_config:-}
	INI
  "$kedge" db migrate --create >/dev/null
  "$kedge" serve >"$state/serve.log" 2>&1 &
  serve_pid=$!
  stand_pids+=("$serve_pid")
  wait_for curl -sf "http://localhost:$port/readyz"
}

stand_agents()
{
  node "$top/tests/bench/agents.mjs" "$state/run/chain/chain.json" "$1" >"$state/agents.txt"
  sleep 2 # the keeper's blocks make them safe, and the follower sees it
}

stand_psql()
{
  psql -XAtq "$("$top/tests/pg/cluster.sh" conninfo "$state/cluster" postgres)" "$@"
}

# utime + stime (and those of ended children for $3 = all), in milliseconds; stat's fields count from after the name.
cpu_of()
{
  local fields tick
  tick=$((1000 / $(getconf CLK_TCK)))
  fields=$(sed 's/.*) //' "/proc/$2/stat" 2>/dev/null) || return 0
  set -- "$1" "${3:-own}" $fields
  if [ "$2" = all ]; then
    echo "$1 $(((${14} + ${15} + ${16} + ${17}) * tick))"
  else
    echo "$1 $(((${14} + ${15}) * tick))"
  fi
}

stand_cpu()
{
  local pid name postmaster
  {
    for pid in $(pgrep -P "$serve_pid"); do
      name=$(cat "/proc/$pid/comm" 2>/dev/null) && cpu_of "kedge:$name" "$pid"
    done
    stand_psql -F ' ' -c "SELECT pid, replace(coalesce(nullif(application_name, ''), backend_type), ' ', '-') FROM pg_stat_activity
      WHERE pid <> pg_backend_pid()" |
      while read -r pid name; do cpu_of "postgres:$name" "$pid"; done
    postmaster=$(ps -o ppid= -p "$(stand_psql -c 'SELECT pg_backend_pid()' -c "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'" | tail -1)")
    cpu_of postgres:ended-children "${postmaster// /}" all
  } | awk '{sum[$1] += $2} END {for (label in sum) print label, sum[label]}' | sort >"$1"
}

stand_cpu_diff()
{
  join -a 2 -e 0 -o 0,1.2,2.2 "$1" "$2" | awk -v n="$3" -v unit="$4" '
    {used = $3 - $2; total += used; split($1, part, ":"); room[part[1]] += used}
    used > 0 && used * 1000 / n >= 0.5 {printf "    %-36s %9.2f s %9.1f us a %s\n", $1, used / 1000, used * 1000 / n, unit}
    END {for (r in room) printf "    all of %-29s %9.2f s %9.1f us a %s\n", r, room[r] / 1000, room[r] * 1000 / n, unit
         printf "    %-36s %9.2f s %9.1f us a %s\n", "everything", total / 1000, total * 1000 / n, unit}'
}

stand_metric()
{
  curl -s "http://localhost:$metrics_port/metrics" | awk -v name="$1" '$1 == name || index($1, name "{") == 1 {sum += $2} END {printf "%d\n", sum}'
}

stand_settings()
{
  echo "machine: $(nproc) cores, $(awk -F': ' '/^model name/ {print $2; exit}' /proc/cpuinfo), $(awk '/^MemTotal/ {printf "%.0f GiB", $2 / 1048576}' /proc/meminfo), Linux $(uname -r); load $(cut -d' ' -f1-3 /proc/loadavg)"
  echo "build: $("$kedge" --version 2>/dev/null | head -1), $(awk -F= '/^CMAKE_BUILD_TYPE|^KEDGE_HARDEN|^KEDGE_FAILPOINTS|^CMAKE_C_FLAGS_RELEASE:/ {sub(/:.*/, "", $1); printf "%s=%s ", $1, $2}' "$build/CMakeCache.txt")"
  stand_psql -F ' = ' -c "SELECT name, current_setting(name) FROM unnest(ARRAY['server_version', 'fsync', 'synchronous_commit',
    'full_page_writes', 'data_checksums', 'wal_compression', 'shared_buffers', 'max_wal_size']) name" | sed 's/^/postgresql: /'
}

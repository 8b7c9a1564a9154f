#!/bin/bash
# Reading DIDs: CPU a request of the answers kept ready, against the same bytes as files served by nginx and against a Node server
# around did-resolver; of those made anew from PostgreSQL; memory a connection that waits. One worker, wrk with one thread; CPU is
# the server's utime + stime over the requests it answered. Three turns each, in alternation; wall-clock rates are wrk's.
#   did.sh [SECONDS [CONNECTIONS [IDLE]]]    defaults 5 32 4000
set -euo pipefail
. "$(dirname "$0")/stand.sh"
seconds=${1:-5} connections=${2:-32} idle=${3:-4000}

server_cpu()
{
  cpu_of x "$1" | cut -d' ' -f2
}

postgres_cpu()
{
  stand_cpu "$state/cpu"
  awk '/^postgres:/ {sum += $2} END {print sum + 0}' "$state/cpu"
}

# one_turn LABEL URL PID [postgres [OPTIONS OF WRK…]]: with what PostgreSQL used
one_turn()
{
  local before after requests rate db=0
  [ $# -lt 4 ] || db=$(postgres_cpu)
  before=$(server_cpu "$3")
  wrk -t1 -c"$connections" -d"${seconds}s" --latency "${@:5}" "$2" >"$state/wrk"
  after=$(server_cpu "$3")
  [ $# -lt 4 ] || db=$(($(postgres_cpu) - db))
  requests=$(awk '/requests in/ {print $1}' "$state/wrk")
  rate=$(awk '/^Requests\/sec/ {print $2}' "$state/wrk")
  grep -q 'Non-2xx' "$state/wrk" && { cat "$state/wrk"; exit 1; }
  awk -v label="$1" -v ms=$((after - before)) -v n="$requests" -v rate="$rate" -v p99="$(awk '/99%/ {print $2}' "$state/wrk")" \
    -v db="$db" -v has="$#" 'BEGIN {printf "  %-42s %7.2f us CPU a request  (%8d requests, %9.0f/s, p99 %s", label, ms * 1000 / n, n, rate, p99
    if (has > 3) printf "; PostgreSQL %.0f us", db * 1000 / n; print ")"}'
}

# save PATH TYPE: the answer of the gateway as a file of nginx
save()
{
  mkdir -p "$state/www/$(dirname "$1")"
  curl -sf -H "Accept: $2" "http://localhost:$port/$1" >"$state/www/${1//%3A/:}"
}

start_nginx()
{
  nginx_port=$(free_port)
  mkdir -p "$state/nginx"
  chmod 0711 "$state" "$state/nginx"
  chmod -R a+rX "$state/www"
  cat >"$state/nginx.conf" <<-CONF
	daemon off;
	worker_processes 1;
	pid $state/nginx/pid;
	error_log $state/nginx/error.log;
	events { worker_connections 1024; }
	http {
	  access_log off;
	  default_type application/did+json;
	  open_file_cache max=100;
	  sendfile on;
	  tcp_nopush on;
	  keepalive_requests 100000000;
	  client_body_temp_path $state/nginx/a; proxy_temp_path $state/nginx/b; fastcgi_temp_path $state/nginx/c;
	  uwsgi_temp_path $state/nginx/d; scgi_temp_path $state/nginx/e;
	  server { listen 127.0.0.1:$nginx_port; root $state/www; add_header Access-Control-Allow-Origin *;
	    add_header Access-Control-Expose-Headers "ETag, Location, Retry-After";
	    add_header Cache-Control "public, max-age=2, must-revalidate"; add_header X-Content-Type-Options nosniff; add_header Vary Accept;
	    location /1.0/ { default_type application/did-resolution; } }
	}
	CONF
  nginx -c "$state/nginx.conf" -p "$state/nginx" 2>"$state/nginx.log" &
  stand_pids+=($!)
  nginx_master=$!
  wait_for curl -sf "http://127.0.0.1:$nginx_port/.well-known/did.json"
  nginx_pid=$(pgrep -P "$nginx_master" | head -1)
}

# start_peer cache|no-cache: sets $peer_port and $peer_pid
start_peer()
{
  peer_port=$(free_port)
  node "$top/tests/bench/did_peer.mjs" "$peer_port" "http://127.0.0.1:$nginx_port" "$1" >"$state/peer.log" 2>&1 &
  peer_pid=$!
  stand_pids+=("$peer_pid")
  wait_for curl -sf "http://127.0.0.1:$peer_port/1.0/identifiers/$did"
}

resident()
{
  awk '/^VmRSS/ {print $2}' "/proc/$1/status"
}

# Before and after: connections that asked for something and wait for the next.
idle_memory()
{
  local before after keep
  ulimit -n "$(ulimit -Hn)" # each end of each is a descriptor
  before=$(resident "$worker_pid")
  mkfifo "$state/keep"
  node "$top/tests/bench/idle.mjs" "http://localhost:$port/agent/$chain/1/did.json" "$idle" <"$state/keep" >"$state/idle.log" 2>&1 &
  exec {keep}>"$state/keep"
  wait_for grep -q open "$state/idle.log"
  after=$(resident "$worker_pid")
  echo "$idle connections that wait: the worker grew from $before to $after KiB, $(awk -v d=$((after - before)) -v n="$idle" \
    'BEGIN {printf "%.1f", d / n}') KiB each ($(stand_metric kedge_http_connections) open)"
  exec {keep}>&-
  wait $!
}

"$top/tests/setup/npm.sh" tests/bench/npm
stand_config="workers = 1"
stand_build kedge
stand_up
stand_agents 1000
stand_settings | grep -v '^postgresql'
did=did:web:localhost%3A$port:agent:$chain:1
resolver=1.0/identifiers/$did
for path in .well-known/did.json "agent/$chain/1/did.json"; do save "$path" application/did+json; done
save "$resolver" application/did-resolution
version=$(jq -r .didDocumentMetadata.versionId "$state/www/${resolver//%3A/:}")
start_nginx
worker_pid=$(for pid in $(pgrep -P "$serve_pid"); do [ "$(cat "/proc/$pid/comm")" = worker/0 ] && echo "$pid"; done)
idle_memory
for path in "agent/$chain/1/did.json" .well-known/did.json "$resolver"; do
  echo "/$path, $(stat -c %s "$state/www/${path//%3A/:}") bytes, $connections connections:"
  for turn in 1 2 3; do
    one_turn "kedge" "http://localhost:$port/$path" "$worker_pid"
    one_turn "nginx, the same bytes from a file" "http://127.0.0.1:$nginx_port/$path" "$nginx_pid"
  done
done
start_peer cache
cached_port=$peer_port cached_pid=$peer_pid
start_peer no-cache
echo "Made anew, and resolvers in Node, $connections connections:"
for turn in 1 2 3; do
  one_turn "kedge, kept" "http://localhost:$port/$resolver" "$worker_pid"
  one_turn "did-resolver, its cache" "http://127.0.0.1:$cached_port/$resolver" "$cached_pid"
  one_turn "did-resolver, fetching from nginx" "http://127.0.0.1:$peer_port/$resolver" "$peer_pid"
  one_turn "kedge, a version" "http://localhost:$port/$resolver?versionId=$version" "$worker_pid" postgres
  one_turn "kedge, the present with noCache" "http://localhost:$port/$resolver?noCache=true" "$worker_pid" postgres
  DID_PREFIX=${did%1} one_turn "kedge, a thousand agents, made and kept" "http://localhost:$port" "$worker_pid" postgres -s "$top/tests/bench/did_sweep.lua"
done
echo "load $(cut -d' ' -f1-3 /proc/loadavg)"

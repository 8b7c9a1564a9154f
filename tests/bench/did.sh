#!/bin/bash
# CPU a request of did.json, cached, against the same bytes as a file served by nginx in the same run: one worker, wrk with one
# thread, server's utime + stime over the requests it answered. Three turns each, in alternation; wall-clock rates are wrk's.
#   did.sh [SECONDS [CONNECTIONS]]    defaults 5 32
set -euo pipefail
. "$(dirname "$0")/stand.sh"
seconds=${1:-5} connections=${2:-32}

server_cpu()
{
  cpu_of x "$1" | cut -d' ' -f2
}

# one_turn LABEL URL PID
one_turn()
{
  local before after requests rate
  before=$(server_cpu "$3")
  wrk -t1 -c"$connections" -d"${seconds}s" --latency "$2" >"$state/wrk"
  after=$(server_cpu "$3")
  requests=$(awk '/requests in/ {print $1}' "$state/wrk")
  rate=$(awk '/^Requests\/sec/ {print $2}' "$state/wrk")
  grep -q 'Non-2xx' "$state/wrk" && { cat "$state/wrk"; exit 1; }
  awk -v label="$1" -v ms=$((after - before)) -v n="$requests" -v rate="$rate" -v p99="$(awk '/99%/ {print $2}' "$state/wrk")" \
    'BEGIN {printf "  %-42s %7.2f us CPU a request  (%8d requests, %9.0f/s, p99 %s)\n", label, ms * 1000 / n, n, rate, p99}'
}

start_nginx()
{
  local host="localhost:$port" path
  mkdir -p "$state/www/.well-known" "$state/www/agent/$chain/1" "$state/nginx"
  for path in .well-known "agent/$chain/1"; do
    curl -sf "http://$host/$path/did.json" >"$state/www/$path/did.json"
  done
  nginx_port=$(free_port)
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
	    add_header Cache-Control "public, max-age=2, must-revalidate"; add_header X-Content-Type-Options nosniff; add_header Vary Accept; }
	}
	CONF
  nginx -c "$state/nginx.conf" -p "$state/nginx" 2>"$state/nginx.log" &
  stand_pids+=($!)
  nginx_master=$!
  wait_for curl -sf "http://127.0.0.1:$nginx_port/.well-known/did.json"
  nginx_pid=$(pgrep -P "$nginx_master" | head -1)
}

stand_config="workers = 1"
stand_build kedge
stand_up
stand_agents 2
stand_settings | grep -v '^postgresql'
start_nginx
worker_pid=$(for pid in $(pgrep -P "$serve_pid"); do [ "$(cat "/proc/$pid/comm")" = worker/0 ] && echo "$pid"; done)
for path in "agent/$chain/1/did.json" .well-known/did.json; do
  echo "/$path, $(stat -c %s "$state/www/$path") bytes, $connections connections:"
  for turn in 1 2 3; do
    one_turn "kedge" "http://localhost:$port/$path" "$worker_pid"
    one_turn "nginx, the same bytes from a file" "http://127.0.0.1:$nginx_port/$path" "$nginx_pid"
  done
done
echo "load $(cut -d' ' -f1-3 /proc/loadavg)"

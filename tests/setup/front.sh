#!/bin/bash
# Runs nginx as a TLS front with packaging/nginx.conf, for ./up --tls and the tests: front.sh DIR PORT UPSTREAM
#   DIR       its folder: certificate and key (made if they are not there), settings, log
#   PORT      of localhost, IPv4 and, where there is one, IPv6
#   UPSTREAM  ADDRESS:PORT of kedge
# In the foreground, until SIGTERM. Clients have to trust DIR/cert.pem.
set -euo pipefail
dir=$(realpath "$1") port=$2 upstream=$3
site=$(dirname "$0")/../../packaging/nginx.conf
nginx=$(PATH=$PATH:/usr/sbin command -v nginx)

if [ ! -s "$dir/cert.pem" ] || ! openssl x509 -in "$dir/cert.pem" -noout -checkend 86400 >/dev/null; then
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -sha256 -days 90 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost -keyout "$dir/key.pem.new" -out "$dir/cert.pem.new" 2>/dev/null
  chmod 0600 "$dir/key.pem.new"
  mv "$dir/key.pem.new" "$dir/key.pem"
  mv "$dir/cert.pem.new" "$dir/cert.pem"
fi

# The lines of the shipped file that name a place, and only those.
v6="s/listen \[::\]:443 /listen [::1]:$port /"
grep -qs '^00000000000000000000000000000001 ' /proc/net/if_inet6 || v6='/listen \[::\]:443 /d'
sed -e "s|server 127.0.0.1:8004;|server $upstream;|" -e "s/listen 443 /listen 127.0.0.1:$port /" -e "$v6" \
  -e 's/server_name kedge.example;/server_name localhost;/' \
  -e "s|ssl_certificate /.*;|ssl_certificate $dir/cert.pem;|" -e "s|ssl_certificate_key /.*;|ssl_certificate_key $dir/key.pem;|" \
  "$site" >"$dir/kedge.conf"

# What a system's nginx.conf says around it. Nothing is written to disk: the folder may be closed to nginx's workers.
cat >"$dir/nginx.conf" <<CONF
daemon off;
worker_processes 2;
pid $dir/nginx.pid;
error_log stderr warn;
events { worker_connections 4096; }
http {
  access_log off;
  client_body_temp_path $dir/body;
  proxy_temp_path $dir/proxy;
  fastcgi_temp_path $dir/fastcgi;
  uwsgi_temp_path $dir/uwsgi;
  scgi_temp_path $dir/scgi;
  client_body_buffer_size 5m;
  proxy_max_temp_file_size 0;
  include $dir/kedge.conf;
}
CONF
exec "$nginx" -e stderr -p "$dir" -c "$dir/nginx.conf"

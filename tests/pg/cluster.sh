#!/bin/bash
# A private PostgreSQL 15: own data directory, unix socket only, checksums on, never Debian's main cluster.
#
#   cluster.sh start DIR [--like-production]   make it if absent, start it if stopped; prints nothing
#   cluster.sh stop DIR                        stop it; what it holds stays
#   cluster.sh drop DIR                        stop it and remove what it holds
#   cluster.sh conninfo DIR [USER] [DBNAME]    libpq keywords; USER defaults to kedge_owner, DBNAME to kedge
#
# Roles: kedge_owner (may create databases; migrates), kedge_app (what serve runs as), postgres (superuser). The
# socket is open to whoever can reach its folder, which is 0700 of the user the cluster runs as: that user and root.
# Called by root the cluster runs as `postgres` (or `nobody`), otherwise as the caller. Where that user cannot reach
# DIR, or the socket path would be too long, the cluster lives under /tmp and DIR/place names the folder.
set -euo pipefail

bin=${KEDGE_PG_BIN:-/usr/lib/postgresql/15/bin}

die()
{
	echo "cluster.sh: $*" >&2
	exit 1
}

runner=$(id -un)
if [ "$(id -u)" = 0 ]; then
	for runner in postgres nobody; do
		id -u "$runner" >/dev/null 2>&1 && break
	done
fi

# As the runner, with nothing of the caller's PostgreSQL environment.
as()
{
	local clean=(env -i PATH=/usr/bin:/bin HOME=/ LC_ALL=C TZ=UTC)
	if [ "$(id -u)" = 0 ]; then
		(cd / && exec setpriv --reuid="$runner" --regid="$(id -g "$runner")" --clear-groups -- "${clean[@]}" "$@")
	else
		(cd / && exec "${clean[@]}" "$@")
	fi
}

# Sets $place to where the cluster of DIR really lives.
find_place()
{
	if [ -f "$dir/place" ]; then
		place=$(cat "$dir/place")
	else
		place=$dir
	fi
}

choose_place()
{
	mkdir -p -m 0700 "$dir"
	find_place
	if [ "$place" != "$dir" ] && [ ! -d "$place" ]; then
		rm -f "$dir/place"
		place=$dir
	fi
	if [ "$place" = "$dir" ] && [ ! -f "$dir/data/PG_VERSION" ]; then
		if [ "${#dir}" -gt 80 ] || ! as test -x "$(dirname "$dir")"; then
			place=$(mktemp -d /tmp/kedge-pg.XXXXXX)
			echo "$place" >"$dir/place"
		fi
	fi
	chmod 0700 "$place"
	[ "$(id -u)" != 0 ] || chown "$runner:" "$place"
}

settings()
{
	cat <<-CONF
		listen_addresses = ''
		port = 5432
		unix_socket_directories = '$place/s'
		unix_socket_permissions = 0700
		fsync = on
		synchronous_commit = on
		full_page_writes = on
		max_connections = 100
		password_encryption = 'scram-sha-256'
		log_destination = 'stderr'
		logging_collector = off
		log_line_prefix = '%m [%p] %q%u@%d '
		timezone = 'UTC'
		log_timezone = 'UTC'
		dynamic_shared_memory_type = posix
	CONF
	if [ "$like_production" = 1 ]; then
		cat <<-CONF
			shared_buffers = '2GB'
			max_wal_size = '8GB'
			min_wal_size = '1GB'
			checkpoint_timeout = '15min'
			wal_compression = lz4
		CONF
	else
		echo "shared_buffers = '128MB'"
	fi
}

create()
{
	rm -rf "$place/data.new"
	as "$bin/initdb" -D "$place/data.new" --data-checksums --username=postgres --auth-local=trust \
		--auth-host=reject --encoding=UTF8 --locale=C --no-sync >"$place/initdb.log" 2>&1 ||
		die "initdb failed: $(tail -n 3 "$place/initdb.log")"
	sync -f "$place/data.new"
	as mv "$place/data.new" "$place/data"
}

# Whether the process that postmaster.pid names is a living postmaster: not gone, not a zombie, not another program.
running()
{
	local pid
	pid=$(head -n 1 "$place/data/postmaster.pid" 2>/dev/null) && [ -n "$pid" ] || return 1
	[ "$(awk '/^State:/ {print $2}' "/proc/$pid/status" 2>/dev/null || true)" != Z ] &&
		[ "$(cat "/proc/$pid/comm" 2>/dev/null)" = postgres ]
}

# A pid file whose postmaster is dead is removed, once none of its children works in the data directory any more.
clear_stale()
{
	local try cwd
	[ -f "$place/data/postmaster.pid" ] || return 0
	for try in $(seq 100); do
		cwd=$(as sh -c 'readlink /proc/[0-9]*/cwd 2>/dev/null' | grep -cxF "$place/data" || true)
		[ "$cwd" = 0 ] && break
		sleep 0.1
	done
	[ "$cwd" = 0 ] || die "processes of a dead postmaster still work in $place/data"
	rm -f "$place/data/postmaster.pid" "$place/s/.s.PGSQL.5432" "$place/s/.s.PGSQL.5432.lock"
}

wait_until_it_answers()
{
	local try
	for try in $(seq 300); do
		answers && return 0
		sleep 0.1
	done
	die "PostgreSQL of $dir runs but does not answer"
}

answers()
{
	as "$bin/pg_isready" -q -h "$place/s" -p 5432
}

roles()
{
	as "$bin/psql" -X -q -h "$place/s" -U postgres -d postgres -v ON_ERROR_STOP=1 >/dev/null <<-'SQL'
		CREATE ROLE kedge_app LOGIN;
		CREATE ROLE kedge_owner LOGIN CREATEDB IN ROLE kedge_app;
		CREATE DATABASE kedge OWNER kedge_owner;
	SQL
}

start()
{
	choose_place
	exec 9>"$dir/lock"
	flock -w 60 9 || die "another start of $dir is under way"
	[ -f "$place/data/PG_VERSION" ] || create
	as mkdir -p -m 0700 "$place/s"
	if running; then
		wait_until_it_answers
		return
	fi
	clear_stale
	settings | as tee "$place/data/postgresql.auto.conf" >/dev/null
	# 9>&-: the server must not inherit the lock.
	as "$bin/pg_ctl" -D "$place/data" -l "$place/log" -w -t 30 start >/dev/null 2>&1 9>&- ||
		die "PostgreSQL does not start: $(tail -n 5 "$place/log" 2>/dev/null)"
	if [ "$(as "$bin/psql" -XAtq -h "$place/s" -U postgres -d postgres \
		-c "select count(*) from pg_database where datname = 'kedge'")" = 0 ]; then
		roles
	fi
}

stop()
{
	[ -d "$dir" ] || return 0
	find_place
	[ -f "$place/data/PG_VERSION" ] || return 0
	if running; then
		as "$bin/pg_ctl" -D "$place/data" -m fast -w -t 60 stop >/dev/null 2>&1 ||
			die "PostgreSQL of $dir does not stop"
	fi
}

drop()
{
	[ -d "$dir" ] || return 0
	stop
	[ -f "$place/data/PG_VERSION" ] || [ -f "$place/initdb.log" ] || return 0
	rm -rf "$place/data" "$place/data.new" "$place/s" "$place/log" "$place/initdb.log" "$dir/lock" "$dir/place"
	[ "$place" = "$dir" ] || rm -rf "$place"
	rmdir "$dir" 2>/dev/null || true
}

[ $# -ge 2 ] || die "usage: cluster.sh start|stop|drop|conninfo DIR ..."
verb=$1
dir=$(realpath -m -- "$2")
shift 2
like_production=0
umask 077
[ -x "$bin/postgres" ] || die "no PostgreSQL 15 in $bin"

case "$verb" in
start)
	[ "${1:-}" != --like-production ] || like_production=1
	start
	;;
stop)
	stop
	;;
drop)
	drop
	;;
conninfo)
	find_place
	[ -d "$place/s" ] || die "no cluster in $dir"
	echo "host=$place/s port=5432 user=${1:-kedge_owner} dbname=${2:-kedge}"
	;;
*)
	die "unknown verb $verb"
	;;
esac

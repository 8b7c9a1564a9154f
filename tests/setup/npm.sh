#!/bin/bash
# Installs the pinned JavaScript packages of a folder, if they are not there yet: tests/chain (local chain, compiler, clients)
# when none is named.
set -euo pipefail
cd "$(dirname "$0")/../../${1:-tests/chain}"
stamp=node_modules/.kedge-stamp
sum=$(sha256sum package-lock.json | cut -d' ' -f1)
[ "$(cat $stamp 2>/dev/null)" = "$sum" ] && exit 0
npm ci --ignore-scripts --no-audit --no-fund --loglevel=error </dev/null
echo "$sum" > $stamp

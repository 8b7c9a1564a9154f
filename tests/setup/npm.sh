#!/bin/bash
# Installs the pinned JavaScript packages of tests/chain (local chain, compiler, clients), if they are not there yet.
set -euo pipefail
cd "$(dirname "$0")/../chain"
stamp=node_modules/.kedge-stamp
sum=$(sha256sum package-lock.json | cut -d' ' -f1)
[ "$(cat $stamp 2>/dev/null)" = "$sum" ] && exit 0
npm ci --ignore-scripts --no-audit --no-fund --loglevel=error </dev/null
echo "$sum" > $stamp

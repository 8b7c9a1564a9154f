#!/bin/bash
# Resolving an agent as of a block, with a hundred rotations behind it, against ethr-did-resolver doing the same: see asof.mjs.
#   asof.sh [--rotations N] [--requests N] [--delay MS]
# BENCH_BUILD names a build folder that is to be used as it is; otherwise the release preset is built.
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=${BENCH_BUILD:-}
if [ -z "$build" ]; then
  build=$top/build/release
  (cd "$top" && cmake --preset release >/dev/null && cmake --build "$build" --target kedge >/dev/null)
fi
"$top/tests/setup/npm.sh"
"$top/tests/setup/npm.sh" tests/bench/npm
echo "machine: $(nproc) cores, $(awk -F': ' '/^model name/ {print $2; exit}' /proc/cpuinfo); load $(cut -d' ' -f1-3 /proc/loadavg)"
exec node "$top/tests/bench/asof.mjs" --kedge "$build/kedge" "$@"

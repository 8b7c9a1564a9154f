#!/bin/bash
# Static analysis of the rooms: clang-tidy and cppcheck on the compile commands of a build, gcc -fanalyzer by a build of its own.
#   static.sh [BUILD]     BUILD: a configured build directory (default build/dev)
set -uo pipefail
cd "$(dirname "$0")/../.."
top=$PWD
build=$(realpath -m "${1:-build/dev}")
work=$(mktemp -d /tmp/kedge-static.XXXXXX)
trap 'rm -rf "$work"' EXIT
jobs=$(nproc)
bad=0

[ -f "$build/compile_commands.json" ] || { echo "static.sh: no compile_commands.json in $build" >&2; exit 2; }
sources() { find eth did anchor sql gateway -name '*.c' | sort; }

if sources | xargs -P "$jobs" -n 4 clang-tidy -p "$build" --quiet >"$work/tidy" 2>"$work/tidy.err"; then
  echo "clang-tidy: $(sources | wc -l) files clean"
else
  grep -E 'warning:|error:' "$work/tidy" "$work/tidy.err" -h | sort -u | head -n 80
  echo "clang-tidy: $(grep -hE 'warning:|error:' "$work/tidy" | sort -u | wc -l) findings"
  bad=1
fi

# The rooms only: what a macro of cmocka looks like to cppcheck is not ours.
filters=()
for room in eth did anchor sql gateway; do filters+=("--file-filter=$top/$room/*"); done
mkdir "$work/cppcheck"
if cppcheck --project="$build/compile_commands.json" --cppcheck-build-dir="$work/cppcheck" "${filters[@]}" \
  --enable=warning,performance,portability --inline-suppr --std=c17 --error-exitcode=1 --suppress=missingIncludeSystem \
  --quiet -j "$jobs" 2>"$work/cppcheck.log"; then
  echo "cppcheck: clean"
else
  cat "$work/cppcheck.log"
  echo "cppcheck: findings"
  bad=1
fi

if cmake --preset analyze >/dev/null && cmake --build --preset analyze >"$work/analyze" 2>&1; then
  echo "gcc -fanalyzer: clean"
else
  grep -E 'error|warning' "$work/analyze" | sort -u | head -n 60
  echo "gcc -fanalyzer: findings"
  bad=1
fi

count=$(grep -rnE 'NOLINT|cppcheck-suppress|diagnostic ignored' eth did anchor sql gateway --include='*.[ch]' | wc -l)
echo "suppressions: $count (at most 10)"
[ "$count" -le 10 ] || bad=1
exit $bad

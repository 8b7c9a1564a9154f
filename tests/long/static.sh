#!/bin/bash
# Static analysis of the program's own sources: clang-tidy 14 (.clang-tidy says which checks), cppcheck 2.10, gcc -fanalyzer at
# -O0. Exits non-zero on any finding. Warnings of the compilers are errors in every build already.
#   static.sh [TOOL …]   tools: tidy cppcheck analyzer (default: all)
set -euo pipefail
cd "$(dirname "$0")/../.."
top=$PWD
jobs=$(nproc)
tidy_build=$top/build/tidy
failed=0

# Compile commands as clang takes them, and the generated source among them.
configure() {
  [ -z "${configured:-}" ] || return 0
  CC=clang cmake -S . -B "$tidy_build" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_EXPORT_COMPILE_COMMANDS=ON >/dev/null
  cmake --build "$tidy_build" --target kedge_sql kedge_web >/dev/null
  configured=1
}

tidy() {
  configure
  run-clang-tidy -j "$jobs" -quiet -p "$tidy_build" "^$top/(gateway|eth|did|anchor|sql)/.*\.c\$" 2>/dev/null |
    sed 's/\x1b\[[0-9;]*m//g' | grep -av '^clang-tidy' || [ "${PIPESTATUS[0]}" = 0 ]
}

# --include: cppcheck reads no system headers, and would not understand queue.h's macros without it.
check() {
  configure
  local filters=()
  for room in gateway eth did anchor sql; do filters+=("--file-filter=$top/$room/*"); done
  cppcheck --quiet -j "$jobs" --project="$tidy_build/compile_commands.json" --library=posix,gnu \
    --include="/usr/include/$(gcc -print-multiarch)/sys/queue.h" --enable=warning,performance,portability --inline-suppr \
    --error-exitcode=1 "${filters[@]}"
}

analyzer() {
  cmake --preset analyze >/dev/null
  cmake --build --preset analyze --target kedge -- -k 0 | { grep -E -A 2 'error:|FAILED' || true; }
  return "${PIPESTATUS[0]}"
}

[[ ${1:-} != */* ]] || shift # run.sh names its dev build; nothing of it is used here
if [ $# -eq 0 ]; then set -- tidy cppcheck analyzer; fi
for tool in "$@"; do
  start=$SECONDS
  case $tool in
    tidy) tidy && result=clean || result=FINDINGS ;;
    cppcheck) check && result=clean || result=FINDINGS ;;
    analyzer) analyzer && result=clean || result=FINDINGS ;;
    *) echo "static.sh: no tool $tool" >&2; exit 2 ;;
  esac
  [ $result = clean ] || failed=1
  echo "$tool: $result, $((SECONDS - start)) s"
done
exit $failed

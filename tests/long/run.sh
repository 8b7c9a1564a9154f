#!/bin/bash
# What `./check --long` runs after the dev build. Everything is tried, figures are printed, and any failure fails the whole.
#   run.sh [STEP …]     steps: tests voyages kills walk static fuzz (default: all)
#   FUZZ_SECONDS=1800   for each fuzz harness, two at a time; FUZZ_ONLY: an extended regular expression of their names
#   VOYAGES=20          half of them on one core
#   KILLS=10            random kills of each part, half as many while the chain moves; KILLS_SEED repeats how the chain moved meanwhile
#   WALK_OPS=1000       operations of the random walk; WALK_SEED repeats one
set -euo pipefail
cd "$(dirname "$0")/../.."
top=$PWD
work=$(mktemp -d /tmp/kedge-long.XXXXXX)
trap 'rm -rf "$work"' EXIT
dev=$top/build/dev
release=$top/build/release/kedge
failures=()
figures=()

say() { printf '\n== %s\n' "$*"; }
figure() { figures+=("$*"); printf '%s\n' "$*"; }
failed() { failures+=("$*"); printf 'FAILED: %s\n' "$*" >&2; }

# attempt NAME COMMAND…: its output is shown, its time kept, its failure remembered.
attempt() {
  local name=$1 start=$SECONDS
  shift
  if "$@"; then figure "$name: ok, $((SECONDS - start)) s"; else failed "$name"; fi
}

built() {
  cmake --preset "$1" >/dev/null && cmake --build --preset "$@" >"$work/build-$1.log" 2>&1 && return
  grep -E 'error|warning|FAILED' "$work/build-$1.log" | head -n 60 >&2
  return 1
}

tests() {
  say "every test"
  attempt "ctest" ctest --preset dev --output-on-failure --timeout 600
}

voyage() { node tests/e2e/voyage.mjs --kedge "$dev/kedge" --verify-with "$release" "$@"; }

voyages() {
  say "voyages"
  attempt "release build" built release --target kedge
  attempt "voyage, every byte of a receipt with three masks" voyage --bytes all
  local n count=${VOYAGES:-20} good=0 start=$SECONDS
  for ((n = 1; n <= count; n++)); do
    if ((n % 2)); then
      voyage --bytes few && good=$((good + 1)) || failed "voyage $n"
    else
      taskset -c 0 node tests/e2e/voyage.mjs --kedge "$dev/kedge" --verify-with "$release" --bytes few && good=$((good + 1)) ||
        failed "voyage $n, on one core"
    fi
  done
  figure "voyages in a row: $good of $count, every second on one core, $((SECONDS - start)) s"
}

kills() {
  say "kills"
  attempt "kill runs" node tests/long/kill.mjs --kedge "$dev/kedge" --rounds "${KILLS:-10}" ${KILLS_SEED:+--seed "$KILLS_SEED"}
}

walk() {
  say "walk and liars"
  attempt "walk of ${WALK_OPS:-1000} operations" node tests/e2e/walk.mjs --kedge "$dev/kedge" --ops "${WALK_OPS:-1000}" --pauses 6 \
    ${WALK_SEED:+--seed "$WALK_SEED"}
  attempt "providers that lie and fail" node tests/e2e/liar.mjs --kedge "$dev/kedge"
}

static() {
  say "static analysis"
  attempt "static analysis" tests/long/static.sh
}

fuzz_one() {
  local binary=$1 seconds=$2 place=$3 name
  name=$(basename "$binary")
  mkdir -p "$place/$name/new" "$place/$name/found"
  if "$binary" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$place/$name/found/" \
    "$place/$name/new" "tests/fuzz/corpus/${name#fuzz_}" >"$place/$name/log" 2>&1; then
    printf '%s: %s runs, %s new inputs\n' "$name" "$(sed -n 's/^stat::number_of_executed_units: *//p' "$place/$name/log")" \
      "$(find "$place/$name/new" -type f | wc -l)"
  else
    printf '%s: FOUND\n' "$name"
    grep -vE '^#[0-9]' "$place/$name/log" | tail -n 40
    for input in "$place/$name/found"/*; do [ ! -f "$input" ] || { echo "$input"; base64 -w 120 "$input" | head -n 40; }; done
    return 1
  fi
}
export -f fuzz_one

fuzz() {
  say "fuzzing, ${FUZZ_SECONDS:-1800} s each, two at a time"
  attempt "fuzz build" built fuzz
  find "$top/build/fuzz" -type f -name 'fuzz_*' -perm -u+x | grep -E "/fuzz_(${FUZZ_ONLY:-.*})\$" | sort >"$work/harnesses" || true
  if [ -s "$work/harnesses" ]; then
    attempt "fuzzing of $(wc -l <"$work/harnesses") harnesses" \
      xargs -P 2 -I {} bash -c 'fuzz_one "$@"' _ {} "${FUZZ_SECONDS:-1800}" "$work/fuzz" <"$work/harnesses"
  else
    failed "no fuzz harness was built"
  fi
}

if [ $# -eq 0 ]; then set -- tests voyages kills walk static fuzz; fi
for step in "$@"; do
  case $step in
    tests | voyages | kills | walk | static | fuzz) "$step" ;;
    *) echo "run.sh: no step $step" >&2; exit 2 ;;
  esac
done

say "figures"
printf '%s\n' "${figures[@]}"
if [ ${#failures[@]} -gt 0 ]; then
  say "failed"
  printf '%s\n' "${failures[@]}"
  exit 1
fi

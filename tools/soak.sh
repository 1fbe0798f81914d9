#!/usr/bin/env bash
# Looks for rare faults at length: each fuzzer for SECONDS (60), random SQL for ten times as long from a seed that is new
# each day, the SQL tests with more seeds, the C++ tests under the thread sanitizer, and the crash tests with
# PENSTOCK_SOAK=1, which makes them try more seeds. Ends with the line `N passed, N failed`.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$root" || exit 1
seconds=${1:-60}
passed=0
failed=0

tell() {
  local status=$? name=$1 log=$2
  if [ $status -eq 0 ]; then
    passed=$((passed + 1))
    echo "passed $name"
  else
    failed=$((failed + 1))
    echo "FAILED $name; the end of $log:"
    tail -n 60 "$log"
  fi
}

mkdir -p build/soak
if [ -n "$(find src -name '*_fuzz.cc' -print -quit)" ]; then
  ./dev build fuzz fuzzers || exit 1
  while read -r source; do
    name=$(basename "$source" .cc)
    found=build/soak/$name # what the fuzzer finds stays here; move what is worth it into fuzz/corpus/
    mkdir -p "$found" "fuzz/corpus/$name"
    "build/fuzz/$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=65536 \
      -artifact_prefix="$found/" "$found" "fuzz/corpus/$name" >"$found.log" 2>&1
    tell "$name" "$found.log"
  done < <(find src -name '*_fuzz.cc' | sort)
fi

./dev build quick sql_random_runner sql_test_runner || exit 1
build/quick/sql_random_runner --first "$(date +%Y%m%d)0000" --seconds $((seconds * 10)) >build/soak/random_sql.log 2>&1
tell 'random SQL' build/soak/random_sql.log
build/quick/sql_test_runner --seeds 20 >build/soak/sql.log 2>&1
tell 'SQL tests with more seeds' build/soak/sql.log

./dev build tsan || exit 1
TSAN_OPTIONS=${TSAN_OPTIONS:-second_deadlock_stack=1} python3 tools/run_cpp_tests.py build/tsan build/soak/tsan \
  >build/soak/tsan.log 2>&1
tell 'C++ tests under the thread sanitizer' build/soak/tsan.log

if [ -d tests/crash ]; then
  PENSTOCK_SOAK=1 ./dev test crash >build/soak/crash.log 2>&1
  tell 'crash tests' build/soak/crash.log
fi
echo "$passed passed, $failed failed"
[ $failed -eq 0 ] && [ $passed -gt 0 ]

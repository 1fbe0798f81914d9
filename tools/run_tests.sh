#!/usr/bin/env bash
# Runs the test runners, all or those named, and ends with the line `N passed, N failed`.
#
# A runner is a program in tools/runners/ that works from the root of the tree, may write into build/test/<name>/, and
# ends with the line `N passed, N failed[, N skipped]`; without that line it has failed. Every folder of tests/ with
# test_*.py files is a runner as well, run by pytest.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$root" || exit 1
export root

pytest_folders() { find tests -mindepth 2 -maxdepth 2 -name 'test_*.py' -printf '%h\n' | sort -u | sed 's,.*/,,'; }

# In the order that tells most soonest. What needs the build comes after it and is not run when it has failed.
before_build=(text layers format headers)
mapfile -t after_build < <(printf '%s\n' cpp sql; pytest_folders; printf '%s\n' console browser tidy)
runners=("${before_build[@]}" build "${after_build[@]}")
for runner in tools/runners/*; do
  [[ " ${runners[*]} pytest " == *" ${runner##*/} "* ]] || { echo "tools/run_tests.sh does not know $runner"; exit 1; }
done
if [ $# -gt 0 ]; then
  for name in "$@"; do
    [[ " ${runners[*]} " == *" $name "* ]] || { echo "no runner '$name'; there are ${runners[*]}"; exit 1; }
  done
  needs_build=$(printf '%s\n' "$@" | grep -vxE "$(IFS='|'; echo "${before_build[*]}|build|tidy|console")" || true)
  mapfile -t runners < <(printf '%s\n' ${needs_build:+build} "$@" | awk '!seen[$0]++')
fi

# run NAME: its output into build/test/NAME.log, "STATUS SECONDS" into build/test/NAME.ended.
run() {
  local name=$1 runner=tools/runners/$1 status started=$SECONDS
  [ -x "$runner" ] || runner=tools/runners/pytest
  rm -rf "build/test/$name"
  mkdir -p "build/test/$name"
  "$runner" "$name" >"build/test/$name.log" 2>&1 </dev/null
  status=$?
  echo "$status $((SECONDS - started))" >"build/test/$name.ended"
}

# report NAME: a line about a runner that has ended; counts its tests.
report() {
  local name=$1 log=build/test/$1.log status seconds runner_passed=0 runner_failed=1 skipped=0
  read -r status seconds <"build/test/$name.ended"
  if [[ $(tail -n 1 "$log") =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed(,\ ([0-9]+)\ skipped)?$ ]]; then
    runner_passed=${BASH_REMATCH[1]}
    runner_failed=${BASH_REMATCH[2]}
    skipped=${BASH_REMATCH[4]:-0}
    [ "$status" -eq 0 ] || [ "$runner_failed" -gt 0 ] || runner_failed=1
  fi
  printf '%-12s %8d %8d %8d %8d\n' "$name" "$runner_passed" "$runner_failed" "$skipped" "$seconds"
  if [ "$runner_failed" -gt 0 ]; then
    printf -- '---- the end of %s\n' "$log"
    tail -n 100 "$log"
    printf -- '----\n'
    [ "$name" != build ] || built=no
  fi
  passed=$((passed + runner_passed))
  failed=$((failed + runner_failed))
}

# What waits for nobody takes the processors' time that the others leave, of which real clients leave much.
beside=
start_beside() {
  [[ " ${runners[*]} " == *" tidy "* && ${#runners[@]} -gt 1 && -z $beside ]] || return
  set -m  # a process group of its own, to be stopped as one
  (renice -n 19 $BASHPID && run tidy) >/dev/null &
  set +m
  beside=$!
  trap 'kill -- -$beside 2>/dev/null' EXIT
  trap 'exit 130' INT TERM
}

passed=0
failed=0
built=yes
printf '%-12s %8s %8s %8s %8s\n' runner passed failed skipped seconds
for name in "${runners[@]}"; do
  if [ "$built" = no ] && [[ " ${before_build[*]} tidy console " != *" $name "* ]]; then
    mkdir -p build/test
    echo 'not run: the build failed' >"build/test/$name.log"
    echo '1 0' >"build/test/$name.ended"
  elif [ "$name" = tidy ] && [ -n "$beside" ]; then
    wait "$beside"
  else
    [[ " ${before_build[*]} build " == *" $name "* ]] || start_beside
    run "$name"
  fi
  report "$name"
done
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]

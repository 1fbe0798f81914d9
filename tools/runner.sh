# Sourced by the runners in tools/runners/: strict mode, the root of the tree, what installs, and what they share.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$root"
# shellcheck source=tools/install.sh
. tools/install.sh

export PENSTOCK_BIN=$root/build/asan/penstock
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_stack_use_after_return=1:strict_string_checks=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}

nothing_there() {
  echo "$1"
  echo '0 passed, 0 failed'
  exit 0
}

# Installs what a verb of ./dev needs and is not there yet; sourced by it. Quick when nothing is missing.
#
#   need_packages GROUP...   Debian packages by the groups of tools/packages.txt
#   need_node                node >= 18 and npm
#   need_java                a JDK and Maven
#   need_npm DIR             DIR/node_modules as DIR/package-lock.json says
#   need_venv NAME FILE      .cache/NAME as the requirements in FILE say
#   need_java_clients DIR    the Maven project in DIR compiled, and the jars it uses in DIR/target/classpath.txt

say() { printf '\033[2m%s\033[0m\n' "$*" >&2; }
die() { printf 'dev: %s\n' "$*" >&2; exit 1; }

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "needs root or sudo to run: $*"
  fi
}

need_packages() {
  local wanted missing=() package
  wanted=$(for group in "$@"; do awk -v group="$group" '$1 == group { print $2 }' "$root/tools/packages.txt"; done | sort -u)
  # shellcheck disable=SC2086  # a list of words
  local installed
  installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' $wanted 2>/dev/null | awk '$2 == "installed" { print $1 }' || true)
  for package in $wanted; do
    grep -qx -- "$package" <<<"$installed" || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  say "installing ${missing[*]}"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq update
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}" >&2 </dev/null
}

need_node() {
  local major
  major=$(node --version 2>/dev/null | sed 's/^v\([0-9]*\).*/\1/')
  if [ "${major:-0}" -lt 18 ] || ! command -v npm >/dev/null; then need_packages node; fi
}

need_java() {
  command -v javac >/dev/null || need_packages java
  command -v mvn >/dev/null || need_packages maven
}

# up_to_date STAMP FILE...: whether STAMP holds the hash of the files; `renew` writes it.
hash_of() { cat -- "$@" | sha256sum | cut -d ' ' -f 1; }
up_to_date() { [ -f "$1" ] && [ "$(cat "$1")" = "$(hash_of "${@:2}")" ]; }
renew() { hash_of "${@:2}" >"$1"; }

need_npm() {
  local dir=$1
  need_node
  up_to_date "$dir/node_modules/.stamp" "$dir/package-lock.json" && return
  say "npm packages of ${dir#"$root"/}"
  # Not `npm ci`: it insists on other platforms' optional packages, which a registry mirror need not have. This installs
  # the versions of the lock file all the same, and --no-save leaves that file alone.
  (cd "$dir" && npm install --no-save --no-audit --no-fund --loglevel=error) >&2 </dev/null
  renew "$dir/node_modules/.stamp" "$dir/package-lock.json"
}

need_venv() {
  local dir=$root/.cache/$1 requirements=$2
  need_packages clients
  up_to_date "$dir/.stamp" "$requirements" && return
  say "Python packages of ${requirements#"$root"/}"
  rm -rf "$dir"
  python3 -m venv "$dir"
  "$dir/bin/pip" install --quiet --disable-pip-version-check --requirement "$requirements" >&2 </dev/null
  renew "$dir/.stamp" "$requirements"
}

need_java_clients() {
  local dir=$1 sources
  need_java
  mapfile -t sources < <(find "$dir/pom.xml" "$dir/src" -type f | sort)
  up_to_date "$dir/target/.stamp" "${sources[@]}" && return
  say "compiling ${dir#"$root"/}"
  local goals=(test-compile dependency:build-classpath -Dmdep.outputFile="$dir/target/classpath.txt")
  (cd "$dir" && { mvn -q -B -o "${goals[@]}" >/dev/null 2>&1 || mvn -q -B "${goals[@]}"; }) >&2 </dev/null
  renew "$dir/target/.stamp" "${sources[@]}"
}

#!/bin/sh
# Builds the console into a temporary folder and compares it with the committed dist/.
# Exits non-zero when they differ; then run `npm run build` and commit the result.
set -eu
cd "$(dirname "$0")"
[ -d node_modules ] || npm ci --no-audit --no-fund --loglevel=error
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
npm run --silent build -- --outDir "$fresh" --logLevel error
diff -r "$fresh" dist
echo "dist is up to date"

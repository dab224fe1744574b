#!/bin/bash
# The shared library exports what the headers mark NOEX_API, nothing else, and the version script names the
# same. Usage: check_symbols.sh LIBRARY    SPDX-License-Identifier: Apache-2.0
set -euo pipefail
cd "$(dirname "$0")/.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# Declarations run over lines: joined up to the semicolon, the name is the word before the first '('.
cat include/noex/*.h | grep -v '^#' | tr '\n' ' ' | grep -oE 'NOEX_API [^;]*' |
    sed -E 's/^([^(]*[ *])?(noex_[a-z0-9_]+) *\(.*/\2/' | sort >"$scratch/declared"
nm -D --defined-only "$1" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort >"$scratch/exported"
grep -oE '\bnoex_[a-z0-9_]+;' scripts/cmake/noex.map | tr -d ';' | sort >"$scratch/mapped"

[ -s "$scratch/declared" ]
diff -u --label 'include/noex: NOEX_API' --label 'scripts/cmake/noex.map' "$scratch"/{declared,mapped}
diff -u --label 'include/noex: NOEX_API' --label "$1" "$scratch"/{declared,exported}
readelf -d "$1" | grep -q NODELETE # a lookup that hangs outlives its node
echo "$(wc -l <"$scratch/exported") symbols"

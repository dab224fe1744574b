#!/bin/bash
# Doxygen makes the manual from the headers without a warning: every declaration is documented.
# Usage: check_doc.sh [FOLDER], where the manual is kept (html/index.html). SPDX-License-Identifier: Apache-2.0
set -euo pipefail
cd "$(dirname "$0")/.."

command -v doxygen >/dev/null || {
    echo "skipped: doxygen is not installed" >&2
    exit 77
}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
NOEX_DOC_DIR=${1:-$scratch}
NOEX_VERSION=$(sed -nE 's/^project\(noex VERSION ([0-9.]+).*/\1/p' CMakeLists.txt)
export NOEX_DOC_DIR NOEX_VERSION
mkdir -p "$NOEX_DOC_DIR"
doxygen docs/Doxyfile

# A header whose first comment Doxygen does not take for the file's is left out without a warning.
missing=0
for word in $(grep -ohE '\bnoex_[a-z0-9_]+\(' include/noex/*.h | tr -d '(' | sort -u) \
    $(sed -nE 's/^ +X\((E[A-Z_]+), .*/NOEX_\1/p' include/noex/error.h); do
    grep -qrE --include='*_8h.html' "[>;]${word}[<&]" "$NOEX_DOC_DIR/html" ||
        { echo "the manual does not tell of $word"; missing=1; }
done
[ "$missing" = 0 ]

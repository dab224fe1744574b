#!/bin/bash
# Each public header compiles alone, twice included, as C11 and as C++17, and no struct in it has padding:
# what its size counts is fields. libuv's own, which noex/uv.h includes, wants POSIX declared.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
cd "$(dirname "$0")/.."

flags=(-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wundef -Wpadded -Werror -fsyntax-only -Iinclude)
count=0
for header in include/noex/*.h; do
    posix=()
    [ "$(basename "$header")" != uv.h ] || posix=(-D_POSIX_C_SOURCE=200809L)
    text=$(printf '#include <noex/%s>\n' "$(basename "$header")"{,})$'\nextern int not_empty;'
    "${CC:-cc}" -std=c11 "${flags[@]}" "${posix[@]}" -x c - <<<"$text"
    "${CXX:-c++}" -std=c++17 "${flags[@]}" "${posix[@]}" -x c++ - <<<"$text"
    count=$((count + 1))
done
echo "$count headers"
[ "$count" -gt 0 ]

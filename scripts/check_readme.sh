#!/bin/bash
# The C example of README.md is examples/monitor_one.c, and what README.md names of noexmon is what noexmon
# knows.
# Usage: check_readme.sh NOEXMON    SPDX-License-Identifier: Apache-2.0
set -euo pipefail
cd "$(dirname "$0")/.."

diff -u --label examples/monitor_one.c --label README.md examples/monitor_one.c \
    <(sed -n '/^```c$/,/^```$/{/^```/!p}' README.md)

missing=0
known=$({ "$1" --help && "$1" watch --help; } | grep -oE -e '--[a-z][a-z-]+|noexmon [a-z-]+  +' | sed 's/ *$//' |
    sort -u)
while read -r word; do
    grep -qF -e "\`$word" README.md || { echo "README.md does not tell of $word"; missing=1; }
done <<<"$known"
[ -n "$known" ] && [ "$missing" = 0 ]

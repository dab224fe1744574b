#!/bin/bash
# The C files are as clang-format 14 writes them by .clang-format; "check_format.sh fix" rewrites them. SPDX-License-Identifier: Apache-2.0
set -euo pipefail
cd "$(dirname "$0")/.."

tool=$(command -v clang-format-14 || command -v clang-format) || {
    echo "skipped: clang-format is not installed" >&2
    exit 77
}
case $("$tool" --version) in
*"version 14."*) ;;
*)
    echo "skipped: $tool is not version 14" >&2
    exit 77
    ;;
esac
mode=(--dry-run -Werror)
[ "${1:-}" = fix ] && mode=(-i)
find cnode epmd_client examples include interop tests -name '*.[ch]' -print0 | xargs -0 "$tool" "${mode[@]}"

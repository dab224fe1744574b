#!/bin/bash
# Installs the build into an empty folder, moves it elsewhere, and uses it there: programs, by CMake and by
# pkg-config, and noexmon, which has to find the library by itself. Usage: test_install.sh BUILD_DIR, with
# the environment of use_tree.sh. SPDX-License-Identifier: Apache-2.0
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

"$CMAKE" --install "$1" --prefix "$scratch/first" >"$scratch/install.log"
mv "$scratch/first" "$scratch/moved"
! grep -rIlF "$scratch/first" "$scratch/moved" || exit 1
ldd "$scratch/moved/bin/noexmon" | grep -F "libnoex.so.0 => $scratch/moved/"
"$here/use_tree.sh" "$scratch/moved"

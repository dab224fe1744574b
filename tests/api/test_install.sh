#!/bin/bash
# Installs the build into an empty folder and builds and runs consumer/ against it, with the shared and
# with the static library. Usage: test_install.sh CMAKE BUILD_DIR C_COMPILER GENERATOR
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cmake=$1 build=$2 compiler=$3 generator=$4
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

"$cmake" --install "$build" --prefix "$scratch/prefix" >"$scratch/install.log"
"$cmake" -S "$here/consumer" -B "$scratch/consumer" -G "$generator" \
    -DCMAKE_PREFIX_PATH="$scratch/prefix" -DCMAKE_C_COMPILER="$compiler"
"$cmake" --build "$scratch/consumer"
for program in consumer_shared consumer_static; do
    "$scratch/consumer/$program"
done
"$scratch/prefix/bin/noexmon" --version

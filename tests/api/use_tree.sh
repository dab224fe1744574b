#!/bin/bash
# Builds and runs consumer/ with the libnoex of an installed tree, as a CMake project and by pkg-config,
# and runs its noexmon. Usage: use_tree.sh PREFIX, with CMAKE, GENERATOR, CC, and the flags both sides
# need in CONSUMER_FLAGS. SPDX-License-Identifier: Apache-2.0
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
prefix=$(cd "$1" && pwd)
compiler=${CC##*/}
CXX=$(command -v "${CC%"$compiler"}$(sed -E 's/clang/clang++/;t;s/gcc/g++/;t;s/cc/c++/' <<<"$compiler")")
export CC CXX CFLAGS=$CONSUMER_FLAGS CXXFLAGS=$CONSUMER_FLAGS LDFLAGS=$CONSUMER_FLAGS
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# run FOLDER: its programs take the library of this tree, or none.
run() {
    local program
    for program in consumer_shared consumer_static consumer_cxx; do
        "$1/$program"
    done
    ldd "$1/consumer_shared" | grep -F "libnoex.so.0 => $prefix/"
    ldd "$1/consumer_cxx" | grep -F "libnoex.so.0 => $prefix/" >/dev/null
    [[ $(ldd "$1/consumer_static") != *libnoex* ]]
}

echo "== CMake"
"$CMAKE" -S "$here/consumer" -B "$scratch/cmake" -G "$GENERATOR" -DCMAKE_PREFIX_PATH="$prefix"
"$CMAKE" --build "$scratch/cmake"
run "$scratch/cmake"

echo "== pkg-config"
pc=$(find "$prefix" -name noex.pc)
libdir=$(cd "$(dirname "$pc")/.." && pwd)
export PKG_CONFIG_PATH=${pc%/*}
cp -r "$here/consumer" "$scratch/make"
make -C "$scratch/make"
export LD_LIBRARY_PATH=$libdir
run "$scratch/make"

echo "== noex/uv.h"
# shellcheck disable=SC2046,SC2086
"$CC" $CONSUMER_FLAGS -std=c11 -o "$scratch/uv_loop" "$here/../../examples/uv_loop.c" \
    $(pkg-config --cflags --libs noex libuv)
[[ $("$scratch/uv_loop" 2>&1) == usage:* ]]

echo "== noexmon"
version=$("$prefix/bin/noexmon" --version)
echo "$version"
[ "$version" = "noexmon $(pkg-config --modversion noex)" ]

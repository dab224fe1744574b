#!/bin/bash
# Builds the Debian packages, compares their contents and dependencies with what they should be, installs them
# into an empty tree, uses them there, and removes them again without a rest. No network; dpkg installs as root
# only, for others the packages are unpacked. Usage: test_package.sh BUILD_DIR, with the environment of
# use_tree.sh. SPDX-License-Identifier: Apache-2.0
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
for tool in dpkg dpkg-deb dpkg-shlibdeps file; do
    command -v "$tool" >/dev/null || { echo "skipped: $tool is not installed" >&2; exit 77; }
done
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
packages=(libnoex0 libnoex-dev noexmon)
umask 077 # must not show in the packages

cd "$here/../.."
mkdir -p "$1"
build=$(cd "$1" && pwd)
rm -f "$build"/*.deb
"$CMAKE" --preset package -B "$build" -DCMAKE_C_COMPILER="$CC" >"$scratch/log"
"$CMAKE" --build "$build" >>"$scratch/log"
"${CMAKE%cmake}cpack" --config "$build/CPackConfig.cmake" -B "$build"
version=$(sed -nE 's/^project\(noex VERSION ([0-9.]+).*/\1/p' CMakeLists.txt)
arch=$(dpkg --print-architecture)
lib=usr/lib/$(dpkg-architecture -q DEB_HOST_MULTIARCH)
deb() { echo "$build/$1_$version-1_$arch.deb"; }

echo "== Dependencies"
depends() { dpkg-deb -f "$(deb "$1")" Depends | sed 's/, /\n/g; s/ (>=[^)]*)//g' | LC_ALL=C sort | paste -sd, ; }
expect() { [ "$1" = "$2" ] || { printf 'expected %s\n     got %s\n' "$2" "$1"; exit 1; }; }
expect "$(depends libnoex0)" libc6,libssl3,libuv1
expect "$(depends libnoex-dev)" "libnoex0 (= $version-1),libssl-dev,libuv1-dev"
expect "$(depends noexmon)" "libc6,libjansson4,libnoex0 (= $version-1)"
expect "$(dpkg-deb -I "$(deb libnoex0)" shlibs)" "libnoex 0 libnoex0 (= $version-1)"
expect "$(dpkg-deb -I "$(deb libnoex0)" triggers)" "activate-noawait ldconfig"

echo "== Contents"
contents() {
    case $1 in
    libnoex0) printf '%s\n' "$lib/libnoex.so.0" "$lib/libnoex.so.$version" ;;
    libnoex-dev)
        printf 'usr/%s\n' include/noex/*.h share/man/man3/noex.3.gz
        printf "$lib/%s\n" libnoex.a libnoex.so pkgconfig/noex.pc cmake/noex/FindErlInterface.cmake
        printf "$lib/cmake/noex/noex%s.cmake\n" Config ConfigVersion {,Static}Targets{,-release}
        ;;
    noexmon)
        printf 'usr/%s\n' bin/noexmon share/man/man1/noexmon.1.gz \
            share/{bash-completion/completions/noexmon,zsh/vendor-completions/_noexmon}
        ;;
    esac
    printf "usr/share/doc/$1/%s\n" changelog.gz changelog.Debian.gz copyright
}
for package in "${packages[@]}"; do
    dpkg-deb -c "$(deb "$package")" | tee "$scratch/listing" | awk '!/^d/ { print substr($6, 3) }' |
        sort | diff -u --label "$package: expected" <(contents "$package" | sort) --label found -
    [ -s "$scratch/listing" ]
    ! grep -vE '^(drwxr-xr-x|-rw-r--r--|-rwxr-xr-x|lrwxrwxrwx) root/root ' "$scratch/listing" || exit 1
done

echo "== Installing"
tree=$scratch/tree
mkdir -p "$tree/var/lib/dpkg"/{info,updates,triggers}
: >"$tree/var/lib/dpkg/status"
dpkg_there() { dpkg --root="$tree" --force-depends --log="$scratch/dpkg.log" "$@"; }
debs=()
for package in "${packages[@]}"; do debs+=("$(deb "$package")"); done
if [ "$(id -u)" = 0 ]; then
    dpkg_there --install "${debs[@]}"
    dpkg_there --verify
else
    for deb in "${debs[@]}"; do dpkg-deb -x "$deb" "$tree"; done
fi
! readelf -d "$tree/usr/bin/noexmon" "$tree/$lib/libnoex.so.0" | grep -E 'R(UN)?PATH' || exit 1
"$here/use_tree.sh" "$tree/usr"

if [ "$(id -u)" = 0 ]; then
    echo "== Removing"
    dpkg_there --purge "${packages[@]}"
    expect "$(find "$tree" -path "$tree/var" -prune -o ! -type d -print)" ""
fi

# Shared by scripts/run, scripts/test and .ci/run; to be sourced by bash. SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034

build_packages=(build-essential cmake ninja-build pkg-config
    libssl-dev libuv1-dev libjansson-dev erlang-base erlang-dev)
test_packages=(libcmocka-dev python3 clang-format-14 openssl
    erlang-crypto erlang-ssl erlang-public-key erlang-asn1 erlang-runtime-tools elixir)
# Without these their tests are skipped by scripts/test.
ci_packages=(clang libclang-rt-14-dev valgrind libc6-dbg doxygen mandoc zsh file)

say() {
    printf '\n== %s\n' "$*"
}

die() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

installed() {
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# need PACKAGE...: installs the Debian packages of these that are not there.
need() {
    local package missing=() root=()
    command -v dpkg-query >/dev/null || die "this is no Debian; needed: the equivalents of $*"
    for package; do
        installed "$package" || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null ||
            die "not root and no sudo; as root: apt-get install --no-install-recommends ${missing[*]}"
        root=(sudo)
    fi
    say "Installing ${missing[*]}"
    local install=("${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y
        --no-install-recommends -o Dpkg::Use-Pty=0 install "${missing[@]}")
    # The lists may be missing, or older than what the mirror still has.
    if ! apt-cache show "${missing[@]}" >/dev/null 2>&1 || ! "${install[@]}"; then
        "${root[@]}" apt-get -q update
        "${install[@]}"
    fi
}

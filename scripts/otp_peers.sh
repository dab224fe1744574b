#!/bin/bash
# Brings other OTP releases beside the installed one, as peers for the interop tests: each is
# unpacked from the Debian suite that has it into build/otp/<release>/ ($NOEX_OTP_DIR/<release>/),
# nothing is installed. otp_exec.sh runs programs of such a tree.
# Usage: otp_peers.sh [27] [29]    Exit status: 0 done, 77 cannot be had here (why: on stderr).
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
trees=${NOEX_OTP_DIR:-$here/../build/otp}
declare -A suite_of=([27]=trixie [29]=forky)
packages=(base-files dash coreutils sed grep libc-bin erlang-base erlang-crypto erlang-ssl
    erlang-public-key erlang-asn1 erlang-inets erlang-runtime-tools erlang-tools
    erlang-syntax-tools erlang-mnesia erlang-eunit erlang-dev elixir)
layout=1 # raise when a tree made by an older version of this script must be made again

skip() {
    echo "skipped: $*" >&2
    exit 77
}

# "MIRROR KEYRING" of the running system's own suite; without a keyring apt's trusted keys count.
system_source() {
    local codename
    # shellcheck source=/dev/null
    codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    # shellcheck disable=SC2016 # the $(..) are apt's
    apt-get indextargets --format '$(RELEASE)|$(REPO_URI)|$(SIGNED_BY)' 'Created-By: Packages' |
        awk -F'|' -v codename="$codename" \
            '$1 == codename { sub(/\$\(SIGNED_BY\)/, "", $3); print $2, $3; exit }'
}

# download SUITE WORKDIR: the packages and all they depend on, signatures checked by apt.
download() {
    local suite=$1 work=$2 mirror keyring signed=
    read -r mirror keyring < <(system_source) || skip "apt knows no mirror of this system's suite"
    [ -n "$keyring" ] && signed="[signed-by=$keyring] "
    mkdir -p "$work"/{state/lists/partial,cache/archives/partial,parts}
    : >"$work/status"
    echo "deb $signed$mirror $suite main" >"$work/sources.list"
    local apt=(apt-get -qq -o APT::Sandbox::User=root -o APT::Install-Recommends=false
        -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts="$work/parts"
        -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts="$work/parts"
        -o Dir::State="$work/state" -o Dir::State::status="$work/status" -o Dir::Cache="$work/cache"
        -o Dir::Log="$work" -o Acquire::Retries=3 -o Acquire::http::Timeout=60)
    "${apt[@]}" update >&2 || skip "apt cannot fetch the package lists of $suite"
    "${apt[@]}" --download-only --yes install "${packages[@]}" >&2 ||
        skip "apt cannot fetch the packages of $suite"
}

# unpack WORKDIR TREE: no maintainer script is run, so the few files they would make are made here.
unpack() {
    local work=$1 tree=$2 deb
    mkdir -p "$tree"
    # base-files first: in newer suites it holds the links /bin, /lib and /sbin.
    for deb in "$work"/cache/archives/base-files_*.deb "$work"/cache/archives/*.deb; do
        dpkg-deb --fsys-tarfile "$deb" |
            tar -x -C "$tree" --keep-directory-symlink --exclude='./usr/share/doc' \
                --exclude='./usr/share/man' --exclude='./usr/share/locale'
    done
    mkdir -p "$tree"/{proc,dev,tmp,root,etc}
    [ -e "$tree/bin/sh" ] || ln -s dash "$tree/bin/sh"
    echo 'root:x:0:0:root:/root:/bin/sh' >"$tree/etc/passwd"
    echo 'hosts: files' >"$tree/etc/nsswitch.conf"
    cp /etc/hosts "$tree/etc/hosts"
}

# make RELEASE: builds beside and renames, so a tree that is there is whole.
make_tree() {
    local release=$1 tree=$trees/$1 work found
    if [ "$(cat "$tree/.noex-otp" 2>/dev/null)" = "layout $layout" ]; then
        echo "OTP $release: already in $tree"
        return
    fi
    work=$(mktemp -d "$trees/.make-$release-XXXXXX")
    trap 'rm -rf "$work"' EXIT
    download "${suite_of[$release]}" "$work"
    unpack "$work" "$work/tree"
    found=$("$here/otp_exec.sh" "$work/tree" erl -noinput -boot start_clean -eval \
        'io:put_chars(erlang:system_info(otp_release)), halt().') ||
        skip "OTP $release does not run here"
    [ "$found" = "$release" ] ||
        skip "suite ${suite_of[$release]} has OTP $found by now, not $release"
    echo "layout $layout" >"$work/tree/.noex-otp"
    rm -rf "$tree"
    mv "$work/tree" "$tree"
    rm -rf "$work"
    trap - EXIT
    echo "OTP $release: unpacked into $tree ($(du -sm "$tree" | cut -f1) MiB)"
}

[ $# -gt 0 ] || set -- 27 29
for release in "$@"; do
    [ -n "${suite_of[$release]:-}" ] || { echo "usage: otp_peers.sh [27] [29]" >&2; exit 2; }
done
[ "$(id -u)" = 0 ] || skip "only root may chroot"
for tool in apt-get dpkg-deb unshare chroot flock; do
    command -v "$tool" >/dev/null || skip "$tool is not installed"
done
unshare --mount true 2>/dev/null || skip "no mount namespaces here"
mkdir -p "$trees"
trees=$(cd "$trees" && pwd)
exec 9>"$trees/.lock"
flock 9
for release in "$@"; do
    make_tree "$release"
done

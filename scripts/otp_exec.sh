#!/bin/sh
# Runs a program of an OTP tree that otp_peers.sh made: otp_exec.sh TREE PROGRAM [ARG...]
# Everything is by exec, so the pid is the program's. The network, the pids and /tmp are the host's.
# SPDX-License-Identifier: Apache-2.0
[ $# -ge 2 ] || { echo "usage: otp_exec.sh TREE PROGRAM [ARG...]" >&2; exit 2; }
# shellcheck disable=SC2016 # $0 and $@ are the inner shell's
exec unshare --mount -- sh -c '
    mount --rbind /proc "$0/proc" && mount --rbind /dev "$0/dev" && mount --rbind /tmp "$0/tmp" &&
        exec chroot "$0" env PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"' "$@"

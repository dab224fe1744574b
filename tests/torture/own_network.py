"""A network of this process's own, whose only link can be cut. Linux.

SPDX-License-Identifier: Apache-2.0
"""

import ctypes
import fcntl
import os
import socket
import struct

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1


def set_link(up):
    """The loopback: as if the cable were out, what is on its way is sent again when it is back."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        request = fcntl.ioctl(s, SIOCGIFFLAGS, struct.pack("16sH14x", b"lo", 0))
        flags = struct.unpack_from("16xH", request)[0]
        fcntl.ioctl(s, SIOCSIFFLAGS,
                    struct.pack("16sH14x", b"lo", flags | IFF_UP if up else flags & ~IFF_UP))


def enter():
    """Before the first thread; True: from now on this process and its children are in one."""
    flags = CLONE_NEWNET if os.geteuid() == 0 else CLONE_NEWNET | CLONE_NEWUSER
    if ctypes.CDLL(None, use_errno=True).unshare(flags):
        return False
    set_link(True)
    return True

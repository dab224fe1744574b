"""A peer that need not behave: it registers at the test's epmd and accepts connections.

SPDX-License-Identifier: Apache-2.0

It can fall silent, send garbage or close at each step of the handshake, leave out flags, lie about
its name, answer any status; after the handshake it answers monitors as told and sends any bytes.
Protocol.md sections 1, 2, 4 to 6.
"""

import hashlib
import socket
import struct
import threading
import traceback

from harness import COOKIE, HOST

FLAGS = {
    "EXTENDED_REFERENCES": 0x4, "DIST_MONITOR": 0x8, "FUN_TAGS": 0x10, "DIST_MONITOR_NAME": 0x20,
    "NEW_FUN_TAGS": 0x80, "EXTENDED_PIDS_PORTS": 0x100, "EXPORT_PTR_TAG": 0x200,
    "BIT_BINARIES": 0x400, "NEW_FLOATS": 0x800,
    "UTF8_ATOMS": 0x10000, "MAP_TAG": 0x20000, "BIG_CREATION": 0x40000,
    "SEND_SENDER": 0x80000, "EXIT_PAYLOAD": 0x400000, "HANDSHAKE_23": 0x1000000,
    "UNLINK_ID": 0x2000000, "SPAWN": 1 << 32, "V4_NC": 1 << 34, "ALIAS": 1 << 35,
}
ALL_FLAGS = sum(FLAGS.values())
FRAGMENTS = 0x800000
NAME_ME = 1 << 33
STEPS = ("status", "challenge", "ack", "frames")
CREATION = 0x5EED


class Atom(str):
    """An atom; str is not used for anything else."""


class Raw(bytes):
    """A pid, port or reference, kept as its bytes so that it can be echoed."""


class Improper(tuple):
    """An improper list: its elements, the tail last."""


def encode(term):
    """The external form of a term, without the version byte."""
    if isinstance(term, Raw):
        return bytes(term)
    if isinstance(term, Atom):
        text = term.encode()
        return struct.pack(">BH", 118, len(text)) + text
    if isinstance(term, bytes):
        return struct.pack(">BI", 109, len(term)) + term
    if isinstance(term, int):
        return struct.pack(">Bi", 98, term)
    if isinstance(term, tuple):
        return struct.pack(">BI", 105, len(term)) + b"".join(map(encode, term))
    if isinstance(term, list):
        head = struct.pack(">BI", 108, len(term)) if term else b""
        return head + b"".join(map(encode, term)) + b"\x6a"
    raise TypeError(term)


def decode(data, at=0):
    """(term, end) of the term at `at`; only what control messages hold."""
    tag = data[at]
    if tag == 97:
        return data[at + 1], at + 2
    if tag == 98:
        return struct.unpack_from(">i", data, at + 1)[0], at + 5
    if tag in (119, 118):
        head = 2 if tag == 119 else 3
        size = int.from_bytes(data[at + 1:at + head], "big")
        return Atom(data[at + head:at + head + size].decode()), at + head + size
    if tag == 88:
        return _raw(data, at, decode(data, at + 1)[1] + 12)
    if tag == 90:
        words = struct.unpack_from(">H", data, at + 1)[0]
        return _raw(data, at, decode(data, at + 3)[1] + 4 + 4 * words)
    if tag == 106:
        return [], at + 1
    if tag == 109:
        size = struct.unpack_from(">I", data, at + 1)[0]
        return bytes(data[at + 5:at + 5 + size]), at + 5 + size
    if tag in (104, 105, 108):
        head = 2 if tag == 104 else 5
        count = int.from_bytes(data[at + 1:at + head], "big") + (tag == 108)
        items, at = [], at + head
        for _ in range(count):
            item, at = decode(data, at)
            items.append(item)
        if tag != 108:
            return tuple(items), at
        return (items[:-1] if items[-1] == [] else Improper(items)), at
    raise ValueError(f"tag {tag} at {at}")


def _raw(data, at, end):
    return Raw(data[at:end]), end


class Connection:
    """One accepted connection, after the handshake."""

    def __init__(self, peer, sock, name, flags):
        self.peer, self.sock, self.name, self.flags = peer, sock, name, flags
        self.fragments = bool(flags & peer.flags & FRAGMENTS)
        self.monitors = {}  # ref: (watcher, target as it was given)
        self.ticks = 0

    def send_bytes(self, data):
        self.sock.sendall(data)

    def send_frame(self, body):
        self.sock.sendall(struct.pack(">I", len(body)) + body)

    def send(self, control, payload=None):
        """A control message, in the form that was negotiated."""
        version = b"" if self.fragments else b"\x83"
        terms = [control] if payload is None else [control, payload]
        head = b"\x83D\0" if self.fragments else b"p"
        self.send_frame(head + b"".join(version + encode(t) for t in terms))

    def down(self, ref, reason):
        """Ends a monitor of the other side."""
        watcher, target = self.monitors.pop(ref)
        self.send((28, target, watcher, ref), reason)

    def serve(self):
        """Reads until the other side closes; monitors go to the peer's on_monitor."""
        while (head := _read(self.sock, 4)) is not None:
            size = struct.unpack(">I", head)[0]
            if size == 0:
                self.ticks += 1
                if self.peer.answers_ticks:
                    self.send_bytes(b"\0\0\0\0")
                continue
            body = _read(self.sock, size)
            if body is None:
                return
            control = decode(body, 3 if self.fragments else 2)[0]
            self.peer.controls.append(control)
            if control[0] == 19:
                self.monitors[control[3]] = (control[1], control[2])
                self.peer.on_monitor(self, control[2], control[3])
            elif control[0] == 20:
                self.monitors.pop(control[3], None)


def _read(sock, count):
    """Exactly so many bytes, or None at the end of the stream."""
    data = b""
    while len(data) < count:
        try:
            part = sock.recv(count - len(data))
        except OSError:
            return None
        if not part:
            return None
        data += part
    return data


class FakePeer:
    """See the file's head. Steps are those of STEPS: `silent_at` says nothing from there on,
    `close_at` closes there, `garbage_at` sends `garbage` instead and goes on reading. After the
    handshake each monitor calls on_monitor(connection, target, ref): by default, noproc unless the
    target is in `alive`."""

    def __init__(self, case, name="fake", cookie=COOKIE, flags=ALL_FLAGS, without=(), status=None,
                 says_name=None, silent_at=None, close_at=None, garbage_at=None, garbage=b"",
                 wrong_ack=False, alive=(), on_monitor=None, register=True):
        self.name = f"{name}@{HOST}"
        self.cookie = cookie
        self.flags = flags & ~sum(FLAGS[f] for f in without)
        self.status, self.says_name, self.wrong_ack = status, says_name or self.name, wrong_ack
        self.silent_at, self.close_at = silent_at, close_at
        self.garbage_at, self.garbage = garbage_at, garbage
        self.alive = {Atom(a) for a in alive}
        if on_monitor:
            self.on_monitor = on_monitor
        self.answers_ticks = True
        self.connections = []  # those that came through the handshake
        self.controls = []     # every control message received
        self.failures = []     # tracebacks of this peer's own threads
        self.replies = 0       # challenge replies with the right digest
        self._sockets = []
        self.listener = socket.create_server((HOST, 0))
        self.port = self.listener.getsockname()[1]
        case.addCleanup(self.close)
        self.epmd_socket = self._register(case.epmd.port, name) if register else None
        threading.Thread(target=self._accept, daemon=True).start()

    def on_monitor(self, connection, target, ref):
        if target not in self.alive:
            connection.down(ref, Atom("noproc"))

    def _register(self, epmd_port, alive_name):
        name = alive_name.encode()
        body = struct.pack(">BHBBHHH", 120, self.port, 77, 0, 6, 6, len(name)) + name + b"\0\0"
        sock = socket.create_connection((HOST, epmd_port))
        sock.sendall(struct.pack(">H", len(body)) + body)
        answer = _read(sock, 6)
        if answer is None or answer[:2] != b"v\0":
            raise AssertionError(f"epmd did not take {alive_name}: {answer}")
        return sock

    def close(self):
        for sock in [self.listener, self.epmd_socket, *self._sockets]:
            if sock:
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
                sock.close()

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self._sockets.append(sock)
            threading.Thread(target=self._run, args=(sock,), daemon=True).start()

    def _run(self, sock):
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = self._handshake(sock)
            if connection and self._step(sock, "frames"):
                self.connections.append(connection)
                connection.serve()
        except OSError:
            pass  # the other side closed
        except Exception:  # pylint: disable=broad-except
            self.failures.append(traceback.format_exc())
        sock.close()

    def _step(self, sock, name):
        """Misbehaves if told to at this step: then nothing more is said on this connection."""
        if name not in (self.silent_at, self.close_at, self.garbage_at):
            return True
        if name == self.garbage_at:
            sock.sendall(self.garbage)
        if name != self.close_at:
            while sock.recv(65536):
                pass
        return False

    def _message(self, sock):
        head = _read(sock, 2)
        return None if head is None else _read(sock, struct.unpack(">H", head)[0])

    def _say(self, sock, body):
        sock.sendall(struct.pack(">H", len(body)) + body)

    def _digest(self, challenge):
        return hashlib.md5(self.cookie.encode() + str(challenge).encode()).digest()

    def _handshake(self, sock):
        """The accepting side, protocol.md 2.2; a Connection, or None when it went no further."""
        hello = self._message(sock)
        if hello is None or hello[0] != 78:
            return None
        flags, _, size = struct.unpack_from(">QIH", hello, 1)
        name = hello[15:15 + size]
        if not self._step(sock, "status"):
            return None
        if self.status:
            self._say(sock, b"s" + self.status.encode())
            if self.status not in ("ok", "ok_simultaneous") and self._message(sock) != b"strue":
                return None
        elif flags & NAME_ME:
            name = b"F%dX@" % (len(self._sockets)) + name
            size = struct.pack(">H", len(name))
            self._say(sock, b"snamed:" + size + name + struct.pack(">I", CREATION))
        else:
            self._say(sock, b"sok")
        if not self._step(sock, "challenge"):
            return None
        said = self.says_name.encode()
        challenge = 0x01020304
        head = struct.pack(">BQIIH", 78, self.flags, challenge, CREATION, len(said))
        self._say(sock, head + said)
        reply = self._message(sock)
        if reply is None or reply[0] != 114 or reply[5:] != self._digest(challenge):
            return None
        self.replies += 1
        if not self._step(sock, "ack"):
            return None
        answer = self._digest(struct.unpack_from(">I", reply, 1)[0])
        self._say(sock, b"a" + (bytes(16) if self.wrong_ack else answer))
        return Connection(self, sock, name.decode(), flags)


def fake_epmd(case, answer):
    """A port where something accepts connections, reads, and answers each request with these bytes
    (None: with nothing, for ever)."""
    listener = socket.create_server((HOST, 0))
    case.addCleanup(listener.close)
    kept = []

    def run():
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            kept.append(sock)
            if answer is not None and sock.recv(65536):
                sock.sendall(answer)
                sock.close()

    threading.Thread(target=run, daemon=True).start()
    return listener.getsockname()[1]

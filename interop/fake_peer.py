"""A peer that need not behave: it registers at the test's epmd and accepts connections, or dials.

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

from harness import COOKIE, HOST, PATIENCE

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


def pid(node, number, serial=0, creation=CREATION):
    return Raw(b"X" + encode(Atom(node)) + struct.pack(">III", number, serial, creation))


def reference(node, *words, creation=CREATION):
    return Raw(struct.pack(">BH", 90, len(words)) + encode(Atom(node))
               + struct.pack(f">I{len(words)}I", creation, *words))


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
    """One connection after the handshake; `name`, `flags` and `creation` are the other side's."""

    def __init__(self, peer, sock, name, flags, creation=0):
        self.peer, self.sock, self.name, self.flags = peer, sock, name, flags
        self.creation = creation
        self.fragments = bool(flags & peer.flags & FRAGMENTS)
        self.monitors = {}  # ref: (watcher, target as it was given)
        self.ticks = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send_bytes(self, data):
        self.sock.sendall(data)

    def send_frame(self, body):
        self.sock.sendall(struct.pack(">I", len(body)) + body)

    def body(self, control, payload=None):
        """The frame of a control message, in the form that was negotiated, without its length."""
        version = b"" if self.fragments else b"\x83"
        terms = [control] if payload is None else [control, payload]
        head = b"\x83D\0" if self.fragments else b"p"
        return head + b"".join(version + encode(t) for t in terms)

    def send(self, control, payload=None):
        self.send_frame(self.body(control, payload))

    def down(self, ref, reason):
        """Ends a monitor of the other side."""
        watcher, target = self.monitors.pop(ref)
        self.send((28, target, watcher, ref), reason)

    def read(self):
        """(control, payload or None) of the next message, None at the end; ticks are answered."""
        while (head := _read(self.sock, 4)) is not None:
            size = struct.unpack(">I", head)[0]
            if size == 0:
                self.ticks += 1
                if self.peer.answers_ticks:
                    self.send_bytes(b"\0\0\0\0")
                continue
            body = _read(self.sock, size)
            if body is None:
                return None
            control, at = decode(body, 3 if self.fragments else 2)
            at += not self.fragments
            return control, decode(body, at)[0] if at < len(body) else None
        return None

    def serve(self):
        """Reads until the other side closes; monitors go to the peer's on_monitor."""
        while (message := self.read()) is not None:
            control = message[0]
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
        except socket.timeout:
            raise AssertionError("the other side says nothing, and does not close") from None
        except OSError:
            return None
        if not part:
            return None
        data += part
    return data


def _message(sock):
    """The next one of the handshake, or None."""
    head = _read(sock, 2)
    return None if head is None else _read(sock, struct.unpack(">H", head)[0])


def _say(sock, body):
    sock.sendall(struct.pack(">H", len(body)) + body)


def _digest(cookie, challenge):
    return hashlib.md5(cookie.encode() + str(challenge).encode()).digest()


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

    def _handshake(self, sock):
        """The accepting side, protocol.md 2.2; a Connection, or None when it went no further."""
        hello = _message(sock)
        if hello is None or hello[0] != 78:
            return None
        flags, _, size = struct.unpack_from(">QIH", hello, 1)
        name = hello[15:15 + size]
        if not self._step(sock, "status"):
            return None
        if self.status:
            _say(sock, b"s" + self.status.encode())
            if self.status not in ("ok", "ok_simultaneous") and _message(sock) != b"strue":
                return None
        elif flags & NAME_ME:
            name = b"F%dX@" % (len(self._sockets)) + name
            size = struct.pack(">H", len(name))
            _say(sock, b"snamed:" + size + name + struct.pack(">I", CREATION))
        else:
            _say(sock, b"sok")
        if not self._step(sock, "challenge"):
            return None
        said = self.says_name.encode()
        challenge = 0x01020304
        head = struct.pack(">BQIIH", 78, self.flags, challenge, CREATION, len(said))
        _say(sock, head + said)
        reply = _message(sock)
        if reply is None or reply[0] != 114 or reply[5:] != _digest(self.cookie, challenge):
            return None
        self.replies += 1
        if not self._step(sock, "ack"):
            return None
        answer = _digest(self.cookie, struct.unpack_from(">I", reply, 1)[0])
        _say(sock, b"a" + (bytes(16) if self.wrong_ack else answer))
        return Connection(self, sock, name.decode(), flags)


class Dialler:
    """The other role: connects to `node`, which epmd knows, as often as it is told to."""

    def __init__(self, case, node, name="probe", cookie=COOKIE, flags=ALL_FLAGS):
        self.case, self.node, self.cookie, self.flags = case, node, cookie, flags
        self.name = f"{name}@{HOST}"
        self.answers_ticks = True
        self.port = self._port_of(node)

    def _port_of(self, node):
        name = node.partition("@")[0].encode()
        with socket.create_connection((HOST, self.case.epmd.port)) as epmd:
            epmd.sendall(struct.pack(">HB", len(name) + 1, 122) + name)
            answer = _read(epmd, 4)
        return struct.unpack_from(">H", answer, 2)[0]

    def open(self):
        """A socket on which nothing was said yet."""
        sock = socket.create_connection((HOST, self.port), timeout=PATIENCE)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.case.addCleanup(sock.close)
        return sock

    def hello(self):
        name = self.name.encode()
        return struct.pack(">BQIH", 78, self.flags, CREATION, len(name)) + name

    def connect(self, alive=b"true", sock=None):
        """A Connection; None where the other side closed before the handshake was done. `alive`: the
        answer to that status; b"": none."""
        sock = sock or self.open()
        _say(sock, self.hello())
        status = _message(sock)
        if status == b"salive" and alive:
            _say(sock, b"s" + alive)
        challenge = _message(sock) if status in (b"sok", b"sok_simultaneous", b"salive") else None
        if challenge is None:
            return None
        flags, theirs, creation = struct.unpack_from(">QII", challenge, 1)
        _say(sock, b"r" + struct.pack(">I", 0x0A0B0C0D) + _digest(self.cookie, theirs))
        ack = _message(sock)
        if ack is None:
            return None
        if ack != b"a" + _digest(self.cookie, 0x0A0B0C0D):
            raise AssertionError(f"a wrong acknowledgement: {ack}")
        return Connection(self, sock, self.node, flags, creation)


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

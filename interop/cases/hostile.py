"""A peer that knows the cookie and means harm: it says every malformed thing to programs/citizen.c,
and floods it. The C node closes that connection and says why in its log, or skips what it may skip;
an Erlang node beside it is answered all the while; memory and descriptors come back; no sanitizer
has a word to say.

SPDX-License-Identifier: Apache-2.0
"""

import os
import random
import re
import socket
import struct
import time
import zlib
from pathlib import Path

from fake_peer import (ALL_FLAGS, FRAGMENTS, Atom, Dialler, Improper, Raw, encode, pid,
                       reference)
from harness import InteropCase, wait_until

# Freed memory that the sanitizer keeps would hide what the node keeps.
os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=4"

ATOM_CACHE = 0x2000
NOISE = random.Random(4).randbytes  # the same each time
ALTACT = 1 << 37
PROMPT_MS = 5000  # that the C node may work, sanitized, until it answers the bystander
GROWTH_KB = 96 * 1024
CUT = None  # as a cause: the end of a message is missing; whatever the log says is right

# Opcode: its elements, and whether a payload follows. F, T: pids of the sender, the receiver; G: a
# pid or a name; N a name; R a reference; I a link's id; L flags; M {M, F, Arity}; O options; S a
# pid or an atom; and _ whatever it is.
SHAPES = {
    1: ("FT", 0), 2: ("_T", 1), 3: ("FT_", 0), 4: ("FT", 0), 6: ("F_N", 1), 7: ("FT", 0),
    8: ("FT_", 0), 12: ("_T_", 1), 13: ("FT__", 0), 16: ("F_N_", 1), 18: ("FT__", 0),
    19: ("FGR", 0), 20: ("FGR", 0), 21: ("GTR_", 0), 22: ("FT", 1), 23: ("FT_", 1), 24: ("FT", 1),
    25: ("FT_", 1), 26: ("FT", 1), 27: ("FT_", 1), 28: ("GTR", 1), 29: ("RFFMO", 1),
    30: ("RFFMO_", 1), 31: ("RTLS", 0), 32: ("RTLS_", 0), 33: ("FR", 1), 34: ("FR_", 1),
    35: ("IFT", 0), 36: ("IFT", 0), 37: ("LFT", 1),
}
UNKNOWN = (0, 5, 9, 10, 11, 14, 15, 17, 38, 39, 99, 255, 256, 100000, -1)

# What may not stand for an element.
WRONG = {
    "F": (7, Atom("a"), []), "T": (7, Atom("a"), ()), "G": (7, [], reference("a@b", 1)),
    "N": (7, pid("a@b", 1), b"name"), "R": (7, Atom("a"), pid("a@b", 1)),
    "I": (0, -1, Atom("a"), Raw(b"n\x08\0" + bytes(8)), Raw(b"n\x09\0" + bytes(8) + b"\1")),
    "L": (-1, Atom("a"), []), "M": (7, (Atom("m"), Atom("f")), (Atom("m"), 1, 2)),
    "O": (7, Atom("link"), Improper((Atom("link"), 7))), "S": (7, [], ()), "_": (),
}


def little(*elements):
    """A small tuple, as every BEAM writes it."""
    return Raw(bytes((104, len(elements))) + b"".join(map(encode, elements)))


def deep(levels, closed=True):
    """Lists in lists."""
    return Raw(b"l\0\0\0\1" * levels + b"j" * (levels + 1) * closed)


# As the payload: none of them is a term that can be.
MALFORMED = {
    "a tuple of 2^32-1": b"i\xff\xff\xff\xff", "a list of 2^32-1": b"l\xff\xff\xff\xffj",
    "a map of 2^32-1": b"t\xff\xff\xff\xff", "a map of 2^31": b"t\x80\0\0\0a\1",
    "a binary of 4 GB": b"m\xff\xff\xff\xffx", "bits of 4 GB": b"M\xff\xff\xff\xff\1x",
    "9 bits in the last byte": b"M\0\0\0\1\x09x", "a string of 65535": b"k\xff\xffab",
    "an integer of 4 GB": b"o\xff\xff\xff\xff\0\1", "an atom of 65535": b"v\xff\xffa",
    "an atom of 256 characters": b"v\1\0" + b"a" * 256,
    "an atom of 256 in Latin-1": b"d\1\0" + b"\xe9" * 256,
    "an atom that is no UTF-8": b"w\2\xc3(", "a surrogate": b"w\3\xed\xa0\x80",
    "an overlong encoding": b"w\2\xc0\x80", "beyond Unicode": b"w\4\xf4\x90\x80\x80",
    "a reference of 6 words": bytes(reference("a@b", 1, 2, 3, 4, 5, 6)),
    "a reference of no words": bytes(reference("a@b")), "a pid of no node": b"Xa\1" + bytes(12),
    "a fun that is longer than it says": b"p\0\0\0\x04", "a fun of 4 GB": b"p\xff\xff\xff\xff\0",
    "compressed": b"P\0\0\0\2" + zlib.compress(b"a\1"),
    "compressed, 4 GB": b"P\xff\xff\xff\xff" + zlib.compress(bytes(100000)),
    "not a number": b"F\x7f\xf8\0\0\0\0\0\0", "a float that is no text": b"c" + b"x" * 31,
    "a local term": b"y\0\0\0\0\0\0\0\0a\1", "an entry of the cache": b"R\0", "no tag": b"\0",
    "tag 255": b"\xff", "a second version byte": b"\x83a\1",
    "a list without a tail": b"l\0\0\0\1a\1",
    "deep, and then no end": bytes(deep(1000, closed=False)),
}


class Hostile(InteropCase):
    def begin(self, *options, flags=ALL_FLAGS):
        """The C node, the Erlang node beside it, and the probe."""
        self.log = self.dir / "c.log"
        self.c = self.citizen(f"log={self.log}", *options)
        self.log_file, self.log_tail, self.lines = open(self.log, errors="replace"), "", []
        self.lines_seen, self.lost = 0, []
        self.addCleanup(self.log_file.close)
        self.a = self.erl()
        self.a.eval(f"noex_citizen:run(bystander, '{self.c.name}', [{self.c.pid}])")
        self.probe = Dialler(self, self.c.name, flags=flags)
        self.me = pid(self.probe.name, 77)
        self.refs = 0
        with self.connection() as c:
            self.creation = c.creation
            self.victim = self.spawn(c)
        self.descriptors_at_first = wait_until(self.descriptors_without_probe)
        self.closed = 0
        self.base_kb, self.began = self.peak_kb(), time.monotonic()

    def end(self):
        """What must hold whatever was said to it."""
        wait_until(lambda: self.descriptors() == self.descriptors_at_first,
                   what=f"descriptors: {self.descriptors()}, {self.descriptors_at_first} at first")
        saw = self.a.eval(f"noex_citizen:run(bystander_saw, '{self.c.name}')")
        rounds, worst = map(int, saw.split())
        print(f"{time.monotonic() - self.began:.1f} s, {self.closed} closed; the bystander asked "
              f"{rounds} times, at worst {worst} ms of work; memory {self.base_kb} -> "
              f"{self.peak_kb()} kB", flush=True)
        self.assertLess(worst, PROMPT_MS)
        self.assertLess(self.peak_kb() - self.base_kb, GROWTH_KB)
        self.c.stop()

    def peak_kb(self):
        status = Path(f"/proc/{self.c.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", status).group(1))

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.c.pid}/fd"))

    def descriptors_without_probe(self):
        return self.causes() and self.descriptors()

    # ---- the probe

    def connection(self, peer=None):
        connection = (peer or self.probe).connect()
        self.assertIsNotNone(connection, "the handshake")
        return connection

    def ref(self):
        self.refs += 1
        return reference(self.probe.name, self.refs, 0, 0)

    def lives(self, connection):
        """All before was handled, and the connection is open: a monitor of nobody is answered."""
        me, ref = pid(connection.peer.name, 77), reference(connection.peer.name, 0, self.refs)
        self.refs += 1
        connection.send((19, me, Atom("undefined"), ref))
        while (message := connection.read()) is not None:
            if message[0][0] == 28 and message[0][3] == ref:
                self.assertEqual((28, Atom("undefined"), me, ref), message[0])
                self.assertEqual(Atom("noproc"), message[1])
                return
        self.fail(f"closed: {self.log_lines()[-1]}")

    def ask(self, connection, process, command):
        """The answer of a process of the C node, {From, Ref, Command} -> {Ref, Result}."""
        ref = self.ref()
        to = (22, self.me, process) if isinstance(process, Raw) else (6, self.me, Atom(""), process)
        connection.send(to, (self.me, ref, command))
        while (message := connection.read()) is not None:
            if message[0][0] in (2, 22) and message[1][0] == ref:
                return message[1][1]
        return self.fail(f"closed: {self.log_lines()[-1]}")

    def spawn(self, connection):
        return self.ask(connection, Atom("citizen"), (Atom("spawn"), []))

    def log_lines(self):
        """All so far; a line that is being written is left for the next time."""
        news = self.log_tail + self.log_file.read()
        *lines, self.log_tail = news.split("\n")
        self.lines += lines
        return self.lines

    def causes(self):
        """Why the probe's connections were lost, in order."""
        lost = f"{self.probe.name}: connection lost: "
        for line in self.log_lines()[self.lines_seen:]:
            self.lines_seen += 1
            if lost in line:
                self.lost.append(line.partition(lost)[2])
        return self.lost

    def closes(self, what, data, cause=CUT, peer=None):
        """These bytes on a connection of their own end it, for this cause."""
        with self.subTest(what), self.connection(peer) as c:
            before = len(self.causes())
            try:
                c.send_bytes(data(c) if callable(data) else data)
            except (BrokenPipeError, ConnectionResetError):
                pass  # it was closed before all was said
            while c.read() is not None:
                continue
            found = wait_until(lambda: self.causes()[before:], what=f"a line in the log for {what}")
            self.assertNotIn("the peer closed", found[0])
            if cause:
                self.assertRegex(found[0], cause)
            self.closed += 1

    @staticmethod
    def frame(body):
        return struct.pack(">I", len(body)) + body

    def framed(self, control, payload=None):
        """The frame of this message, on whatever connection it will be."""
        return lambda c: self.frame(c.body(control, payload))

    def signals(self):
        """A valid message of each opcode, {opcode: (elements, payload)}."""
        standing = {"F": self.me, "T": self.victim, "G": self.victim, "N": Atom("citizen"),
                    "R": self.ref(), "I": 5, "L": 0, "M": (Atom("m"), Atom("f"), 0),
                    "O": [Atom("monitor")], "S": Atom("notsup"), "_": Atom("")}
        lists = {29: [], 30: []}
        return {op: ([standing[e] for e in elements], lists.get(op, Atom("x")) if payload else None)
                for op, (elements, payload) in SHAPES.items()}

    # ---- control messages

    def cut_everywhere(self, head, version):
        for op, (elements, payload) in self.signals().items():
            data = head + little(op, *elements)
            data += b"" if payload is None else version + encode(payload)
            for n in range(1, len(data)):
                self.closes(f"{op}, {n} of {len(data)} bytes", self.frame(data[:n]))

    def test_a_control_message_that_is_cut_anywhere(self):
        self.begin()
        self.cut_everywhere(b"p\x83", b"\x83")
        self.probe.flags |= FRAGMENTS
        self.cut_everywhere(b"\x83D\0", b"")
        self.end()

    def test_control_messages_of_a_wrong_form(self):
        self.begin()
        for what in (Atom("a"), 7, [], (), Raw(b"h\0"), (Atom("a"), 1), (Raw(b"F" + bytes(8)),),
                     (Raw(b"n\x08\0" + b"\1" * 8), 1)):
            self.closes(f"{what!r}", self.framed(what), "no tuple with an opcode|is no integer")
        for op, (elements, payload) in self.signals().items():
            say = lambda e, op=op, payload=payload: self.framed((op, *e), payload)
            self.closes(f"{op} without its last element", say(elements[:-1]), "a tuple of")
            self.closes(f"{op} and nothing else", say([]), "a tuple of")
            if op != 37:
                self.closes(f"{op} with one element more", say(elements + [7]), "a tuple of")
            for at, kind in enumerate(SHAPES[op][0]):
                for wrong in WRONG[kind]:
                    self.closes(f"{op}, element {at + 2} is {wrong!r}",
                                say([*elements[:at], wrong, *elements[at + 1:]]),
                                f"element {at + 2} is not|element {at + 2}: ")
            if payload is not None:
                self.closes(f"{op} without its payload", self.framed((op, *elements)),
                            "without its payload")
        alias, name = [12, self.me, self.victim], [2, self.me, self.victim]
        pid_for_name = (37, 8, self.me, self.victim)
        self.closes("37 to an alias and a name", self.framed((37, *alias), 7), "both an alias and")
        self.closes("37 without its token", self.framed((37, *name), 7), "a tuple of 4 .* of 5")
        self.closes("37 to a pid that was to be a name", self.framed(pid_for_name, 7), "element 4")
        self.closes("a reason that is nested too deep",
                    self.framed((3, self.me, self.victim, deep(100000))), "deep")
        with self.connection() as c:
            self.assertEqual(7, self.ask(c, self.victim, (Atom("echo"), 7)), "who was meant lives")
        self.end()

    def odd(self):
        """What is valid, and does nothing: (what it is, control message, payload)."""
        third, they = pid("third@127.0.0.1", 5), self.c.name
        old, dead = pid(they, 2, 0, self.creation + 1), pid(they, 4711, 0, self.creation)
        strange = reference("third@127.0.0.1", 1, 2, 3)
        for op in UNKNOWN:
            for elements in ([], [self.me, self.victim], [deep(100)] * 20):
                yield f"opcode {op}", (op, *elements), None
        for op, (elements, payload) in self.signals().items():
            for at, kind in enumerate(SHAPES[op][0]):
                others = {"F": (third, self.victim), "T": (third, self.me, old, dead),
                          "G": (third, old, dead, Atom("nobody")), "R": (strange,),
                          "N": (Atom("nobody"),)}
                if op in (2, 6, 12, 16, 22, 23, 33, 34) and kind == "F":
                    continue  # whoever it says it is from, a message is one
                if op in (3, 4, 13, 24, 25, 31, 32, 36, 7, 21, 28):
                    yield f"{op} as it is", (op, *elements), payload
                if op == 37 and kind == "F":
                    yield "37, an exit of a third", (37, 16, third, self.victim), payload
                    continue
                for other in others.get(kind, ()):
                    yield (f"{op}, element {at + 2} is {other!r}",
                           (op, *elements[:at], other, *elements[at + 1:]), payload)
        twice = self.ref()
        for _ in range(2):
            yield "a link", (1, self.me, self.victim), None
            yield "a monitor", (19, self.me, self.victim, twice), None
        yield "an ack with another id", (36, 2 ** 31 - 1, self.me, self.victim), None
        yield "an unlink of no link", (35, 9, pid(self.probe.name, 1234), self.victim), None
        yield "flags of many bits", (37, Raw(b"n\x10\0\x20" + b"\xff" * 15), third, self.victim), 7
        yield "37 with more elements", (37, 0, self.me, dead, *range(100)), 7
        function = (Atom("m"), Atom("f"), 0)
        yield "options that are none", (29, self.ref(), self.me, self.me, function, [7]), []
        yield "a request of a third", (29, strange, self.me, self.me, function, []), []
        yield "deep, for a process", (22, self.me, self.victim), deep(100000)
        yield "deep, for nobody", (22, self.me, dead), deep(100000)
        yield "deep tuples", (6, self.me, Atom(""), Atom("citizen")), Raw(b"h\1" * 100000 + b"j")
        yield "deep, without an end", (22, self.me, self.victim), deep(100000, closed=False)
        for message in (7, (), (Atom("$gen_call"),), (Atom("$gen_call"), 7, 7),
                        (Atom("$gen_call"), (third, Improper((Atom("alias"), strange))),
                         (Atom("is_auth"), 7)),
                        (Atom("$gen_call"), (self.me, Atom("tag")), (Atom("is_auth"),)),
                        (Atom("system"), 7, 7), (self.me, Atom("features_request")),
                        (Atom("$gen_cast"), (Atom("init_connect"), 1, 2, 3))):
            for name in ("net_kernel", "rex", "global_name_server", "erpc", ""):
                yield f"{message!r} to {name}", (6, self.me, Atom(""), Atom(name)), message

    def test_what_is_odd_is_skipped_and_the_connection_lives(self):
        self.begin("visible")
        for flags in (ALL_FLAGS, ALL_FLAGS | FRAGMENTS | ALTACT):
            self.probe.flags = flags
            with self.connection() as c:
                for what, control, payload in self.odd():
                    with self.subTest(what):
                        c.send(control, payload)
                        self.lives(c)
                        self.assertEqual(9, self.ask(c, self.victim, (Atom("echo"), 9)))
                for control in ((36, 5, self.me, self.victim), (99, 1),
                                (35, 5, self.me, self.victim)):
                    c.send_frame(c.body(control) + NOISE(1000))
                c.send_frame(c.body((22, self.me, pid(self.c.name, 4711)), 7) + NOISE(1000))
                self.lives(c)
        self.assertEqual({"the peer closed the connection"}, set(self.causes()))
        self.end()

    # ---- terms

    def test_terms_that_are_none(self):
        self.begin()
        nobody = pid(self.c.name, 4711, 0, self.creation)
        for flags in (ALL_FLAGS, ALL_FLAGS | FRAGMENTS):
            self.probe.flags = flags
            for what, bad in MALFORMED.items():
                bad = Raw(bad)
                for to in (self.victim, nobody):
                    self.closes(f"{what}, sent", self.framed((22, self.me, to), bad), "term")
                reason = (8, self.me, self.victim, (1, bad))
                self.closes(f"{what}, inside a reason", self.framed(reason), "element 4")
                self.closes(f"{what}, as a pid", self.framed((1, bad, self.victim)), "element 2")
        self.end()

    # ---- frames and fragments

    def test_frames_that_are_none(self):
        limit = 1 << 20
        self.begin(f"message_max={limit}", "ticktime_ms=4000")
        too_big = "announced a frame of .* the limit is"
        begins = "a frame begins with"
        for what, data, cause in (
                ("4 GB", b"\xff\xff\xff\xff", too_big), ("2 GB", b"\x80\0\0\0p\x83", too_big),
                ("one byte more than may be", struct.pack(">I", limit + 1), too_big),
                ("ASCII", b"GET / HTTP/1.1\r\n\r\n", too_big),
                ("one byte", b"\0\0\0\1p", "1 byte"), ("a wrong byte", b"\0\0\0\4q\x83h\0", begins),
                ("no version", b"\0\0\0\4ph\1a", begins),
                ("a header that was not negotiated", b"\0\0\0\x09\x83D\0h\3a\1a\1", begins),
                ("a fragment that was not negotiated", b"\0\0\0\x13\x83E" + bytes(17), begins)):
            self.closes(what, data, cause)
        headers = Dialler(self, self.c.name, flags=ALL_FLAGS | FRAGMENTS)
        for what, data, cause in (
                ("pass through, where there is a header", b"\0\0\0\6p\x83h\1a\1", begins),
                ("a header of another kind", b"\0\0\0\3\x83Z\0", begins),
                ("a header that is cut", b"\0\0\0\2\x83D", "cut short"),
                ("atoms of a cache that is not there", b"\0\0\0\6\x83D\1\0\0\0", "cache"),
                ("255 of them", b"\0\0\0\6\x83D\xff\0\0\0", "cache")):
            self.closes(what, data, cause, peer=headers)
        caches = Dialler(self, self.c.name, flags=ALL_FLAGS | FRAGMENTS | ATOM_CACHE)
        for what, refs, cause in (
                ("an empty slot", b"\1\x00\7", "empty"),
                ("255 empty slots", b"\xff" + bytes(128 + 255), "empty"),
                ("a header that ends in its flags", b"\xff\0\0", "cut short"),
                ("an atom that ends early", b"\1\x08\7\xf0abc", "cut short"),
                ("an atom of 65535", b"\1\x18\7\xff\xff" + b"a" * 65535, "over 255"),
                ("an atom that is no UTF-8", b"\1\x08\7\2\xc3(", "not UTF-8")):
            data = b"\x83D" + refs + little(2, Raw(b"R\0"), self.victim) + b"R\0"
            self.closes(f"a cache with {what}", self.frame(data), cause, peer=caches)
        self.probe.answers_ticks = False
        endless = struct.pack(">I", limit) + bytes(5000)
        self.closes("a frame that never ends", endless, "nothing heard")
        with self.connection() as c:
            for i in range(100000):
                c.send_bytes(b"\0\0\0\0") if i % 1000 else self.lives(c)
            self.assertEqual(9, self.ask(c, self.victim, (Atom("echo"), 9)), "ticks are no harm")
        self.end()

    def test_fragments_that_make_no_message(self):
        self.begin("fragments_max=1000", "message_max=4000000", flags=ALL_FLAGS | FRAGMENTS)
        control = little(22, self.me, self.victim)

        def first(sequence, number, data=control + b"m\0\0\x27\x10"):
            return self.frame(b"\x83E" + struct.pack(">QQB", sequence, number, 0) + data)

        def then(sequence, number, data=bytes(100)):
            return self.frame(b"\x83F" + struct.pack(">QQ", sequence, number) + data)

        most = 2 ** 64 - 1
        whole = first(1, 2, control + b"a") + then(1, 1, b"\1")
        for what, data, cause in (
                ("number 0", first(1, 0), "number 0"),
                ("number 0 behind", first(1, 2) + then(1, 0), "number 0"),
                ("one that never began", then(7, 1), "never began"),
                ("one of another sequence", first(1, 3) + then(2, 2), "never began"),
                ("a beginning twice", first(1, 3) + first(1, 3), "began twice"),
                ("a wrong order", first(1, 3) + then(1, 1), "where 2 was due"),
                ("the same one twice", first(1, 4) + then(1, 3) + then(1, 3), "where 2 was due"),
                ("one behind the last", whole + then(1, 0), "number 0"),
                ("the whole anew", whole + then(1, 1), "never began"),
                ("a huge count", first(most, most) + then(most, most), "was due"),
                ("a control message in two",
                 first(1, 2, control[:20]) + then(1, 1, control[20:]), CUT),
                ("headers that are cut", self.frame(b"\x83E\0\0"), "cut short"),
                ("a payload that is none", first(1, 2) + then(1, 1, b"\xff"), "malformed"),
                ("a payload that is missing",
                 first(1, 2, control) + then(1, 1, b""), "without its payload"),
                ("too many at once", b"".join(first(n, 2) for n in range(1001)), "of 1000"),
                ("too many, the last ones first",
                 b"".join(first(most - n, most) for n in range(1001)), "of 1000")):
            self.closes(what, data, cause)
        with self.connection() as c:
            # 1000 that never end, of which each gets more and more: what is kept has its limit.
            for n in range(1000):
                c.send_bytes(first(n, most))
            for part in range(40):
                for n in range(1000):
                    c.send_bytes(then(n, most - 1 - part, bytes(1000)))
            self.lives(c)
            self.assertEqual(9, self.ask(c, self.victim, (Atom("echo"), 9)))
        self.end()

    # ---- too much of what is valid

    def flood(self, message, count, cause, batch=2000):
        """So many of message(n), a control message and a payload, of whose answers none is read.
        Where there is no cause the connection is to live, and the answers are read then."""
        with self.connection() as c:
            before = len(self.causes())
            try:
                for n in range(0, count, batch):
                    c.send_bytes(b"".join(self.frame(c.body(*message(i)))
                                          for i in range(n, n + batch)))
            except OSError:
                pass  # closed, before all was said
            if cause:
                found = wait_until(lambda: self.causes()[before:], what="the end of the connection")
                self.assertRegex(found[0], cause)
                self.closed += 1
            else:
                self.lives(c)

    def test_floods_of_what_is_answered_and_answers_nobody_reads(self):
        self.begin("out_max=4000000")
        for what, message in (
                ("monitors", lambda n: ((19, self.me, Atom("nobody"),
                                         reference(self.probe.name, n)), None)),
                ("links", lambda n: ((1, self.me, pid(self.c.name, n, 7, self.creation)), None)),
                ("unlinks", lambda n: ((35, n + 1, self.me, self.victim), None)),
                ("spawns", lambda n: ((29, reference(self.probe.name, n), self.me, self.me,
                                       (Atom("erlang"), Atom("halt"), 0), []), [])),
                ("pings", lambda n: ((6, self.me, Atom(""), Atom("net_kernel")),
                                     (Atom("$gen_call"), (self.me, n),
                                      (Atom("is_auth"), Atom("x")))))):
            with self.subTest(what):
                self.flood(message, 1000000, "does not read")
        # What the program answers fails instead, beyond out_max.
        ask = lambda n: ((22, self.me, self.victim), (self.me, self.ref(), (Atom("echo"), n)))
        self.flood(ask, 20000, None)
        self.end()

    def test_floods_of_what_is_for_nobody(self):
        self.begin()
        for what, message, count in (
                ("messages", ((6, self.me, Atom(""), Atom("nobody")), 7), 300000),
                ("big messages", ((6, self.me, Atom(""), Atom("nobody")), bytes(1 << 20)), 200),
                ("downs", ((28, self.me, self.victim, self.ref()), 7), 300000),
                ("unknown opcodes", ((99, 1, 2, 3), None), 20000)):
            with self.subTest(what):
                self.flood(lambda n, message=message: message, count, None, batch=min(count, 2000))
        self.end()

    def test_monitors_and_links_by_the_hundred_thousand_and_then_the_end(self):
        self.begin("monitors_max=100000")
        for op in (19, 1):
            with self.subTest(op), self.connection() as c:
                victim = self.spawn(c)
                def one(n):
                    return ((19, self.me, victim, reference(self.probe.name, n, 9)) if op == 19
                            else (1, pid(self.probe.name, n, 9), victim))
                for n in range(0, 100000, 1000):
                    c.send_bytes(b"".join(self.frame(c.body(one(i))) for i in range(n, n + 1000)))
                c.send((8, self.me, victim, Atom("kill")))
                told = set()
                while len(told) < 100000:
                    control, reason = c.read()
                    self.assertEqual((24 if op == 1 else 28, Atom("killed")), (control[0], reason))
                    told.add(control[2] if op == 1 else control[3])
                self.lives(c)
        for what, one in (
                ("monitor", lambda n: (19, self.me, self.victim, reference(self.probe.name, n))),
                ("link", lambda n: (1, pid(self.probe.name, n), self.victim))):
            def too_many(c, one=one):
                return b"".join(self.frame(c.body(one(n))) for n in range(100001))
            self.closes(f"one {what} more than may be", too_many, "monitors_max")
        self.end()

    def test_more_mail_than_may_wait(self):
        self.begin("mail_max=100000")
        for control in ((22, self.me, self.victim), (6, self.me, Atom(""), Atom("citizen")),
                        (37, 0, self.me, self.victim)):
            self.closes(f"{control}", self.framed(control, bytes(150000)), "mail_max")
        self.end()

    # ---- before and inside the handshake

    def refused(self):
        return sum("did not connect to this node" in line for line in self.log_lines())

    def is_closed(self, what, data, then_end=False):
        """This, said on a new socket, is the end of it; the log says why, unless somebody without a
        name went by itself."""
        with self.subTest(what), self.probe.open() as sock:
            before = self.refused()
            sock.sendall(data)
            if then_end:
                sock.shutdown(socket.SHUT_WR)
            try:
                while sock.recv(65536):
                    continue
            except ConnectionResetError:
                pass
            wait_until(lambda: then_end or self.refused() == before + 1,
                       what=f"a line in the log for {what}")
            self.closed += 1

    def test_garbage_before_and_inside_the_handshake(self):
        self.begin("step_ms=1500")
        hello = self.probe.hello()

        def said(body):
            return struct.pack(">H", len(body)) + body

        def named(name, flags=ALL_FLAGS):
            return said(struct.pack(">BQIH", 78, flags, 1, len(name)) + name)

        name = self.probe.name.encode()
        for what, data in (
                ("TLS", bytes.fromhex("1603010200010001fc0303") + NOISE(500)),
                ("HTTP", b"GET / HTTP/1.1\r\nHost: c\r\n\r\n"), ("SSH", b"SSH-2.0-OpenSSH_9.2\r\n"),
                ("noise", NOISE(100)), ("zeroes", bytes(100000)), ("an empty message", b"\0\0"),
                ("another message", said(b"sok")),
                ("an old name", said(b"n\0\5" + bytes(4) + name)),
                ("a name of 65000", named(b"a" * 65000)),
                ("a name longer than it is", said(hello[:13] + b"\xff\xff" + name)),
                ("a name without a host", named(b"probe")), ("two at signs", named(b"a@b@c")),
                ("a name with a zero", named(b"a\0b@cd")), ("no UTF-8", named(b"a\xff@c")),
                ("no flags", named(name, flags=0)), ("its own name", named(self.c.name.encode())),
                ("garbage behind the name", said(hello) + said(NOISE(21))),
                ("a reply of zeroes", said(hello) + said(b"r" + bytes(20))),
                ("a reply that is too short", said(hello) + said(b"r" + bytes(4))),
                ("frames before the reply", said(hello) + b"\0\0\0\5p\x83a\1x"),
                ("a status out of turn", said(hello) + said(b"strue"))):
            self.is_closed(what, data)
        for n in range(len(said(hello))):
            self.is_closed(f"{n} bytes of a name, then the end", said(hello)[:n], then_end=True)
        for what, data in (("nothing", b""), ("half a name", said(hello)[:20]),
                           ("a name, and then nothing", said(hello))):
            self.is_closed(what, data)
        self.assertIsNone(Dialler(self, self.c.name, cookie="wrong").connect())
        with self.connection() as c:
            self.assertEqual(9, self.ask(c, self.victim, (Atom("echo"), 9)))
        self.end()

    def test_half_a_handshake_by_the_thousand(self):
        self.begin()
        hello = self.probe.hello()
        said = struct.pack(">H", len(hello)) + hello
        for data in (b"", said[:9], said):
            socks = []
            for _ in range(1000):
                socks.append(self.probe.open())
                socks[-1].sendall(data)
            with self.connection(Dialler(self, self.c.name, name="other")) as c:
                self.lives(c)
            wait_until(lambda: self.descriptors() <= self.descriptors_at_first + 64 + 1,
                       what="64 at most")
            for sock in socks:
                sock.close()
        self.end()

    def test_a_node_that_is_replaced_again_and_again(self):
        self.begin()
        for _ in range(500):
            with self.connection() as c:
                self.lives(c)
                self.assertIsNone(Dialler(self, self.c.name, cookie="wrong").connect())
                self.assertIsNone(self.probe.connect(alive=b"false"))
                self.lives(c)  # neither took it away
                newer = self.connection()
                self.assertIsNone(c.read())
                self.lives(newer)
                newer.sock.close()
        causes = self.causes()
        self.assertGreater(sum("new connection" in cause for cause in causes), 499)
        self.end()

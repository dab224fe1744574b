"""The harness on real BEAMs and on itself. SPDX-License-Identifier: Apache-2.0"""

import signal
import socket

from fake_peer import Atom, FakePeer, decode, encode
from harness import InteropCase, wait_until


def state_of(pid):
    with open(f"/proc/{pid}/stat") as stat:
        return stat.read().rpartition(")")[2].split()[0]


class Harness(InteropCase):
    def test_two_beams_monitor_each_other(self):
        a, b = self.erl("a"), self.erl("b")
        b.worker("w")
        monitor = (f"R = erlang:monitor(process, {{w, '{b.name}'}}),"
                   " receive {'DOWN', R, _, _, Why} -> Why")
        self.assertEqual("timeout", a.eval(f"{monitor} after 100 -> timeout end"))
        b.finish("w", "exit_custom")
        self.assertEqual("noproc", a.eval(f"{monitor} end"))

    def test_the_pid_is_the_beams_own(self):
        a = self.erl()
        self.assertEqual(f'"{a.pid}"', a.eval("os:getpid()"))
        a.signal(signal.SIGSTOP)
        wait_until(lambda: state_of(a.pid) == "T", what="the BEAM to stand still")
        a.control.settimeout(0.3)
        with self.assertRaises(socket.timeout):
            a.eval("1")
        a.signal(signal.SIGCONT)

    def test_a_complaint_in_the_log_is_found(self):
        a, b = self.erl("a"), self.erl("b", cookie="another")
        self.assertEqual("pang", b.eval(f"net_adm:ping('{a.name}')"))
        wait_until(a.complaints, what="the complaint about the cookie")
        a.allow("Invalid challenge|onnection attempt")
        b.allow("onnection attempt")
        self.assertEqual([], a.complaints())

    def test_the_fake_peer_is_good_enough_for_a_beam(self):
        a, fake = self.erl(), FakePeer(self, alive=["there"])
        for name, expected in (("missing", "noproc"), ("there", "still")):
            self.assertEqual(expected, a.eval(
                f"R = erlang:monitor(process, {{{name}, '{fake.name}'}}),"
                " receive {'DOWN', R, _, _, Why} -> Why after 500 -> still end"))
        self.assertEqual([], fake.failures)

    def test_terms_survive_the_codec(self):
        term = (28, Atom("name"), [1, b"bytes", []], ())
        self.assertEqual((term, len(encode(term))), decode(encode(term)))

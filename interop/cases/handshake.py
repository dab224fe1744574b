"""Peers that fall silent, talk nonsense or lack something at each step.

SPDX-License-Identifier: Apache-2.0
"""

import socket
import time

from fake_peer import ALL_FLAGS, FRAGMENTS, STEPS, Atom, FakePeer, fake_epmd
from harness import HOST, InteropCase

GARBAGE = {
    "an answer of HTTP": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "a message of an unknown tag": b"\0\4\xff\xff\xff\xff",
    "an empty message": b"\0\0\0\0",
    "a status that does not exist": b"\0\6smaybe",
    "a challenge without its end": b"\0\3N\0\0",
}
GARBAGE_FRAMES = {
    "a frame of more than 1 GB": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "a control message that is no tuple": b"\0\0\0\4p\x83a\1",
    "a term that ends too early": b"\0\0\0\5p\x83h\4a",
    "a frame that starts with nothing known": b"\0\0\0\4\1\2\3\4",
}


class Handshake(InteropCase):
    def ping(self, fake, code, timeout=3000, says=None):
        run = self.expect(code, "ping", "--timeout", timeout, fake.name, says=says)
        self.assertEqual([], fake.failures)
        return run

    def test_a_fake_peer_that_behaves_is_pinged(self):
        for name, flags in (("plain", ALL_FLAGS), ("fragments", ALL_FLAGS | FRAGMENTS)):
            self.ping(FakePeer(self, name, flags=flags), 0)

    def test_silence_at_each_step_is_5_within_the_timeout(self):
        for step in STEPS:
            with self.subTest(step):
                began = time.monotonic()
                self.ping(FakePeer(self, f"silent_{step}", silent_at=step), 5, timeout=1500)
                self.assertLess(time.monotonic() - began, 5)

    def test_silence_at_each_step_is_5_for_check_too(self):
        for step in STEPS:
            with self.subTest(step):
                fake = FakePeer(self, f"silent_{step}", silent_at=step)
                self.expect(5, "check", "--timeout", 1500, f"{fake.name}/w")

    def test_garbage_at_each_step_is_4(self):
        for step in STEPS[:3]:
            for number, (what, garbage) in enumerate(GARBAGE.items()):
                with self.subTest(step=step, garbage=what):
                    fake = FakePeer(self, f"{step}{number}", garbage_at=step, garbage=garbage)
                    self.ping(fake, 4)

    def test_garbage_after_the_handshake_is_4(self):
        for number, (what, garbage) in enumerate(GARBAGE_FRAMES.items()):
            with self.subTest(what):
                self.ping(FakePeer(self, f"g{number}", garbage_at="frames", garbage=garbage), 4)

    def test_a_peer_that_closes_before_its_digest_is_asked_is_3(self):
        self.ping(FakePeer(self, "closes", close_at="status"), 3)

    def test_a_peer_that_closes_after_our_digest_has_another_cookie(self):
        self.ping(FakePeer(self, "other", cookie="other"), 4, says="cookie")

    def test_a_peer_whose_own_digest_is_wrong_is_not_trusted(self):
        fake = FakePeer(self, wrong_ack=True)
        self.ping(fake, 4, says="cookie")
        self.assertEqual([], fake.controls, "nothing is said to a peer that is not trusted")

    def test_a_peer_of_another_name_is_4(self):
        self.ping(FakePeer(self, says_name=f"liar@{HOST}"), 4, says="liar@")

    def test_statuses(self):
        for status, codes in (("not_allowed", {4}), ("alive", {4}), ("nok", {4, 5}), ("ok", {4})):
            with self.subTest(status):
                fake = FakePeer(self, f"s_{status}", status=status)
                run = self.run_noexmon("ping", "--timeout", 2000, fake.name)
                self.assertIn(run.process.returncode, codes, run.report())

    def test_statuses_with_a_fixed_name(self):
        for status, code in (("ok", 0), ("ok_simultaneous", 0), ("not_allowed", 4), ("alive", 4)):
            with self.subTest(status):
                fake = FakePeer(self, f"s_{status}", status=status)
                self.expect(code, "ping", "--name", f"fixed@{HOST}", "--timeout", 2000, fake.name)

    def test_an_operation_of_a_later_release_is_skipped(self):
        def answer(connection, _target, ref):
            connection.send((200, Atom("from"), [1, 2]), Atom("payload"))
            connection.down(ref, Atom("noproc"))

        self.ping(FakePeer(self, on_monitor=answer), 0)

    def test_a_missing_flag_is_4_and_the_words_name_it(self):
        for flag in ("V4_NC", "BIG_CREATION", "UTF8_ATOMS", "HANDSHAKE_23", "MAP_TAG"):
            with self.subTest(flag):
                self.ping(FakePeer(self, flag.lower(), without=[flag]), 4, says=flag)

    def test_a_peer_without_monitors_is_4_and_the_words_name_the_flag(self):
        for flag in ("DIST_MONITOR", "DIST_MONITOR_NAME"):
            with self.subTest(flag):
                fake = FakePeer(self, flag.lower(), without=[flag], alive=["w"])
                self.expect(4, "check", f"{fake.name}/w", says=f"{flag}|monitor")

    def test_an_epmd_that_says_nothing_is_5(self):
        port = fake_epmd(self, None)
        self.expect(5, "ping", "--epmd-port", port, "--timeout", 4000, f"a@{HOST}", says="epmd")
        self.expect(5, "names", "--epmd-port", port, "--timeout", 4000, says="epmd")

    def test_an_epmd_that_talks_nonsense_is_4(self):
        port = fake_epmd(self, b"HTTP/1.1 400 Bad Request\r\n\r\n")
        self.expect(4, "ping", "--epmd-port", port, f"a@{HOST}", says="epmd")

    def test_a_port_where_nobody_listens_any_more_is_3(self):
        fake = FakePeer(self)
        fake.listener.shutdown(socket.SHUT_RDWR)
        fake.listener.close()
        self.ping(fake, 3, says="refused")

    def test_a_port_that_speaks_tls_is_4_and_the_words_say_so(self):
        alert = b"\x15\x03\x03\0\2\2\x0a"
        self.ping(FakePeer(self, garbage_at="status", garbage=alert), 4, says="TLS")

    def test_watch_ends_with_4_at_first_contact_and_tries_on_with_5(self):
        fake = FakePeer(self, "refuses", without=["V4_NC"])
        self.expect(4, "watch", f"{fake.name}/w", says="V4_NC")
        fake = FakePeer(self, "mute", silent_at="ack")
        run = self.start("watch", "--timeout", 1000, f"{fake.name}/w")
        run.wait("error")
        run.wait("reconnect")
        self.assertEqual(5, run.interrupt())

    def test_a_silent_host_is_5_within_the_timeout(self):
        listener = socket.socket()
        self.addCleanup(listener.close)
        listener.bind((HOST, 0))
        listener.listen(0)
        full = [socket.socket() for _ in range(4)]  # no place is left: a connect gets no answer
        for sock in full:
            self.addCleanup(sock.close)
            sock.setblocking(False)
            sock.connect_ex(listener.getsockname())
        self.expect(5, "ping", "--timeout", 1500, f"a@{HOST}:{listener.getsockname()[1]}")

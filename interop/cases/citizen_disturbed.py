"""Somebody does not listen: a BEAM is frozen, or does not read; the program on a C node sleeps, or
leaves its events where they are. SPDX-License-Identifier: Apache-2.0"""

from harness import InteropCase


class CitizenDisturbed(InteropCase):
    def test_a_c_node_that_sleeps_misses_nothing(self):
        a, c = self.erl(), self.citizen()
        self.drive(a, c, "noex_cluster:busy")
        c.stop()

    def test_a_frozen_beam_holds_nobody_up_and_misses_nothing(self):
        a, b, c = self.erl("a"), self.erl("b"), self.citizen()
        self.drive(a, c, ("noex_cluster:frozen", f"'{b.name}'"))
        c.stop()

    def test_to_a_beam_that_does_not_read_as_much_is_sent_as_may_wait(self):
        a, b, c = self.erl("a"), self.erl("b"), self.citizen("out_max=16000000")
        self.drive(a, c, ("noex_cluster:unread", f"'{b.name}'"))
        c.stop()

    def test_a_frozen_c_node_is_lost_and_comes_back(self):
        a, c = self.erl(args=("-kernel", "net_ticktime", "4")), self.citizen()
        a.allow("net_tick_timeout")
        self.drive(a, c, ("noex_cluster:frozen_c", str(c.pid)))
        c.stop()

    def test_events_left_for_ten_seconds_are_all_there_afterwards(self):
        a = self.erl(args=("-kernel", "net_ticktime", "4"))
        c = self.citizen("pull", "ticktime_ms=4000")
        self.drive(a, c, "noex_cluster:undrained")
        c.stop()

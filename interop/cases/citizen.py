"""Erlang code treats processes of C as its own: scenarios of noex_citizen.erl, run on a BEAM against
programs/citizen.c. SPDX-License-Identifier: Apache-2.0"""

from harness import InteropCase


class Citizen(InteropCase):
    def on_one_beam(self, *scenarios):
        a, c = self.erl(), self.citizen()
        self.drive(a, c, *scenarios)
        c.stop()

    def test_messages(self):
        self.on_one_beam("ping", "echo_of_every_term", "every_way_to_send", "messages_from_c",
                         "aliases_from_c", "nobody_gets_what_is_for_nobody",
                         "order_is_kept_for_each_pair", "order_of_signals_from_c", "priority",
                         "atoms", "names", "many_processes")

    def test_big_messages_between_small_ones(self):
        self.on_one_beam(("big", "1"), ("big", "64"), "big_ones_at_once")

    def test_monitors(self):
        self.on_one_beam("monitors_tell_the_exact_reason", "monitors_before_during_and_after",
                         "a_name_that_changes_hands", "demonitored_is_silent",
                         "options_of_monitor", "a_thousand_watchers",
                         "monitors_race_with_the_end", "monitors_from_c")

    def test_links(self):
        self.on_one_beam("links_from_the_beam", "links_from_c", "ends_of_links_untrapped",
                         "unlinked_by_either_end", "links_crossing", "exits_crossing_unlinks",
                         "exit_signals", "a_process_alone", "traced_signals", "a_chain_of_links",
                         "many_ends_at_once")

    def test_100000_links_unlinks_and_exits_leave_both_tables_the_same(self):
        self.on_one_beam(("link_storm", "1", "30", "9"))

    def test_a_beam_that_was_given_its_name(self):
        a, c = self.erl("undefined"), self.citizen()
        self.assertEqual("true", a.eval(f"net_kernel:connect_node('{c.name}')"))
        self.drive(a, c, "ping", "echo_of_every_term", "messages_from_c", "monitors_from_c",
                   "monitors_tell_the_exact_reason", "links_from_c", "exit_signals")
        c.stop()

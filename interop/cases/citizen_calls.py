"""Calls, sys, spawns and erpc both ways: scenarios of noex_calls.erl, run on a BEAM against
programs/citizen.c. SPDX-License-Identifier: Apache-2.0"""

from harness import InteropCase


class CitizenCalls(InteropCase):
    def on_one_beam(self, *scenarios):
        a, c = self.erl(), self.citizen()
        self.drive(a, c, *(f"noex_calls:{name}" for name in scenarios))
        c.stop()

    def test_called(self):
        self.on_one_beam("called_by_every_behaviour", "calls_of_what_ends",
                         "late_answers_are_dropped", "every_form_of_tag")

    def test_sys(self):
        self.on_one_beam("sys_messages", "suspended_and_killed")

    def test_calling(self):
        self.on_one_beam("c_calls", "c_calls_c", "calls_race_with_the_end", "many_calls")

    def test_serving(self):
        self.on_one_beam("nothing_is_served", "called_by_erpc", "spawned_on_c",
                         "linked_to_its_caller")

    def test_functions_of_the_beam(self):
        self.on_one_beam("c_calls_functions", "c_spawns", "linked_to_c")

    def test_two_c_nodes(self):
        a, c, d = self.erl(), self.citizen(), self.citizen(name="d")
        self.drive(a, c, ("noex_calls:c_and_c", f"'{d.name}'"))
        c.stop()
        d.stop()

    def test_big_values(self):
        self.on_one_beam("big_values")

    def test_lost(self):
        self.on_one_beam("lost")

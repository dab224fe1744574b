"""A node of C among BEAMs: connections that are lost and come back, restarts, `global`, visible and
hidden. SPDX-License-Identifier: Apache-2.0"""

from harness import InteropCase


class CitizenCluster(InteropCase):
    def test_a_killed_beam_is_noconnection_for_what_was_there_only(self):
        a, b, c = self.erl("a"), self.erl("b"), self.citizen()
        self.drive(a, c, ("noex_cluster:a_killed_beam", f"'{b.name}'"))
        c.stop()

    def test_disconnects_from_either_side(self):
        a, c = self.erl(), self.citizen()
        self.drive(a, c, "noex_cluster:disconnects")
        c.stop()

    def test_flaps_while_both_ends_want_the_connection_in_both_orders_of_names(self):
        a, z, c = self.erl("a"), self.erl("z"), self.citizen()
        for beam in (a, z):
            self.drive(beam, c, "noex_cluster:flaps_under_traffic")
        c.stop()

    def test_connections_cut_in_the_middle_of_big_messages(self):
        a, c = self.erl(), self.citizen()
        self.drive(a, c, "noex_cluster:cut_off_in_the_middle")
        c.stop()

    def test_what_is_for_processes_of_a_beam_before_its_restart_harms_nobody(self):
        a, b, c = self.erl("a"), self.erl("b"), self.citizen()
        self.drive(a, c, ("noex_cluster:before_beam_restart", f"'{b.name}'"))
        b.kill()
        b = self.erl("b")
        self.drive(a, c, ("noex_cluster:after_beam_restart", f"'{b.name}'"))
        c.stop()

    def test_two_c_nodes_are_to_each_other_what_they_are_to_a_beam(self):
        a, c, d = self.erl(), self.citizen(), self.citizen(name="d")
        self.drive(a, c, ("noex_cluster:two_c_nodes", f"'{d.name}'"),
                   ("noex_cluster:storm_of_c_nodes", f"'{d.name}'", "1", "10"))
        c.stop()
        d.stop()

    def test_a_restarted_c_node_is_another_one(self):
        a, c = self.erl(), self.citizen()
        a.eval(f"noex_cluster:before_restart('{c.name}')")
        c.kill()
        c = self.citizen()
        self.drive(a, c, "noex_cluster:after_restart")
        c.stop()

    def test_a_hidden_node_is_in_nobodys_way(self):
        a, b, c = self.erl("a"), self.erl("b"), self.citizen()
        self.drive(a, c, ("noex_cluster:hidden", f"'{b.name}'"), "noex_cluster:strangers")
        c.stop()

    def test_a_visible_node_is_in_nobodys_way(self):
        a, b, c = self.erl("a"), self.erl("b"), self.citizen("visible")
        self.drive(a, c, ("noex_cluster:visible", f"'{b.name}'"), "noex_cluster:strangers")
        c.stop()

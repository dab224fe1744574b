"""A node of C with BEAMs of OTP 25, 27 and 29 at once in one cluster.

SPDX-License-Identifier: Apache-2.0
"""

from harness import InteropCase, missing

RELEASES = {"a": "25", "b": "27", "d": "29"}


class CitizenMesh(InteropCase):
    def in_mesh(self, *scenarios, options=()):
        for release in RELEASES.values():
            if why := missing(release):
                self.skipTest(why)
        beams = [self.erl(name, release=release) for name, release in RELEASES.items()]
        a, b, d = beams
        c = self.citizen(*options)
        for beam in beams:
            beam.eval(f"noex_cluster:join(['{c.name}', '{b.name}', '{d.name}'])")
        self.drive(a, c, *((s, f"'{b.name}'", f"'{d.name}'") for s in scenarios))
        return a, b, d, c

    def test_a_global_name_of_a_c_process_is_seen_by_all(self):
        self.in_mesh("noex_cluster:mesh_name")[-1].stop()

    def test_a_global_name_on_a_visible_c_node_is_seen_by_all(self):
        self.in_mesh("noex_cluster:mesh_name", options=["visible"])[-1].stop()

    def test_terms_and_links_go_round(self):
        self.in_mesh("noex_cluster:mesh_terms")[-1].stop()

    def test_link_storms_from_all_at_once(self):
        self.in_mesh("noex_cluster:mesh_storm")[-1].stop()

    def test_each_beam_sees_the_c_node_go(self):
        *beams, c = self.in_mesh()
        for beam in beams:
            beam.eval(f"noex_cluster:watch_nodes('{c.name}')")
        c.kill()
        for beam in beams:
            beam.eval(f"noex_cluster:saw([{{nodedown,'{c.name}',hidden}}])")
            self.assertEqual("2", beam.eval("length(nodes())"))

"""noexmon as a visible node, which must disturb nobody. SPDX-License-Identifier: Apache-2.0"""

import time

from harness import HOST, InteropCase, wait_until

NAME = f"visible@{HOST}"


class Visible(InteropCase):
    def mesh(self):
        a, b = self.erl("a"), self.erl("b")
        self.assertEqual("pong", a.eval(f"net_adm:ping('{b.name}')"))
        return a, b

    def assert_synced(self, *nodes):
        """What global does goes on on each of them, and at once."""
        began = time.monotonic()
        for node in nodes:
            self.assertEqual("ok", node.eval("global:sync()"))
            self.assertEqual("done", node.eval("global:trans({lock, self()}, fun() -> done end)"))
        self.assertLess(time.monotonic() - began, 5)

    def test_it_is_one_of_the_nodes_and_global_goes_on(self):
        a, b = self.mesh()
        a.worker("w")
        run = self.watch(f"{a.name}/w", options=("--visible", "--name", NAME))
        self.assertEqual(f"['{b.name}','{NAME}']", a.eval("lists:sort(nodes())"))
        self.assertEqual("[]", a.hidden())
        self.assert_synced(a, b)
        self.assertEqual("yes", b.eval("global:register_name(x, whereis(noex_witness))"))
        self.assertEqual("true", a.eval("is_pid(global:whereis_name(x))"))
        self.assertEqual("pong", a.eval(f"net_adm:ping('{NAME}')"))
        late = self.erl("late")
        self.assertEqual("pong", late.eval(f"net_adm:ping('{a.name}')"))
        self.assert_synced(a, b, late)
        a.finish("w", "exit_custom")
        self.assertEqual("peer", run.wait("process_down", target=f"{a.name}/w")["origin"])
        self.assertEqual(1, run.interrupt())
        self.assertEqual([], run.find("node_down"))
        wait_until(lambda: NAME not in a.eval("nodes()"), what="the connection to be gone")
        self.assert_synced(a, b, late)
        self.assertEqual("2", a.eval("length(nodes())"))

    def test_it_may_be_connected_to_many(self):
        a, b = self.mesh()
        targets = (a.worker("w"), b.worker("w"))
        run = self.watch(*targets, options=("--visible", "--name", NAME))
        for node in (a, b):
            self.assertIn(NAME, node.eval("nodes()"))
        self.assert_synced(a, b)
        run.interrupt()
        wait_until(lambda: NAME not in a.eval("nodes()") + b.eval("nodes()"), what="it to be gone")
        self.assertEqual(f"['{b.name}']", a.eval("nodes()"))
        self.assert_synced(a, b)

    def test_every_command_can_be(self):
        a = self.erl()
        target = a.worker("w")
        options = ("--visible", "--name", NAME)
        run = self.expect(0, "call", *options, a.name, "erlang", "nodes")
        self.assertEqual([f"['{NAME}']"], run.lines)
        self.expect(0, "check", *options, target)
        self.expect(0, "ping", *options, a.name)
        self.expect(0, "wait-up", *options, target)
        self.assertEqual("ok", a.eval("global:sync()"))

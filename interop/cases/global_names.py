"""Names of Erlang's `global` as targets: NODE/global:NAME. SPDX-License-Identifier: Apache-2.0"""

import signal
import time

from harness import InteropCase, wait_until


class GlobalNames(InteropCase):
    def mesh(self, *names):
        nodes = [self.erl(name) for name in names]
        for node in nodes[1:]:
            self.assertEqual("pong", node.eval(f"net_adm:ping('{nodes[0].name}')"))
        for node in nodes:
            self.assertEqual("ok", node.eval("global:sync()"))
        return nodes

    def register(self, node, worker, name):
        """A fresh worker gets the name; its pid as printed on its node."""
        node.worker(worker)
        self.assertEqual("yes", node.eval(f"global:register_name({name}, whereis({worker}))"))
        return node.eval(f"noex_peer:pid_text({worker})")

    def assert_ref(self, event, pid, node):
        self.assertEqual({"id": pid, "nodeId": node.name}, event["monitoredRef"], event)

    def test_a_name_is_watched_on_the_node_of_its_process_and_on_its_next_one(self):
        a, b = self.mesh("a", "b")
        target = f"{a.name}/global:counter"
        pid = self.register(b, "w", "counter")
        run = self.watch(target)
        self.assert_ref(run.find("monitor")[0], pid, b)
        b.finish("w", "killed")
        down = run.wait("process_down", target=target)
        self.assert_ref(down, pid, b)
        self.assertEqual(("peer", "killed"), (down["origin"], down["reason"]["type"]))
        time.sleep(0.5)
        pid = self.register(a, "w2", "counter")
        up = run.wait("process_up", target=target)
        self.assertEqual(1, up["downs"])
        self.assertGreaterEqual(up["gapMs"], 400)
        self.assertLessEqual(up["gapMs"], 1000 * (up["_at"] - down["_at"]) + 200)
        self.assert_ref(run.wait("monitor", after=up["seq"], target=target), pid, a)
        a.finish("w2", "exit_custom")
        down = run.wait("process_down", after=up["seq"], target=target)
        self.assert_ref(down, pid, a)
        self.assertEqual("custom", down["reason"]["term"])
        self.assertEqual(["node_up", "monitor", "process_down", "process_up", "monitor",
                          "process_down"], run.kinds())
        self.assertEqual(1, run.interrupt())

    def test_a_name_that_nobody_has_looks_as_one_that_is_not_registered(self):
        a = self.erl()
        seen = []
        for name in ("nobody", "global:nobody"):
            target = f"{a.name}/{name}"
            self.expect(1, "check", target, says="absent.*noproc")
            run = self.run_noexmon("check", target, json_lines=True)
            self.assertEqual(1, run.process.returncode)
            monitor, down = run.find("monitor")[0], run.find("process_down")[0]
            self.assertEqual(monitor["monitorId"], down["monitorId"])
            for event in (monitor, down):
                self.assertEqual({"id": name, "nodeId": a.name}, event["monitoredRef"])
            seen.append((run.kinds(), down["origin"], down["reason"]))
        self.assertEqual(seen[0], seen[1])

    def test_a_name_that_comes_late_is_up(self):
        a = self.erl()
        target = f"{a.name}/global:late"
        run = self.watch(target)
        self.assertEqual("noproc", run.wait("process_down", target=target)["reason"]["type"])
        time.sleep(1)
        self.assertEqual(["node_up", "monitor", "process_down"], run.kinds())
        pid = self.register(a, "w", "late")
        up = run.wait("process_up", target=target)
        self.assert_ref(run.wait("monitor", after=up["seq"]), pid, a)
        self.assertEqual(0, run.interrupt())

    def test_a_name_is_any_term(self):
        a = self.erl()
        names = ["atom", "'quoted atom'", '"text"', '<<"counter:a/b">>', "{a,[1.5,-1]}", "#{k=>v}"]
        for number, name in enumerate(names):
            self.register(a, f"w{number}", name)
        self.expect(0, "check", *(f"{a.name}/global:{name}" for name in names))
        self.expect(1, "check", f'{a.name}/global:<<"counter">>')

    def test_text_says_where_the_process_lives(self):
        a, b = self.mesh("a", "b")
        pid = self.register(b, "w", "counter")
        run = self.start("watch", f"{a.name}/global:counter", json_lines=False)
        wait_until(lambda: len(run.lines) >= 2, what="the monitor")
        self.assertRegex(run.lines[1], rf"monitor +{a.name}/global:counter +{pid} on {b.name}$")
        b.finish("w", "exit_shutdown")
        wait_until(lambda: len(run.lines) >= 3, what="the end")
        self.assertRegex(run.lines[2], rf"process_down +{a.name}/global:counter +shutdown$")
        run.interrupt()

    def test_when_the_node_of_the_process_is_killed_it_is_unknown_then_absent(self):
        a, b = self.mesh("a", "b")
        target = f"{a.name}/global:counter"
        pid = self.register(b, "w", "counter")
        run = self.watch(target)
        b.kill()
        down = run.wait("process_down", target=target)
        self.assert_ref(down, pid, b)
        self.assertEqual(("local", "noconnection"), (down["origin"], down["reason"]["type"]))
        absent = run.wait("process_down", after=down["seq"], target=target)
        self.assertEqual(("peer", "noproc"), (absent["origin"], absent["reason"]["type"]))
        pid = self.register(a, "w", "counter")
        up = run.wait("process_up", target=target)
        self.assert_ref(run.wait("monitor", after=up["seq"]), pid, a)
        self.assertEqual([], run.find("node_down") + run.find("error"))
        self.assertEqual(0, run.interrupt())

    def test_when_the_node_that_is_asked_goes_the_process_is_watched_on(self):
        a, b = self.mesh("a", "b")
        target = f"{a.name}/global:counter"
        self.register(b, "w", "counter")
        run = self.watch(target)
        a.kill()
        lost = run.wait("node_down", node=a.name)
        time.sleep(0.3)
        self.assertEqual([], run.find("process_down"))
        b.finish("w", "exit_custom")
        down = run.wait("process_down", target=target)
        self.assertEqual(("peer", "custom"), (down["origin"], down["reason"]["term"]))
        a = self.erl("a")
        self.assertEqual("pong", a.eval(f"net_adm:ping('{b.name}')"))
        pid = self.register(b, "w", "counter")
        up = run.wait("process_up", after=lost["seq"], target=target)
        self.assert_ref(run.wait("monitor", after=up["seq"]), pid, b)
        self.assertEqual(0, run.interrupt())

    def test_the_codes_of_check(self):
        a, b = self.mesh("a", "b")
        target = f"{a.name}/global:counter"
        self.register(b, "w", "counter")
        self.expect(0, "check", target, says="alive")
        self.expect(1, "check", target, f"{a.name}/global:nobody", says="absent")
        b.signal(signal.SIGSTOP)
        began = time.monotonic()
        self.expect(5, "check", "--timeout", 1500, target, says="timeout")
        self.assertLess(time.monotonic() - began, 5)
        b.signal(signal.SIGCONT)
        self.expect(3, "check", f"nobody@{a.name.split('@')[1]}/global:counter", says="unreachable")
        self.assertEqual("ok", b.eval("erlang:set_cookie(another), ok"))
        b.allow("Invalid challenge", "onnection attempt")
        self.expect(4, "check", target, says="cookie")

    def test_wait_up_and_wait_down(self):
        a, b = self.mesh("a", "b")
        target = f"{a.name}/global:counter"
        run = self.start("wait-up", target)
        run.wait("process_down", target=target)
        self.register(b, "w", "counter")
        self.assertEqual(0, run.end(), run.report())
        self.expect(0, "wait-up", target)
        run = self.start("wait-down", target)
        run.wait("monitor", target=target)
        time.sleep(0.3)
        self.assertTrue(run.alive(), run.report())
        b.finish("w", "exit_custom")
        self.assertEqual(0, run.end(), run.report())
        self.assertEqual(["custom"], [e["reason"]["term"] for e in run.find("process_down")])
        self.expect(0, "wait-down", target, says="noproc")
        self.expect(5, "wait-up", "--timeout", 700, target)

    def test_wait_down_has_a_name_whose_node_is_killed(self):
        a, b = self.mesh("a", "b")
        self.register(b, "w", "counter")
        run = self.start("wait-down", f"{a.name}/global:counter")
        run.wait("monitor")
        b.kill()
        self.assertEqual(0, run.end(), run.report())
        self.assertEqual(["local", "peer"], [e["origin"] for e in run.find("process_down")])

"""The exit status of check, wait-up, wait-down and ping on nodes that behave.

SPDX-License-Identifier: Apache-2.0
"""

import time

from harness import HOST, InteropCase, free_port, wait_until


class Codes(InteropCase):
    def test_check_is_0_when_all_are_alive(self):
        a = self.erl()
        target = a.worker("w")
        self.expect(0, "check", target, a.pid_target("w"), a.name)

    def test_check_is_1_when_one_is_absent(self):
        a = self.erl()
        target = a.worker("w")
        self.expect(1, "check", target, f"{a.name}/absent", says="absent")

    def test_check_is_3_when_a_node_is_unknown_whatever_else_is_absent(self):
        a = self.erl()
        unknown = f"nobody@{HOST}/w"
        self.expect(3, "check", a.worker("w"), f"{a.name}/absent", unknown, says="nobody@")

    def test_check_with_json_prints_events_only(self):
        a = self.erl()
        run = self.run_noexmon("check", a.worker("w"), f"{a.name}/absent", json_lines=True)
        self.assertEqual(1, run.process.returncode, run.report())
        self.assertEqual(2, len(run.find("monitor")))
        self.assertEqual([f"{a.name}/absent"], [e["target"] for e in run.find("process_down")])

    def test_wait_up_is_0_once_all_are_alive(self):
        a = self.erl()
        run = self.start("wait-up", a.worker("w"), f"{a.name}/late", json_lines=False)
        time.sleep(1)
        self.assertTrue(run.alive(), run.report())
        a.worker("late")
        self.assertEqual(0, run.end())

    def test_wait_up_waits_for_a_node_that_does_not_run_yet(self):
        run = self.start("wait-up", "--timeout", 60000, f"a@{HOST}/w", json_lines=False)
        time.sleep(1)
        self.assertTrue(run.alive(), run.report())
        a = self.erl()
        a.worker("w")
        self.assertEqual(0, run.end(60))

    def test_wait_up_is_5_when_the_time_is_over(self):
        a = self.erl()
        began = time.monotonic()
        self.expect(5, "wait-up", "--timeout", 1500, f"{a.name}/never")
        self.assertGreater(time.monotonic() - began, 1.4)

    def test_wait_down_is_0_and_prints_the_reason_once_all_are_gone(self):
        a = self.erl()
        run = self.start("wait-down", a.worker("w1"), a.worker("w2"), json_lines=False)

        def seen(word):
            return sum(word in line for line in run.lines)

        wait_until(lambda: seen("monitor") == 2, what="both monitors")
        a.finish("w1", "exit_custom_tuple")
        wait_until(lambda: seen("process_down") == 1, what="the first end")
        self.assertTrue(run.alive(), run.report())
        a.finish("w2", "killed")
        self.assertEqual(0, run.end())
        self.assertRegex("\n".join(run.lines), r'no more work[\s\S]*killed')

    def test_wait_down_is_0_at_once_for_what_is_absent(self):
        a = self.erl()
        self.expect(0, "wait-down", f"{a.name}/absent", says="noproc")

    def test_wait_down_takes_a_processes_own_noconnection_for_an_end(self):
        a = self.erl()
        run = self.start("wait-down", a.worker("w"))
        run.wait("monitor")
        a.finish("w", "exit_noconnection")
        self.assertEqual(0, run.end())

    def test_wait_down_is_5_when_the_time_is_over(self):
        a = self.erl()
        self.expect(5, "wait-down", "--timeout", 1500, a.worker("w"))

    def test_wait_down_is_not_reached_by_a_lost_connection(self):
        a = self.erl()
        target = a.worker("w")
        run = self.start("wait-down", "--timeout", 30000, target)
        run.wait("monitor", target=target)
        a.eval("[erlang:disconnect_node(N) || N <- nodes(hidden)]")
        run.wait("process_down", target=target, origin="local")
        time.sleep(0.3)
        self.assertTrue(run.alive(), run.report())
        a.finish("w", "exit_custom")
        self.assertEqual(0, run.end())

    def test_ping_is_0(self):
        a, b = self.erl("a"), self.erl("b")
        self.expect(0, "ping", a.name, b.name, says="pong")

    def test_ping_of_an_unknown_node_is_3(self):
        self.expect(3, "ping", f"nobody@{HOST}", says="nobody")

    def test_ping_of_a_dead_node_whose_port_is_known_is_3(self):
        self.expect(3, "ping", f"a@{HOST}:{free_port()}", says="refused")

    def test_ping_of_a_distribution_port_needs_no_epmd(self):
        a = self.erl(args=("-kernel", "inet_dist_listen_min", str(port := free_port()),
                           "inet_dist_listen_max", str(port)))
        self.expect(0, "ping", "--epmd-port", free_port(), f"{a.name}:{port}")

    def test_a_port_that_is_epmds_is_asked_for_the_node(self):
        a = self.erl()
        self.expect(0, "ping", f"{a.name}:{self.epmd.port}")

    def test_ping_with_a_dead_epmd_is_3(self):
        self.expect(3, "ping", f"a@{HOST}", "--epmd-port", free_port(), says="epmd")

    def test_ping_of_an_unknown_host_is_3(self):
        self.expect(3, "ping", "a@no-such-host.invalid", says="no-such-host.invalid")

    def test_short_names_work(self):
        a = self.erl("short", host="localhost")
        self.expect(0, "check", a.worker("w"))

    def test_names_lists_the_nodes(self):
        self.erl("alpha"), self.erl("beta")
        run = self.expect(0, "names", says="alpha")
        self.assertIn("beta", "\n".join(run.lines))
        self.expect(0, "names", HOST, says="alpha")
        run = self.run_noexmon("names", json_lines=True)
        self.assertEqual({"alpha", "beta"}, {e["name"] for e in run.find("name")})

    def test_names_with_a_dead_epmd_is_3(self):
        self.expect(3, "names", "--epmd-port", free_port(), says="epmd")

    def test_watch_that_ends_after_for_seconds_tells_the_last_state(self):
        a = self.erl()
        target = a.worker("w")
        self.expect(0, "watch", "--for", 1, target)
        self.expect(1, "watch", "--for", 1, target, f"{a.name}/absent")

    def test_watch_on_a_signal_tells_the_last_state(self):
        a = self.erl()
        target = a.worker("w")
        for number, code in ((2, 0), (15, 0)):
            self.assertEqual(code, self.watch(target).interrupt(number))
        run = self.watch(target)
        a.finish("w", "exit_normal")
        down = run.wait("process_down")
        self.assertEqual(1, run.interrupt(15))
        a.worker("w")
        run = self.watch(f"{a.name}/w2")
        run.wait("process_down")
        a.worker("w2")
        run.wait("process_up")
        self.assertEqual(0, run.interrupt(2))
        self.assertEqual("normal", down["reason"]["type"])

    def test_watch_goes_on_where_a_node_is_unknown(self):
        run = self.start("watch", f"a@{HOST}/w")
        error = run.wait("error")
        self.assertIn("a@", error.get("node", "") + error.get("target", ""))
        run.wait("reconnect", node=f"a@{HOST}")
        a = self.erl()
        run.wait("node_up", timeout=60)
        run.wait("process_down", target=f"{a.name}/w")  # else it might be there before the monitor
        a.worker("w")
        run.wait("process_up", target=f"{a.name}/w")
        self.assertEqual(0, run.interrupt())

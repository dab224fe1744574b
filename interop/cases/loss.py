"""Nodes that are lost, silently or not, and come back. SPDX-License-Identifier: Apache-2.0"""

import signal
import time

from harness import InteropCase, wait_until

TICK4 = ("-kernel", "net_ticktime", "4")


class Loss(InteropCase):
    def check_lost(self, run, node, targets, after=0):
        """process_down of each target in its monitor's order, then node_down, which is returned."""
        down = run.wait("node_down", after=after, node=node.name)
        lost = run.find("process_down", after=after, origin="local")
        self.assertEqual(targets, [e["target"] for e in lost])
        for event in lost:
            self.assertEqual(("noconnection", "noconnection"),
                             (event["reason"]["type"], event["reason"]["term"]))
            self.assertLess(event["seq"], down["seq"])
        return down

    def test_a_killed_node_is_noconnection_for_each_then_node_down(self):
        a = self.erl()
        targets = [a.worker(f"w{i}") for i in range(5)]
        run = self.watch(*targets, a.name, monitored=5)
        order = [e["target"] for e in run.find("monitor")]
        a.kill()
        down = self.check_lost(run, a, order)
        self.assertEqual("connection_closed", down["reason"])
        run.wait("reconnect", after=down["seq"], node=a.name)
        self.assertEqual(3, run.interrupt())

    def test_an_orderly_stop_of_the_node_is_seen_too(self):
        a = self.erl()
        run = self.watch(a.worker("w"))
        a.eval("init:stop()")
        run.wait("process_down", target=f"{a.name}/w")
        run.wait("node_down", node=a.name)

    def test_a_restarted_node_is_watched_again_without_process_up(self):
        a = self.erl()
        target = a.worker("w")
        run = self.watch(target)
        a.kill()
        down = self.check_lost(run, a, [target])
        wait_until(lambda: len(run.find("reconnect", after=down["seq"])) >= 2, what="two attempts")
        attempts = [e["attempt"] for e in run.find("reconnect")]
        self.assertEqual(sorted(set(attempts)), attempts)
        a = self.erl()
        up = run.wait("node_up", after=down["seq"], node=a.name, timeout=60)
        run.wait("process_down", after=up["seq"], target=target, origin="peer")
        a.worker("w")
        run.wait("process_up", after=up["seq"], target=target)

    def test_process_up_after_a_restart_only_if_the_process_was_seen_to_end(self):
        a = self.erl()
        seen, unseen = a.worker("seen"), a.worker("unseen")
        run = self.watch(seen, unseen)
        a.finish("seen", "exit_custom")
        run.wait("process_down", target=seen, origin="peer")
        a.kill()
        down = self.check_lost(run, a, [unseen])
        # Both names are there from the node's first moment, before noexmon can have come back.
        boot = "[register(N, spawn(fun() -> receive stop -> ok end end)) || N <- [seen, unseen]]."
        a = self.erl(args=("-eval", boot))
        run.wait("node_up", after=down["seq"], timeout=60)
        up = run.wait("process_up", after=down["seq"], target=seen)
        self.assertEqual(1, up["downs"])
        run.wait("monitor", after=down["seq"], target=seen)
        run.wait("monitor", after=down["seq"], target=unseen)
        time.sleep(0.5)
        self.assertEqual([], [e for e in run.find("process_up") if e["target"] == unseen
                              and not run.find("process_down", target=unseen, origin="peer")])
        self.assertEqual(0, run.interrupt())

    def test_a_closed_connection_is_made_again(self):
        a = self.erl()
        target = a.worker("w")
        run = self.watch(target)
        a.eval("[erlang:disconnect_node(N) || N <- nodes(hidden)]")
        down = self.check_lost(run, a, [target])
        run.wait("node_up", after=down["seq"], node=a.name)
        run.wait("monitor", after=down["seq"], target=target)
        self.assertEqual([], run.find("process_up"))
        self.assertEqual(0, run.interrupt())

    def test_a_stopped_node_misses_ticks_then_is_down_within_a_quarter_more_than_ticktime(self):
        a = self.erl(args=TICK4)
        target = a.worker("w")
        run = self.watch(target, options=("--ticktime", "4"))
        time.sleep(2.5)
        self.assertEqual([], run.find("tick_missed"))
        stopped = time.monotonic()
        a.signal(signal.SIGSTOP)
        down = self.check_lost(run, a, [target])
        missed = run.find("tick_missed", node=a.name)
        self.assertTrue(missed and missed[0]["seq"] < down["seq"], run.report())
        self.assertEqual("heartbeat_timeout", down["reason"])
        self.assertLess(3.0, down["_at"] - stopped)
        self.assertLess(down["_at"] - stopped, 4 * 1.25 + 1.0)
        a.signal(signal.SIGCONT)
        up = run.wait("node_up", after=down["seq"], node=a.name, timeout=60)
        run.wait("monitor", after=up["seq"], target=target)
        a.allow("net_tick_timeout|disconnected|onnection attempt")

    def test_a_node_that_stops_for_less_than_ticktime_stays_up(self):
        a = self.erl(args=("-kernel", "net_ticktime", "8"))
        target = a.worker("w")
        run = self.watch(target, options=("--ticktime", "8"))
        a.signal(signal.SIGSTOP)
        time.sleep(3)
        a.signal(signal.SIGCONT)
        a.finish("w", "exit_custom")
        self.assertEqual("peer", run.wait("process_down", target=target)["origin"])
        self.assertEqual([], run.find("node_down"))

    def test_a_beam_with_a_short_ticktime_does_not_cut_a_watcher_with_the_default_one(self):
        a = self.erl(args=TICK4)
        target = a.worker("w")
        run = self.watch(target)
        time.sleep(10)
        a.finish("w", "exit_custom")
        self.assertEqual("peer", run.wait("process_down", target=target)["origin"])
        self.assertEqual([], run.find("node_down") + run.find("tick_missed"))

    def test_one_lost_node_leaves_the_other_alone(self):
        a, b = self.erl("a"), self.erl("b")
        run = self.watch(a.worker("w"), b.worker("w"))
        a.kill()
        self.check_lost(run, a, [f"{a.name}/w"])
        b.finish("w", "exit_custom")
        self.assertEqual("peer", run.wait("process_down", target=f"{b.name}/w")["origin"])
        self.assertEqual([], run.find("node_down", node=b.name))

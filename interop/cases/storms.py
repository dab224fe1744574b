"""Losses of very many monitors, and races, told to programs of the public API (programs/*.c, which
hold each event against the promised order). SPDX-License-Identifier: Apache-2.0"""

from harness import InteropCase, wait_until

MANY, PENDING = 100000, 20000


class Storms(InteropCase):
    def lose(self, how, active, pending):
        """Runs programs/loss.c on a node with some workers, by name and by pid."""
        a = self.erl()
        a.eval("noex_peer:workers(40)")
        pids = [a.eval(f"noex_peer:pid_text(w{n})") for n in range(1, 11)]
        names = [f"w{n}" for n in range(1, 41)]
        return self.program("loss", a.name, a.pid, how, active, pending, *names, *pids)

    def test_100000_monitors_of_a_killed_node_are_lost_in_the_order_of_their_making(self):
        self.lose("all", MANY, 0).finish()

    def test_80000_are_lost_and_20000_that_were_pending_fail_behind_them(self):
        self.lose("all", MANY - PENDING, PENDING).finish()

    def test_each_of_100000_ends_by_an_event_or_a_demonitor_never_both(self):
        self.lose("demonitors", MANY - PENDING, PENDING).finish()

    def test_without_memory_the_loss_of_100000_is_the_same_and_with_memory_all_works_again(self):
        run = self.lose("memory", MANY, 0)
        run.wait("lost")
        a = self.erl()
        a.eval("noex_peer:workers(40)")
        run.finish()

    def test_100000_are_released_at_once_and_the_connection_stays(self):
        run = self.lose("release", MANY, 0)
        run.wait("demonitored")
        a = self.nodes[0]
        wait_until(lambda: a.eval("noex_peer:watched_from_outside()") == "[]", what="the release")
        self.assertNotEqual("[]", a.hidden())
        run.say("released")
        a.kill()
        run.finish()

    def test_300_kills_against_300_demonitors_a_thousand_times(self):
        a = self.erl()
        control = a.ready_file.read_text()
        self.program("race", a.name, control, 1000).finish()

    def test_a_kept_node_is_tried_after_growing_delays_with_jitter(self):
        a = self.erl()
        run = self.program("reconnect", a.name, "keep", 8)
        run.wait("kill")
        a.kill()
        run.wait("start")
        self.erl()
        run.finish()

    def test_a_node_that_is_not_kept_comes_back_on_demand_only(self):
        a = self.erl()
        a.worker("w1")
        run = self.program("reconnect", a.name, "demand", 0)
        run.wait("kill")
        a.kill()
        run.wait("start")
        self.erl()
        run.say("up")
        run.finish()

    def test_the_order_of_events_holds_over_20_kills_under_load(self):
        cycles = 20
        boot = ("-eval", "noex_peer:churn(50).")
        a = self.erl(args=boot)
        run = self.program("reconnect", a.name, "cycles", cycles)
        for _ in range(cycles):
            run.wait("kill")
            a.kill()
            run.wait("start")
            a = self.erl(args=boot)
        run.finish()

"""Names that come back are watched again. SPDX-License-Identifier: Apache-2.0"""

import time

from harness import InteropCase, wait_until


class Rearm(InteropCase):
    def test_a_name_that_is_registered_again_is_up_and_monitored(self):
        a = self.erl()
        target = a.worker("w")
        run = self.watch(target)
        seq = 0
        for downs in (1, 2, 3):
            a.finish("w", "exit_custom")
            down = run.wait("process_down", after=seq, target=target)
            time.sleep(0.5)
            a.worker("w")
            up = run.wait("process_up", after=down["seq"], target=target)
            monitor = run.wait("monitor", after=down["seq"], target=target)
            self.assertEqual(downs, up["downs"])
            self.assertGreaterEqual(up["gapMs"], 400)
            self.assertLessEqual(up["gapMs"], 1000 * (up["_at"] - down["_at"]) + 200)
            seq = max(up["seq"], monitor["seq"])
        self.assertEqual(3, len(run.find("process_down")), "silent while the name is absent")
        self.assertEqual(4, len(run.find("monitor")))
        self.assertEqual(0, run.interrupt())

    def test_a_name_that_comes_late_is_up(self):
        a = self.erl()
        target = f"{a.name}/late"
        run = self.watch(target)
        self.assertEqual("noproc", run.wait("process_down", target=target)["reason"]["type"])
        time.sleep(1.5)
        self.assertEqual(1, len(run.find("process_down")))
        a.worker("late")
        run.wait("process_up", target=target)

    def test_a_pid_does_not_come_back(self):
        a = self.erl()
        a.worker("w")
        target = a.pid_target("w")
        run = self.watch(target)
        a.finish("w", "exit_custom")
        run.wait("process_down", target=target)
        a.worker("w")
        time.sleep(1)
        self.assertEqual([], run.find("process_up"))
        self.assertEqual(1, run.interrupt())

    def test_a_flapping_name_costs_the_node_nothing(self):
        a = self.erl()
        target = a.worker("w")
        run = self.watch(target)

        def watchers():
            return a.eval("length(element(2, process_info(whereis(w), monitored_by)))")

        atoms = int(a.eval("erlang:system_info(atom_count)"))
        for _ in range(30):
            a.finish("w", "exit_custom")
            a.worker("w")
        wait_until(lambda: watchers() == "2" and run.kinds()[-2:] == ["process_up", "monitor"],
                   what="the last one to be watched")
        self.assertLess(int(a.eval("erlang:system_info(atom_count)")) - atoms, 20)
        self.assertEqual(0, run.interrupt())
        wait_until(lambda: watchers() == "1", what="the witness to be the only watcher")

"""A healthy link with nothing to say. Slow on purpose. SPDX-License-Identifier: Apache-2.0"""

import time

from harness import InteropCase


class Quiet(InteropCase):
    def test_a_quiet_healthy_link_shows_no_missed_tick_in_60_s(self):
        a, b = self.erl("a"), self.erl("b", args=("-kernel", "net_ticktime", "8"))
        run_a = self.watch(a.worker("w"))
        run_b = self.watch(b.worker("w"), options=("--ticktime", "8"))
        time.sleep(62)
        for run in (run_a, run_b):
            self.assertEqual(["node_up", "monitor"], run.kinds())
            self.assertEqual(0, run.interrupt())

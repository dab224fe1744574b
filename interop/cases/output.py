"""stdout and stderr: who gets what, and what happens when they close.

SPDX-License-Identifier: Apache-2.0
"""

import os

from harness import InteropCase, wait_until


class Output(InteropCase):
    def test_verbose_goes_to_stderr_only(self):
        a = self.erl()
        run = self.watch(a.worker("w"), options=("--verbose",))
        self.assertEqual(["node_up", "monitor"], run.kinds())
        run.interrupt()
        self.assertIn("MONITOR_P", run.stderr)
        self.assertNotIn("interop-cookie", run.stderr)

    def test_quiet_says_nothing_and_the_exit_status_all(self):
        a = self.erl()
        run = self.expect(0, "check", "--quiet", a.worker("w"))
        self.assertEqual([], run.lines)

    def test_human_text_calls_a_lost_process_unknown(self):
        a = self.erl()
        run = self.start("watch", a.worker("w"), json_lines=False)
        wait_until(lambda: any("w" in line for line in run.lines), what="the first line")
        wait_until(lambda: a.hidden() != "[]", what="the connection")
        a.kill()
        wait_until(lambda: "unknown" in "\n".join(run.lines), what="unknown")
        run.interrupt()

    def test_a_closed_pipe_ends_it_without_a_signal(self):
        a = self.erl()
        target = a.worker("w")
        read_end, write_end = os.pipe()
        run = self.start("watch", target, stdout=write_end)
        os.close(write_end)
        with os.fdopen(read_end) as reader:
            self.assertIn("node_up", reader.readline())
        a.finish("w", "exit_custom")
        self.assertGreaterEqual(run.end(), 0, run.report())
        wait_until(lambda: a.hidden() == "[]", what="the connection to be closed")

    def test_a_reader_that_never_reads_costs_a_bounded_buffer_then_6(self):
        a = self.erl()
        workers = 1300  # each line has up to 64 KiB of its reason: more than the 64 MiB kept
        a.eval(f"noex_peer:workers({workers})")
        read_end, write_end = os.pipe()
        self.addCleanup(os.close, read_end)
        run = self.start("watch", "--targets", "-", stdout=write_end,
                         stdin="\n".join(f"{a.name}/w{n}" for n in range(1, workers + 1)))
        os.close(write_end)
        wait_until(lambda: a.eval(f"noex_peer:watched({workers})") == "true", what="the monitors")
        a.eval("Big = {big, binary:copy(<<\"0123456789\">>, 10000)},"
               f" [exit(whereis(W), Big) || W <- noex_peer:names({workers})]")
        self.assertEqual(6, run.end(120), run.report())
        self.assertTrue(run.stderr.strip())
        wait_until(lambda: a.hidden() == "[]", what="the connection to be closed")

    def test_it_starts_with_stdout_closed_and_harms_no_connection(self):
        a = self.erl()
        target = a.worker("w")
        run = self.start("watch", "--for", "2", target, closed_stdout=True)
        self.assertGreaterEqual(run.end(), 0, run.report())
        self.expect(0, "check", target)

    def test_every_line_comes_at_once(self):
        a = self.erl()
        target = a.worker("w")
        run = self.watch(target)
        a.finish("w", "exit_custom")
        run.wait("process_down", timeout=5)
        self.assertTrue(run.alive())

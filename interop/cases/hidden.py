"""What a BEAM notices of noexmon: nothing that it did not ask for.

SPDX-License-Identifier: Apache-2.0
"""

from concurrent.futures import ThreadPoolExecutor

from harness import InteropCase, wait_until

ATOMS = "erlang:system_info(atom_count)"


class Hidden(InteropCase):
    def test_it_is_a_hidden_node_and_leaves_no_trace(self):
        a, b = self.erl("a"), self.erl("b")
        self.assertEqual("pong", a.eval(f"net_adm:ping('{b.name}')"))
        run = self.watch(a.worker("w"))
        self.assertEqual(f"['{b.name}']", a.eval("nodes()"))
        self.assertEqual("1", a.eval("length(nodes(hidden))"))
        self.assertEqual("[]", b.eval("nodes(hidden)"))
        self.assertEqual("ok", a.eval("global:sync()"))
        run.interrupt()
        wait_until(lambda: a.hidden() == "[]", what="the connection to be gone")
        self.assertEqual(f"['{b.name}']", a.eval("nodes()"))
        self.assertEqual("1", a.eval("{_, L} = process_info(whereis(w), monitored_by), length(L)"),
                         "the witness is the only watcher")

    def test_200_checks_in_a_row_all_succeed_and_leave_few_atoms(self):
        a = self.erl()
        target = a.worker("w")
        self.expect(0, "check", target)
        before = int(a.eval(ATOMS))
        for _ in range(200):
            run = self.expect(0, "check", target)
            run.kill()
        self.assertLess(int(a.eval(ATOMS)) - before, 40)

    def test_20_checks_at_once_all_succeed(self):
        a = self.erl()
        target = a.worker("w")
        runs = [self.start("check", target, json_lines=False) for _ in range(20)]
        with ThreadPoolExecutor(20) as pool:
            codes = list(pool.map(lambda run: run.end(60), runs))
        failed = "\n".join(run.report() for run in runs if run.process.returncode)
        self.assertEqual([0] * 20, codes, failed)

    def test_a_ping_from_the_beam_is_answered(self):
        a = self.erl()
        run = self.watch(a.worker("w"))
        self.assertEqual("[pong]", a.eval("[net_adm:ping(N) || N <- nodes(hidden)]"))
        self.assertEqual("[noproc]", a.eval(
            "[begin R = erlang:monitor(process, {nobody, N}), receive {'DOWN', R, _, _, Why} -> Why"
            " after 5000 -> timeout end end || N <- nodes(hidden)]"))
        self.assertEqual("[{badrpc,notsup}]", a.eval(
            "[rpc:call(N, erlang, node, [], 5000) || N <- nodes(hidden)]"))
        self.assertEqual([], run.find("node_down"))

    def test_signals_that_nobody_wants_do_no_harm(self):
        a = self.erl()
        target = a.worker("w")
        run = self.watch(target)
        a.eval("[begin {nobody, N} ! lists:seq(1, 100), gen_server:cast({nobody, N}, x),"
               " {nobody, N} ! binary:copy(<<1>>, 1000000) end || N <- nodes(hidden)]")
        a.eval("catch gen_server:call({nobody, hd(nodes(hidden))}, hello, 5000)")
        a.finish("w", "exit_custom")
        self.assertEqual("peer", run.wait("process_down", target=target)["origin"])

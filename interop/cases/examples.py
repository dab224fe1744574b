"""The programs of examples/ do what their first lines say. SPDX-License-Identifier: Apache-2.0"""

import os
import signal
import subprocess

from harness import COOKIE, PATIENCE, Child, InteropCase, built_program, wait_until


class Example(Child):
    """A running example; its standard output is read line by line."""

    def __init__(self, case, name, *args):
        env = {**os.environ, "NOEX_COOKIE": COOKIE, "ERL_EPMD_PORT": str(case.epmd_port())}
        self.errors = open(case.dir / f"{name}.err", "w+b")
        case.addCleanup(self.errors.close)
        super().__init__(case, [built_program("NOEX_EXAMPLES", "examples", name), *args], env, stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE, stderr=self.errors)

    def error_text(self):
        self.errors.seek(0)
        return self.errors.read().decode()

    def expect(self, *lines):
        """These are the next lines, in any order."""
        got = [self.process.stdout.readline().decode().rstrip("\n") for _ in lines]
        assert sorted(got) == sorted(lines), f"{got}, not {lines}\n{self.error_text()}"

    def say(self, *names):
        self.process.stdin.write("".join(f"{name}\n" for name in names).encode())
        self.process.stdin.flush()

    def ends(self, status=0):
        self.process.stdin.close()
        rest = self.process.stdout.read().decode()
        assert self.process.wait(PATIENCE) == status, self.error_text()
        return rest


class Examples(InteropCase):
    def node(self):
        """A node, and its name with its port, so that the standard port of epmd is not needed."""
        a = self.erl()
        port = a.eval("{port, Port, _} = erl_epmd:port_please(\"a\", {127, 0, 0, 1}), Port")
        return a, f"{a.name}:{port}"

    def test_monitor_one(self):
        a, address = self.node()
        a.worker("cache")
        example = Example(self, "monitor_one", address, "cache")
        example.expect("cache: monitored")
        a.finish("cache", "exit_custom")
        example.expect("cache: exception exit: custom")
        example.ends()

    def test_counter(self):
        a = self.erl()
        example = Example(self, "counter", "c@127.0.0.1")
        example.expect("counter: ready")
        there = "{counter, 'c@127.0.0.1'}"
        self.assertEqual("3", a.eval(f"gen_server:call({there}, {{add, 3}})"))
        self.assertEqual("badarg", a.eval(f"gen_server:call({there}, what)"))
        self.assertEqual("10", a.eval(f"gen_server:call({there}, {{add, 7}})"))
        self.assertEqual("normal", a.eval(
            f"R = monitor(process, {there}), gen_server:cast({there}, stop),"
            " receive {'DOWN', R, process, _, Reason} -> Reason after 5000 -> no end"))
        example.ends()

    def test_monitor_one_tells_why_it_cannot(self):
        a, address = self.node()
        self.assertEqual("", Example(self, "monitor_one", "nonsense", "x").ends(1))
        refused = Example(self, "monitor_one", "a@127.0.0.1:1", "x")
        refused.ends(1)
        self.assertIn("refused", refused.error_text())

    def test_watch_many_outlives_the_node(self):
        a, address = self.node()
        for name in ("cache", "orders"):
            a.worker(name)
        example = Example(self, "watch_many", address, "cache", "orders")
        example.expect("cache: monitored", "orders: monitored")
        a.finish("orders", "exit_normal")
        example.expect("orders: normal ")
        port = address.rpartition(":")[2]
        a.kill()
        example.expect("cache: noconnection ")
        b = self.erl(args=("-kernel", "inet_dist_listen_min", port, "inet_dist_listen_max", port))
        example.expect("cache: monitored", "cache: noproc ")
        example.ends()
        self.assertTrue(b.alive())

    def test_poll_loop(self):
        a, address = self.node()
        a.worker("cache")
        example = Example(self, "poll_loop", address)
        example.say("cache", "nobody")
        example.expect("cache: monitored", "nobody: monitored", "nobody: noproc ")
        a.eval("exit(whereis(cache), kill)")
        example.expect("cache: killed ")
        example.ends()

    def test_uv_loop(self):
        a, address = self.node()
        a.worker("cache")
        example = Example(self, "uv_loop", address, "cache")
        example.expect("cache: monitored")
        a.finish("cache", "exit_shutdown")
        example.expect("cache: shutdown ", "closed")
        example.ends()
        a.worker("cache")
        example = Example(self, "uv_loop", address, "cache")
        example.expect("cache: monitored")
        example.signal(signal.SIGINT)
        example.expect("closed")
        example.ends()
        wait_until(lambda: a.hidden() == "[]", what="the connection to go")

    def test_thread_posts(self):
        a, address = self.node()
        for name in ("cache", "orders"):
            a.worker(name)
        example = Example(self, "thread_posts", address)
        example.say("cache", "orders", "nobody")
        example.expect("cache: monitored", "orders: monitored", "nobody: monitored",
                       "nobody: noproc ")
        a.finish("cache", "exit_normal")
        example.expect("cache: normal ")
        example.ends()

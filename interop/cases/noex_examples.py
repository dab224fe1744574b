"""The examples of the noex API, among them the Monitored Counter of the guide, driven through its
terminal: two C nodes and a BEAM. SPDX-License-Identifier: Apache-2.0"""

import os
import re
import shutil
import signal
import subprocess
import threading

from harness import COOKIE, PATIENCE, Child, InteropCase, beam_of, built_program, wait_until


class Terminal(Child):
    """A running example: what it prints is kept line by line."""

    def __init__(self, case, name, *args, **environment):
        env = {**os.environ, "NOEX_COOKIE": COOKIE, "COOKIE": COOKIE,
               "ERL_EPMD_PORT": str(case.epmd_port()), **environment}
        super().__init__(case, [built_program("NOEX_EXAMPLES", "examples", name), *args], env, stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.lines = []
        self.read = 0
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        try:
            for line in self.process.stdout:
                self.lines.append(line.decode().rstrip("\n"))
        except ValueError:
            pass

    def say(self, line):
        self.process.stdin.write(f"{line}\n".encode())
        self.process.stdin.flush()

    def expect(self, *lines):
        """These come next, in this order, with no other between."""
        def there():
            return len(self.lines) >= self.read + len(lines)
        try:
            wait_until(there, what=f"{lines}")
        except AssertionError as error:
            raise AssertionError(f"{error}\n" + "\n".join(self.lines)) from error
        got = self.lines[self.read:self.read + len(lines)]
        self.read += len(lines)
        assert list(lines) == got, f"{got}, not {list(lines)}"

    def does(self, command, *lines):
        self.say(command)
        self.expect(*lines)


class NoexExamples(InteropCase):
    def beam(self, name="b"):
        for module in ("counter", "critical", "worker"):
            shutil.copy(beam_of(module), self.dir)
        return self.erl(name)

    def address(self, node):
        alive = node.name.split("@")[0]
        port = node.eval(f'{{port, P, _}} = erl_epmd:port_please("{alive}", {{127, 0, 0, 1}}), P')
        return f"{node.name}:{port}"

    def two_and_a_beam(self):
        b = self.beam()
        one = Terminal(self, "monitored_counter", NODE_NAME="node1", SEEDS=self.address(b))
        one.expect("Ready. Commands: create <name>, watch <name>, kill <name>")
        cookie = self.write_cookie(self.dir / "cookie", COOKIE + "\n")
        two = Terminal(self, "monitored_counter", NODE_NAME="node2", COOKIE="",
                       COOKIE_FILE=str(cookie), SEEDS=f"node1@127.0.0.1,{self.address(b)}")
        two.expect("Ready. Commands: create <name>, watch <name>, kill <name>")
        wait_until(lambda: "node1@" in b.hidden() and "node2@" in b.hidden(), what="both C nodes")
        for terminal in (one, two):
            wait_until(lambda: self.nodes_of(terminal) == 2, what="the others")
        return b, one, two

    def nodes_of(self, terminal):
        """How many nodes it is connected to."""
        terminal.say("nodes")
        terminal.say("help")
        def answer():
            return terminal.lines[terminal.read:]
        wait_until(lambda: any(line.startswith("Commands:") for line in answer()), what="nodes")
        nodes = answer()
        terminal.read += len(nodes)
        return sum(line.endswith("(connected)") for line in nodes)

    def test_monitored_counter_transcript(self):
        """Noex.md section 5; the numbers are those of the traps of its live run."""
        b, one, two = self.two_and_a_beam()
        one.does("create a", 'Counter "a" created on node1@127.0.0.1')
        one.does("create b b@127.0.0.1", 'Counter "b" created on b@127.0.0.1')
        two.does("create c node1@127.0.0.1", 'Counter "c" created on node1@127.0.0.1')
        one.does("create d node2@127.0.0.1", 'Counter "d" created on node2@127.0.0.1')
        two.does("create a", 'Counter "a" already exists')
        one.does("watch a", 'Now watching "a" on node1@127.0.0.1')  # 1: a local one
        one.does("watch b", 'Now watching "b" on b@127.0.0.1')
        one.does("watch d", 'Now watching "d" on node2@127.0.0.1')
        one.does("watch nobody", 'Counter "nobody" not found')
        one.does("watch b", 'Already watching "b"')
        two.does("watch a", 'Now watching "a" on node1@127.0.0.1')
        two.does("watch b", 'Now watching "b" on b@127.0.0.1')
        one.say("inc b")
        one.say("inc d")
        two.say("inc d")
        one.say("dec b")
        one.say("get d")  # 2: its name has come along
        self.assertIn('name => <<"d">>', self.info(one))
        one.read += 1
        self.assertIn("value => 2", wait_until(lambda: self.value(b, "counter:d", 2)))
        self.assertIn("value => 0", wait_until(lambda: self.value(b, "counter:b", 0)))
        two.say("kill a")
        one.expect('Counter "a" terminated: killed', "", 'Counter "a" went down!',
                   "  Node: node1@127.0.0.1", "  Reason: killed")  # 3
        two.expect("", 'Counter "a" went down!', "  Node: node1@127.0.0.1", "  Reason: killed")
        one.does("watch a", 'Counter "a" not found')  # 4, 5: the dead have no names
        one.does("create a", 'Counter "a" created on node1@127.0.0.1')
        one.does("watch a", 'Now watching "a" on node1@127.0.0.1')
        one.does("unwatch a", 'Stopped watching "a"')
        one.does("unwatch a", 'Not watching "a"')
        one.say("kill b")
        for terminal in (one, two):
            terminal.expect("", 'Counter "b" went down!', "  Node: b@127.0.0.1",
                            "  Reason: killed")
        one.does("stats", "initialized: 1, pending: 0, active: 1, established: 2, process downs: 1,"
                 " local: 0")  # 7
        two.kill()
        one.expect("", 'Counter "d" went down!', "  Node: node2@127.0.0.1",
                   "  Reason: noconnection")  # 6
        wait_until(lambda: "counter:d" not in b.eval("global:registered_names()"),
                   what="its names to vanish")
        one.does("watch d", 'Counter "d" not found')
        one.say("counters")
        wait_until(lambda: sorted(one.lines[one.read:]) == ["a", "c"], what="the counters")
        one.read += 2
        one.say("quit")
        self.assertEqual(0, one.process.wait(PATIENCE))
        wait_until(lambda: sorted(one.lines[one.read:]) == [
            'Counter "a" terminated: shutdown', 'Counter "c" terminated: shutdown'],
            what="the end of its counters")

    def info(self, terminal):
        wait_until(lambda: len(terminal.lines) > terminal.read, what="an answer")
        return terminal.lines[terminal.read]

    def value(self, beam, name, wanted):
        text = beam.eval(f'gen_server:call({{global, <<"{name}">>}}, get)')
        return text if f"value => {wanted}" in text else None

    def test_an_erlang_shell_uses_c_counters(self):
        """Creates, calls, watches and kills them."""
        b, one, _ = self.two_and_a_beam()
        where = "'node1@127.0.0.1'"
        start = (f'erpc:call({where}, gen_server, start, [{{global, <<"counter:s">>}}, counter,'
                 ' <<"s">>, []])')
        self.assertRegex(b.eval(start), r"^\{ok,<\d+\.\d+\.\d+>\}$")
        self.assertRegex(b.eval(start), r"^\{error,\{already_started,<\d+\.\d+\.\d+>\}\}$")
        call = 'gen_server:call({global, <<"counter:s">>}, get)'
        self.assertEqual("#{value => 0}", b.eval(call))
        b.eval('gen_server:cast({global, <<"counter:s">>}, {increment, 5})')
        self.assertEqual("#{value => 5}", b.eval(call))
        self.assertEqual('{error,<<"a counter knows get and get_info">>}',
                         b.eval('gen_server:call({global, <<"counter:s">>}, what)'))
        down = b.eval('P = global:whereis_name(<<"counter:s">>), R = monitor(process, P),'
                      ' gen_server:cast(P, {increment, x}),'
                      " receive {'DOWN', R, process, P, Why} -> Why after 5000 -> no end")
        self.assertRegex(down, r'^\{<<"not a number to count by">>,\s*\[\{counter,handle_cast,2,\s*'
                               r'\[\{file,"counter.c"\},\{line,\d+\}\]\}\]\}$')
        one.expect('Counter "s" terminated: exception')
        self.assertEqual('{error,{<<"a counter needs a name">>,', b.eval(
            f"erpc:call({where}, gen_server, start, [counter, 7, []])")[:37])
        self.assertEqual("{error,{undef,[{nothing,init,[[]],[]}]}}", b.eval(
            f"erpc:call({where}, gen_server, start, [nothing, [], []])"))
        self.assertRegex(b.eval(
            f"erpc:call({where}, gen_server, start, [{{local, here}}, counter, <<\"l\">>, []])"),
            r"^\{ok,")
        self.assertEqual("#{value => 0}", b.eval(f"gen_server:call({{here, {where}}}, get)"))
        self.assertEqual("ok", b.eval(f"gen_server:stop({{here, {where}}})"))
        one.expect('Counter "l" terminated: normal')

    def started_on(self, watcher):
        """Where the service is started next; meanwhile its old name may still lead to nobody."""
        while True:
            line = self.info(watcher)
            watcher.read += 1
            if found := re.fullmatch(r"critical-service is started on (\S+)", line):
                return found.group(1)
            self.assertRegex(line, "is down: noproc$")

    def test_a_service_is_started_again_elsewhere(self):
        a, b = self.beam("a"), self.beam("b")
        nodes = {node.name: node for node in (a, b)}
        a.eval(f"net_kernel:connect_node('{b.name}'), global:sync()")
        watcher = Terminal(self, "service_watcher", "w@127.0.0.1", self.address(a),
                           self.address(b))
        on = self.started_on(watcher)
        for _ in range(3):
            nodes[on].eval('gen_server:cast(global:whereis_name(<<"critical-service">>),'
                           " {stop, {shutdown, round}})")
            watcher.expect(f"critical-service on {on} is down: shutdown")
            ended, on = on, self.started_on(watcher)
            self.assertNotEqual(ended, on)
        nodes[on].kill()
        watcher.expect(f"critical-service on {on} is down: noconnection")
        self.assertNotEqual(on, self.started_on(watcher))

    def test_a_pool_keeps_its_size(self):
        a = self.beam("a")
        pool = Terminal(self, "pool_monitor", "p@127.0.0.1", "5", self.address(a))
        count = "gen_server:call({pool, 'p@127.0.0.1'}, get_worker_count)"
        workers = ("[P || P <- processes(), {dictionary, D} <- [process_info(P, dictionary)],"
                   " proplists:get_value('$initial_call', D) =:= {worker, init, 1}]")
        wait_until(lambda: a.eval(f"length({workers})") == "5", what="five workers")
        wait_until(lambda: a.eval(count) == "5", what="five that are counted")
        a.eval(f"[exit(P, kill) || P <- lists:sublist({workers}, 3)]")
        pool.expect(*["a worker is down: killed"] * 3)
        wait_until(lambda: a.eval(f"length({workers})") == "5", what="five again")
        wait_until(lambda: a.eval(count) == "5", what="five again that are counted")

    def test_node_failures_are_told(self):
        a = self.beam("a")
        a.worker("cache")
        watcher = Terminal(self, "node_failures", "n@127.0.0.1", self.address(a))
        watcher.say(f"cache {a.name}")
        watcher.say(f"nobody {a.name}")
        watcher.process.stdin.close()
        watcher.expect(f"cache on {a.name} is monitored")
        # Whether "nobody" is told to be down before the line of its monitor: never.
        watcher.expect(f"nobody on {a.name} is monitored", "nobody is down: noproc")
        a.signal(signal.SIGKILL)
        wait_until(lambda: len(watcher.lines) > watcher.read, what="the loss")
        self.assertRegex(watcher.lines[-1],
                         rf"^{a.name} is down: connection_closed \(.*\), 1 monitors are lost$")

"""noexmon call: functions of nodes, as erpc:call does. SPDX-License-Identifier: Apache-2.0"""

import os
import signal
import time

from harness import COOKIE, HOST, InteropCase, Program, in_the_clear, wait_until

# How noex_peer:ending/1 raises: class, reason, message.
EXCEPTIONS = {
    "badarith": ("error", "badarith", "error: badarith"),
    "badmatch": ("error", "{badmatch,0}", "error: {badmatch,0}"),
    "undef": ("error", "undef", "error: undef"),
    "function_clause": ("error", "function_clause", "error: function_clause"),
    "error": ("error", "{boom,1}", "error: {boom,1}"),
    "throw": ("throw", '{oops,"thrown"}', 'throw: {oops,"thrown"}'),
    "exit_normal": ("exit", "normal", ""),
    "exit_custom": ("exit", "custom", "exit: custom"),
    "call_to_missing": ("exit", "{noproc,{gen_server,call,[nobody_of_that_name,request]}}",
                        "gen_server:call failed: noproc"),
}
ARGUMENTS = [
    "atom", "'quoted atom'", "-1", "16#ff", "1.5e3", "$a", '"text"', '"\u0416"', '<<"bin">>',
    "<<1:3>>", '<<"\u0416"/utf8>>', "[]", "[1,2|3]", "{}", "{a,{b,[c]}}", '#{"k"=>#{1=>[]}}',
    " [ a , % comment\n b ] ", "done.",
]


class Call(InteropCase):
    def call(self, code, node, *args, says=None, json_lines=False, options=()):
        return self.expect(code, "call", *options, node, *args, says=says, json_lines=json_lines)

    def result(self, code, node, *args, **others):
        """The one line of --json."""
        run = self.call(code, node, *args, json_lines=True, **others)
        self.assertEqual(["result"], run.kinds(), run.report())
        self.assertEqual(node, run.events[0]["node"])
        return run.events[0]

    def test_values_of_every_type_are_printed_as_the_shell_does(self):
        a = self.erl()
        printed = a.eval("noex_peer:values()")
        run = self.call(0, a.name, "noex_peer", "values")
        self.assertEqual(([printed], ""), (run.lines, run.stderr))
        self.assertEqual(printed, self.result(0, a.name, "noex_peer", "values")["value"])
        self.assertEqual([], self.call(0, a.name, "noex_peer", "values", options=["--quiet"]).lines)

    def test_arguments_of_every_syntax(self):
        a = self.erl()
        run = self.call(0, a.name, "noex_peer", "echo", "[%s]" % ",".join(ARGUMENTS[:-1]))
        self.assertEqual([a.eval("[%s]" % ",".join(ARGUMENTS[:-1]))], run.lines)
        for text in ARGUMENTS:
            run = self.call(0, a.name, "noex_peer", "echo", text)
            self.assertEqual([a.eval(text.removesuffix("."))], run.lines)
        self.assertEqual(["3"], self.call(0, a.name, "erlang", "+", "-1", "4").lines)

    def test_exceptions_are_1_and_told(self):
        a = self.erl()
        for how, (kind, reason, message) in EXCEPTIONS.items():
            with self.subTest(how):
                raised = dict(self.result(1, a.name, "noex_peer", "ending", how)["exception"])
                stack = raised.pop("stack", "")
                self.assertEqual({"class": kind, "reason": reason, "message": message}, raised)
                self.assertEqual(kind == "error", stack.startswith("[{"), stack)
                run = self.call(1, a.name, "noex_peer", "ending", how)
                words = message.removeprefix(f"{kind}: ") or reason
                self.assertEqual([], run.lines)
                self.assertEqual(f"noexmon: {a.name}: exception {kind}: {words}",
                                 run.stderr.splitlines()[0])

    def test_the_functions_that_an_error_left_are_told(self):
        a = self.erl()
        run = self.call(1, a.name, "noex_peer", "ending", "badarith")
        self.assertRegex(run.stderr,
                         r"\n    in noex_peer:ending/1 \(\S*noex_peer.erl, line \d+\)\n")
        self.call(1, a.name, "no_such_module", "f", "1", "[]",
                  says=r"undef\n    in no_such_module:f/2\n")

    def test_a_process_that_is_killed_in_place_of_returning_is_an_exit(self):
        a = self.erl()
        raised = self.result(1, a.name, "noex_peer", "die")["exception"]
        self.assertEqual({"class": "exit", "reason": "{signal,killed}", "message": ""}, raised)
        self.call(1, a.name, "noex_peer", "die", says=r"exception exit: \{signal,killed\}")

    def test_no_answer_in_time_is_5(self):
        a = self.erl()
        for args in (("timer", "sleep", "20000"), ("timer", "sleep", "infinity")):
            began = time.monotonic()
            run = self.call(5, a.name, *args, json_lines=True, options=["--timeout", 700])
            self.assertLess(time.monotonic() - began, 5)
            self.assertEqual(["NOEX_ECALLTIMEOUT"], [e["code"] for e in run.find("error")])
        a.signal(signal.SIGSTOP)
        self.call(5, a.name, "erlang", "node", options=["--timeout", 700])
        a.signal(signal.SIGCONT)
        self.call(0, a.name, "timer", "sleep", "100", options=["--timeout", 20000])

    def test_a_node_that_is_not_there_or_goes_is_3(self):
        self.call(3, f"nobody@{HOST}", "erlang", "node", says="nobody")
        a = self.erl()
        run = self.start("call", a.name, "timer", "sleep", "20000")
        wait_until(lambda: a.hidden() != "[]", what="the connection")
        a.kill()
        self.assertEqual(3, run.end(), run.report())
        self.assertEqual([a.name], [e["node"] for e in run.find("error")])

    def test_a_signal_ends_it(self):
        a = self.erl()
        for number in (signal.SIGINT, signal.SIGTERM):
            run = self.start("call", a.name, "timer", "sleep", "20000")
            wait_until(lambda: a.hidden() != "[]", what="the connection")
            self.assertEqual(5, run.interrupt(number, timeout=5), run.report())
            self.assertEqual(["NOEX_EINTERRUPTED"], [e["code"] for e in run.find("error")])
            wait_until(lambda: a.hidden() == "[]", what="the connection to be gone")

    def test_a_result_of_10_megabytes_is_whole(self):
        a = self.erl()
        args = (a.name, "binary", "copy", '<<"0123456789">>', "1000000")
        whole = '<<"%s">>' % ("0123456789" * 1000000)
        self.assertEqual(whole, self.call(0, *args).lines[0])
        self.assertEqual(whole, self.result(0, *args)["value"])
        numbers = "[%s]" % ",".join(map(str, range(1000, 300000)))
        self.assertEqual(numbers, self.call(0, a.name, "lists", "seq", "1000", "299999").lines[0])

    def test_a_reader_that_goes_away_is_6(self):
        a = self.erl()
        read_end, write_end = os.pipe()
        run = self.start("call", a.name, "lists", "seq", "1", "300000", stdout=write_end)
        os.close(write_end)
        os.close(read_end)
        self.assertEqual(6, run.end(), run.report())

    def test_what_a_function_writes_goes_to_its_own_node(self):
        a = self.erl()
        run = self.call(0, a.name, "io", "put_chars", '"written by a call"')
        self.assertEqual(["ok"], run.lines)
        wait_until(lambda: "written by a call" in a.output_text(), what="what was written")

    def test_by_a_name_of_ones_own(self):
        a = self.erl()
        options = ["--name", f"caller@{HOST}"]
        self.call(0, a.name, "erlang", "node", options=options)
        run = self.call(0, a.name, "erlang", "nodes", "hidden", options=options)
        self.assertEqual([f"['caller@{HOST}']"], run.lines)

    def test_functions_of_a_c_node(self):
        a, c = self.erl(), self.citizen()
        self.call(4, c.name, "c_node", "add", "1", "2", says="refuses.*notsup")
        run = self.call(4, c.name, "c_node", "add", "1", "2", json_lines=True)
        self.assertEqual(["NOEX_ENOTSUP"], [e["code"] for e in run.find("error")])
        self.assertEqual("ok", a.eval(f"noex_citizen:ask({{citizen, '{c.name}'}}, {{serve}})"))
        self.assertEqual(["3"], self.call(0, c.name, "c_node", "add", "1", "2").lines)
        self.assertEqual(["{a,[b]}"], self.call(0, c.name, "c_node", "echo", "{a,[b]}").lines)
        self.call(1, c.name, "c_node", "add", "1", "b",
                  says=r"error: badarith\n    in c_node:add/2")
        self.call(1, c.name, "c_node", "raise", "throw", "x", says="throw: x")
        self.call(1, c.name, "c_node", "die", "killed", says=r"exit: \{signal,killed\}")
        self.call(1, c.name, "c_node", "nothing", says=r"error: undef\n    in c_node:nothing/0")
        self.call(5, c.name, "c_node", "hold", options=["--timeout", 500])
        c.stop()

    @in_the_clear
    def test_a_node_of_erl_interface_is_4(self):
        e = Program(self, "ei_node", f"e@{HOST}", self.epmd_port(), COOKIE)
        e.wait("ready")
        name = ["--name", f"caller@{HOST}"]
        self.expect(0, "ping", *name, f"e@{HOST}")
        self.call(4, f"e@{HOST}", "erlang", "node", options=name, says="refuses")
        self.expect(4, "check", *name, f"e@{HOST}/global:x", says="refuses")

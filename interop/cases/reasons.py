"""What noexmon says of every way in which an Erlang process ends (protocol.md 15).

SPDX-License-Identifier: Apache-2.0
"""

import json

from harness import InteropCase

# how the worker is told to end, the type, a regular expression that the whole message matches
ENDINGS = [
    ("return", "normal", ""),
    ("exit_normal", "normal", ""),
    ("exit_shutdown", "shutdown", ""),
    ("exit_shutdown_tuple", "shutdown", r".*"),
    ("killed", "killed", ""),
    ("exit_kill", "killed", ".*"),
    ("exit_noproc", "noproc", ""),
    ("exit_noconnection", "noconnection", ""),
    ("exit_timeout", "timeout", ".*"),
    ("call_timeout", "timeout", ".*"),
    ("statem_timeout", "timeout", ".*"),
    ("erpc_timeout", "timeout", ".*"),
    ("call_to_missing", "exception", ".*noproc.*"),
    ("call_to_killed", "exception", ".*killed.*"),
    ("call_to_shut_down", "shutdown", ".*"),
    ("badarith", "exception", "error: badarith"),
    ("badmatch", "exception", r"error: \{badmatch,0\}"),
    ("badarg", "exception", "error: badarg"),
    ("badkey", "exception", r"error: \{badkey,missing\}"),
    ("undef", "exception", "error: undef.*"),
    ("function_clause", "exception", "error: function_clause.*"),
    ("error", "exception", r"error: \{boom,1\}"),
    ("throw", "exception", r'throw: \{oops,"thrown"\}'),
    ("exit_custom", "exception", ".*custom.*"),
    ("exit_custom_tuple", "exception", ".*custom.*"),
    ("types", "exception", ".+"),
    ("unicode", "exception", ".*grüße.*"),
    ("strings", "exception", r"[^\x00-\x1f]+"),
    ("deep", "exception", ".*core.*"),
]
SERVER_ENDINGS = [
    ("{stop,normal}", "normal", ""),
    ("{stop,shutdown}", "shutdown", ""),
    ("{stop,{shutdown,why}}", "shutdown", ".*"),
    ("{stop,custom}", "exception", ".*custom.*"),
    ("killed", "killed", ""),
    ("error", "exception", r"error: \{boom,1\}"),
    ("badmatch", "exception", r"error: \{badmatch,0\}"),
    ("throw", "exception", ".*oops.*"),
    ("call_timeout", "timeout", ".*"),
    ("call_to_missing", "exception", ".*noproc.*"),
]


class Reasons(InteropCase):
    def check_endings(self, kind, endings):
        a = self.erl()
        targets = {f"w{i}": a.worker(f"w{i}", kind) for i in range(len(endings))}
        run = self.watch(*targets.values())
        for name, (how, kind_of_reason, message) in zip(targets, endings):
            with self.subTest(how):
                a.finish(name, how)
                down = run.wait("process_down", target=targets[name])
                self.assertEqual(kind_of_reason, down["reason"]["type"])
                self.assertEqual("peer", down["origin"])
                self.assertEqual(a.eval(f"noex_peer:reason_text({name})"), down["reason"]["term"])
                self.assertRegex(down["reason"]["message"], rf"\A(?:{message})\Z")
                self.assertNotIn("cut", down["reason"])
        self.assertEqual(len(endings), len(run.find("process_down", origin="peer")))

    def test_every_ending_of_a_process(self):
        self.check_endings("worker", ENDINGS)

    def test_every_ending_of_a_gen_server(self):
        self.check_endings("server", SERVER_ENDINGS)

    def test_reasons_with_maps_and_letters_beyond_latin1_are_the_term(self):
        a = self.erl()
        for name, how in [("m", "a_map"), ("u", "beyond_latin1")]:
            target = a.worker(name)
            run = self.watch(target)
            a.finish(name, how)
            term = run.wait("process_down", target=target)["reason"]["term"]
            text = ",".join(str(b) for b in term.encode())
            self.assertEqual("true", a.eval(f"noex_peer:reason_is({name}, <<{text}>>)"), term)
            run.kill()

    def test_a_reason_of_3_MB_is_cut_and_marked(self):
        a = self.erl()
        target = a.worker("w")
        run = self.watch(target)
        a.finish("w", "megabytes")
        reason = run.wait("process_down", target=target)["reason"]
        self.assertEqual("exception", reason["type"])
        self.assertIs(True, reason["cut"])
        self.assertEqual(int(a.eval("noex_peer:reason_bytes(w)")), reason["termBytes"])
        self.assertRegex(reason["term"], r'\A\{big,<<"0123456789[0-9]+.*\.\.\.\Z')
        self.assertLess(len(reason["term"]), 3_000_000)

    def test_a_very_deep_reason_arrives(self):
        a = self.erl()
        target = a.worker("w")
        run = self.watch(target, a.worker("other"))
        a.eval("noex_peer:finish(w, very_deep)")
        reason = run.wait("process_down", target=target)["reason"]
        self.assertEqual("exception", reason["type"])
        self.assertTrue(reason["term"].startswith("{{{{"))
        a.finish("other", "exit_normal")
        run.wait("process_down", target=f"{a.name}/other", origin="peer")

    def test_an_absent_name_and_an_absent_pid_are_noproc(self):
        a = self.erl()
        a.worker("w")
        dead = a.pid_target("w")
        a.finish("w", "exit_normal")
        for target in (f"{a.name}/never_there", dead):
            run = self.watch(target)
            down = run.wait("process_down", target=target)
            self.assertEqual(("noproc", "noproc", "peer"),
                             (down["reason"]["type"], down["reason"]["term"], down["origin"]))
            self.assertEqual(["node_up", "monitor", "process_down"], run.kinds()[:3])
            run.kill()

    def test_events_come_in_order_with_matching_ids(self):
        a = self.erl()
        by_name = a.worker("w")
        by_pid = a.pid_target("w")
        run = self.watch(by_name, by_pid)
        self.assertEqual(["node_up", "monitor", "monitor"], run.kinds())
        self.assertEqual(a.name, run.events[0]["node"])
        a.finish("w", "exit_shutdown")
        for target in (by_name, by_pid):
            up = run.find("monitor", target=target)[0]
            down = run.wait("process_down", target=target)
            self.assertEqual(up["monitorId"], down["monitorId"])
            self.assertEqual({"id": target.split("/")[1], "nodeId": a.name}, down["monitoredRef"])
            self.assertEqual(down["monitoredRef"], up["monitoredRef"])
        self.assertEqual(2, len({e["monitorId"] for e in run.find("monitor")[:2]}))

    def test_all_json_of_a_run_is_valid_utf8_on_single_lines(self):
        a = self.erl()
        target = a.worker("w")
        run = self.watch(target)
        a.finish("w", "strings")
        run.wait("process_down", target=target)
        run.interrupt()
        for line in run.lines:
            self.assertIsInstance(json.loads(line), dict)
            self.assertNotIn("\ufffd", line)

"""Elixir: its endings, whose exceptions keep their own name and message, and its own functions on
processes of C.

SPDX-License-Identifier: Apache-2.0
"""

import os
import shutil

from harness import RELEASE, TREE, InteropCase

ENDINGS = [  # the argument of NoexPeer.ending/1, type, message
    ("runtime_error", "exception", "RuntimeError: boom"),
    ("argument_error", "exception", "ArgumentError: bad argument"),
    ("key_error", "exception", "KeyError: .*missing.*"),
    ("custom_error", "exception", "NoexPeer.CustomError: it broke: grüße"),
    ("unmatched", "exception", r"error: \{badmatch,error\}"),
    ("exit_string", "exception", ".*a binary.*"),
    ("exit_shutdown", "shutdown", ".*"),
    ("call_timeout", "timeout", ".*"),
    ("task_timeout", "timeout", ".*"),
]


class Elixir(InteropCase):
    def elixir(self):
        """A BEAM that runs Elixir."""
        installed = RELEASE == "25" and shutil.which("elixir")
        if not installed and not os.path.exists(TREE / "usr/bin/elixir"):
            self.skipTest("no Elixir for this release")
        return self.erl(elixir=True)

    def test_processes_of_c_are_like_its_own(self):
        a, c = self.elixir(), self.citizen()
        self.assertEqual("ok", a.eval(f"'Elixir.NoexCitizen':all('{c.name}')"))
        c.stop()

    def test_every_ending(self):
        a = self.elixir()
        targets = {how: a.worker(how) for how, _, _ in ENDINGS}
        run = self.watch(*targets.values())
        for how, kind, message in ENDINGS:
            with self.subTest(how):
                a.finish(how, f"{{apply,'Elixir.NoexPeer',ending,[{how}]}}")
                reason = run.wait("process_down", target=targets[how], origin="peer")["reason"]
                self.assertEqual(kind, reason["type"])
                self.assertRegex(reason["message"], rf"\A(?:{message})\Z")

    def test_names_with_the_elixir_prefix(self):
        a = self.erl()
        a.eval("noex_peer:worker('Elixir.My.Server')")
        target = f"{a.name}/Elixir.My.Server"
        run = self.watch(target)
        a.finish("'Elixir.My.Server'", "exit_custom")
        run.wait("process_down", target=target)

    def test_functions_are_called_by_noexmon(self):
        a = self.elixir()
        run = self.expect(0, "call", a.name, "Elixir.String", "upcase", '<<"gr\u00fc\u00dfe"/utf8>>')
        self.assertEqual(['<<"GR\u00dcSSE"/utf8>>'], run.lines)
        self.expect(1, "call", a.name, "Elixir.Code", "eval_string", '<<"raise ArgumentError">>',
                    says="exception ArgumentError: argument error")

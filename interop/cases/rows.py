"""The rows of noex's behaviour (tests/NOEX_ROWS.md) with a BEAM as the other node: the programs of
tests/rows, one run a test. SPDX-License-Identifier: Apache-2.0"""

import os
import shutil
import subprocess

from harness import InteropCase, beam_of, built_program


class Rows(InteropCase):
    def rows(self, name, beams=1):
        """`beams`: how many BEAMs the rows use up, and one more."""
        program = built_program("NOEX_ROWS", "tests", f"rows_{name}")
        shutil.copy(beam_of("teller"), self.dir)
        nodes = [self.erl(f"b{i}", cookie="secret") for i in range(beams)]
        for node in nodes:
            node.allow("onnection|ot responding|boom|no such disk|crash|terminat|Error|error")
        words = []
        for node in nodes:
            port = node.eval(f'{{port, P, _}} = erl_epmd:port_please("{node.name.split("@")[0]}",'
                             " {127, 0, 0, 1}), P")
            words.append(f"{node.name}:{port}:{node.pid}")
        env = {**os.environ, "NOEX_ROWS_BEAMS": " ".join(words),
               "ERL_EPMD_PORT": str(self.epmd_port())}
        result = subprocess.run([program], env=env, timeout=200,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        text = result.stdout.decode(errors="replace")
        self.assertEqual(0, result.returncode, text)
        self.assertIn("PASSED", text)

    def test_setup(self):
        self.rows("setup")

    def test_downs(self):
        self.rows("downs")

    def test_ends(self):
        self.rows("ends", 8)

    def test_calls(self):
        self.rows("calls", 4)

    def test_cluster(self):
        self.rows("cluster", 3)

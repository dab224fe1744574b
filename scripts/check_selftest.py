#!/usr/bin/env python3
"""The checks find what they are made to find: each is fed a breach of every kind, and what is allowed.

SPDX-License-Identifier: Apache-2.0
"""

import unittest

import check_banned
import check_layers
import check_length
import check_noex_rows
import check_peer_bugs


class Layers(unittest.TestCase):
    def breaches(self, path, text):
        return list(check_layers.breaches_of(path, text))

    def test_breaches_are_found(self):
        for path, line in [
                ("cnode/base/a.c", '#include "term/token.h"'),
                ("cnode/wire/a.c", '#include "handshake/hs.h"'),
                ("cnode/process/a.c", '#include "wire/ctrl.h"'),
                ("cnode/io/a.c", '#include "term/token.h"'),
                ("cnode/node/a.c", '#include "api/api.h"'),
                ("cnode/cli/a.c", '#include "base/alloc.h"'),
                ("cnode/conn/a.c", '#include "conn.h"'),
                ("cnode/conn/a.c", '#include "epmd_proto.h"'),
                ("cnode/wire/a.c", "#include <ei.h>"),
                ("cnode/node/a.c", "#  include <uv.h>"),
                ("cnode/handshake/hs.c", "#include <openssl/evp.h>"),
                ("cnode/cli/a.c", "#include <jansson.h>"),
                ("cnode/cli/a.c", "#include <sys/socket.h>"),
                ("cnode/node/a.c", "#include <netinet/in.h>"),
                ("cnode/conn/a.c", "#include <time.h>"),
                ("epmd_client/a.c", "#include <noex/error.h>"),
                ("epmd_client/a.c", "#include <unistd.h>"),
                ("include/noex/a.h", "#include <sys/types.h>"),
                ("cnode/node/a.c", "p = malloc(3);"),
                ("cnode/other/a.c", "")]:
            with self.subTest(path=path, line=line):
                self.assertEqual(1, len(self.breaches(path, line)))

    def test_what_is_allowed_passes(self):
        for path, line in [
                ("cnode/term/a.c", "#include <ei.h>"),
                ("cnode/io/a.c", "#include <uv.h>"),
                ("cnode/handshake/digest.c", "#include <openssl/evp.h>"),
                ("cnode/node/a.c", '#include "epmd_session.h"'),
                ("cnode/cli/a.c", '#include "cmd.h"'),
                ("cnode/cli/a.c", "p = malloc(3);"),
                ("cnode/base/a.c", "/* malloc(3) and free(3) */ a->free(a, p);"),
                ("cnode/base/a.c", '// #include "term/token.h"')]:
            with self.subTest(path=path, line=line):
                self.assertEqual([], self.breaches(path, line))


class Length(unittest.TestCase):
    def test_functions_are_measured(self):
        text = ("struct s {\n    int a;\n};\n#define F(x) {\nenum e { A };\n"
                "/* f() { */\nstatic const int t[] = {1, 2};\n"
                "int f(int a,\n      char b)\n{\n    if (a == '{') {\n    }\n    return 0;\n}\n"
                "void g(void) { }\n")
        self.assertEqual([("f", 8, 7), ("g", 15, 1)], list(check_length.functions(text)))


class Banned(unittest.TestCase):
    def breaches(self, path, text):
        return list(check_banned.breaches_of(path, text))

    def test_breaches_are_found(self):
        for path, line in [
                ("cnode/cli/a.c", "strcpy(a, b);"), ("tests/a.c", "// FIXME"),
                ("cnode/io/a.c", "printf(a);"), ("epmd_client/a.c", "exit (1);"),
                ("include/noex/a.h", "/* TODO */")]:
            with self.subTest(path=path, line=line):
                self.assertEqual(1, len(self.breaches(path, line)))

    def test_what_is_allowed_passes(self):
        for path, line in [
                ("cnode/cli/a.c", "printf(a);"), ("cnode/io/a.c", 'x("exit(1)");'),
                ("tests/a.c", "strcpy(a, b);"),
                ("cnode/io/a.c", "snprintf(a, n, b);"), ("cnode/io/a.c", "nx_exit(1); p->exit(2);")]:
            with self.subTest(path=path, line=line):
                self.assertEqual([], self.breaches(path, line))


class PeerBugs(unittest.TestCase):
    files = {
        "tests/unit/test_a.c": "static void one(void **s)\n{\n}\nstatic void two(void **s)\n{\n}\n"
                               '/* TEST(two) */ T t[] = {cmocka_unit_test(one), {"a row", 1}};',
        "interop/cases/b.py": "class B:\n    def test_three(self):\n        self.drive('four')\n",
        "interop/c.erl": "four(C) ->\n    ok.\nfive(C) ->\n    ok.\n",
        "interop/cases": "interop/cases/b.py",
        "tests/api/test_six.sh": "#!/bin/sh"}

    def breaches(self, *cells):
        text = "| fault | file | test |\n|---|---|---|\n| " + " | ".join(cells) + " |\n"
        return list(check_peer_bugs.breaches_of(text, lambda path: self.files.get(path, "")))

    def test_breaches_are_found(self):
        for cells in [("a fault", "a", "none"), ("a fault", "a", "two"), ("a fault", "b", "one"),
                      ("a fault", "c", "five"), ("a fault", "nowhere", "three"), ("", "a", "one"),
                      ("a fault", "api", "seven"), ("a fault", "", "")]:
            with self.subTest(cells=cells):
                self.assertEqual(1, len(self.breaches(*cells)))

    def test_what_is_allowed_passes(self):
        for cells in [("a fault", "a", "one"), ("a fault", "a", "a row"), ("`[a\\|b]`", "b", "three"),
                      ("a fault", "c", "four"), ("a fault", "api", "six")]:
            with self.subTest(cells=cells):
                self.assertEqual([], self.breaches(*cells))


class NoexRows(unittest.TestCase):
    def test_a_row_needs_a_test_that_is_run_or_a_reason(self):
        page = "| M01 | x |\n## Not applicable\n| M02 | y |\n"
        left = list(check_noex_rows.breaches_of(page, ["cmocka_unit_test(N01_N02_x), void N03_y("]))
        names = " ".join(left)
        for row in ("M01", "N03", "Y09"):
            self.assertIn(f"row {row} has neither", names)
        for row in ("M02", "N01", "N02"):
            self.assertNotIn(f"row {row} ", names)
        both = check_noex_rows.breaches_of(page, ["cmocka_unit_test(M02_z)"])
        self.assertIn("row M02 is not applicable, and has a test", " ".join(both))


if __name__ == "__main__":
    unittest.main()

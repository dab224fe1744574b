"""What noexmon refuses to start with: exit status 2, and nothing on stdout.

SPDX-License-Identifier: Apache-2.0
"""

from harness import COOKIE, HOST, InteropCase

TARGET = f"a@{HOST}/w"
WRONG = [
    [""],
    ["no-such-command"],
    ["check"],
    ["watch"],
    ["ping"],
    ["check", "--no-such-option", TARGET],
    ["check", "--timeout", TARGET],
    ["check", "--timeout", "soon", TARGET],
    ["check", "--timeout", "-1", TARGET],
    ["check", "--ticktime", "0", TARGET],
    ["check", "--epmd-port", "65536", TARGET],
    ["check", "--epmd-port", "0", TARGET],
    ["check", "--name", "without-host", TARGET],
    ["check", "--name", "two@at@signs", TARGET],
    ["check", "--targets", "/no/such/file"],
    ["check", "w"],
    ["check", "@host/w"],
    ["check", "a@/w"],
    ["check", f"a@{HOST}/"],
    ["check", f"a@{HOST}/" + "x" * 256],
    ["check", f"a@{HOST}/<0.1.0"],
    ["check", f"a@{HOST}/<0.x.0>"],
    ["check", f"a@{HOST}/<0.268435456.0>"],
    ["check", f"a@{HOST}:70000/w"],
    ["watch", "--for", "x", TARGET],
    ["watch", "--visible", TARGET],
    ["check", f"a@{HOST}/global:"],
    ["check", f"a@{HOST}/global:Name"],
    ["check", f"a@{HOST}/global:{{a,"],
    ["names", "--visible"],
    ["call"],
    ["call", "m"],
    ["call", f"a@{HOST}"],
    ["call", f"a@{HOST}", "m"],
    ["call", f"a@{HOST}", "", "f"],
    ["call", f"a@{HOST}", "m", "x" * 256],
    ["call", f"a@{HOST}", "m", "f", "{a"],
    ["call", f"a@{HOST}", "m", "f", "1", "Two"],
    ["call", f"a@{HOST}", "m", "f", "self()"],
    ["call", f"a@{HOST}", "m", "f", "#{a=>1,a=>2}"],
    ["call", "--for", "1", f"a@{HOST}", "m", "f"],
    ["call", "--targets", "-", f"a@{HOST}", "m", "f"],
    ["call", "--visible", f"a@{HOST}", "m", "f"],
    ["call", "--name", f"a@{HOST}", f"a@{HOST}", "m", "f"],
]


class Usage(InteropCase):
    def test_wrong_command_lines_are_2_with_words_on_stderr(self):
        for args in WRONG:
            with self.subTest(" ".join(args)[:80]):
                run = self.expect(2, *args)
                self.assertEqual([], run.lines)
                self.assertTrue(run.stderr.strip())

    def test_help_and_version_are_0(self):
        for option in ("--help", "--version"):
            self.assertTrue(self.expect(0, option).lines)
        self.assertIn("Exit", "".join(self.expect(0, "--help").lines))

    def test_a_term_that_is_none_is_told_with_its_place(self):
        self.expect(2, "call", f"a@{HOST}", "m", "f", "ok", "{a,b",
                    says=r"argument 2: byte 4: expected ',' or '}'")

    def test_the_cookie_is_on_no_command_line(self):
        self.expect(2, "check", "--cookie", COOKIE, TARGET)


class CookieFile(InteropCase):
    """As erl finds it; erl's own rules (protocol.md 2.8)."""

    def setUp(self):
        super().setUp()
        self.default = self.home / ".erlang.cookie"
        self.node = f"nobody@{HOST}"  # 3 means: the cookie was fine

    def test_a_file_that_others_can_read_is_2(self):
        for mode in (0o440, 0o404, 0o644):
            self.write_cookie(self.default, COOKIE, mode)
            self.expect(2, "ping", self.node, says=r"\.erlang\.cookie")

    def test_no_file_at_all_is_2_and_none_is_made(self):
        self.default.unlink()
        self.expect(2, "ping", self.node, says="cookie")
        self.assertEqual([], list(self.home.rglob("*cookie*")))

    def test_an_empty_file_is_2(self):
        self.write_cookie(self.default, "\n")
        self.expect(2, "ping", self.node, says="cookie")

    def test_a_cookie_with_letters_that_are_not_allowed_is_2(self):
        for cookie in ("tab\there", "gr\u00fc\u00dfe", "two\nlines"):
            self.write_cookie(self.default, cookie)
            self.expect(2, "ping", self.node, says="cookie")

    def test_the_place_of_xdg_comes_second(self):
        self.default.unlink()
        self.write_cookie(self.home / ".config" / "erlang" / ".erlang.cookie", COOKIE)
        self.expect(3, "ping", self.node)
        self.expect(2, "ping", self.node, env={"XDG_CONFIG_HOME": str(self.dir / "xdg")})
        self.write_cookie(self.dir / "xdg" / "erlang" / ".erlang.cookie", COOKIE)
        self.expect(3, "ping", self.node, env={"XDG_CONFIG_HOME": str(self.dir / "xdg")})

    def test_a_named_file_is_the_only_one(self):
        other = self.write_cookie(self.dir / "cookie", COOKIE, 0o600)
        self.default.unlink()
        self.expect(3, "ping", "--cookie-file", other, self.node)
        self.write_cookie(self.default, COOKIE)
        self.expect(2, "ping", "--cookie-file", self.dir / "missing", self.node)

    def test_a_node_with_the_files_cookie_takes_it_without_its_newline(self):
        a = self.erl()
        self.write_cookie(self.default, COOKIE + " \r\n")
        self.expect(0, "ping", a.name)

    def test_the_environments_cookie_wins(self):
        a = self.erl()
        self.write_cookie(self.default, "wrong", 0o644)
        self.expect(0, "ping", a.name, env={"NOEX_COOKIE": COOKIE})
        a.allow("Invalid challenge", "onnection attempt")
        self.write_cookie(self.default, COOKIE)
        self.expect(4, "ping", a.name, env={"NOEX_COOKIE": "wrong"}, says="cookie")

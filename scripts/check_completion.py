#!/usr/bin/env python3
"""The completions for bash and zsh offer what noexmon takes: in real shells on a terminal, keys typed.

An epmd of the check's own tells the names. zsh is left out where it is not installed.
Usage: check_completion.py NOEXMON. SPDX-License-Identifier: Apache-2.0
"""

import os
import pty
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

from sources import ROOT

PATIENCE = 20
NODE = "shop_of_the_check"
PROMPT = "ready>"


class Epmd:
    """Answers each NAMES request with one name."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            client, _ = self.listener.accept()
            with client:
                client.recv(16)
                client.sendall(struct.pack(">I", self.port) +
                               f"name {NODE} at port 4711\n".encode())


class Terminal:
    """A shell on a terminal of its own."""

    def __init__(self, args, env):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvpe(args[0], args, env)
        self.screen = ""

    def wait_for(self, pattern):
        """Reads until the screen since the last keys shows the pattern; returns that screen."""
        end = time.monotonic() + PATIENCE
        while not re.search(pattern, self.screen):
            ready = select.select([self.fd], [], [], max(0, end - time.monotonic()))[0]
            if not ready:
                raise AssertionError(f"no {pattern!r} in {self.screen!r}")
            self.screen += os.read(self.fd, 65536).decode(errors="replace")
        return self.screen

    def type(self, keys):
        self.screen = ""
        os.write(self.fd, keys.encode())

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        os.close(self.fd)
        os.waitpid(self.pid, 0)


class Completion:
    """What both shells do; a class for each says how the shell is started."""

    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.TemporaryDirectory()
        cls.epmd = Epmd()
        cls.env = {"PATH": f"{PROGRAM.parent}:{os.environ['PATH']}", "HOME": cls.dir.name,
                   "TERM": "dumb", "LC_ALL": "C.UTF-8", "ERL_EPMD_PORT": str(cls.epmd.port),
                   "PS1": PROMPT}
        (Path(cls.dir.name) / "watched.txt").touch()

    @classmethod
    def tearDownClass(cls):
        cls.dir.cleanup()

    def setUp(self):
        self.shell = Terminal(self.COMMAND, self.env)
        self.addCleanup(self.shell.close)
        self.enter(f"cd {self.dir.name}; {self.SETUP}")

    def completes(self, typed, becomes):
        """The rest of the line that one press of the tab key adds."""
        self.shell.type(typed + "\t")
        self.shell.wait_for(re.escape(becomes))
        self.enter()

    def offers(self, typed, words):
        self.shell.type(typed + self.LIST)
        for word in words:
            self.shell.wait_for(rf"(?<![\w-]){re.escape(word)}(?![\w-])")
        self.enter()

    def enter(self, line=":"):
        """A command line in place of what was typed so far; returns what it printed."""
        self.shell.type(f"\x15{line}; echo do''ne\n")
        return self.shell.wait_for(f"done\r?\n.*{PROMPT}")

    def test_commands_and_options_are_those_of_the_help(self):
        self.offers("noexmon ", COMMANDS)
        for command, options in COMMANDS.items():
            self.offers(f"noexmon {command} --", options)

    def test_a_word_that_only_one_fits_is_completed(self):
        self.completes("noexmon wait-d", "noexmon wait-down ")
        self.completes("noexmon --vers", "noexmon --version ")
        self.completes("noexmon watch --epm", "noexmon watch --epmd-port")

    def test_a_file_is_completed_where_one_is_taken(self):
        self.completes("noexmon check --targets wat", "--targets watched.txt ")
        self.completes("noexmon check --cookie-file=wat", "--cookie-file=watched.txt ")

    def test_a_node_is_completed_by_its_name_and_its_host(self):
        self.completes(f"noexmon ping {NODE[:6]}", f"noexmon ping {NODE}@")
        self.completes(f"noexmon check {NODE}@127.", f"noexmon check {NODE}@127.0.0.1 ")
        port = self.epmd.port
        self.enter("unset ERL_EPMD_PORT")
        self.completes(f"noexmon ping --epmd-port {port} {NODE[:6]}", f"{port} {NODE}@")

    def test_behind_the_node_that_is_called_nothing_is_offered(self):
        self.completes("noexmon call --js", "noexmon call --json ")
        self.completes(f"noexmon call --name x@h {NODE[:6]}", f"x@h {NODE}@")
        for typed in ("noexmon call n@h --js", f"noexmon call n@h {NODE[:6]}",
                      f"noexmon call --name x@h n@h m f {NODE[:6]}"):
            self.shell.type(typed + "\t")
            self.assertNotRegex(self.enter(), "json|%s" % NODE[6:])

    def test_without_an_epmd_nothing_is_offered_and_nothing_said(self):
        self.enter("export ERL_EPMD_PORT=1")
        self.shell.type("noexmon ping no\t")
        self.assertNotRegex(self.enter(), "epmd|refused")


class Bash(Completion, unittest.TestCase):
    COMMAND = ["bash", "--norc", "--noprofile", "-i"]
    SETUP = f"bind 'set enable-bracketed-paste off'; . {ROOT}/completions/noexmon.bash"
    LIST = "\t\t"

    def test_the_options_are_no_more_than_those_of_the_help(self):
        script = (f'. {ROOT}/completions/noexmon.bash; COMP_LINE="noexmon $1 --"\n'
                  'COMP_POINT=${#COMP_LINE} COMP_WORDS=(noexmon "$1" --) COMP_CWORD=2\n'
                  '_noexmon noexmon -- "$1"; printf "%s\\n" "${COMPREPLY[@]}"')
        for command, options in COMMANDS.items():
            run = subprocess.run(["bash", "-c", script, "bash", command], env=self.env,
                                 capture_output=True, text=True)
            self.assertEqual((sorted(options), ""), (sorted(run.stdout.split()), run.stderr))


@unittest.skipUnless(shutil.which("zsh"), "zsh is not installed")
class Zsh(Completion, unittest.TestCase):
    COMMAND = ["zsh", "-f", "-i"]
    SETUP = (f"unset zle_bracketed_paste; unsetopt prompt_sp; fpath=({ROOT}/completions $fpath);"
             "autoload -U compinit; compinit -D -u")
    LIST = "\t"


def help_of(*args):
    return subprocess.run([PROGRAM, *args, "--help"], check=True, capture_output=True,
                          text=True).stdout


if __name__ == "__main__":
    PROGRAM = Path(sys.argv.pop()).absolute()
    COMMANDS = {command: re.findall(r"^  (--[a-z-]+)", help_of(command), re.MULTILINE)
                for command in re.findall(r"^  noexmon ([a-z-]+) ", help_of(), re.MULTILINE)}
    unittest.main(verbosity=2)

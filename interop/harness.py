"""Real BEAMs, their epmd and noexmon as child processes of a test.

SPDX-License-Identifier: Apache-2.0

The environment says what is tested: NOEX_OTP the release of the BEAMs ("25", the installed one,
unless given; others are those of scripts/otp_peers.sh), NOEX_OTP_DIR where those are, NOEXMON the
command line of noexmon (several words allowed: "valgrind -q .../noexmon"), NOEX_PROGRAMS the folder of
the programs built from programs/*.c. With NOEX_TLS ("1.2", "1.3") all of it speaks TLS, both sides
verifying each other.
"""

import ctypes
import datetime
import hashlib
import json
import os
import random
import re
import shlex
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

from certificates import certificates, optfile

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
RELEASE = os.environ.get("NOEX_OTP", "25")
TREES = Path(os.environ.get("NOEX_OTP_DIR", ROOT / "build" / "otp"))
TREE = TREES / RELEASE
TLS = os.environ.get("NOEX_TLS")
COOKIE = "interop-cookie"
HOST = "127.0.0.1"
PATIENCE = 20  # seconds that anything healthy may take on a busy machine
SKIPPED = 77

# What a BEAM logs when a peer broke the protocol, was refused, or pushed others around.
COMPLAINTS = re.compile(
    r"orrupted external|Invalid distribution|Invalid challenge|badarg in send"
    r"|disconnected|rejected|Cannot get connection|onnection attempt|not allowed|net_tick_timeout"
    r"|CRASH DUMP", re.IGNORECASE)


in_the_clear = unittest.skipIf(TLS, "not over TLS")


def missing(release=RELEASE):
    """Why this release cannot be tested here, or None."""
    if release == "25":
        return None if shutil.which("erl") else "no Erlang is installed"
    if not (TREES / release / ".noex-otp").exists():
        return f"no OTP {release} in {TREES} (scripts/otp_peers.sh {release})"
    return None if os.geteuid() == 0 else "only root may chroot"


def otp_command(program, *args, release=RELEASE):
    """The command line that runs a program of this release; the pid will be the program's."""
    tree = TREES / release
    prefix = [] if release == "25" else [str(ROOT / "scripts" / "otp_exec.sh"), str(tree)]
    return [*prefix, program, *args]


def noexmon_command():
    if "NOEXMON" in os.environ:
        return shlex.split(os.environ["NOEXMON"])
    built = [p for p in ROOT.glob("build/*/noexmon") if p.is_file()]
    if not built:
        raise FileNotFoundError("no build/*/noexmon; name it in the environment variable NOEXMON")
    return [str(max(built, key=lambda p: p.stat().st_mtime))]


def built_program(variable, folder, name):
    """A program of build/*/FOLDER, or of the folder that the environment variable names. Not every
    build has all of them."""
    if variable in os.environ:
        return str(Path(os.environ[variable]) / name)
    built = list(ROOT.glob(f"build/*/{folder}/{name}"))
    if not built:
        raise FileNotFoundError(f"no build/*/{folder}/{name}; name its folder in {variable}")
    return str(max(built, key=lambda p: p.stat().st_mtime))


def beam_of(module):
    """MODULE.beam, compiled once for each version of its source; it runs on every release."""
    source = HERE / f"{module}.erl"
    digest = hashlib.sha1(source.read_bytes()).hexdigest()[:16]
    beam = ROOT / "build" / "interop" / digest / f"{module}.beam"
    if not beam.exists():
        beam.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=beam.parent) as scratch:
            subprocess.run(["erlc", "-o", scratch, str(source)], check=True)
            os.replace(Path(scratch) / beam.name, beam)
    return beam


def free_port():
    """Not one of those that the kernel gives to clients, which may be all in use for a minute."""
    while True:
        port = random.randrange(10000, 32768)
        with socket.socket() as s:
            try:
                s.bind((HOST, port))
                return port
            except OSError:
                pass


def wait_until(condition, timeout=PATIENCE, what="the condition"):
    """Polls until condition() is true and returns its value; AssertionError after `timeout` s."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout} s for {what}")
        time.sleep(0.02)


def _die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class Child:
    """A child process. It is ended by its pid when the test ends, and by the kernel if we die."""

    def __init__(self, case, argv, env, **streams):
        self.process = subprocess.Popen(argv, env=env, preexec_fn=_die_with_parent, **streams)
        self.pid = self.process.pid
        case.addCleanup(self.kill)

    def alive(self):
        return self.process.poll() is None

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        """SIGKILL works on a stopped process too."""
        if self.alive():
            self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream:
                try:
                    stream.close()
                except BrokenPipeError:
                    pass


class Epmd(Child):
    """An epmd of our own on a port of its own."""

    def __init__(self, case, port=None):
        self.port = port or free_port()
        super().__init__(case, otp_command("epmd", "-port", str(self.port), "-address", HOST), None,
                         stdin=subprocess.DEVNULL)
        wait_until(self.names_answer, what="epmd")

    def names_answer(self):
        if not self.alive():
            raise AssertionError(f"epmd ended with {self.process.returncode}")
        try:
            with socket.create_connection((HOST, self.port), timeout=PATIENCE) as s:
                s.sendall(b"\0\1n")
                answer = b""
                while part := s.recv(4096):
                    answer += part
                return answer
        except ConnectionRefusedError:
            return None


class ErlNode(Child):
    """A BEAM with noex_peer running. `name` is the part before the '@'."""

    def __init__(self, case, name="a", host=HOST, cookie=COOKIE, args=(), elixir=False,
                 release=RELEASE, tls=None, proto=None):
        """`tls`: an ssl_dist_optfile, or False for a node in the clear; None: as all of the test."""
        self.name = f"{name}@{host}"
        self.dir = case.dir
        self.log_file = case.dir / f"{name}.log"
        self.ready_file = case.dir / f"{name}.ready"
        self.allowed = []
        self.ready_file.unlink(missing_ok=True)
        loopback = "{0,0,0,0,0,0,0,1}" if proto and "inet6" in proto else "{127,0,0,1}"
        tls = case.tls_optfile() if tls is None else tls
        if tls:
            args = ["-proto_dist", proto or "inet_tls", "-ssl_dist_optfile", str(tls), *args]
        elif proto:
            args = ["-proto_dist", proto, *args]
        erl_args = ["-noinput", "-start_epmd", "false", "-kernel", "inet_dist_use_interface",
                    loopback, "-pa", str(case.dir), *args, "-s", "noex_peer", "start"]
        naming = ["-name" if "." in host or ":" in host else "-sname", self.name]
        if elixir:
            argv = otp_command("elixir", f"-{naming[0]}", self.name, "--cookie", cookie, "--erl",
                               " ".join(erl_args), "-r", str(case.dir / "noex_peer.exs"),
                               "--no-halt", release=release)
        else:
            argv = otp_command("erl", *naming, "-setcookie", cookie, *erl_args, release=release)
        env = {"PATH": os.environ["PATH"], "HOME": str(case.home), "LANG": "C.UTF-8",
               "ERL_EPMD_PORT": str(case.epmd.port), "NOEX_PEER_DIR": str(case.dir),
               "NOEX_PEER_NAME": name,
               "ERL_CRASH_DUMP_BYTES": "0"}
        self.output = open(case.dir / f"{name}.out", "ab")
        case.addCleanup(self.output.close)
        super().__init__(case, argv, env, stdin=subprocess.DEVNULL, stdout=self.output,
                         stderr=self.output)
        self.control = None
        wait_until(self._booted, timeout=3 * PATIENCE, what=f"{self.name} to boot")
        self.control = socket.create_connection((HOST, int(self.ready_file.read_text())))
        self.control.settimeout(8 * PATIENCE)
        case.addCleanup(self.control.close)

    def _booted(self):
        if not self.alive():
            raise AssertionError(f"{self.name} ended at boot: {self.output_text()}")
        return self.ready_file.exists()

    def output_text(self):
        return Path(self.output.name).read_text(errors="replace")

    def eval(self, expression):
        """The value of Erlang expressions, printed (~0tp); {raw, Binary} is that binary's text."""
        text = expression.encode()
        self.control.sendall(struct.pack(">I", len(text)) + text)
        answer = self._read(struct.unpack(">I", self._read(4))[0])
        if answer[:1] != b"o":
            raise AssertionError(f"{expression} on {self.name}: {answer[1:].decode()}")
        return answer[1:].decode()

    def _read(self, count):
        data = b""
        while len(data) < count:
            part = self.control.recv(count - len(data))
            if not part:
                raise AssertionError(f"{self.name} is gone")
            data += part
        return data

    def worker(self, name, kind="worker"):
        """Starts a registered worker (kind "worker" or "server"); its target text."""
        self.eval(f"noex_peer:{kind}({name})")
        return f"{self.name}/{name}"

    def finish(self, name, how):
        """Ends a worker as noex_peer:ending/1 says; waits until it is gone."""
        self.eval(f"P = noex_peer:finish({name}, {how}), R = erlang:monitor(process, P),"
                  " receive {'DOWN', R, _, _, _} -> ok end")

    def pid_target(self, name):
        return f"{self.name}/{self.eval(f'noex_peer:pid_text({name})')}"

    def hidden(self):
        """Names of the hidden nodes connected to it, as printed."""
        return self.eval("nodes(hidden)")

    def allow(self, *patterns):
        """What this node may complain about in this test."""
        self.allowed += patterns

    def complaints(self):
        """The lines of its log that say a peer misbehaved."""
        try:
            self.signal(signal.SIGCONT)
            self.eval("noex_peer:flush_log()")
        except (AssertionError, OSError):
            pass  # it has ended, or is about to
        log = self.log_file.read_text(errors="replace") if self.log_file.exists() else ""
        lines = (log + self.output_text()).splitlines()
        found = [line for line in lines if COMPLAINTS.search(line)]
        return [line for line in found if not any(re.search(a, line) for a in self.allowed)]


SPEAKS_TLS = ("watch", "check", "wait-up", "wait-down", "ping", "call")
SCHEMA = {  # event: keys besides v, seq, ts, event; those in the second set may be absent
    "node_up": ({"node"}, set()),
    "node_down": ({"node", "reason"}, set()),
    "monitor": ({"target", "monitorId", "monitoredRef"}, set()),
    "process_down": ({"target", "monitorId", "monitoredRef", "origin", "reason"}, set()),
    "process_up": ({"target", "gapMs", "downs"}, set()),
    "reconnect": ({"node", "attempt", "delayMs"}, set()),
    "tick_missed": ({"node", "missed"}, set()),
    "error": ({"code", "message"}, {"node", "target"}),
    "name": ({"host", "name", "port"}, set()),
    "result": ({"node"}, {"value", "exception"}),
}
REASON_TYPES = {"normal", "shutdown", "killed", "timeout", "exception", "noproc", "noconnection"}
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def check_event(event):
    """Raises AssertionError unless the event has exactly the keys and values of the contract."""
    assert event["v"] == 1, event
    assert TIMESTAMP.fullmatch(event["ts"]), event
    when = datetime.datetime.fromisoformat(event["ts"].replace("Z", "+00:00"))
    assert abs(when.timestamp() - time.time()) < 600, event
    keys, optional = SCHEMA[event["event"]]
    extra = set(event) - {"v", "seq", "ts", "event"} - keys
    assert keys <= set(event) and extra <= optional, event
    for key in {"gapMs", "downs", "attempt", "delayMs", "missed"} & set(event):
        assert type(event[key]) is int and event[key] >= 0, event
    for key in {"node", "target", "message"} & set(event):
        assert isinstance(event[key], str) and event[key], event
    if event["event"] == "result":
        assert isinstance(event.get("value", ""), str), event
        assert ("value" in event) != ("exception" in event), event
    if "exception" in event:
        raised = event["exception"]
        assert raised["class"] in ("error", "exit", "throw"), event
        told = {"class", "reason", "message"} | ({"stack"} if raised["class"] == "error" else set())
        assert set(raised) == told and all(isinstance(v, str) for v in raised.values()), event
    if "monitoredRef" in event:
        assert set(event["monitoredRef"]) == {"id", "nodeId"}, event
    if event["event"] == "process_down":
        reason = event["reason"]
        assert event["origin"] in ("peer", "local"), event
        assert set(reason) - {"cut", "termBytes"} == {"type", "message", "term"}, event
        assert ("cut" in reason) == ("termBytes" in reason), event
        assert reason.get("cut", True) is True, event
        assert reason["type"] in REASON_TYPES and isinstance(reason["message"], str), event


class Noexmon(Child):
    """A running noexmon; `events` grows as it prints (with --json, unless told otherwise).
    A `stdout` of one's own is not read here."""

    def __init__(self, case, *args, json_lines=True, env=None, stdin=None, closed_stdout=False,
                 stdout=subprocess.PIPE):
        self.json_lines = json_lines
        if TLS and args[0] in SPEAKS_TLS and not any("--tls-" in str(a) for a in args):
            args = [args[0], f"--tls-optfile={case.tls_optfile()}", *args[1:]]
        argv = [*noexmon_command(), args[0], *["--json"] * json_lines, *map(str, args[1:])]
        if closed_stdout:
            argv = ["sh", "-c", 'exec "$@" >&-', "sh", *argv]
        self.argv = argv
        full_env = {"PATH": os.environ["PATH"], "HOME": str(case.home),
                    "ERL_EPMD_PORT": str(case.epmd_port()), **(env or {})}
        for name in os.environ:
            if name.startswith(("ASAN_", "UBSAN_", "TSAN_", "LSAN_")):
                full_env[name] = os.environ[name]
        super().__init__(case, argv, full_env, stdout=stdout, stderr=subprocess.PIPE,
                         stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE)
        self.events = []
        self.bad_lines = []
        self.lines = []
        self.stderr = ""
        self._news = threading.Condition()
        self._readers = [threading.Thread(target=t, daemon=True) for t in (self._out, self._err)]
        for thread in self._readers:
            thread.start()
        if stdin is not None:
            self.process.stdin.write(stdin.encode())
            self.process.stdin.close()

    def _out(self):
        for raw in self.process.stdout or ():
            at = time.monotonic()
            line = raw.decode(errors="replace").rstrip("\n")
            with self._news:
                self.lines.append(line)
                if self.json_lines:
                    try:
                        self.events.append({**json.loads(line), "_at": at})
                    except (ValueError, TypeError):
                        self.bad_lines.append(line)
                self._news.notify_all()
        with self._news:
            self._news.notify_all()

    def _err(self):
        for raw in self.process.stderr:
            self.stderr += raw.decode(errors="replace")

    def find(self, event, after=0, **fields):
        """The events of this kind after that seq whose fields are these."""
        return [e for e in self.events if e.get("event") == event and e.get("seq", 0) > after
                and all(e.get(k) == v for k, v in fields.items())]

    def wait(self, event, after=0, timeout=PATIENCE, **fields):
        """The first such event, waited for."""
        deadline = time.monotonic() + timeout
        with self._news:
            while not (found := self.find(event, after, **fields)):
                left = deadline - time.monotonic()
                if left <= 0 or not any(t.is_alive() for t in self._readers[:1]):
                    raise AssertionError(f"no {event} {fields} after seq {after}\n{self.report()}")
                self._news.wait(left)
        return found[0]

    def kinds(self):
        return [e.get("event") for e in self.events]

    def end(self, timeout=PATIENCE):
        """Waits for it to end by itself; the exit status."""
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {timeout} s\n{self.report()}") from None
        for thread in self._readers:
            thread.join(PATIENCE)
        return self.process.returncode

    def interrupt(self, number=signal.SIGINT, timeout=PATIENCE):
        self.signal(number)
        return self.end(timeout)

    def report(self):
        """All that is needed to see what happened."""
        return (f"command: {shlex.join(self.argv)}\nexit: {self.process.poll()}\nstdout:\n"
                + "\n".join(line[:2000] for line in self.lines)
                + f"\nstderr:\n{self.stderr[-4000:]}")

    def check(self):
        """What must hold of every run, whatever was tested."""
        assert not re.search("Sanitizer|runtime error:|==ERROR", self.stderr), self.report()
        assert not self.bad_lines, f"no JSON: {self.bad_lines[:3]}\n{self.report()}"
        if self.process.returncode is not None and self.process.returncode < 0:
            assert -self.process.returncode == signal.SIGKILL, self.report()
        for index, event in enumerate(self.events):
            event = {k: v for k, v in event.items() if k != "_at"}
            check_event(event)
            assert event["seq"] == self.events[0]["seq"] + index, self.report()


class Program(Child):
    """A program of programs/*.c; `lines` grows as it prints."""

    def __init__(self, case, name, *args):
        argv = [built_program("NOEX_PROGRAMS", "interop/programs", name), *map(str, args)]
        self.lines = []
        super().__init__(case, argv, None, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True)

    def wait(self, word):
        """Reads on until it prints this line."""
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            if self.lines[-1] == word:
                return
        self.process.wait()
        raise AssertionError(f"no {word!r}; status {self.process.returncode}, {self.lines}\n"
                             + self.process.stderr.read()[-4000:])

    def say(self, word):
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()

    def finish(self):
        """Until it has ended well; what it measured is printed."""
        self.wait("ok")
        errors = self.process.stderr.read()
        status = self.process.wait()
        assert status == 0 and not errors, f"status {status}\n{errors[-4000:]}"
        if self.lines[:-1]:
            print(*self.lines[:-1], sep="\n", flush=True)


class Citizen(Program):
    """programs/citizen.c, a node that others can reach. `name` is the part before the '@'."""

    def __init__(self, case, name, *options):
        self.name = f"{name}@{HOST}"
        super().__init__(case, "citizen", self.name, case.epmd_port(), COOKIE, *options)
        self.wait("ready")
        self.lines.clear()

    def stop(self):
        """Ends it; it must have held out, and has no memory left."""
        self.process.stdin.close()
        self.finish()


class CNode(Child):
    """The program listen, a node that others connect to; `lines` grows as it prints."""

    def __init__(self, case, name="c", host=HOST, cookie=COOKIE, epmd_port=None, **options):
        self.name = f"{name}@{host}"
        argv = [built_program("NOEX_PROGRAMS", "interop/programs", "listen"), self.name, str(epmd_port or case.epmd_port()), cookie,
                *(f"{key}={value}" for key, value in options.items())]
        super().__init__(case, argv, None, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True)
        self.lines = []
        self.errors = ""
        self._news = threading.Condition()
        self._readers = [threading.Thread(target=t, daemon=True) for t in (self._out, self._err)]
        for thread in self._readers:
            thread.start()

    def _out(self):
        for line in self.process.stdout:
            with self._news:
                self.lines.append(line.rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self._news.notify_all()

    def _err(self):
        for line in self.process.stderr:
            self.errors += line

    def find(self, start, after=0):
        """The lines from the index `after` on that start so."""
        return [line for line in self.lines[after:] if line.startswith(start)]

    def says(self, pattern, count=1):
        """The count-th line of its log with this regular expression, waited for."""
        return self._wait(lambda: [line for line in self.find("log ") if re.search(pattern, line)],
                          pattern, count, PATIENCE)

    def wait(self, start, count=1, after=0, timeout=PATIENCE):
        """The count-th line that starts so, waited for."""
        return self._wait(lambda: self.find(start, after), start, count, timeout)

    def _wait(self, find, what, count, timeout):
        deadline = time.monotonic() + timeout
        with self._news:
            while len(found := find()) < count:
                left = deadline - time.monotonic()
                if left <= 0 or not self._readers[0].is_alive():
                    raise AssertionError(f"no {what!r} {count} times\n{self.report()}")
                self._news.wait(left)
        return found[count - 1]

    def port(self):
        return int(self.wait("registered").split()[-1])

    def say(self, *words):
        """Does as the program is told; what came of it."""
        count = len(self.find(f"did {words[0]}")) + 1
        self.tell(*words)
        return self.wait(f"did {words[0]}", count).split()[-1]

    def tell(self, *words):
        self.process.stdin.write(" ".join(words) + "\n")
        self.process.stdin.flush()

    def quit(self):
        """Ends it well."""
        self.tell("quit")
        self.process.wait(PATIENCE)
        for thread in self._readers:
            thread.join(PATIENCE)
        assert self.process.returncode == 0 and self.lines[-1] == "ok", self.report()

    def report(self):
        return (f"{self.name}, status {self.process.poll()}:\n" + "\n".join(self.lines[-100:])
                + "\n" + self.errors[-4000:])

    def check(self):
        """What must hold of every run."""
        assert not self.errors, self.report()
        if self.process.returncode is not None and self.process.returncode != 0:
            assert -self.process.returncode == signal.SIGKILL, self.report()


class InteropCase(unittest.TestCase):
    """A test with a directory, a home with a cookie file, and an epmd of its own.

    When it ends, no BEAM may have logged a complaint (ErlNode.allow) and each noexmon must have
    kept the contract of its output."""

    def setUp(self):
        # Below /tmp, which a release in a tree of its own sees too.
        self.dir = Path(tempfile.mkdtemp(prefix="noex-interop-", dir="/tmp"))
        self.addCleanup(shutil.rmtree, self.dir)
        self.home = self.dir / "home"
        self.home.mkdir()
        self.write_cookie(self.home / ".erlang.cookie", COOKIE)
        self.nodes, self.runs, self.cnodes = [], [], []
        self._epmd = self._certificates = self._tls_optfile = None
        if TLS:
            os.environ["NOEX_TLS_OPTFILE"] = str(self.tls_optfile())

    def tearDown(self):
        for run in self.runs:
            run.check()
        for cnode in self.cnodes:
            cnode.check()
        for node in self.nodes:
            self.assertEqual([], node.complaints(), f"the log of {node.name}")

    @property
    def epmd(self):
        if not self._epmd:
            self._epmd = Epmd(self)
        return self._epmd

    def epmd_port(self):
        return self.epmd.port

    @property
    def certificates(self):
        """The folder of certificates.py's certificates."""
        if not self._certificates:
            self._certificates = certificates(self.dir, ROOT / "build" / "interop")
        return self._certificates

    def optfile(self, name="tls", **options):
        """An ssl_dist_optfile of these options of certificates.optfile."""
        return optfile(self.dir / f"{name}.conf", self.certificates, **options)

    def tls_optfile(self):
        """What all nodes of this test share; None: they speak in the clear."""
        if TLS and not self._tls_optfile:
            self._tls_optfile = self.optfile(versions=(TLS,))
        return self._tls_optfile

    def write_cookie(self, path, cookie, mode=0o400):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_text(cookie)
        path.chmod(mode)
        return path

    def erl(self, name="a", **options):
        if not (self.dir / "noex_peer.beam").exists():
            for source in HERE.glob("noex_*.erl"):
                shutil.copy(beam_of(source.stem), self.dir)
            shutil.copy(HERE / "noex_peer.exs", self.dir)
        node = ErlNode(self, name, **options)
        self.nodes.append(node)
        return node

    def cnode(self, name="c", **options):
        """A node of ours that listens, running."""
        cnode = CNode(self, name, **options)
        self.cnodes.append(cnode)
        return cnode

    def start(self, *args, **options):
        """noexmon with these arguments, running."""
        run = Noexmon(self, *args, **options)
        self.runs.append(run)
        return run

    def program(self, name, node, *args):
        """A program of programs/*.c that watches this node (its name), running."""
        return Program(self, name, node, self.epmd_port(), COOKIE, *args)

    def citizen(self, *options, name="c"):
        """A C node that does what noex_citizen.erl tells it, running."""
        return Citizen(self, name, *options)

    def drive(self, beam, citizen, *scenarios):
        """Runs these functions of noex_citizen.erl, each a name (of another module: MODULE:NAME), or a
        tuple of it and arguments."""
        for scenario in scenarios:
            name, *args = (scenario,) if isinstance(scenario, str) else scenario
            with self.subTest(name):
                name = "{%s, %s}" % tuple(name.split(":")) if ":" in name else name
                beam.eval(f"noex_citizen:run({name}, '{citizen.name}', [{', '.join(args)}])")

    def run_noexmon(self, *args, timeout=2 * PATIENCE, json_lines=False, **options):
        """noexmon with these arguments, ended."""
        run = self.start(*args, json_lines=json_lines, **options)
        run.end(timeout)
        return run

    def expect(self, code, *args, says=None, **options):
        """Runs noexmon and asserts its exit status, and what stderr and stdout together say (a
        regular expression, case-insensitive)."""
        run = self.run_noexmon(*args, **options)
        self.assertEqual(code, run.process.returncode, run.report())
        if says:
            text = run.stderr + "\n".join(run.lines)
            self.assertTrue(re.search(says, text, re.IGNORECASE), f"no {says!r}\n{run.report()}")
        return run

    def needs(self, words):
        """Skips the test where noexmon's --help does not have these words."""
        if not any(words in line for line in self.run_noexmon("--help").lines):
            self.skipTest(f"this noexmon has no {words!r}")

    def watch(self, *targets, options=(), monitored=None):
        """`noexmon watch` on these targets, all of them monitored (`monitored`: only so many)."""
        run = self.start("watch", *options, *targets)
        for target in targets[:monitored]:
            run.wait("monitor", target=target)
        return run


class Stage(InteropCase):
    """No test: lends epmd and nodes to a program. `modules` are Erlang sources for its BEAMs."""

    def __init__(self, *modules):
        super().__init__()
        self.modules = modules

    def runTest(self):
        pass

    def __enter__(self):
        # So that __exit__ ends what was started, whoever ends the program.
        signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
        self.setUp()
        return self

    def __exit__(self, *_):
        self.doCleanups()

    def erl(self, name="a", **options):
        for source in self.modules:
            if not (self.dir / f"{source.stem}.beam").exists():
                subprocess.run(["erlc", "-o", str(self.dir), str(source)], check=True)
        return super().erl(name, **options)

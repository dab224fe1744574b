"""Who takes part in the benchmark: BEAMs and C programs that watch, and that are watched.

SPDX-License-Identifier: Apache-2.0
"""

import os
import subprocess
import time
from pathlib import Path

import harness

ROOT = Path(__file__).resolve().parent.parent.parent

PROGRAMS = Path(os.environ.get("NOEX_BENCH", ROOT / "build" / "release" / "tests"))
MODULE = Path(__file__).resolve().parent / "noex_bench.erl"
QUIET = ["+sbwt", "none", "+sbwtdcpu", "none", "+sbwtdio", "none"]  # idle schedulers do not spin
MANY = [*QUIET, "+P", "4194304"]  # processes


def cpu_s(pid):
    """User and system time of all threads of a process so far."""
    return time.clock_gettime((~pid << 3) | 2)  # as clock_getcpuclockid(3)


def rss_kb(pid, field="VmRSS"):
    text = Path(f"/proc/{pid}/status").read_text()
    return int(next(line.split()[1] for line in text.splitlines() if line.startswith(field)))


class Beam:
    def __init__(self, stage, name, args):
        self.node = stage.erl(name, args=args)
        self.name, self.pid = self.node.name, self.node.pid

    def close(self):
        self.node.control.close()
        self.node.kill()


class BeamWatcher(Beam):
    """erlang:monitor, in one process."""

    def __init__(self, stage, targets):
        super().__init__(stage, "watcher", QUIET)
        self.targets = targets

    def connect(self):
        names = ",".join(f"'{name}'" for name in self.targets)
        return float(self.node.eval(f"noex_bench:connect([{names}])"))

    def load(self, file, watchers=0):
        """`watchers`: processes that share the work; none: one does all."""
        self.node.eval(f'noex_bench:load("{file}", {watchers or 1})')
        self.unwatching = self.memory()

    def memory(self):
        return int(self.node.eval("noex_bench:memory()"))

    def own(self):
        """Bytes that the monitors take by its own count."""
        return self.memory() - self.unwatching

    def setup(self):
        return float(self.node.eval("noex_bench:watch()"))

    def expect_downs(self):
        pass  # its process counts by itself

    expect_loss = expect_downs

    def downs(self):
        return float(self.node.eval("noex_bench:downs()"))

    lost = downs

    def demonitor(self):
        return float(self.node.eval("noex_bench:unwatch()"))

    def latency(self, file, pause):
        text = self.node.eval(f'noex_bench:latency("{file}", {pause})')
        return [float(x) for x in text.strip("[]").split(",")]


class Program:
    """A watcher in C, told by lines what to do."""

    def __init__(self, stage, *argv):
        self.process = subprocess.Popen([str(x) for x in argv], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        stage.addCleanup(self.process.kill)
        self.pid = self.process.pid
        self._line("ready")

    def _line(self, expected=None):
        line = self.process.stdout.readline().strip()
        if not line or (expected and line != expected):
            raise RuntimeError(f"{self.process.args}: said {line!r}")
        return line

    def _say(self, word, file="-", number=0):
        self.process.stdin.write(f"{word} {file} {number}\n")
        self.process.stdin.flush()

    def _do(self, *what):
        self._say(*what)
        return [float(x) for x in self._line().split()]

    def connect(self):
        return self._do("connect")[0]

    def load(self, file, watchers=0):
        self._do("load", f"{file}.raw", watchers)

    def setup(self):
        return self._do("setup")[0]

    def expect_downs(self):
        self._say("downs")

    def downs(self):
        return float(self._line())

    def expect_loss(self):
        self._say("lost")

    def lost(self):
        return float(self._line())

    def demonitor(self):
        return self._do("demonitor")[0]

    def latency(self, file, pause):
        return self._do("latency", f"{file}.raw", pause)

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


class NoexWatcher(Program):
    own = None

    def __init__(self, stage, targets, reads):
        super().__init__(stage, PROGRAMS / "bench_watcher", stage.epmd_port(), harness.COOKIE, reads,
                         *targets)


class BareLoop(Program):
    """It connects as it starts."""

    own = None

    def __init__(self, stage, targets, reads):
        name = targets[0].split("@")[0]
        port = next(line.split()[-1] for line in stage.epmd.names_answer()[4:].decode().splitlines()
                    if line.startswith(f"name {name} "))
        super().__init__(stage, PROGRAMS / "bench_bare", targets[0], harness.HOST, port,
                         harness.COOKIE, reads)

    def connect(self):
        pass


class BeamTarget(Beam):
    """A node whose processes are watched."""

    def __init__(self, stage, name="target"):
        super().__init__(stage, name, MANY)
        self.names = [self.name]

    def start(self, file, n):
        self.node.eval(f'noex_bench:start({n}, "{file}")')

    def finish(self, how="kill"):
        self.node.eval(f"noex_bench:finish({how})")

    def kill(self):
        self.node.kill()


class NoexTarget(Program):
    """C nodes whose processes are watched, all of one process of the system."""

    def __init__(self, stage, nodes=1):
        super().__init__(stage, PROGRAMS / "bench_watched", harness.HOST, stage.epmd_port(),
                         harness.COOKIE, nodes)
        self.names = [f"watched{i}@{harness.HOST}" for i in range(nodes)]

    def start(self, file, n):
        self._do("start", file, n)

    def finish(self):
        self._do("finish")


def replay(n):
    """What libnoex does in user mode, without a kernel or a peer: {step: nanoseconds each}."""
    lines = subprocess.run([PROGRAMS / "bench_replay", str(n)], check=True, capture_output=True,
                           text=True).stdout.splitlines()
    return {step: float(ns) for ns, step in (line.split(None, 1) for line in lines)}


TARGETS = {"BEAM": BeamTarget, "libnoex": NoexTarget}
WATCHERS = {
    "BEAM": BeamWatcher,
    "bare loop": lambda stage, targets: BareLoop(stage, targets, "eager"),
    "bare loop, held": lambda stage, targets: BareLoop(stage, targets, "held"),
    "libnoex, eager": lambda stage, targets: NoexWatcher(stage, targets, "eager"),
    "libnoex": lambda stage, targets: NoexWatcher(stage, targets, "held"),
}

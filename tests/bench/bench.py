#!/usr/bin/env python3
"""Watching from C and from a BEAM, side by side on the same target: bench.py [--runs R] [--tls] [--plot FILE] [N...]

For each N: setup of N monitors until confirmed, N DOWNs at once, N DOWNs with a stack as reason, the
loss of the node, memory; the other way round, N processes that a BEAM monitors; then single DOWNs. Each
figure is the median of R runs in which the watchers take turns, with the lowest and the highest beside it.
docs/performance.md explains.
SPDX-License-Identifier: Apache-2.0
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "interop"), str(Path(__file__).resolve().parent)]

if "--tls" in sys.argv:
    os.environ["NOEX_TLS"] = "1.3"  # before harness looks

import harness  # noqa: E402
import picture  # noqa: E402

PROGRAMS = Path(os.environ.get("NOEX_BENCH", ROOT / "build" / "release" / "tests"))
MODULE = Path(__file__).resolve().parent / "noex_bench.erl"
QUIET = ["+sbwt", "none", "+sbwtdcpu", "none", "+sbwtdio", "none"]  # idle schedulers do not spin
MANY = [*QUIET, "+P", "4194304"]  # processes
LATENCIES = 2000


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
    """erlang:monitor in one process."""

    def __init__(self, stage, target):
        super().__init__(stage, "watcher", QUIET)
        self.node.eval(f"pong = net_adm:ping('{target.name}')")

    def load(self, file):
        self.node.eval(f'noex_bench:load("{file}")')
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

    def load(self, file):
        self._do("load", f"{file}.raw")

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

    def __init__(self, stage, target, reads):
        super().__init__(stage, PROGRAMS / "bench_watcher", target.name, stage.epmd_port(),
                         harness.COOKIE, reads)


class BareLoop(Program):
    own = None

    def __init__(self, stage, target, reads):
        port = next(line.split()[-1] for line in stage.epmd.names_answer()[4:].decode().splitlines()
                    if line.startswith(f"name {target.name.split('@')[0]} "))
        super().__init__(stage, PROGRAMS / "bench_bare", target.name, harness.HOST, port,
                         harness.COOKIE, reads)


class BeamWatched(Beam):
    """Whose processes a BEAM monitors: a BEAM."""

    def __init__(self, stage):
        super().__init__(stage, "watched", MANY)

    def start(self, file, n):
        self.node.eval(f'noex_bench:start({n}, "{file}")')

    def finish(self):
        self.node.eval("noex_bench:finish(kill)")


class NoexWatched(Program):
    name = f"watched@{harness.HOST}"

    def __init__(self, stage):
        super().__init__(stage, PROGRAMS / "bench_watched", self.name, stage.epmd_port(), harness.COOKIE)

    def start(self, file, n):
        self._do("start", file, n)

    def finish(self):
        self._do("finish")


WATCHED = {"BEAM": BeamWatched, "libnoex": NoexWatched}
WATCHERS = {
    "BEAM": lambda stage, target: BeamWatcher(stage, target),
    "bare loop": lambda stage, target: BareLoop(stage, target, "eager"),
    "bare loop, held": lambda stage, target: BareLoop(stage, target, "held"),
    "libnoex, eager": lambda stage, target: NoexWatcher(stage, target, "eager"),
    "libnoex": lambda stage, target: NoexWatcher(stage, target, "held"),
}


class Figures:
    """What was measured: {(what, N, watcher): [value of each run]}."""

    def __init__(self):
        self.values = {}

    def add(self, what, n, watcher, value):
        self.values.setdefault((what, n, watcher), []).append(value)

    def median(self, what, n, watcher):
        found = self.values.get((what, n, watcher))
        return statistics.median(found) if found else None

    def cell(self, what, n, watcher):
        found = self.values.get((what, n, watcher))
        if not found:
            return "-"
        digits = 0 if statistics.median(found) >= 1000 else 1 if statistics.median(found) >= 100 else 3
        low, high = (f"{x:.{digits}f}" for x in (min(found), max(found)))
        text = f"{statistics.median(found):.{digits}f} ({low}..{high})"
        base = self.median(what, n, "BEAM")
        if watcher != "BEAM" and base:
            text += f" x{statistics.median(found) / base:.2f}"
        return text


class Meter:
    """The CPU time of watcher and target, and the time, around a step."""

    def __init__(self, watcher, target):
        self.pids = watcher.pid, target.pid

    def __enter__(self):
        self.start = [cpu_s(pid) for pid in self.pids]
        return self

    def __exit__(self, *failure):
        if not failure[0]:
            self.watcher_us, self.target_us = (
                (cpu_s(pid) - start) * 1e6 for pid, start in zip(self.pids, self.start))


def settle(pid):
    """Waits until the process does nothing."""
    last = cpu_s(pid)
    for _ in range(200):
        time.sleep(0.05)
        now = cpu_s(pid)
        if now - last < 0.0005:
            return
        last = now


def one_storm(figures, n, name, watcher, target, file, how, what):
    target.eval(f'noex_bench:start({n}, "{file}")')
    watcher.load(file)
    settle(target.pid)
    settle(watcher.pid)
    before = rss_kb(watcher.pid)
    with Meter(watcher, target) as meter:
        us = watcher.setup()
    rss = rss_kb(watcher.pid)
    if what == "DOWN":
        figures.add("setup: watcher's CPU, us each", n, name, meter.watcher_us / n)
        figures.add("setup: target's CPU, us each", n, name, meter.target_us / n)
        figures.add("setup: 1000 monitors/s", n, name, n / us * 1000)
        if "bare" not in name:
            figures.add("memory: bytes of RSS a monitor", n, name, (rss - before) * 1024 / n)
            if watcher.own:
                figures.add("memory: bytes by its own count", n, name, watcher.own() / n)
    settle(watcher.pid)
    watcher.expect_downs()
    with Meter(watcher, target) as meter:
        target.eval(f"noex_bench:finish({how})")
        us = watcher.downs()
    figures.add(f"{what}: watcher's CPU, us each", n, name, meter.watcher_us / n)
    figures.add(f"{what}: target's CPU, us each", n, name, meter.target_us / n)
    figures.add(f"{what}: 1000/s", n, name, n / us * 1000)
    if what == "DOWN" and "libnoex" in name:
        peak = rss_kb(watcher.pid, "VmHWM") - rss
        figures.add("memory: growth in the storm, KB", n, name, max(0, peak))


def measure(figures, n, name):
    """One run of one watcher, against a target of its own."""
    with harness.Stage(MODULE) as stage:
        target = stage.erl("target", args=MANY)
        file = stage.dir / "pids"
        watcher = WATCHERS[name](stage, target)
        one_storm(figures, n, name, watcher, target, file, "kill", "DOWN")
        one_storm(figures, n, name, watcher, target, file, "stack", "DOWN with stack")
        if "bare" not in name:
            target.eval(f'noex_bench:start({n}, "{file}")')
            watcher.load(file)
            watcher.setup()
            with Meter(watcher, watcher) as meter:
                us = watcher.demonitor()
            figures.add("demonitor: watcher's CPU, us each", n, name, meter.watcher_us / n)
            watcher.load(file)
            watcher.setup()
            settle(watcher.pid)
            watcher.expect_loss()
            with Meter(watcher, watcher) as meter:
                target.kill()
                us = watcher.lost()
            figures.add("node death: ms until all are told", n, name, us / 1000)
            figures.add("node death: watcher's CPU, us each", n, name, meter.watcher_us / n)
        watcher.close()


def measure_watched(figures, n, name):
    """The other way round: a BEAM monitors N processes of a node, which then end."""
    with harness.Stage(MODULE) as stage:
        watched, file = WATCHED[name](stage), stage.dir / "pids"
        watched.start(file, n)
        watcher = BeamWatcher(stage, watched)
        watcher.load(file)
        settle(watched.pid)
        before = rss_kb(watched.pid)
        with Meter(watcher, watched) as meter:
            us = watcher.setup()
        figures.add("watched, monitor taken: CPU, us each", n, name, meter.target_us / n)
        figures.add("watched, monitor taken: 1000/s", n, name, n / us * 1000)
        figures.add("watched, monitor taken: bytes of RSS", n, name,
                    (rss_kb(watched.pid) - before) * 1024 / n)
        settle(watcher.pid)
        with Meter(watcher, watched) as meter:
            watched.finish()
            us = watcher.downs()
        figures.add("watched, DOWN sent: CPU, us each", n, name, meter.target_us / n)
        figures.add("watched, DOWN sent: 1000/s", n, name, n / us * 1000)
        watched.close()
        watcher.close()


def pin(pid, core):
    subprocess.run(["taskset", "-a", "-c", "-p", str(core), str(pid)], check=True,
                   stdout=subprocess.DEVNULL)


def measure_latency(figures, name, cores, pause, label):
    with harness.Stage(MODULE) as stage:
        target = stage.erl("target", args=QUIET)
        file = stage.dir / "pids"
        count = LATENCIES if not pause else LATENCIES // 2
        target.eval(f'noex_bench:start({count}, "{file}")')
        watcher = WATCHERS[name](stage, target)
        pin(target.pid, cores[0])
        pin(watcher.pid, cores[1])
        us = sorted(watcher.latency(file, pause))
        figures.add(f"{label}: p50, us", 1, name, us[len(us) // 2])
        figures.add(f"{label}: p99, us", 1, name, us[len(us) * 99 // 100])
        watcher.close()


def print_table(figures, n, watchers):
    whats = list(dict.fromkeys(what for what, of, _ in figures.values if of == n))
    rows = [["", *watchers]] + [[what, *(figures.cell(what, n, w) for w in watchers)]
                                for what in whats]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    print(f"\nN = {n:,}" if n > 1 else "\nA message to a process, and its DOWN", flush=True)
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
    sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--plot", metavar="FILE", help="write the figures as a picture, SVG")
    parser.add_argument("--tls", action="store_true",
                        help="all speak TLS 1.3, and verify each other; without the bare loops")
    parser.add_argument("--watchers", help="only these, with commas between them")
    parser.add_argument("--no-latency", action="store_true")
    parser.add_argument("numbers", nargs="*", type=int, metavar="N")
    options = parser.parse_args()
    names = options.watchers.split(",") if options.watchers else [
        w for w in WATCHERS if not (options.tls and "bare" in w)]
    figures = Figures()
    for n in options.numbers or [10000, 100000]:
        for run in range(options.runs):
            for name in names[run % len(names):] + names[:run % len(names)]:
                measure(figures, n, name)
                if name in WATCHED:
                    measure_watched(figures, n, name)
        print_table(figures, n, names)
    for run in range(0 if options.no_latency else options.runs):
        for name in (w for w in names if "held" not in w and "eager" not in w):
            measure_latency(figures, name, (0, 0), 0, "one core, one after another")
            measure_latency(figures, name, (0, 1), 0, "two cores, one after another")
            measure_latency(figures, name, (0, 0), 1, "one core, 1,000/s")
    if not options.no_latency:
        print_table(figures, 1, [w for w in names if "held" not in w and "eager" not in w])
    if options.plot:
        Path(options.plot).write_text(picture.svg(figures.values, names))


if __name__ == "__main__":
    main()

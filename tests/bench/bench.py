#!/usr/bin/env python3
"""Watching from C and from a BEAM, side by side on the same target: bench.py [--runs R] [--tls] [--plot FILE] [N...]

For each N: setup of N monitors until confirmed, N DOWNs at once, N DOWNs with a stack as reason, the
loss of the node, memory; the other way round, N processes that a BEAM monitors; with many watchers, and
with many connections; then single DOWNs. Each figure is the median of R runs in which the watchers take
turns, with the lowest and the highest beside it. docs/performance.md explains.
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
from sides import MODULE, TARGETS, WATCHERS, BeamTarget, BeamWatcher, NoexTarget, cpu_s, replay, rss_kb  # noqa: E402

LATENCIES = 2000
WATCHING = 1000  # processes of one node that share the monitors
CONNECTIONS = 500
A_CONNECTION = 200  # processes of each, at most


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


def settle(*sides):
    """Waits until they do nothing."""
    for side in sides:
        last = cpu_s(side.pid)
        for _ in range(200):
            time.sleep(0.05)
            now = cpu_s(side.pid)
            if now - last < 0.0005:
                break
            last = now


class Run:
    """One run of one watcher: its figures, of N."""

    def __init__(self, figures, n, name, stage, target):
        self.figures, self.n, self.name = figures, n, name
        self.target, self.file = target, stage.dir / "pids"
        self.watcher = WATCHERS[name](stage, target.names)

    def add(self, what, value):
        self.figures.add(what, self.n, self.name, value)

    def load(self, watchers=0):
        self.target.start(self.file, self.n)
        self.watcher.load(self.file, watchers)
        settle(self.target, self.watcher)

    def setup(self, what):
        with Meter(self.watcher, self.target) as meter:
            us = self.watcher.setup()
        self.add(f"{what}: watcher's CPU, us each", meter.watcher_us / self.n)
        self.add(f"{what}: target's CPU, us each", meter.target_us / self.n)
        self.add(f"{what}: 1000 monitors/s", self.n / us * 1000)

    def downs(self, what, *how):
        settle(self.watcher)
        self.watcher.expect_downs()
        with Meter(self.watcher, self.target) as meter:
            self.target.finish(*how)
            us = self.watcher.downs()
        self.add(f"{what}: watcher's CPU, us each", meter.watcher_us / self.n)
        self.add(f"{what}: target's CPU, us each", meter.target_us / self.n)
        self.add(f"{what}: 1000/s", self.n / us * 1000)

    def memory(self, before):
        """Since the watcher had `before` KB."""
        self.add("memory: bytes of RSS a monitor", (rss_kb(self.watcher.pid) - before) * 1024 / self.n)
        if self.watcher.own:
            self.add("memory: bytes by its own count", self.watcher.own() / self.n)

    def demonitor(self):
        with Meter(self.watcher, self.target) as meter:
            self.watcher.demonitor()
        self.add("demonitor: watcher's CPU, us each", meter.watcher_us / self.n)

    def node_death(self):
        settle(self.watcher)
        self.watcher.expect_loss()
        with Meter(self.watcher, self.watcher) as meter:
            self.target.kill()
            us = self.watcher.lost()
        self.add("node death: ms until all are told", us / 1000)
        self.add("node death: watcher's CPU, us each", meter.watcher_us / self.n)


def measure(figures, n, name):
    """A watcher against a BEAM."""
    with harness.Stage(MODULE) as stage:
        run = Run(figures, n, name, stage, BeamTarget(stage))
        watcher = run.watcher
        watcher.connect()
        run.load()
        before = rss_kb(watcher.pid)
        run.setup("setup")
        if "bare" not in name:
            run.memory(before)
        before = rss_kb(watcher.pid)
        run.downs("DOWN")
        if "libnoex" in name:
            run.add("memory: growth in the storm, KB", max(0, rss_kb(watcher.pid, "VmHWM") - before))
        run.load()
        watcher.setup()
        run.downs("DOWN with stack", "stack")
        if "bare" not in name:
            run.load()
            watcher.setup()
            run.demonitor()
            watcher.load(run.file)
            watcher.setup()
            run.node_death()
        watcher.close()


def measure_watched(figures, n, name):
    """The other way round: a BEAM monitors N processes of a node, which then end."""
    with harness.Stage(MODULE) as stage:
        watched, file = TARGETS[name](stage), stage.dir / "pids"
        watched.start(file, n)
        watcher = BeamWatcher(stage, watched.names)
        watcher.connect()
        watcher.load(file)
        settle(watched)
        before = rss_kb(watched.pid)
        with Meter(watcher, watched) as meter:
            us = watcher.setup()
        figures.add("watched, monitor taken: CPU, us each", n, name, meter.target_us / n)
        figures.add("watched, monitor taken: 1000/s", n, name, n / us * 1000)
        figures.add("watched, monitor taken: bytes of RSS", n, name,
                    (rss_kb(watched.pid) - before) * 1024 / n)
        settle(watcher)
        with Meter(watcher, watched) as meter:
            watched.finish()
            us = watcher.downs()
        figures.add("watched, DOWN sent: CPU, us each", n, name, meter.target_us / n)
        figures.add("watched, DOWN sent: 1000/s", n, name, n / us * 1000)
        watched.close()
        watcher.close()


def measure_many_watchers(figures, n, name):
    """As the first, but the monitors are those of many processes of the watcher."""
    with harness.Stage(MODULE) as stage:
        run = Run(figures, n, name, stage, BeamTarget(stage))
        run.watcher.connect()
        run.load(WATCHING)
        run.setup(f"{WATCHING:,} watchers, setup")
        run.downs(f"{WATCHING:,} watchers, DOWN")
        run.watcher.close()


def measure_connections(figures, n, name):
    """The processes are those of many C nodes."""
    with harness.Stage(MODULE) as stage:
        run = Run(figures, n, name, stage, NoexTarget(stage, CONNECTIONS))
        settle(run.target, run.watcher)
        with Meter(run.watcher, run.target) as meter:
            us = run.watcher.connect()
        run.add(f"{CONNECTIONS} connections: ms until all are up", us / 1000)
        run.add(f"{CONNECTIONS} connections: watcher's CPU, us each", meter.watcher_us / CONNECTIONS)
        run.load()
        run.setup(f"{CONNECTIONS} connections, setup")
        run.downs(f"{CONNECTIONS} connections, DOWN")
        run.watcher.close()


def measure_replay(figures, n):
    for step, ns in replay(n).items():
        figures.add(f"in memory, {step}: us each", n, "libnoex", ns / 1000)


def pin(pid, core):
    subprocess.run(["taskset", "-a", "-c", "-p", str(core), str(pid)], check=True,
                   stdout=subprocess.DEVNULL)


def measure_latency(figures, name, cores, pause, label):
    with harness.Stage(MODULE) as stage:
        target, file = BeamTarget(stage), stage.dir / "pids"
        target.start(file, LATENCIES if not pause else LATENCIES // 2)
        watcher = WATCHERS[name](stage, target.names)
        watcher.connect()
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
                if name in TARGETS:
                    measure_watched(figures, n, name)
                    measure_many_watchers(figures, n, name)
                    if n <= CONNECTIONS * A_CONNECTION:
                        measure_connections(figures, n, name)
                if name == "libnoex":
                    measure_replay(figures, n)
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

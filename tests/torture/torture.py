#!/usr/bin/env python3
"""The fault campaign: torture.py [SECONDS] [SEED]

Three BEAMs and two C nodes (agent.c) monitor, link, call and message each other at random while faults
strike: kill -9 and restart of nodes, SIGSTOP shorter and longer than the ticktime, an epmd that is
killed, connections reset at any byte, doubled, delayed, dribbled, half closed and swallowed by a proxy,
disconnects from either side, failing allocations, no descriptors, clocks that step, a network that is
down for a while (where the kernel grants this program one of its own). After each episode all is healed
and the books are closed: each monitor, link and call has ended once and for a reason that the model
allows, or goes on at both ends. A violation ends it with status 1 and tells the book. The seed makes the
choices again, not the timing of five processes.
SPDX-License-Identifier: Apache-2.0
"""

import collections
import os
import queue
import random
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "interop"), str(Path(__file__).resolve().parent)]

import harness  # noqa: E402
import own_network  # noqa: E402
from proxy import Proxy  # noqa: E402

AGENT = os.environ.get("NOEX_AGENT", str(ROOT / "build" / "asan" / "tests" / "torture_agent"))
TICKTIME = 4  # seconds, of all nodes
STEPS, BATCH, WORKERS = 10, 40, 40
SETTLE = 40  # seconds until the books must close
# Beside what a fault explains, a BEAM has nothing to say.
PROTOCOL = re.compile(r"orrupted external|Invalid distribution|badarg in send|CRASH DUMP", re.I)
ENDS = {"kill": "killed", "shutdown": "shutdown", "custom": "exception", "stack": "exception",
        "killed": "killed", "normal": "normal", "enomem": "exception"}


class Violation(Exception):
    pass


class Agent:
    """A C node. Its lines go into the campaign's queue with its name and incarnation."""

    kind = "c"

    def __init__(self, campaign, name):
        self.campaign, self.name = campaign, f"{name}@{harness.HOST}"
        self.process = subprocess.Popen([AGENT, self.name, str(campaign.stage.epmd_port()),
                                         harness.COOKIE], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        preexec_fn=harness._die_with_parent)
        self.pid = self.process.pid
        self.up, self.registered, self.synced = set(), threading.Event(), None
        self.stderr = []
        for target in (self._out, self._err):
            threading.Thread(target=target, daemon=True).start()

    def _out(self):
        for line in self.process.stdout:
            words = line.split()
            if words and words[0] == "registered":
                self.registered.set()
            self.campaign.events.put((self, words))

    def _err(self):
        self.stderr += self.process.stderr

    def say(self, *lines):
        try:
            self.process.stdin.write("".join(line + "\n" for line in lines))
            self.process.stdin.flush()
        except (BrokenPipeError, OSError):
            pass  # it was killed, or its end is told below

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def quit(self):
        self.say("quit")
        try:
            status = self.process.wait(60)
        except subprocess.TimeoutExpired:
            raise Violation(f"{self.name} does not end") from None
        time.sleep(0.2)
        if status:
            raise Violation(f"{self.name} ended with {status}\n" + "".join(self.stderr)[-4000:])


class Beam:
    kind = "beam"

    def __init__(self, campaign, name):
        self.node = campaign.stage.erl(name, args=["-kernel", "net_ticktime", str(TICKTIME)])
        self.node.allow("")
        self.name, self.pid = self.node.name, self.node.pid
        self.node.eval("noex_torture:start()")

    def do(self, operations):
        return self.node.eval("{raw, io_lib:format(\"~0p\", [noex_torture:do([" +
                              ", ".join(operations) + "])])}")

    def take(self):
        """What happened there: lists of words."""
        text = self.node.eval("{raw, [[lists:join($ , [io_lib:format(\"~w\", [X]) ||"
                              " X <- tuple_to_list(E)]), $\\n] || E <- noex_torture:take()]}")
        return [line.replace("'", "").split() for line in text.splitlines()]

    def kill(self):
        self.node.control.close()
        self.node.kill()


class Campaign:
    def __init__(self, stage, seed):
        self.stage, self.seed, self.random = stage, seed, random.Random(seed)
        self.events = queue.Queue()
        self.nodes, self.proxies = {}, {}
        self.numbers = collections.Counter()
        self.workers, self.monitors, self.links, self.calls, self.streams = {}, {}, {}, {}, {}
        self.stats, self.faults = collections.Counter(), collections.Counter()
        self.faulty, self.before = set(), set()  # nodes that a fault concerned: now, an episode ago
        self.starved = set()  # nodes without memory, in this episode
        self.doubts = []  # ends that only a loss explains which may be told after them
        self.lost = collections.defaultdict(list)  # (watcher, node): when it was told to be down
        self.stopped = []

    # ---- nodes ----

    def start(self):
        for name in "abd":
            self.nodes[name] = Beam(self, name)
        for name in ("c", "e"):
            self.start_agent(name)
        for name in ("c", "e"):
            for beam in "abd":
                self.proxies[name, beam] = Proxy(lambda beam=beam: self.port_of(beam))
        self.connect_all()

    def start_agent(self, name):
        agent = Agent(self, name)
        self.nodes[name] = agent
        if not agent.registered.wait(30):
            raise Violation(f"{agent.name} was not registered: {''.join(agent.stderr)[-2000:]}")

    def port_of(self, name):
        try:
            answer = self.stage.epmd.names_answer() or b""
        except (AssertionError, OSError):
            return None  # it is dead at the moment
        for line in answer[4:].decode().splitlines():
            if line.startswith(f"name {name} "):
                return int(line.split()[-1])
        return None

    def connect_all(self):
        for name in ("c", "e"):
            self.nodes[name].say(*(f"connect {self.nodes[b].name}:{self.proxies[name, b].port}"
                                   for b in "abd"))
        self.nodes["c"].say(f"connect {self.nodes['e'].name}")
        self.nodes["e"].say(f"connect {self.nodes['c'].name}")

    def agents(self):
        return [n for n in self.nodes.values() if n.kind == "c"]

    def beams(self):
        return [n for n in self.nodes.values() if n.kind == "beam"]

    # ---- the model ----

    def number(self, what):
        self.numbers[what] += 1
        return self.numbers[what]

    def fail(self, text):
        raise Violation(text)

    def on_line(self, node, words):
        if self.nodes.get(node.name.split("@")[0]) is not node:
            return  # the last words of one that was killed
        handler = getattr(self, "on_" + words[0], None) if words else None
        if handler:
            self.stats["events"] += 1
            handler(node, *words[1:])

    def on_violated(self, node, *words):
        self.fail(f"{node.name}: {' '.join(words)}")

    def on_nodeup(self, node, name, *_):
        if node.kind == "c":
            node.up.add(name)

    def on_nodedown(self, node, name, *_):
        self.lost[node.name, name].append(time.monotonic())
        if node.kind == "c":
            node.up.discard(name)

    def on_spawned(self, node, number, *pid):
        if number in self.workers and pid:
            self.workers[number]["pid"] = pid

    def on_ended(self, node, number, reason):
        worker = self.workers[number]
        self.note_starvation(worker, reason)
        if worker["ending"] is None:
            self.fail(f"worker {number} on {node.name} ended ({reason}) though nobody said so")

    def note_starvation(self, worker, reason):
        """An exit signal for which there is no memory ends also a process that traps them; what it was
        told to end by comes too late then."""
        if worker and worker["node"] in self.starved and reason == "exception" and (
                ENDS.get(worker["ending"]) != "exception"):
            worker["ending"] = "enomem"

    def on_refused(self, node, what, number, code):
        self.stats["refused"] += 1
        book = {"monitor": self.monitors, "link": self.links, "call": self.calls,
                "spawn": self.workers}.get(what, {})
        if what == "end":
            self.workers[number]["ending"] = None
        elif number in book and code:
            del book[number]

    def on_up(self, node, number):
        self.monitors[number]["up"] = True

    def on_down(self, node, number, reason, origin=None, *_):
        monitor = self.monitors.get(number)
        if not monitor or monitor["end"]:
            self.fail(f"monitor {number} of {node.name}: DOWN ({reason}), but the book says {monitor}")
        monitor["end"], monitor["at"] = reason, time.monotonic()
        self.check_end("monitor", number, monitor, reason, origin)
        self.stats["downs"] += 1

    def on_failed(self, node, number, code):
        monitor = self.monitors[number]
        if monitor["end"]:
            self.fail(f"monitor {number} failed after {monitor['end']}")
        self.doubt(monitor, f"monitor {number} of {node.name}: {code} without a fault")
        monitor["end"] = code

    def on_exit(self, node, number, reason, origin=None, *_):
        link = self.links.get(number)
        if not link or link["end"]:
            self.fail(f"link {number} of {node.name}: exit ({reason}), but the book says {link}")
        link["end"] = reason
        self.check_end("link", number, link, reason, origin)
        self.stats["exits"] += 1

    def on_enomem(self, node, number):
        """There was no memory for the event, so the linked process has ended instead."""
        link = self.links[number]
        self.doubt(link, f"link {number} of {node.name} ended its process (enomem)")
        link["end"] = "enomem"

    def on_gone(self, node, number):
        monitor = self.monitors.get(number)
        if monitor and not monitor["end"]:
            monitor["end"] = "demonitored"

    def on_unlinked(self, node, number):
        link = self.links.get(number)
        if link and not link["end"]:
            link["end"] = "unlinked"

    def on_reply(self, node, number):
        self.end_call(node, number, "reply")

    def on_callfail(self, node, number, code):
        self.end_call(node, number, code)

    def on_call(self, node, number, result):
        self.end_call(node, number, result)

    def end_call(self, node, number, result):
        call = self.calls.get(number)
        if not call or call["end"]:
            self.fail(f"call {number} of {node.name} ended ({result}), but the book says {call}")
        if result == "wrong":
            self.fail(f"call {number} of {node.name} was answered with something else")
        call["end"] = result
        worker = self.workers.get(call["worker"])
        if result != "reply" and worker and worker["ending"] is None:
            self.doubt(call, f"call {number} of {node.name} to a worker that lives: {result}")

    def doubt(self, book, text):
        """Fails when the books are closed, unless it is excused by then."""
        self.doubts.append((dict(book), text))

    def settle_doubts(self):
        for book, text in self.doubts:
            if not self.excused(book):
                self.fail(f"{text}: {book} {self.workers.get(book['worker'])}")
        self.doubts = []

    def excused(self, book):
        """A fault concerned one of both ends, or the connection was lost in its life."""
        pair = book["watcher"], book["node"]
        return (set(pair) & (self.faulty | self.before) or any(t >= book["begun"] for t in self.lost[pair])
                or any(t >= book["begun"] for t in self.lost[pair[::-1]]))

    def check_end(self, what, number, book, reason, origin):
        worker = self.workers.get(book["worker"])
        self.note_starvation(worker, reason)
        ending = worker and worker["ending"]
        allowed = {ENDS.get(ending), "noproc"} if ending else set()
        if ending == "node":
            allowed = {"noproc", "noconnection"}
        if reason == "noconnection":
            self.doubt(book, f"{what} {number}: noconnection ({origin}) without a fault")
            allowed |= {"noconnection"}
        if reason not in allowed or (origin == "local" and reason != "noconnection"):
            self.fail(f"{what} {number}: {reason} ({origin}), allowed {allowed}: {book} {worker}")

    # ---- operations ----

    def pid_text(self, node, worker, for_beam):
        pid = worker.get("pid")
        if for_beam:
            name = worker["node"]
            return (f"binary_to_term(<<131,88,119,{len(name)},\"{name}\",{pid[0]}:32,{pid[1]}:32,"
                    f"{pid[2]}:32>>)")
        return f"{worker['node']} pid {' '.join(pid)}"

    def some_worker(self, not_on):
        """On another node; BEAMs do not watch each other."""
        agents = {a.name for a in self.agents()}
        found = [(w, x) for w, x in self.workers.items()
                 if x["node"] != not_on.name and x.get("pid") and x["ending"] is None
                 and (not_on.kind == "c" or x["node"] in agents)]
        return self.random.choice(found) if found else (None, None)

    def open_ones(self, book, node):
        return [n for n, x in book.items() if x["watcher"] == node.name and not x["end"]]

    def operation(self, node):
        """One random operation there: a line for a C node, a term for a BEAM."""
        beam = node.kind == "beam"
        what = self.random.choices(
            ["spawn", "end", "monitor", "demonitor", "link", "unlink", "call", "stream"],
            [2, 3, 8, 3, 2, 1, 3, 2])[0]
        mine = [w for w, x in self.workers.items() if x["node"] == node.name and x["ending"] is None
                and x.get("pid")]
        if what == "end" and mine:
            number = self.random.choice(mine)
            how = self.random.choice(["kill", "shutdown", "custom", "stack"] if beam else
                                     ["normal", "shutdown", "custom", "killed"])
            self.workers[number]["ending"] = how
            text = f"{{'end', {number}, {how}}}" if beam else f"end {number} {how}"
        elif what in ("spawn", "end"):
            if len(mine) >= WORKERS:
                return None
            number = str(self.number("worker"))
            self.workers[number] = {"node": node.name, "ending": None}
            text = f"{{spawn, {number}}}" if beam else f"spawn {number}"
        elif what in ("demonitor", "unlink"):
            found = self.open_ones(self.monitors if what == "demonitor" else self.links, node)
            if not found:
                return None
            number = self.random.choice(found)
            text = f"{{{what}, {number}}}" if beam else f"{what} {number}"
        else:
            text = self.towards(node, what, beam)
        if text:
            self.stats[what] += 1
        return text

    def towards(self, node, what, beam):
        """An operation on a worker of another node."""
        number, worker = self.some_worker(node)
        if not worker:
            return None
        book = {"watcher": node.name, "node": worker["node"], "worker": number, "end": None,
                "begun": time.monotonic(), "up": False}
        by_name = what in ("monitor", "call") and self.random.random() < 0.4
        if beam:
            to = f"{{w{number}, '{worker['node']}'}}" if by_name else self.pid_text(node, worker, True)
        else:
            to = f"{worker['node']} name w{number}" if by_name else self.pid_text(node, worker, False)
        if what == "stream":
            key = node.name, node.pid, number
            first = self.streams.get(key, 1)
            count = self.random.randint(1, 30)
            self.streams[key] = first + count
            s = self.numbers.setdefault(("stream", key), len(self.numbers) + 1)
            return (f"{{stream, {s}, {first}, {count}, {to}}}" if beam
                    else f"stream {s} {first} {count} {to}")
        books = {"monitor": self.monitors, "link": self.links, "call": self.calls}[what]
        mine = str(self.number(what))
        books[mine] = book
        return f"{{{what}, {mine}, {to}}}" if beam else f"{what} {mine} {to}"

    def batch(self, node):
        if node in self.stopped:
            return
        operations = [x for x in (self.operation(node) for _ in range(BATCH)) if x]
        if node.kind == "c":
            node.say(*operations)
            return
        if not operations:
            return
        results = re.findall(r"\{spawned,\d+\}|\w+", node.do(operations)[1:-1])
        for operation, result in zip(operations, results):
            kind, number = re.match(r"\{'?(\w+)'?, (\d+)", operation).groups()
            if kind == "demonitor" and result == "gone":
                self.on_gone(node, number)
            elif kind == "unlink" and result == "unlinked":
                self.on_unlinked(node, number)
        self.learn_pids(node)

    def learn_pids(self, node):
        new = [w for w, x in self.workers.items() if x["node"] == node.name and not x.get("pid")]
        if not new:
            return
        text = node.node.eval(f"{{raw, io_lib:format(\"~w\", [noex_torture:pids([{','.join(new)}])])}}")
        for number, pid in zip(new, re.findall(r"\[([\d,]*)\]", text[1:-1])):
            self.workers[number]["pid"] = pid.split(",") if pid else None

    # ---- faults ----

    def strike(self):
        fault = self.random.choice([f for f in dir(self) if f.startswith("fault_")])
        self.faults[fault[6:]] += 1
        getattr(self, fault)()

    def concerns(self, *names):
        self.faulty |= {self.nodes[n].name if n in self.nodes else n for n in names}

    def forget(self, node):
        """What the node that is gone asked for has no book any more, and what ran there has ended."""
        for book in (self.monitors, self.links, self.calls):
            for number in [n for n, x in book.items() if x["watcher"] == node.name]:
                del book[number]
        for worker in self.workers.values():
            if worker["node"] == node.name and worker["ending"] is None:
                worker["ending"] = "node"

    def kill(self, names):
        """One of these, unless it is stopped; its name."""
        name = self.random.choice(names)
        if self.nodes[name] in self.stopped:
            return None
        self.concerns(name)
        self.nodes[name].kill()
        self.forget(self.nodes[name])
        return name

    def fault_kill_beam(self):
        if name := self.kill("abd"):
            time.sleep(self.random.random())
            self.need_epmd()
            self.nodes[name] = Beam(self, name)

    def fault_kill_agent(self):
        if name := self.kill("ce"):
            self.need_epmd()
            self.start_agent(name)
            self.connect_all()

    def fault_short_stop(self):
        node = self.random.choice(list(self.nodes.values()))
        os.kill(node.pid, signal.SIGSTOP)
        time.sleep(self.random.uniform(0.2, TICKTIME / 4))
        os.kill(node.pid, signal.SIGCONT)

    def fault_long_stop(self):
        node = self.random.choice(list(self.nodes.values()))
        self.concerns(node.name)
        os.kill(node.pid, signal.SIGSTOP)
        self.stopped.append(node)
        time.sleep(TICKTIME * 1.6)

    def fault_epmd(self):
        self.concerns(*self.nodes)
        self.stage.epmd.kill()

    def fault_disconnect_by_beam(self):
        beam, agent = self.random.choice("abd"), self.random.choice("ce")
        if self.nodes[beam] in self.stopped:
            return
        self.concerns(beam, agent)
        self.nodes[beam].node.eval(f"erlang:disconnect_node('{self.nodes[agent].name}')")

    def fault_disconnect_by_agent(self):
        other, agent = self.random.choice("abd"), self.random.choice("ce")
        self.concerns(other, agent)
        self.nodes[agent].say(f"disconnect {self.nodes[other].name}")

    def fault_allocations(self):
        agent = self.random.choice("ce")
        self.concerns(*self.nodes)
        self.starved.add(self.nodes[agent].name)
        self.nodes[agent].say(f"alloc {self.random.choice([3, 20, 200])}")

    def fault_descriptors(self):
        agent = self.random.choice("ce")
        self.concerns(*self.nodes)
        self.nodes[agent].say("fds 8")
        for proxy in self.proxies.values():
            proxy.reset()

    def fault_clock(self):
        """The clocks of one C node step: what it has waited for long enough by its clock, it gives up."""
        agent = self.random.choice("ce")
        ms = self.random.choice([TICKTIME * 250, TICKTIME * 1600, 3600_000])
        if ms > TICKTIME * 250:
            self.concerns(*self.nodes)
        self.nodes[agent].say(f"clock {ms} {self.random.randint(-10**9, 10**9)}")

    def fault_network(self):
        """It is down for all: what is open stays open, nothing comes through, nobody can dial."""
        self.concerns(*self.nodes)
        own_network.set_link(False)
        time.sleep(self.random.choice([0.5, TICKTIME * 1.6]))
        own_network.set_link(True)

    def with_proxy(self):
        key = self.random.choice(sorted(self.proxies))
        self.concerns(*key)
        return self.proxies[key]

    def fault_reset(self):
        self.with_proxy().reset()

    def fault_cut_at_a_byte(self):
        self.with_proxy().cut_after = self.random.randint(0, 5000)

    def fault_delay(self):
        self.with_proxy().mode = "delay"

    def fault_dribble(self):
        self.with_proxy().mode = "dribble"

    def fault_double(self):
        """Whoever connects anew does it twice at once."""
        proxy = self.with_proxy()
        proxy.mode = "double"
        proxy.reset()

    def fault_half_open(self):
        self.with_proxy().half_close(self.random.randrange(2))
        time.sleep(self.random.choice([0.5, TICKTIME * 1.6]))

    def fault_swallow(self):
        self.with_proxy().mode = "swallow"
        time.sleep(self.random.choice([0.5, TICKTIME * 1.6]))

    def need_epmd(self):
        if not self.stage.epmd.alive():
            self.stage._epmd = harness.Epmd(self.stage, self.stage.epmd.port)

    # ---- an episode ----

    def drain(self):
        while True:
            try:
                self.on_line(*self.events.get_nowait())
            except queue.Empty:
                break
        for beam in self.beams():
            if beam not in self.stopped:
                for words in beam.take():
                    self.on_line(beam, words)
        for agent in self.agents():
            if agent.process.poll() is not None:
                time.sleep(0.5)
                self.fail(f"{agent.name} ended by itself: {agent.process.returncode}\n"
                          + "".join(agent.stderr)[-6000:])

    def heal(self):
        for node in self.stopped:
            os.kill(node.pid, signal.SIGCONT)
        self.stopped = []
        self.need_epmd()
        for agent in self.agents():
            agent.say("alloc 0", "fds 0")
        for proxy in self.proxies.values():
            proxy.heal()
        self.connect_all()

    def sync(self, agent):
        agent.synced = None
        agent.say(f"sync {self.number('sync')}")
        deadline = time.monotonic() + SETTLE
        while agent.synced is None:
            self.drain()
            if time.monotonic() > deadline:
                self.fail(f"{agent.name} does not answer")
            time.sleep(0.02)
        return agent.synced

    def on_synced(self, node, _, *numbers):
        node.synced = dict(zip(("pending", "up", "calls", "gaps", "events"), map(int, numbers)))

    def open_reasons(self):
        """Why the books cannot be closed yet."""
        for agent in self.agents():
            missing = {n.name for n in self.nodes.values() if n is not agent} - agent.up
            if missing:
                return f"{agent.name} is not connected to {missing}"
            state = self.sync(agent)
            if state["pending"] or state["calls"]:
                return f"{agent.name} waits for {state}"
        for what, book in (("monitor", self.monitors), ("link", self.links)):
            for number, x in book.items():
                if not x["end"] and self.workers[x["worker"]]["ending"]:
                    return f"{what} {number} should have ended: {x} {self.workers[x['worker']]}"
        for number, call in self.calls.items():
            if not call["end"]:
                return f"call {number} should have ended: {call}"
        return self.differing_watchers()

    def differing_watchers(self):
        """What a BEAM holds for a C node must be what that node holds."""
        for beam in self.beams():
            mine = [w for w, x in self.workers.items() if x["node"] == beam.name
                    and x["ending"] is None]
            for agent in self.agents():
                text = beam.node.eval(f"{{raw, io_lib:format(\"~w\", [noex_torture:watchers("
                                      f"[{','.join(mine)}], '{agent.name}')])}}")
                for worker, count in zip(mine, text[1:-1].split(",")):
                    want = sum(1 for x in self.monitors.values() if x["worker"] == worker
                               and x["watcher"] == agent.name and not x["end"])
                    if count != str(want):
                        return (f"{beam.name} has {count} monitors of {agent.name} on worker "
                                f"{worker}, the book {want}")
        return None

    def close_books(self):
        deadline = time.monotonic() + SETTLE
        while why := self.open_reasons():
            if time.monotonic() > deadline:
                self.fail(f"the books do not close: {why}")
            self.drain()
            time.sleep(0.2)
        self.settle_doubts()
        for book in (self.monitors, self.links, self.calls):
            for number in [n for n, x in book.items() if x["end"]]:
                del book[number]
        used = {x["worker"] for b in (self.monitors, self.links) for x in b.values()}
        for number in [n for n, x in self.workers.items() if x["ending"] and n not in used]:
            del self.workers[number]

    def episode(self):
        faults = self.random.choice([0, 1, 1, 1, 2])
        at = sorted(self.random.randrange(STEPS) for _ in range(faults))
        self.before, self.faulty = self.faulty, set()
        self.starved = set()
        for step in range(STEPS):
            for _ in range(3):
                node = self.random.choice(list(self.nodes.values()))
                self.batch(node)
            if step in at:
                self.strike()
            self.drain()
        self.heal()
        self.close_books()
        for beam in self.beams():
            text = beam.node.output_text()
            if found := PROTOCOL.search(text):
                self.fail(f"{beam.name} complains: {text[max(0, found.start() - 500):][:1500]}")

    def finish(self):
        """All ends, and each end is told."""
        descriptors = {agent: agent.descriptors() for agent in self.agents()}
        for number, worker in self.workers.items():
            if worker["ending"] is None and worker.get("pid"):
                node = self.nodes[worker["node"].split("@")[0]]
                worker["ending"] = "shutdown"
                if node.kind == "c":
                    node.say(f"end {number} shutdown")
                else:
                    node.do([f"{{'end', {number}, shutdown}}"])
        self.close_books()
        for agent in self.agents():
            if descriptors[agent] > 40:
                self.fail(f"{agent.name} has {descriptors[agent]} descriptors open")
            agent.quit()

    def run(self, seconds):
        """The exit status."""
        start, episodes, violation = time.monotonic(), 0, None
        try:
            self.start()
            self.heal()
            self.close_books()
            while time.monotonic() - start < seconds:
                self.episode()
                episodes += 1
            self.finish()
        except Violation as found:
            violation = found
        self.report(episodes, time.monotonic() - start)
        if violation:
            print(f"VIOLATION in episode {episodes + 1} (seed {self.seed}): {violation}")
        return 1 if violation else 0

    def report(self, episodes, seconds):
        s = self.stats
        print(f"{episodes} episodes in {seconds:.0f} s, seed {self.seed}")
        print("operations: " + ", ".join(f"{k} {s[k]}" for k in (
            "spawn", "end", "monitor", "demonitor", "link", "unlink", "call", "stream")))
        print("faults: " + (", ".join(f"{k} {v}" for k, v in sorted(self.faults.items())) or "none"))
        print(f"events {s['events']} (DOWNs {s['downs']}, exits {s['exits']}), refused for want of "
              f"memory {s['refused']}; lost 0, doubled 0")

    def close(self):
        for node in self.nodes.values():
            try:
                os.kill(node.pid, signal.SIGCONT)
                node.kill()
            except (OSError, ValueError):
                pass
        for proxy in self.proxies.values():
            proxy.close()


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1 << 32)
    print(f"seed {seed}", flush=True)
    if not own_network.enter():
        print("no network of its own: it is never down")
        del Campaign.fault_network
    with harness.Stage(Path(__file__).resolve().parent / "noex_torture.erl") as stage:
        campaign = Campaign(stage, seed)
        try:
            return campaign.run(seconds)
        finally:
            campaign.close()


if __name__ == "__main__":
    sys.exit(main())

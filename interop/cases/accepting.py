"""A node of ours that BEAMs, and noexmon, connect to. SPDX-License-Identifier: Apache-2.0"""

import hashlib
import os
import random
import re
import signal
import socket
import struct
import threading
import time

from fake_peer import ALL_FLAGS
from harness import COOKIE, HOST, PATIENCE, Epmd, InteropCase, free_port, in_the_clear, wait_until
from relay import Relay

ROUNDS = 50


class Proxy(Relay):
    """Carries connections to a port. It can hold the first words of the one who dials back, and cut
    that one off while the other hears nothing of it."""

    def __init__(self, case, port):
        self.open = threading.Event()
        self.open.set()
        self.held = threading.Event()
        self.cut_off = None
        super().__init__(lambda: port)
        case.addCleanup(self.close)

    def passes(self, pair, one, other, data):
        if one is pair.near and not self.open.is_set():
            self.held.set()
            self.open.wait()
        if pair is not self.cut_off:
            other.sendall(data)

    def ended(self, pair):
        if pair is not self.cut_off:
            super().ended(pair)

    def hold(self):
        self.held.clear()
        self.open.clear()

    def cut(self):
        """The one who dialled sees the end of its connection, the other does not."""
        self.cut_off = self.pairs[-1]
        self.cut_off.near.shutdown(socket.SHUT_RDWR)

    def close(self):
        self.open.set()
        self.stop()
        for pair in self.pairs:
            for end in pair.ends():
                end.close()


def register(case, name, port):
    """Registers a name at the test's epmd, for as long as the test lasts."""
    held = socket.create_connection((HOST, case.epmd_port()))
    case.addCleanup(held.close)
    body = struct.pack(">BHBBHHH", 120, port, 77, 0, 6, 5, len(name)) + name.encode() + b"\0\0"
    held.sendall(struct.pack(">H", len(body)) + body)
    answer = held.recv(16)
    assert answer[:2] == b"\x76\0", answer


def digest(cookie, challenge):
    return hashlib.md5(cookie.encode() + str(challenge).encode()).digest()


def receive(peer):
    """One message of the handshake; None at the end."""
    head = peer.recv(2, socket.MSG_WAITALL)
    return peer.recv(struct.unpack(">H", head)[0], socket.MSG_WAITALL) if len(head) == 2 else None


def send(peer, body):
    peer.sendall(struct.pack(">H", len(body)) + body)


class Accepting(InteropCase):
    def connected(self, node, cnode):
        return f"'{cnode.name}'" in node.eval("nodes(hidden)")

    def ping(self, node, cnode):
        return node.eval(f"net_adm:ping('{cnode.name}')")

    def again(self, node, expression):
        """Until it is true, for some seconds: now and then a BEAM does not dial a node that it has
        just lost, and says that it is not there."""
        return node.eval(f"(fun Try(0) -> never; Try(N) -> case {expression} of true -> ok; _ ->"
                         " timer:sleep(10), Try(N - 1) end end)(500)")

    def test_a_ping_from_a_beam_is_answered_and_both_see_each_other_come_and_go(self):
        a, c = self.erl(), self.cnode()
        c.wait("registered")
        a.eval("net_kernel:monitor_nodes(true, #{node_type => all})")
        self.assertEqual("pong", self.ping(a, c))
        c.wait(f"up {a.name}")
        self.assertEqual(f"['{c.name}']", a.eval("nodes(hidden)"))
        self.assertEqual("[]", a.eval("nodes()"))
        a.worker("w")
        self.assertEqual("ok", c.say("monitor", a.name, "w"))
        c.wait(f"monitor_up {a.name} w")
        a.finish("w", "exit_custom")
        c.wait(f"monitor_down {a.name} w")
        for what in ("nodeup", "nodedown"):
            self.assertEqual(what, a.eval(f"receive {{{what}, '{c.name}', _}} -> {what}"
                                          " after 10000 -> none end"))
            if what == "nodeup":
                a.eval(f"erlang:disconnect_node('{c.name}')")
        self.assertEqual("pong", self.ping(a, c))
        a.kill()
        c.wait(f"down {a.name} NOEX_ECLOSED", 2)
        c.quit()

    def test_a_beam_with_a_dynamic_name_is_given_one(self):
        c = self.cnode()
        c.wait("registered")
        a = self.erl("undefined")
        self.assertEqual("true", a.eval(f"net_kernel:connect_node('{c.name}')"))
        name = a.eval("node()").strip("'")
        self.assertRegex(name, rf"^[0-9A-Z]+@{re.escape(HOST)}$")
        c.wait(f"up {name}")
        self.assertEqual("pong", self.ping(a, c))
        a.eval(f"erlang:disconnect_node('{c.name}')")
        c.wait(f"down {name}")

    def test_a_restarted_beam_connects_again(self):
        c = self.cnode()
        c.wait("registered")
        for count in range(1, 4):
            a = self.erl()
            self.assertEqual("pong", self.ping(a, c))
            c.wait(f"up {a.name}", count)
            a.kill()
            c.wait(f"down {a.name} NOEX_ECLOSED", count)

    def test_a_disconnected_beam_connects_again_by_itself(self):
        a, c = self.erl(), self.cnode()
        c.wait("registered")
        self.assertEqual("pong", self.ping(a, c))
        for count in range(1, 6):
            c.wait(f"up {a.name}", count)
            if count % 2:
                a.eval(f"erlang:disconnect_node('{c.name}')")
                c.wait(f"down {a.name} NOEX_ECLOSED", count // 2 + 1)
            else:
                self.assertEqual("ok", c.say("disconnect", a.name))
                c.wait(f"down {a.name} NOEX_EDISCONNECTED", count // 2)
                wait_until(lambda: a.hidden() == "[]", what="the BEAM to notice")
            self.assertEqual("ok", self.again(a, f"begin {{nobody, '{c.name}'}} ! hello,"
                                              f" lists:member('{c.name}', nodes(hidden)) end"))

    def test_a_connection_that_only_the_beam_lost_is_replaced(self):
        """Protocol.md 2.6: `alive`, "true", and the older connection's losses before the new one."""
        a, c = self.erl(), self.cnode(no_epmd=1)
        proxy = Proxy(self, c.port())
        register(self, "c", proxy.port)
        a.worker("w")
        self.assertEqual("pong", self.ping(a, c))
        self.assertEqual("ok", c.say("monitor", a.name, "w"))
        c.wait(f"monitor_up {a.name}")
        for count in range(1, 4):
            proxy.cut()
            wait_until(lambda: a.hidden() == "[]", what="the BEAM to notice")
            self.assertEqual([], c.find("down", len(c.lines)))
            self.assertEqual("ok", self.again(a, f"net_adm:ping('{c.name}') =:= pong"))
            c.wait(f"up {a.name}", count + 1)
            c.wait(f"down {a.name} NOEX_ELOST", count)
        events = [line for line in c.lines if re.match("(up|down|monitor_down) ", line)]
        self.assertEqual(f"monitor_down {a.name} w noconnection", events[1])
        self.assertEqual([f"down {a.name} NOEX_ELOST", f"up {a.name}"], events[2:4])
        self.assertEqual(8, len(events))

    def race(self, name):
        """The BEAM of this name and the node connect to each other, again and again: each has said
        its name before it hears of the other's."""
        a, c = self.erl(name), self.cnode(no_epmd=1, reconnect_min_ms=1)
        to_c, to_a = Proxy(self, c.port()), Proxy(self, self.port_of(a))
        register(self, "c", to_c.port)
        chance = random.Random(4)
        # As `again`, in one message to the BEAM.
        expression = (f"(fun Try(0) -> false; Try(N) -> net_kernel:connect_node('{c.name}') orelse"
                      " begin timer:sleep(10), Try(N - 1) end end)(100)").encode()
        for count in range(1, ROUNDS + 1):
            for proxy in (to_c, to_a):
                proxy.hold()
            a.control.sendall(struct.pack(">I", len(expression)) + expression)
            c.tell("connect", f"{a.name}:{to_a.port}")
            for proxy in (to_c, to_a):
                self.assertTrue(proxy.held.wait(PATIENCE), f"round {count}\n{c.report()}")
            for proxy in chance.sample((to_c, to_a), 2):
                proxy.open.set()
                time.sleep(chance.choice((0, 0.0003, 0.001, 0.004)))
            answer = a._read(struct.unpack(">I", a._read(4))[0])
            self.assertEqual(b"otrue", answer, f"round {count}\n{c.report()}")
            c.wait(f"up {a.name}", count)
            self.assertEqual("pong", self.ping(a, c))
            self.assertEqual([], c.find("failed"), c.report())
            self.assertEqual(count, len(c.find("up ")), c.report())
            self.assertEqual(count - 1, len(c.find("down ")), c.report())
            if count % 2:
                c.say("disconnect", a.name)
            else:
                a.eval(f"erlang:disconnect_node('{c.name}')")
            c.wait(f"down {a.name}", count)
            wait_until(lambda: a.hidden() == "[]", what="the BEAM to notice")
        c.quit()

    def port_of(self, node):
        """Where it listens, as epmd knows."""
        line = re.search(rb"name %s at port (\d+)" % node.name.split("@")[0].encode(),
                         self.epmd.names_answer())
        return int(line.group(1))

    def test_connections_that_race_with_a_smaller_name(self):
        self.race("a")

    def test_connections_that_race_with_a_larger_name(self):
        self.race("z")

    def test_a_wrong_cookie_is_refused_and_logged(self):
        a, b, c = self.erl("a"), self.erl("b", cookie="other-cookie"), self.cnode()
        c.wait("registered")
        self.assertEqual("pong", self.ping(a, c))
        self.assertEqual("pang", self.ping(b, c))
        c.says(f"{b.name}, from 127.0.0.1.*cookies differ")
        self.assertEqual([], c.find(f"up {b.name}"))
        self.assertEqual([], c.find("down"))
        b.allow("onnection attempt|not allowed|cookie")

    @in_the_clear
    def test_who_does_not_know_the_cookie_ends_no_connection(self):
        a, c = self.erl(), self.cnode()
        port = c.port()
        self.assertEqual("pong", self.ping(a, c))
        for _ in range(5):
            peer = socket.create_connection((HOST, port))
            self.addCleanup(peer.close)
            send(peer, struct.pack(">BQIH", 78, ALL_FLAGS, 7, len(a.name)) + a.name.encode())
            self.assertEqual(b"salive", receive(peer))
            send(peer, b"strue")
            challenge = struct.unpack_from(">I", receive(peer), 9)[0]
            send(peer, b"r\0\0\0\1" + digest("guessed", challenge))
            self.assertIsNone(receive(peer))
        c.says("cookies differ")
        self.assertEqual("pong", self.ping(a, c))
        self.assertEqual([], c.find("down"))
        self.assertTrue(self.connected(a, c))

    def test_a_cookie_for_one_node(self):
        a, b, c = self.erl("a"), self.erl("b", cookie="special"), self.cnode()
        c.wait("registered")
        self.assertEqual("ok", c.say("cookie", b.name, "special"))
        self.assertEqual("pong", self.ping(b, c))
        self.assertEqual("pong", self.ping(a, c))
        b.eval(f"erlang:disconnect_node('{c.name}')")
        c.wait(f"down {b.name}")
        self.assertEqual("ok", c.say("connect", b.name))
        c.wait(f"up {b.name}", 2)
        self.assertEqual("ok", c.say("disconnect", b.name))
        c.wait(f"down {b.name}", 2)
        self.assertEqual("ok", c.say("cookie", b.name))
        self.assertEqual("pang", self.ping(b, c))
        b.eval(f"erlang:set_cookie('{c.name}', '{COOKIE}')")
        self.assertEqual("pong", self.ping(b, c))
        b.allow("onnection attempt|cookie")

    def test_a_registration_is_made_again_when_epmd_comes_back(self):
        a, c = self.erl(), self.cnode()
        port = c.port()
        self.assertEqual("pong", self.ping(a, c))
        creation = re.search(r"creation (\d+)", c.says("connected as")).group(1)
        self.epmd.kill()
        c.wait(f"unregistered {c.name} NOEX_EEPMD")
        time.sleep(1)
        self._epmd = Epmd(self, self.epmd.port)
        again = c.wait("registered", 2, timeout=6)
        self.assertEqual(port, int(again.split()[-1]))
        self.assertIn(f"name c at port {port}".encode(), self.epmd.names_answer())
        a.eval(f"erlang:disconnect_node('{c.name}')")
        c.wait("down")
        self.assertEqual("pong", self.ping(a, c))
        c.says("connected as", 2)
        found = [line for line in c.lines if "connected as" in line]
        self.assertEqual([creation] * 2,
                         [re.search(r"creation (\d+)", line).group(1) for line in found])

    def test_a_node_waits_for_an_epmd_that_is_not_there_yet(self):
        port = free_port()
        c = self.cnode(epmd_port=port)
        c.wait(f"unregistered {c.name} NOEX_EEPMD")
        Epmd(self, port)
        c.wait("registered", timeout=6)
        self.assertEqual(1, len(c.find("unregistered")))

    def test_a_name_that_is_taken_is_told_and_taken_over_when_it_is_free(self):
        first = self.cnode()
        first.wait("registered")
        second = self.cnode()
        second.wait(f"unregistered {second.name} NOEX_ENAMETAKEN")
        first.quit()
        second.wait("registered", timeout=6)
        a = self.erl()
        self.assertEqual("pong", self.ping(a, second))

    def test_noexmon_watches_a_node_of_ours(self):
        c = self.cnode()
        c.wait("registered")
        self.expect(0, "ping", c.name)
        self.expect(1, "check", f"{c.name}/nobody")
        run = self.watch(c.name, monitored=0)
        run.wait("node_up", node=c.name)
        c.kill()
        run.wait("node_down", node=c.name)
        self.assertEqual(3, run.interrupt())

    def test_many_short_visits_take_few_names(self):
        c = self.cnode()
        c.wait("registered")
        for _ in range(40):
            self.expect(0, "ping", c.name).kill()
        names = {line.split()[1] for line in c.find("up ")}
        self.assertLess(len(names), 4)
        self.assertEqual(40, len(c.find("up ")))

    def test_half_open_connections_by_the_thousand_hurt_nobody(self):
        a, c = self.erl(), self.cnode()
        port = c.port()
        self.assertEqual("pong", self.ping(a, c))
        held = []
        for count in range(1000):
            peer = socket.create_connection((HOST, port))
            peer.sendall(b"\0\x20N"[:count % 4])
            held.append(peer)
        self.assertEqual("pong", self.ping(a, c))
        b = self.erl("b")
        self.assertEqual("pong", self.ping(b, c))
        self.assertEqual([], c.find("down"))
        self.assertLess(len(os.listdir(f"/proc/{c.pid}/fd")), 100)
        for peer in held:
            peer.close()

    def test_a_visible_node_is_one_of_nodes(self):
        a, c = self.erl(), self.cnode(visible=1)
        c.wait("registered")
        self.assertEqual("pong", self.ping(a, c))
        self.assertEqual(f"['{c.name}']", a.eval("nodes()"))
        self.assertIn(b"name c at port", self.epmd.names_answer())

    def test_a_name_that_resolves_elsewhere_says_so(self):
        c = self.cnode(host="192.0.2.7")
        c.wait(f"listen_failed {c.name} NOEX_ENOTLOCAL")
        c.says("Kubernetes.*listen_address")
        d = self.cnode("d", host="192.0.2.7", listen_address="127.0.0.1")
        d.wait("registered")

    def test_a_stopped_node_of_ours_loses_nobody_who_is_patient(self):
        """Who connects meanwhile waits in the kernel, and is let in when the program goes on."""
        a, c = self.erl(), self.cnode()
        c.wait("registered")
        c.signal(signal.SIGSTOP)
        expression = f"net_adm:ping('{c.name}')".encode()
        a.control.sendall(struct.pack(">I", len(expression)) + expression)
        time.sleep(2)
        c.signal(signal.SIGCONT)
        self.assertEqual(b"opong", a._read(struct.unpack(">I", a._read(4))[0]))
        c.wait(f"up {a.name}")

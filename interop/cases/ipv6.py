"""IPv6: a BEAM of inet6_tcp or inet6_tls, an epmd that is asked over ::1; names of both families.

SPDX-License-Identifier: Apache-2.0
"""

import ipaddress
import signal
import socket
from pathlib import Path

from harness import TLS, InteropCase


class Ipv6(InteropCase):
    proto = "inet6_tls" if TLS else "inet6_tcp"

    def beam(self, host="::1"):
        return self.erl(host=host, proto=self.proto)

    def test_ping_watch_and_loss(self):
        a = self.beam()
        target = a.worker("w")
        self.expect(0, "ping", a.name)
        self.expect(3, "ping", "nobody@::1")
        run = self.watch(target, a.worker("v"))
        a.finish("w", "exit_custom")
        self.assertEqual("peer", run.wait("process_down", target=target)["origin"])
        a.kill()
        self.assertEqual("noconnection", run.wait("process_down", origin="local")["reason"]["type"])
        run.wait("node_down")
        run.interrupt()

    def test_an_address_in_brackets_and_its_scope(self):
        """Two nodes of ours: at a link-local address of this machine, where it has one."""
        lines = Path("/proc/net/if_inet6").read_text().split("\n")
        local = [line.split() for line in lines if line.startswith("fe80")]
        host = "[::1]"
        if local:
            host = f"[{ipaddress.IPv6Address(int(local[0][0], 16))}%{local[0][-1]}]"
        c = self.cnode(host=host, no_epmd=1)
        flags = ["--tls-optfile", self.tls_optfile(), "--tls-server-name", "::1"] if TLS else []
        self.expect(0, "ping", *flags, f"{c.name}:{c.port()}")

    def test_both_ways_between_nodes(self):
        a, c = self.beam(), self.cnode(host="::1")
        c.wait("registered")
        self.assertEqual("pong", a.eval(f"net_adm:ping('{c.name}')"))
        a.eval(f"erlang:disconnect_node('{c.name}')")
        c.wait("down")
        self.assertEqual("ok", c.say("connect", a.name))
        c.wait(f"up {a.name}", 2)
        a.signal(signal.SIGKILL)
        c.wait("down", 2)

    def test_a_host_by_name(self):
        """The node listens at one address of it alone; of both families where localhost is."""
        families = {info[0] for info in socket.getaddrinfo("localhost", None)}
        protos = {socket.AF_INET: "inet_tls" if TLS else "inet_tcp", socket.AF_INET6: self.proto}
        for family in sorted(families):
            with self.subTest(protos[family]):
                a = self.erl(f"n{int(family)}", host="localhost", proto=protos[family])
                self.expect(0, "check", a.worker("w"))
                a.kill()

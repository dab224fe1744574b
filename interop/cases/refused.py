"""Nodes that are there and do not let us in: exit status 4, and the words say why.

SPDX-License-Identifier: Apache-2.0
"""

import subprocess

from harness import HOST, InteropCase, in_the_clear, wait_until


class Refused(InteropCase):
    def test_a_wrong_cookie_is_4_and_the_words_name_the_cookie(self):
        a = self.erl()
        a.allow("Invalid challenge", "onnection attempt")
        self.write_cookie(self.home / ".erlang.cookie", "wrong")
        target = a.worker("w")
        self.expect(4, "ping", a.name, says="cookie")
        for command in ("check", "wait-up", "wait-down", "watch"):
            run = self.expect(4, command, target, says="cookie")
            self.assertNotIn("wrong", "".join(run.lines), "a cookie is never shown")
            self.assertNotIn("interop-cookie", run.stderr)

    def test_a_refusal_comes_before_all_other_states(self):
        a, b = self.erl("a"), self.erl("b", cookie="another")
        b.allow("Invalid challenge", "onnection attempt")
        targets = (f"{a.name}/absent", f"nobody@{HOST}/w", f"{b.name}/w")
        self.expect(4, "check", *targets, says="cookie")

    def test_a_node_with_tls_distribution_is_4_and_the_words_say_so(self):
        pem = self.dir / "node.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                        "-subj", "/CN=localhost", "-addext", f"subjectAltName=IP:{HOST}",
                        "-keyout", str(pem), "-out", str(self.dir / "cert.pem")],
                       check=True, capture_output=True)
        pem.write_text(pem.read_text() + (self.dir / "cert.pem").read_text())
        options = self.dir / "tls.config"
        options.write_text('[{server,[{certfile,"%s"}]},{client,[{verify,verify_none}]}].' % pem)
        a = self.erl(args=("-proto_dist", "inet_tls", "-ssl_dist_optfile", str(options)))
        self.expect(4, "ping", a.name, says="TLS")
        self.expect(4, "check", f"{a.name}/w", says="TLS")

    def test_a_name_that_is_connected_already_is_4_and_the_older_stays(self):
        a = self.erl()
        target = a.worker("w")
        name = f"watcher@{HOST}"
        first = self.watch(target, options=("--name", name))
        self.assertEqual(f"['{name}']", a.hidden())
        self.expect(4, "check", "--name", name, target, says="name|already")
        self.expect(4, "ping", "--name", name, a.name, says="name|already")
        a.finish("w", "exit_custom")
        self.assertEqual("peer", first.wait("process_down", target=target)["origin"])
        self.assertEqual([], first.find("node_down"))
        first.interrupt()
        wait_until(lambda: a.hidden() == "[]", what="the name to be free")
        self.expect(0, "check", "--name", name, a.worker("w"))

    def test_the_nodes_own_name_is_4(self):
        a = self.erl()
        a.allow("onnection attempt", "Cannot get connection")
        self.assertIn(self.run_noexmon("ping", "--name", a.name, a.name, "--timeout", 3000)
                      .process.returncode, (2, 4))

    @in_the_clear
    def test_a_node_that_allows_only_others_is_4(self):
        a = self.erl()
        a.allow("not allowed", "onnection attempt", "rejected", "allow")
        a.eval(f"net_kernel:allow(['friend@{HOST}'])")
        self.expect(4, "ping", "--name", f"foe@{HOST}", a.name, says="allow")
        self.expect(0, "ping", "--name", f"friend@{HOST}", a.name)

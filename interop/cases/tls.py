"""TLS: each wrong certificate, what its peers say of it, and the options. That everything else works
over TLS as well is shown by the other cases, run with --tls.

SPDX-License-Identifier: Apache-2.0
"""

import os
import re
import signal

from harness import HOST, InteropCase, wait_until


class Tls(InteropCase):
    def beam(self, name="a", **options):
        """A BEAM with an optfile of its own."""
        conf = self.optfile(name, **options)
        beam = self.erl(name, tls=conf)
        beam.allow("onnection attempt", "TLS ", "rejected")
        return beam

    def flags(self, certificate="node", ca="ca", key=None):
        folder = self.certificates
        shown = ["--tls-cert", folder / f"{certificate}.pem", "--tls-key",
                 key or folder / f"{certificate}.key"] if certificate else []
        return ["--tls-ca", folder / f"{ca}.pem", *shown]

    def logged(self, beam, pattern):
        """A notice of the BEAM's ssl, waited for."""
        def found():
            beam.eval("noex_peer:flush_log()")
            text = (beam.log_file.read_text(errors="replace") if beam.log_file.exists() else "")
            return re.search(pattern, text + beam.output_text(), re.IGNORECASE)
        wait_until(found, what=f"{pattern} in the log of {beam.name}")

    # ---- both ways, by options alone ----

    def test_options_of_the_command_line_do(self):
        a = self.beam()
        target = a.worker("w")
        self.expect(0, "check", *self.flags(), target)
        self.expect(0, "check", "--tls-ca", self.certificates, *self.flags()[2:], target)
        self.expect(0, "ping", *self.flags(), "--tls-server-name", "localhost", a.name)
        self.expect(4, "ping", *self.flags(), "--tls-server-name", "db.example", a.name,
                    says="mismatch, it is not for db.example")
        run = self.run_noexmon("ping", "--verbose", "--tls-verify=none", *self.flags()[2:], a.name)
        self.assertEqual(0, run.process.returncode, run.report())
        self.assertIn("NOT verified", run.stderr)
        self.assertRegex(run.stderr, r"TLSv1\.[23], ")

    def test_a_key_with_a_password(self):
        a = self.beam()
        locked = self.certificates / "locked.key"
        self.expect(2, "ping", *self.flags(key=locked), a.name, says="encrypted")
        self.expect(2, "ping", *self.flags(key=locked), a.name, says="wrong password",
                    env={"NOEX_TLS_KEY_PASSWORD": "wrong"})
        self.expect(0, "ping", *self.flags(key=locked), a.name,
                    env={"NOEX_TLS_KEY_PASSWORD": "secret"})

    def test_mistakes_are_usage_errors_that_name_the_file(self):
        folder = self.certificates
        self.expect(2, "ping", *self.flags(key=folder / "stranger.key"), f"a@{HOST}",
                    says="stranger.key does not belong to the certificate .*node.pem")
        self.expect(2, "ping", "--tls-cert", folder / "node.pem", f"a@{HOST}", says="no CA")
        self.expect(2, "ping", "--tls-ca", folder / "none.pem", f"a@{HOST}", says="none.pem")
        self.expect(2, "ping", "--tls-verify=maybe", f"a@{HOST}", says="--tls-verify: full")
        conf = self.optfile(extra=",\n  {verify_fun, none}")
        self.expect(2, "ping", "--tls-optfile", conf, f"a@{HOST}",
                    says="server: verify_fun: an option that libnoex does not understand")
        self.expect(2, "ping", "--tls-optfile", conf, "--tls-ca", folder, f"a@{HOST}",
                    says="with an optfile only")
        self.expect(2, "names", "--tls-ca", folder, says="takes no --tls-ca")

    # ---- wrong certificates ----

    def refused(self, beam, says, logs, *flags):
        self.expect(4, "ping", *flags, beam.name, says=says)
        self.logged(beam, logs)

    def refuses(self, certificate, says, alert, **options):
        """A BEAM that shows this certificate. OpenSSL sends this alert of TLS 1.3 in the clear, which
        a BEAM finds wrong by itself."""
        for version, logs in (("1.2", f"CLIENT ALERT: Fatal - {alert}"),
                              ("1.3", "ALERT: Fatal - (Bad Record|Unexpected)")):
            with self.subTest(version):
                a = self.beam(f"v{version[-1]}", certificate=certificate, versions=(version,),
                              **options)
                self.refused(a, says, logs, *self.flags())
        return a

    def test_a_beam_with_an_expired_certificate_is_4(self):
        self.refuses("expired", "CN=expired is not accepted: certificate has expired",
                     "Certificate Expired", verify=False)

    def test_a_beam_of_an_unknown_ca_is_4(self):
        self.refuses("stranger", "CN=stranger is not accepted: unable to get local issuer",
                     "Unknown CA")

    def test_a_beam_with_the_certificate_of_another_host_is_4(self):
        a = self.refuses("elsewhere", f"mismatch, it is not for {HOST}", "Bad Certificate")
        self.expect(0, "ping", "--tls-verify=chain", *self.flags(), a.name)

    def test_an_expired_certificate_of_ours_is_4(self):
        a = self.beam()
        self.refused(a, "does not accept this node's certificate: alert certificate expired",
                     "SERVER ALERT: Fatal - Certificate Expired", *self.flags("expired"))

    def test_a_certificate_of_ours_of_an_unknown_ca_is_4(self):
        a = self.beam()
        self.refused(a, "does not accept this node's certificate: alert unknown CA",
                     "SERVER ALERT: Fatal - Unknown CA", *self.flags("stranger"))

    def test_no_certificate_of_ours_where_one_is_wanted_is_4(self):
        for version in ("1.2", "1.3"):
            with self.subTest(version):
                a = self.beam(f"v{version[-1]}", versions=(version,))
                self.refused(a, "wants a client certificate, and this node has none",
                             "SERVER ALERT: Fatal - (Handshake Failure|Certificate required)",
                             *self.flags(None))
        b = self.beam("b", fail_if_no_peer_cert=False)
        self.expect(0, "ping", *self.flags(None), b.name)

    def test_no_common_version_is_4(self):
        a, conf = self.beam(versions=("1.2",)), self.optfile("c", versions=("1.3",))
        self.expect(4, "ping", "--tls-optfile", conf, a.name, says="no common TLS version")
        self.logged(a, "SERVER ALERT: Fatal - Protocol Version")

    def test_a_beam_in_the_clear_is_4(self):
        a = self.erl(tls=False)
        a.allow("onnection attempt")
        self.expect(4, "ping", *self.flags(), a.name, says="in the clear")

    def test_what_is_said_of_a_beam_that_dials(self):
        """A C node that listens, and BEAMs with wrong certificates, or none of TLS."""
        os.environ["NOEX_TLS_OPTFILE"] = str(self.optfile("c"))
        self.addCleanup(os.environ.pop, "NOEX_TLS_OPTFILE")
        c = self.cnode()
        c.wait("registered")
        for name, tls, says in (
                ("expired", {"certificate": "expired"}, "certificate has expired"),
                ("stranger", {"certificate": "stranger"}, "unable to get local issuer"),
                ("distrusts", {"ca": "other_ca"}, "does not accept this node's certificate"),
                ("old", {"certificate": "node", "versions": ("1.2",)}, None),
                ("clear", None, "speaks distribution in the clear, not TLS")):
            with self.subTest(name):
                beam = self.beam(name, **tls) if tls else self.erl(name, tls=False)
                beam.allow("onnection attempt", "TLS ")
                answer = beam.eval(f"net_adm:ping('{c.name}')")
                self.assertEqual("pang" if says else "pong", answer)
                if says:
                    c.says(says)
                beam.kill()

    # ---- over time ----

    def test_certificates_are_read_anew_on_SIGHUP(self):
        a = self.beam()
        target = a.worker("w")
        shown = self.certificates / "shown.pem"

        def show(name):
            both = [(self.certificates / f"{name}.{kind}").read_text() for kind in ("pem", "key")]
            shown.write_text("".join(both))

        show("node")
        run = self.watch(target, options=["--tls-ca", self.certificates / "ca.pem", "--tls-cert",
                                          shown])
        show("stranger")
        run.signal(signal.SIGHUP)
        a.kill()
        run.wait("node_down")
        a = self.beam()
        a.worker("w")
        run.wait("error", code="NOEX_ECERTREFUSED")
        shown.write_text("nothing")
        run.signal(signal.SIGHUP)
        wait_until(lambda: "stay as they were" in run.stderr, what="the refusal")
        show("node")
        run.signal(signal.SIGHUP)
        run.wait("monitor", after=run.find("node_down")[0]["seq"], target=target)
        self.assertEqual(0, run.interrupt())

    def test_key_updates_are_survived(self):
        a = self.beam(versions=("1.3",), extra=", {key_update_at, 20000}")
        conf = self.optfile("c", versions=("1.3",))
        run = self.run_noexmon("call", "--tls-optfile", conf, a.name, "lists", "duplicate", "300000",
                               "x", timeout=60)
        self.assertEqual(0, run.process.returncode, run.report())
        self.assertEqual(300000, run.lines[0].count("x"))

    def test_nodes_of_both_versions_at_once(self):
        old, new = self.beam("old", versions=("1.2",)), self.beam("new", versions=("1.3",))
        targets = [old.worker("w"), new.worker("w")]
        run = self.watch(*targets, options=["--tls-optfile", self.optfile("c")])
        for beam, target in zip((old, new), targets):
            beam.finish("w", "exit_custom")
            run.wait("process_down", target=target)
        run.interrupt()

    def test_no_secret_is_said(self):
        a = self.beam()
        run = self.run_noexmon("check", "--verbose", *self.flags(key=self.certificates / "locked.key"),
                               a.worker("w"), env={"NOEX_TLS_KEY_PASSWORD": "secret"})
        key = (self.certificates / "node.key").read_text().split("\n")[1]
        for text in (run.stderr, "\n".join(run.lines)):
            self.assertNotIn("secret", text)
            self.assertNotIn(key, text)

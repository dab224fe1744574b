"""What can be named as a target. SPDX-License-Identifier: Apache-2.0"""

from harness import InteropCase


class Targets(InteropCase):
    def test_targets_from_a_file_and_from_stdin(self):
        a = self.erl()
        lines = "\n".join([a.worker("w1"), a.pid_target("w1"), f"{a.name}/absent"]) + "\n"
        listed = self.dir / "targets"
        listed.write_text(lines)
        for options in ({"args": ("--targets", listed)},
                        {"args": ("--targets", "-"), "stdin": lines}):
            args = options.pop("args")
            self.expect(1, "check", *args, says="absent", **options)
            run = self.run_noexmon("check", *args, a.worker("more"), json_lines=True, **options)
            self.assertEqual(4, len(run.find("monitor")), run.report())
            a.finish("more", "exit_normal")

    def test_500_targets_from_stdin(self):
        a = self.erl()
        a.eval("noex_peer:workers(500)")
        names = [f"{a.name}/w{n}" for n in range(1, 501)]
        self.expect(0, "check", "--targets", "-", stdin="\n".join(names))
        run = self.start("watch", "--targets", "-", stdin="\n".join(names) + "\n")
        run.wait("monitor", target=names[-1])
        a.eval("[exit(whereis(W), kill) || W <- noex_peer:names(500)]")
        for name in names:
            self.assertEqual("killed", run.wait("process_down", target=name)["reason"]["type"])

    def test_a_pid_is_watched_and_its_first_number_does_not_matter(self):
        a = self.erl()
        a.worker("w")
        target = a.pid_target("w").replace("<0.", "<7.")
        run = self.watch(target)
        a.finish("w", "exit_shutdown")
        self.assertEqual("shutdown", run.wait("process_down", target=target)["reason"]["type"])

    def test_a_pid_of_a_high_number_is_alive_or_absent_and_the_connection_lives(self):
        a = self.erl()
        other = a.worker("other")
        a.eval("noex_peer:high_pid(high)")
        high = a.pid_target("high")
        number = int(high.split(".")[-2])
        self.expect(0, "check", high)
        absent = f"{a.name}/<0.200000001.0>"
        self.expect(1, "check", absent)
        run = self.watch(other, absent, high)
        self.assertEqual("noproc", run.wait("process_down", target=absent)["reason"]["type"])
        a.finish("high", "exit_custom")
        self.assertEqual("custom", run.wait("process_down", target=high)["reason"]["term"])
        a.finish("other", "exit_custom")
        self.assertEqual("custom", run.wait("process_down", target=other)["reason"]["term"])
        self.assertEqual([], run.find("node_down"))
        release = int(a.eval("list_to_integer(erlang:system_info(otp_release))"))
        self.assertEqual(release >= 26, number > 32767, f"pid {number} on OTP {release}")

    def test_a_pid_of_a_high_serial_is_absent_and_the_connection_lives(self):
        a = self.erl()
        run = self.watch(a.worker("other"), f"{a.name}/<0.100.8192>")
        run.wait("process_down", target=f"{a.name}/<0.100.8192>")
        a.finish("other", "exit_custom")
        run.wait("process_down", target=f"{a.name}/other", origin="peer")
        self.assertEqual([], run.find("node_down"))

    def test_a_node_is_up_and_down(self):
        a = self.erl()
        self.expect(0, "check", a.name)
        run = self.start("watch", a.name)
        run.wait("node_up", node=a.name)
        a.kill()
        run.wait("node_down", node=a.name)
        self.assertEqual([], run.find("monitor") + run.find("process_down"))
        self.assertEqual(3, run.interrupt())

    def test_a_name_of_letters_beyond_ascii(self):
        a = self.erl()
        a.eval("noex_peer:worker(binary_to_atom(<<\"gr\u00fc\u00dfe\u0416\"/utf8>>))")
        self.expect(0, "check", f"{a.name}/gr\u00fc\u00dfe\u0416")

    def test_the_name_undefined_is_a_usage_error_or_absent(self):
        a = self.erl()
        self.assertIn(self.run_noexmon("check", f"{a.name}/undefined").process.returncode, (1, 2))

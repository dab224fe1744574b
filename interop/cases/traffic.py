"""What goes over one connection: the atom cache of both sides, big messages in fragments, and small
ones between them. SPDX-License-Identifier: Apache-2.0"""

import re

from harness import InteropCase, wait_until

# As pieces of Erlang: some 160 KB on the wire with references, 830 KB without. Printed, it is cut.
BIG_REASON = ("{big, w%d, [lists:nth(1 + (I * 7 + %d) rem length(Atoms), Atoms)"
              " || I <- lists:seq(1, 30000)], binary:copy(<<%d>>, 100000)}")
ATOMS = ("Atoms = [list_to_atom(\"an_atom_of_a_reason_\" ++ integer_to_list(I))"
         " || I <- lists:seq(1, 200)]")


class Traffic(InteropCase):
    def cached(self, run, what):
        """How many atoms each such frame that came in referred to."""
        return [int(n) for n in re.findall(rf"<- {what} .*\((\d+) atoms cached\)$", run.stderr,
                                           re.MULTILINE)]

    def test_what_a_beam_says_again_and_again_comes_by_reference(self):
        a = self.erl()
        targets = [a.worker(f"w{i}") for i in range(30)]
        run = self.watch(*targets, options=["--verbose"])
        for i, target in enumerate(targets):
            a.finish(f"w{i}", "exit_custom_tuple")
            down = run.wait("process_down", target=target)
            self.assertEqual(a.eval(f"noex_peer:reason_text(w{i})"), down["reason"]["term"])
        # Its name, this node's, and those in the reason. (What is said of the last may come late.)
        wait_until(lambda: len([n for n in self.cached(run, "PAYLOAD_MONITOR_P_EXIT")
                                if n >= 5]) >= 30, what="30 frames with references")

    def test_big_reasons_full_of_atoms_come_in_fragments_at_once(self):
        a = self.erl()
        bigs = [a.worker(f"w{i}") for i in range(1, 6)]
        smalls = [a.worker(f"s{i}") for i in range(200)]
        run = self.watch(*bigs, *smalls, options=["--verbose"])
        # All at once; those that end meanwhile have other atoms, which take slots of the cache.
        a.eval(f"{ATOMS}, " + ", ".join(
            f"spawn(fun() -> noex_peer:finish(w{i}, {{apply, erlang, exit,"
            f" [{BIG_REASON % (i, i, i)}]}}) end)" for i in range(1, 6)) +
            ", [noex_peer:finish(list_to_atom(\"s\" ++ integer_to_list(I)), {apply, erlang, exit,"
            " [[list_to_atom(\"other_\" ++ integer_to_list(I * 20 + K)) || K <- lists:seq(1, 20)]]})"
            " || I <- lists:seq(0, 199)]")
        for i, target in enumerate(smalls):
            down = run.wait("process_down", target=target)
            self.assertEqual("[" + ",".join(f"other_{i * 20 + k}" for k in range(1, 21)) + "]",
                             down["reason"]["term"])
        for i, target in enumerate(bigs, 1):
            reason = run.wait("process_down", target=target)["reason"]
            self.assertEqual(int(a.eval(f"noex_peer:reason_bytes(w{i})")), reason["termBytes"])
            text = a.eval(f"noex_peer:reason_text(w{i})")
            self.assertTrue(reason["term"].endswith("..."))
            self.assertEqual(text[:len(reason["term"]) - 3], reason["term"][:-3])
        wait_until(lambda: len([n for n in self.cached(run, "PAYLOAD_MONITOR_P_EXIT")
                                if n > 200]) >= 5, what="5 frames with very many references")

    def test_terms_of_atoms_there_and_back(self):
        a, c = self.erl(), self.citizen()
        self.drive(a, c, "noex_traffic:terms")
        c.stop()

    def test_big_messages_both_ways_and_small_ones_between(self):
        a, c = self.erl(), self.citizen("out_max=200000000")
        self.drive(a, c, "noex_traffic:big_both_ways", "noex_traffic:order")
        c.stop()

    def test_64_megabytes_there_and_back(self):
        a, c = self.erl(), self.citizen()
        self.drive(a, c, "noex_traffic:sixty_four_megabytes")
        c.stop()

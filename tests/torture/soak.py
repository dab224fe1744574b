#!/usr/bin/env python3
"""Monitors without end: soak.py [SECONDS] [RATE]. What soak.c tells of itself every ten seconds is printed,
and must stay flat. SPDX-License-Identifier: Apache-2.0
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "interop")]

import harness  # noqa: E402

SOAK = os.environ.get("NOEX_SOAK", str(ROOT / "build" / "release" / "tests" / "torture_soak"))


def main():
    seconds, rate = (sys.argv[1:] + ["1200", "5000"][len(sys.argv) - 1:])[:2]
    with harness.Stage() as stage:
        beam = stage.erl()
        beam.eval("noex_peer:churn(50)")
        return subprocess.run([SOAK, beam.name, str(stage.epmd_port()), harness.COOKIE, rate, seconds],
                              check=False).returncode


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Runs interop cases: run.py [--otp 25|27|29] [--tls 1.2|1.3] [CASE | CASE.TEST]...

SPDX-License-Identifier: Apache-2.0

CASE is a file of cases/, TEST one of its tests. Exit status: 0 passed, 1 failed, 77 skipped (the
release, or something that the test needs, is not here).
"""

import argparse
import os
import sys
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "cases")]


def named(loader, name):
    """The tests of CASE or CASE.TEST, whatever their class is called."""
    case, _, test = name.partition(".")
    suite = unittest.TestSuite()
    for group in loader.loadTestsFromName(case):
        suite.addTests(t for t in group if not test or t.id().rpartition(".")[2] == f"test_{test}")
    return suite


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--otp", default=os.environ.get("NOEX_OTP", "25"))
    parser.add_argument("--tls", choices=["1.2", "1.3"], help="everybody speaks this TLS")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    os.environ["NOEX_OTP"] = options.otp
    if options.tls:
        os.environ["NOEX_TLS"] = options.tls
    import harness  # reads the environment

    if why := harness.missing():
        print(f"skipped: {why}")
        return harness.SKIPPED
    names = options.names or sorted(p.stem for p in (HERE / "cases").glob("*.py"))
    loader = unittest.TestLoader()
    suite = unittest.TestSuite(named(loader, name) for name in names)
    if suite.countTestCases() == 0:
        print(f"no such test: {' '.join(names)}")
        return 1
    result = unittest.TextTestRunner(verbosity=2).run(suite)
    if not result.wasSuccessful():
        return 1
    return harness.SKIPPED if len(result.skipped) == result.testsRun else 0


if __name__ == "__main__":
    sys.exit(main())

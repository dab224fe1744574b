#!/usr/bin/env python3
"""Every test file has a ctest entry, and every fuzz target a corpus: no test is missing in silence.

Usage: check_registered.py CTEST BUILD_DIR. SPDX-License-Identifier: Apache-2.0
"""

import json
import re
import subprocess
import sys

from sources import ROOT, report


def wanted():
    """(ctest entry, why) for each test that a file of the repository promises."""
    for path in sorted((ROOT / "tests/unit").glob("*.c")):
        yield f"unit.{path.stem.removeprefix('test_')}", path
    for path in sorted((ROOT / "tests/fuzz").glob("fuzz_*.c")):
        yield f"fuzz.{path.stem.removeprefix('fuzz_')}", path
    for path in sorted((ROOT / "scripts").glob("check_*")):
        yield f"check.{path.stem.removeprefix('check_')}", path
    for path in sorted((ROOT / "interop/cases").glob("*.py")):
        for test in re.findall(r"^ +def test_(\w+)", path.read_text(), re.MULTILINE):
            yield f"interop.{path.stem}.{test}.otp25", path


def main():
    ctest, build = sys.argv[1:]
    listing = subprocess.run([ctest, "--test-dir", build, "--show-only=json-v1"], check=True,
                             capture_output=True, text=True)
    registered = {test["name"] for test in json.loads(listing.stdout)["tests"]}
    breaches = [f"{path.relative_to(ROOT)}: no ctest entry {name}"
                for name, path in wanted() if name not in registered]
    for path in sorted((ROOT / "tests/fuzz").glob("fuzz_*.c")):
        corpus = ROOT / "tests/fuzz/corpus" / path.stem.removeprefix("fuzz_")
        if not corpus.is_dir() or not any(corpus.iterdir()):
            breaches.append(f"{path.relative_to(ROOT)}: no corpus {corpus.relative_to(ROOT)}")
    report(breaches, f"{len(registered)} ctest entries")


if __name__ == "__main__":
    main()

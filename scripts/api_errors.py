#!/usr/bin/env python3
"""The errors that the headers list for each function and event, against those that tests saw.

  api_errors.py header FILE   writes the header by which tests observe what functions return
  api_errors.py check DIR     compares: DIR has a file of observations from each unit test

What a test sees and no list has ends that test; what is listed and no test saw ends `check`.
SPDX-License-Identifier: Apache-2.0
"""

import re
import sys
from pathlib import Path

from sources import ROOT

COMMENTED = re.compile(r"/\*\*((?:(?!\*/).)*)\*/\s*(NOEX_API[^;]*;|NOEX_EVENT_\w+ =)", re.DOTALL)
DECLARED = re.compile(r"NOEX_API (?:NOEX_MUST_USE )?int (noex_\w+)\(")
EVENT = re.compile(r"(NOEX_EVENT_\w+) =")
AS_EVENT = re.compile(r"what an? ([A-Z_]+(?:(?:, | or )[A-Z_]+)*) may hold")


def errors_of(comment):
    """The codes after "Errors:", and the events whose errors these include."""
    text = " ".join(re.sub(r"^\s*\* ?", "", line) for line in comment.split("\n"))
    listed = text.partition("Errors:")[2]
    events = [f"NOEX_EVENT_{name}" for found in AS_EVENT.findall(listed)
              for name in re.findall(r"[A-Z_]+", found.replace(" or ", " "))]
    return set(re.findall(r"\bNOEX_E[A-Z_]+\b", listed)) - set(events), events


def listed(own=False):
    """{function or event: its codes}, of all that can fail; `own`: without those of events."""
    direct, through = {}, {}
    for header in sorted((ROOT / "include" / "noex").glob("*.h")):
        for comment, declaration in COMMENTED.findall(header.read_text()):
            found = DECLARED.match(declaration) or EVENT.match(declaration)
            if found:
                direct[found[found.lastindex]], through[found[found.lastindex]] = errors_of(comment)
    return {name: codes.union(*(direct[event] for event in through[name] if not own))
            for name, codes in direct.items()}


def write_header(path):
    lines = ["/* Made by scripts/api_errors.py. */"]
    for name, codes in sorted(listed().items()):
        lines.append(f'OBSERVE_LIST("{name}", {", ".join(sorted(codes) + ["0"])})')
    path.write_text("#ifdef OBSERVE_LIST\n" + "\n".join(lines) + "\n#else\n" + "\n".join(
        f'#define {name}(...) observed("{name}", (int)({name}(__VA_ARGS__)))'
        for name in sorted(listed()) if name.startswith("noex_")) + "\n#endif\n")


def check(folder):
    files = sorted(Path(folder).glob("*.txt"))
    tests = {path.stem for path in (ROOT / "tests" / "unit").glob("test_*.c")
             if re.search(r'#include "(node_bench|process_bench|observe)\.h"', path.read_text())}
    missing = tests - {path.stem for path in files}
    if missing:
        print("not all unit tests have run here:", *sorted(missing))
        return 77
    seen = {tuple(line.split()) for path in files if path.stem in tests
            for line in path.read_text().splitlines()}
    wanted, allowed = ({(name, code) for name, codes in listed(own).items() for code in codes}
                       for own in (True, False))
    for name, code in sorted(wanted - seen):
        print(f"{name} lists {code}, and no test saw it")
    for name, code in sorted(seen - allowed):
        print(f"{name} gave {code}, which its comment does not list")
    print(f"{len(wanted)} errors of {len(listed())} functions and events, each seen")
    return 0 if wanted and wanted <= seen <= allowed else 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["header"]:
        write_header(Path(sys.argv[2]))
    else:
        sys.exit(check(sys.argv[2]))

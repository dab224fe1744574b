#!/usr/bin/env python3
"""Every test that tests/PEER_BUGS.md names is there, and is run.

SPDX-License-Identifier: Apache-2.0
"""

import re

from sources import ROOT, blank, report

TABLE = "tests/PEER_BUGS.md"


def rows(text):
    """(line number, fault, file, test) of each row of the table."""
    for number, line in enumerate(text.splitlines(), 1):
        cells = [c.strip() for c in re.split(r"(?<!\\)\|", line)]
        if len(cells) == 5 and cells[1] != "fault" and not re.fullmatch("-+", cells[1]):
            yield number, *cells[1:4]


def is_run(file, test, read):
    """`read` gives the text of a path of the repository, "" where there is none."""
    name = re.escape(test)
    unit = blank(read(f"tests/unit/test_{file}.c"), strings=False)
    # A function, or the name of a row in a table of tests: each stands there and where it is run.
    if re.search(rf"\bvoid\s+{name}\s*\(", unit):
        return len(re.findall(rf"\b{name}\b", unit)) > 1
    if re.search(rf'"{name}"', unit):
        return True
    if re.search(rf"^    def test_{name}\(self\):", read(f"interop/cases/{file}.py"), re.MULTILINE):
        return True
    if file == "api" and read(f"tests/api/test_{test}.sh"):
        return True
    if not re.search(rf"^{name}\(", read(f"interop/{file}.erl"), re.MULTILINE):
        return False
    return any(re.search(rf'["\':]{name}["\']', read(case)) for case in read("interop/cases").split())


def breaches_of(text, read):
    for number, fault, file, test in rows(text):
        if not fault or not is_run(file, test, read):
            yield f"{TABLE}:{number}: no test {test} of {file}"


def read_file(path):
    path = ROOT / path
    if path.is_dir():
        return " ".join(str(p.relative_to(ROOT)) for p in sorted(path.glob("*.py")))
    return path.read_text() if path.exists() else ""


def main():
    text = read_file(TABLE)
    found = len(list(rows(text)))
    breaches = list(breaches_of(text, read_file))
    if not found:
        breaches.append(f"{TABLE}: no rows")
    report(breaches, f"{found} faults of other nodes")


if __name__ == "__main__":
    main()

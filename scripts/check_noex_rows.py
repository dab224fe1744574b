#!/usr/bin/env python3
"""Every behaviour row of noex has a test that bears its id, or a reason in tests/NOEX_ROWS.md.

SPDX-License-Identifier: Apache-2.0
"""

import re

from sources import ROOT, blank, report

TABLE = "tests/NOEX_ROWS.md"
COUNTS = {"M": 28, "N": 10, "D": 24, "X": 16, "W": 8, "K": 26, "C": 20, "R": 10, "S": 8, "L": 6, "Y": 9}
TEST = re.compile(r"\bcmocka_unit_test\w*\(((?:[MNDXWKCRSLY]\d\d_)+)\w*")
ROW = re.compile(r"\b([MNDXWKCRSLY]\d\d)\b")


def ids():
    return [f"{letter}{n:02}" for letter, count in COUNTS.items() for n in range(1, count + 1)]


def tested(text):
    """The ids in the names of the tests that this source runs."""
    return {row for names in TEST.findall(blank(text)) for row in re.findall(r"[A-Z]\d\d", names)}


def excused(page):
    rest = page.partition("## Not applicable")[2]
    return {row for line in rest.splitlines() if line.startswith("| ")
            for row in ROW.findall(line.split("|")[1])}


def breaches_of(page, sources):
    with_test = set().union(*map(tested, sources)) if sources else set()
    without = excused(page)
    for row in ids():
        if row not in with_test | without:
            yield f"{TABLE}: row {row} has neither a test nor a reason"
        if row in with_test & without:
            yield f"{TABLE}: row {row} is not applicable, and has a test"


def main():
    sources = [path.read_text() for folder in ("rows", "unit")
               for path in sorted((ROOT / "tests" / folder).glob("*.c"))]
    report(list(breaches_of((ROOT / TABLE).read_text(), sources)), f"{len(ids())} rows")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""No function is longer than 80 lines, from the line of its name to its last brace, and no example as a
whole. Tests are not counted.

SPDX-License-Identifier: Apache-2.0
"""

import re
import statistics

from sources import blank, c_files, report

LIMIT = 80
NAME = re.compile(r"(\w+)\s*\(")


def functions(text):
    """(name, line, length) of each function: a block at file level whose head ends in ')'."""
    depth, head, start = 0, "", 0
    for number, line in enumerate(blank(text).splitlines(), 1):
        if depth == 0 and line.startswith("#"):
            continue
        for char in line:
            if char == "{":
                if depth == 0:
                    opened = NAME.search(head) if head.rstrip().endswith(")") else None
                depth += 1
            elif char == "}":
                depth -= 1
                if depth == 0:
                    if opened:
                        yield opened[1], start, number - start + 1
                    head = ""
            elif depth == 0 and char == ";":
                head = ""
            elif depth == 0:
                if not head.strip() and not char.isspace():
                    start = number
                head += char
        head += " " if depth == 0 else ""


def main():
    found = [(length, path, line, name) for path, text in c_files("cnode", "epmd_client")
             for name, line, length in functions(text)]
    long_examples = [f"{path} has {text.count(chr(10))} lines, less than {LIMIT} wanted"
                     for path, text in c_files("examples") if text.count("\n") >= LIMIT]
    lengths = sorted(length for length, *_ in found)
    p90 = lengths[len(lengths) * 9 // 10]
    report([f"{path}:{line}: {name} has {length} lines, {LIMIT} at most"
            for length, path, line, name in found if length > LIMIT] + long_examples,
           f"{len(found)} functions, median {statistics.median(lengths):g}, p90 {p90}, "
           f"longest {lengths[-1]}")


if __name__ == "__main__":
    main()

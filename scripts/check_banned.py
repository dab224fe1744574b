#!/usr/bin/env python3
"""Functions that the code does without (tests may call them), and marks of unfinished work.

SPDX-License-Identifier: Apache-2.0
"""

import re

from sources import blank, c_files, numbered, report

EVERYWHERE = r"(sprintf|vsprintf|strcpy|strcat|strncat|gets|alloca|atoi|atol|atoll|system|popen|strtok)"
LIBRARY = (r"(printf|vprintf|fprintf|vfprintf|puts|fputs|putchar|perror|exit|_exit|abort|getenv|rand"
           r"|sleep|usleep|signal)")  # a library prints nothing, ends nothing, asks no environment
MARKS = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")


def calls(names):
    return re.compile(rf"(?<![\w.>]){names}\s*\(")


def breaches_of(path, text):
    banned = [] if path.startswith("tests/") else [calls(EVERYWHERE)]
    if not path.startswith(("cnode/cli/", "tests/")):
        banned.append(calls(LIBRARY))
    for number, line in numbered(blank(text)):
        for pattern in banned:
            if found := pattern.search(line):
                yield f"{path}:{number}: {found[1]}()"
    for number, line in numbered(text):
        if found := MARKS.search(line):
            yield f"{path}:{number}: {found[1]}"


def main():
    files = c_files("cnode", "epmd_client", "include", "tests")
    report([b for path, text in files for b in breaches_of(path, text)], f"{len(files)} files")


if __name__ == "__main__":
    main()

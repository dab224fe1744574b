"""What the check_*.py scripts share: the C files of the repository, and C text without its comments.

SPDX-License-Identifier: Apache-2.0
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SPACED = re.compile(r"""/\*.*?\*/ | //[^\n]* | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*'""",
                    re.DOTALL | re.VERBOSE)


def c_files(*folders, root=ROOT):
    """The .c and .h files below these folders, as (path relative to the root, text)."""
    found = sorted(p for f in folders for p in (root / f).rglob("*.[ch]"))
    return [(p.relative_to(root).as_posix(), p.read_text()) for p in found]


def blank(text, strings=True):
    """C text whose comments (and strings) are blanks; every line keeps its number."""
    def erase(match):
        found = match.group()
        if found[0] in "\"'" and not strings:
            return found
        return re.sub(r"[^\n]", " ", found)
    return SPACED.sub(erase, text)


def numbered(text):
    return enumerate(text.splitlines(), 1)


def report(breaches, summary):
    """Prints the breaches and ends the program: 1 where there are any."""
    for breach in breaches:
        print(breach)
    print(f"{summary}: {len(breaches)} breaches")
    sys.exit(1 if breaches else 0)

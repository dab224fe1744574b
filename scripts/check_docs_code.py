#!/usr/bin/env python3
"""Every block of C in the manual's pages compiles.

A block with a function in it stands at file level, any other in a function of its own. The comment
`<!-- prelude` of a page holds what all of its blocks see, `<!-- with ... -->` behind a block what that
one sees besides. Usage: check_docs_code.py [CC]. SPDX-License-Identifier: Apache-2.0
"""

import re
import subprocess
import sys

from sources import ROOT

BLOCK = re.compile(r"^```c\n(.*?)^```\n(?:<!-- with (.*?) -->)?", re.DOTALL | re.MULTILINE)
PRELUDE = re.compile(r"^<!-- prelude\n(.*?)^-->", re.DOTALL | re.MULTILINE)
FILE_LEVEL = re.compile(r"^(static|extern|struct \w+ \{|#include|int main)", re.MULTILINE)


def program(prelude, block, besides):
    if FILE_LEVEL.match(block) and ("\n{" in block or block.startswith("extern")):
        return f"{prelude}\n{besides}\n{block}"
    return f"{prelude}\n{besides}\nvoid block(void);\nvoid block(void)\n{{\n{block}}}\n"


def breaches_of(name, text, compiler):
    prelude = PRELUDE.search(text)
    for number, found in enumerate(BLOCK.finditer(text), 1):
        code = program(prelude[1] if prelude else "", found[1], found[2] or "")
        run = subprocess.run([compiler, "-std=c11", "-Wall", "-Wextra", "-Werror",
                              "-Wno-unused-function", "-Wno-unused-variable",
                              "-Wno-unused-const-variable", f"-I{ROOT}/include", "-fsyntax-only",
                              "-x", "c", "-"], input=code, capture_output=True, text=True)
        if run.returncode:
            line = text.count("\n", 0, found.start()) + 1
            yield f"{name}:{line}: block {number} does not compile\n{run.stderr}"


def main():
    compiler = (sys.argv[1:] + ["cc"])[0]
    blocks, breaches = 0, []
    for page in sorted((ROOT / "docs").glob("*.md")):
        text = page.read_text()
        blocks += len(BLOCK.findall(text))
        breaches += breaches_of(page.relative_to(ROOT), text, compiler)
    for breach in breaches:
        print(breach)
    print(f"{blocks} blocks of code: {len(breaches)} breaches")
    return 1 if breaches or not blocks else 0


if __name__ == "__main__":
    sys.exit(main())

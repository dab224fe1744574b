#!/usr/bin/env python3
"""api_nulls.py FILE: writes a call of every public function without what it needs, for test_nulls.c.

CODE(NAME, CALL) gives an error code or not, VALUE(NAME, CALL, TYPE) anything else; each argument is NULL
or zero, but for a node, a cluster and a builder, which stand as NODE, CLUSTER and BUILDER.
SPDX-License-Identifier: Apache-2.0
"""

import re
import sys
from pathlib import Path

from sources import ROOT

DECLARED = re.compile(r"^NOEX_API (?:NOEX_MUST_USE )?([\w\s*]+?)(noex_\w+)\(([^;]*?)\)\s*(?:;|\n#if)",
                      re.MULTILINE)
HANDLES = {"noex_node": "NODE", "noex_cluster": "CLUSTER", "noex_builder": "BUILDER"}


def argument(parameter):
    words = parameter.replace("const ", "").split()
    if "*" in parameter and words[0] in HANDLES and "**" not in parameter:
        return HANDLES[words[0]]
    if words[-1] == "*format":
        return '"%s", ""'
    if "*" in parameter or words[0].endswith("_fn"):
        return "NULL"
    return f"(struct {words[1]}){{0}}" if words[0] == "struct" else f"({' '.join(words[:-1])})0"


def calls():
    for header in sorted((ROOT / "include" / "noex").glob("*.h")):
        text = header.read_text()
        found = DECLARED.findall(text)
        if len(found) != len(re.findall(r"^NOEX_API ", text, re.MULTILINE)):
            sys.exit(f"{header.name} declares a function in a way that is not read here")
        for kind, name, parameters in found:
            given = [argument(p) for p in parameters.split(",") if p.strip() not in ("...", "void")]
            yield kind.strip(), name, f"{name}({', '.join(given)})"


def write(path):
    lines = ["/* Made by scripts/api_nulls.py. */"]
    for kind, name, call in calls():
        lines.append(f"CODE({name}, {call})" if kind == "int" else
                     f"VALUE({name}, {f'({call}, 0)' if kind == 'void' else call}, "
                     f"{'int' if kind == 'void' else kind})")
    path.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    write(Path(sys.argv[1]))

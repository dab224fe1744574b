#!/usr/bin/env python3
"""The manual pages are whole and well formed: noexmon(1) has every command, option, key and variable of
noexmon; noex(3) has every function and error of the headers, and its example compiles.

Usage: check_man.py NOEXMON [CC]. SPDX-License-Identifier: Apache-2.0
"""

import re
import shutil
import subprocess
import sys

from sources import ROOT, blank, c_files

NOEXMON = ROOT / "docs/man/noexmon.1"
NOEX = ROOT / "docs/man/noex.3"
SKIPPED = 77


def compare(what, wanted, told):
    """Breaches: what the page does not tell, and what it tells of though it is not there."""
    for word in sorted(set(wanted) - set(told)):
        yield f"{what}: not told of: {word}"
    for word in sorted(set(told) - set(wanted)):
        yield f"{what}: told of, but not there: {word}"


def tool(program):
    """noexmon(1) against what the program and its sources say."""
    def help_of(*args):
        return subprocess.run([program, *args, "--help"], check=True, capture_output=True,
                              text=True).stdout

    page = NOEXMON.read_text()
    commands = re.findall(r"^  noexmon ([a-z-]+) ", help_of(), re.MULTILINE)
    options = {option for command in commands
               for option in re.findall(r"^  --([a-z-]+)", help_of(command), re.MULTILINE)}
    yield from compare("noexmon(1), commands", commands,
                       re.findall(r"^\.It Cm ([a-z-]+)$", page, re.MULTILINE))
    yield from compare("noexmon(1), options", options | {"version"},
                       re.findall(r"^\.It Fl -([a-z-]+)", page, re.MULTILINE))

    sources = dict(c_files("cnode/cli"))
    variables = {name for text in sources.values() for name in re.findall(r'getenv\("(\w+)"', text)}
    told = re.search(r"\.Sh ENVIRONMENT\n(.*?)\n\.Sh", page, re.DOTALL)[1]
    yield from compare("noexmon(1), environment", variables | {"TZ"},
                       re.findall(r"[A-Z_]{2,}", " ".join(re.findall(r"^\.It Ev (.*)", told,
                                                                      re.MULTILINE))))
    json = sources["cnode/cli/output_json.c"]
    told = re.search(r"\.Sh JSON\n(.*?)\n\.Sh", page, re.DOTALL)[1]
    for word in sorted(set(re.findall(r'(?:put\w*\([^,()]+, |return )"(\w+)"', json))):
        if not re.search(rf"^\.(?:Ql|It) {word}\b", told, re.MULTILINE):
            yield f"noexmon(1), JSON: not told of: {word}"


def library():
    """noex(3) against the headers."""
    page = NOEX.read_text()
    wanted, told = [], []
    for path, text in c_files("include/noex"):
        code = re.sub(r"^\s*#.*", "", blank(text), flags=re.MULTILINE)
        for declaration in re.findall(r"(?:NOEX_API|static inline)\b([^;{]*)", code):
            name = re.search(r"\b(noex_\w+)\s*\(", declaration)[1]
            wanted.append(f"{path.removeprefix('include/')} {name}")
    for header, functions in re.findall(r"^\.Ss (noex/\w+\.h)\n(.*?)^\.El", page,
                                        re.DOTALL | re.MULTILINE):
        told += [f"{header} {name}"
                 for name in re.findall(r"^\.It Fn (\w+)", functions, re.MULTILINE)]
    yield from compare("noex(3), functions", wanted, told)

    errors = re.findall(r'^ +X\((\w+), -\d+, "([^"]*)"\)', dict(c_files("include/noex"))[
        "include/noex/error.h"], re.MULTILINE)
    yield from compare("noex(3), errors", [f"NOEX_{name}: {text}" for name, text in errors],
                       [f"{name}: {text}" for name, text in
                        re.findall(r"^\.It Er (\w+)\n(.*)", page, re.MULTILINE)])


def example(compiler):
    """The program in noex(3) is one."""
    program = re.search(r"^\.Bd -literal\n(#include.*?)^\.Ed", NOEX.read_text(),
                        re.DOTALL | re.MULTILINE)[1].replace("\\e", "\\")
    run = subprocess.run([compiler, "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror",
                          f"-I{ROOT}/include", "-fsyntax-only", "-x", "c", "-"],
                         input=program, capture_output=True, text=True)
    return [f"noex(3), example: {run.stderr}"] if run.returncode else []


def form():
    run = subprocess.run(["mandoc", "-Tlint", "-Wwarning", NOEXMON, NOEX],
                         capture_output=True, text=True)
    return run.stdout.splitlines()


def main():
    program, compiler = (*sys.argv[1:], "cc")[:2]
    breaches = [*tool(program), *library(), *example(compiler)]
    linted = shutil.which("mandoc")
    breaches += form() if linted else []
    for breach in breaches:
        print(breach)
    if not linted:
        print("skipped in part: mandoc is not installed", file=sys.stderr)
    print(f"2 pages: {len(breaches)} breaches")
    sys.exit(1 if breaches else 0 if linted else SKIPPED)


if __name__ == "__main__":
    main()

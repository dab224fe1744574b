#!/usr/bin/env python3
"""A file includes only its own layer and lower ones; foreign libraries stand only where they belong.

SPDX-License-Identifier: Apache-2.0
"""

import re

from sources import blank, c_files, numbered, report

# folder: the layers below it that it may include. The table is the architecture; see ARCHITECTURE.md.
LAYERS = {
    "cnode/base": [],
    "cnode/term": ["base"],
    "cnode/wire": ["base", "term"],
    "cnode/handshake": ["base", "term"],
    "cnode/conn": ["base", "term", "wire", "handshake"],
    "cnode/process": ["base", "term"],
    "cnode/tls": ["base"],
    "cnode/io": ["base"],
    "cnode/node": ["base", "term", "wire", "handshake", "conn", "process", "tls", "io", "epmd"],
    "cnode/api": ["base", "term", "wire", "handshake", "conn", "process", "tls", "io", "node", "epmd"],
    "cnode/cluster": ["base"],
    "cnode/cli": [],
    "epmd_client": [],
    "include/noex": [],
}
# Everything below io is sans-I/O: it sees no more of the system than ISO C, and of that no clock.
SANS_IO = {"cnode/base", "cnode/term", "cnode/wire", "cnode/handshake", "cnode/conn",
           "cnode/process", "epmd_client", "include/noex"}
ISO_C = {f"{name}.h" for name in """assert ctype errno float inttypes limits math stdalign stdarg
         stdbool stddef stdint stdio stdlib string""".split()}
# header: where alone it may be included (files or folders).
PLACES = {
    r"ei\.h": ["cnode/term/"],
    r"uv\.h": ["cnode/io/", "include/noex/uv.h"],
    r"openssl/.*": ["cnode/handshake/digest.c", "cnode/tls/"],
    r"jansson\.h": ["cnode/cli/output_json.c"],
    r"(sys/socket|sys/un|netdb|net/.*|netinet/.*|arpa/.*|sys/epoll|sys/select)(\.h)?": ["cnode/io/"],
}
ALLOCATION = re.compile(r"(?<![\w.>])(malloc|calloc|realloc|reallocarray|free|strdup|strndup)\s*\(")
ALLOCATORS = ("cnode/base/alloc.c", "cnode/cli/")
INCLUDE = re.compile(r'\s*#\s*include\s*([<"])([^>"]+)[>"]')


def folder_of(path):
    return next((f for f in LAYERS if path.startswith(f + "/")), None)


def own_header_breach(folder, header):
    """Why a file of `folder` may not include "header", or None."""
    layer, _, rest = header.partition("/")
    if not rest:  # "cmd.h": a file beside it, or of epmd_client, whose folder is on the path
        beside = header.startswith("epmd_") and "epmd" in LAYERS[folder]
        return None if beside or folder in ("cnode/cli", "epmd_client") else "name its layer"
    if layer == folder.rpartition("/")[2] or layer in LAYERS[folder]:
        return None
    return f"{folder} may include only {', '.join(LAYERS[folder]) or 'itself'}"


def system_header_breach(path, folder, header):
    for pattern, places in PLACES.items():
        if re.fullmatch(pattern, header):
            allowed = any(path.startswith(place) for place in places)
            return None if allowed else f"only in {', '.join(places)}"
    if header.startswith("noex/"):
        return "stands alone, libc only" if folder == "epmd_client" else None
    if folder in SANS_IO and header not in ISO_C:
        return "below io there is only ISO C, and no clock"
    return None


def breaches_of(path, text):
    folder = folder_of(path)
    if not folder:
        yield f"{path}:1: in no known layer"
        return
    for number, line in numbered(blank(text, strings=False)):
        match = INCLUDE.match(line)
        if match and match[1] == '"':
            why = own_header_breach(folder, match[2])
        elif match:
            why = system_header_breach(path, folder, match[2])
        else:
            why = None
        if why:
            yield f"{path}:{number}: {match[2]}: {why}"
    for number, line in numbered(blank(text)):
        call = ALLOCATION.search(line)
        if call and not path.startswith(ALLOCATORS):
            yield f"{path}:{number}: {call[1]}: only in {', '.join(ALLOCATORS)}"


def main():
    files = c_files("cnode", "epmd_client", "include")
    report([b for path, text in files for b in breaches_of(path, text)], f"{len(files)} files")


if __name__ == "__main__":
    main()

/* SPDX-License-Identifier: Apache-2.0 */
#include "handshake/dflags.h"

#include <inttypes.h>
#include <stdio.h>

#define FLAG(name)                                                                                 \
    {                                                                                              \
        NX_DFLAG_##name, #name                                                                     \
    }

/* Protocol.md section 3, lowest bit first. */
static const struct {
    uint64_t bit;
    const char *name;
} names[] = {
    FLAG(PUBLISHED),
    FLAG(EXTENDED_REFERENCES),
    FLAG(DIST_MONITOR),
    FLAG(FUN_TAGS),
    FLAG(DIST_MONITOR_NAME),
    FLAG(NEW_FUN_TAGS),
    FLAG(EXTENDED_PIDS_PORTS),
    FLAG(EXPORT_PTR_TAG),
    FLAG(BIT_BINARIES),
    FLAG(NEW_FLOATS),
    FLAG(UNICODE_IO),
    FLAG(DIST_HDR_ATOM_CACHE),
    FLAG(SMALL_ATOM_TAGS),
    FLAG(UTF8_ATOMS),
    FLAG(MAP_TAG),
    FLAG(BIG_CREATION),
    FLAG(SEND_SENDER),
    FLAG(BIG_SEQTRACE_LABELS),
    FLAG(EXIT_PAYLOAD),
    FLAG(FRAGMENTS),
    FLAG(HANDSHAKE_23),
    FLAG(UNLINK_ID),
    FLAG(MANDATORY_25_DIGEST),
    FLAG(SPAWN),
    FLAG(NAME_ME),
    FLAG(V4_NC),
    FLAG(ALIAS),
    FLAG(ALTACT_SIG),
    FLAG(NATIVE_RECORDS),
};

uint64_t nx_dflags_expand(uint64_t flags)
{
    return flags & NX_DFLAG_MANDATORY_25_DIGEST ? flags | NX_DFLAGS_MANDATORY_25 : flags;
}

uint64_t nx_dflags_missing(uint64_t theirs, uint64_t required)
{
    /* The digest is a shorthand for others and never itself missing. */
    required = nx_dflags_expand(required) & ~NX_DFLAG_MANDATORY_25_DIGEST;
    return required & ~nx_dflags_expand(theirs);
}

uint64_t nx_dflags_negotiate(uint64_t ours, uint64_t theirs)
{
    return nx_dflags_expand(ours) & nx_dflags_expand(theirs);
}

const char *nx_dflag_name(uint64_t bit)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].bit == bit)
            return names[i].name;
    return NULL;
}

void nx_dflags_text(uint64_t flags, char *text, size_t size)
{
    size_t len = 0;
    if (size)
        text[0] = '\0';
    while (flags && len < size) {
        uint64_t bit = flags & (~flags + 1);
        const char *name = nx_dflag_name(bit);
        const char *blank = len ? " " : "";
        int n = name ? snprintf(text + len, size - len, "%s%s", blank, name)
                     : snprintf(text + len, size - len, "%s0x%" PRIx64, blank, bit);
        len += n > 0 ? (size_t)n : 0;
        flags &= flags - 1;
    }
}

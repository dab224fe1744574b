/* The capability flags of the distribution handshake. Protocol.md section 3.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_HANDSHAKE_DFLAGS_H
#define NX_HANDSHAKE_DFLAGS_H

#include <stddef.h>
#include <stdint.h>

#define NX_DFLAG_PUBLISHED UINT64_C(0x1)
#define NX_DFLAG_EXTENDED_REFERENCES UINT64_C(0x4)
#define NX_DFLAG_DIST_MONITOR UINT64_C(0x8)
#define NX_DFLAG_FUN_TAGS UINT64_C(0x10)
#define NX_DFLAG_DIST_MONITOR_NAME UINT64_C(0x20)
#define NX_DFLAG_NEW_FUN_TAGS UINT64_C(0x80)
#define NX_DFLAG_EXTENDED_PIDS_PORTS UINT64_C(0x100)
#define NX_DFLAG_EXPORT_PTR_TAG UINT64_C(0x200)
#define NX_DFLAG_BIT_BINARIES UINT64_C(0x400)
#define NX_DFLAG_NEW_FLOATS UINT64_C(0x800)
#define NX_DFLAG_UNICODE_IO UINT64_C(0x1000)
#define NX_DFLAG_DIST_HDR_ATOM_CACHE UINT64_C(0x2000)
#define NX_DFLAG_SMALL_ATOM_TAGS UINT64_C(0x4000)
#define NX_DFLAG_UTF8_ATOMS UINT64_C(0x10000)
#define NX_DFLAG_MAP_TAG UINT64_C(0x20000)
#define NX_DFLAG_BIG_CREATION UINT64_C(0x40000)
#define NX_DFLAG_SEND_SENDER UINT64_C(0x80000)
#define NX_DFLAG_BIG_SEQTRACE_LABELS UINT64_C(0x100000)
#define NX_DFLAG_EXIT_PAYLOAD UINT64_C(0x400000)
#define NX_DFLAG_FRAGMENTS UINT64_C(0x800000)
#define NX_DFLAG_HANDSHAKE_23 UINT64_C(0x1000000)
#define NX_DFLAG_UNLINK_ID UINT64_C(0x2000000)
#define NX_DFLAG_MANDATORY_25_DIGEST UINT64_C(0x4000000)
#define NX_DFLAG_SPAWN (UINT64_C(1) << 32)
#define NX_DFLAG_NAME_ME (UINT64_C(1) << 33)
#define NX_DFLAG_V4_NC (UINT64_C(1) << 34)
#define NX_DFLAG_ALIAS (UINT64_C(1) << 35)
#define NX_DFLAG_ALTACT_SIG (UINT64_C(1) << 37)
#define NX_DFLAG_NATIVE_RECORDS (UINT64_C(1) << 38)

/** All that MANDATORY_25_DIGEST stands for. */
#define NX_DFLAGS_MANDATORY_25 UINT64_C(0x01070f94)

/** What a hidden node of ours offers. */
#define NX_DFLAGS_OURS UINT64_C(0x2d07df2fbc)

/** What a node of ours demands of a peer: mandatory in OTP 25, and V4_NC. */
#define NX_DFLAGS_REQUIRED (NX_DFLAGS_MANDATORY_25 | NX_DFLAG_V4_NC)

/** Both bits that monitors need. */
#define NX_DFLAGS_MONITOR (NX_DFLAG_DIST_MONITOR | NX_DFLAG_DIST_MONITOR_NAME)

/** The flags with MANDATORY_25_DIGEST spelled out (and the digest bit kept). */
uint64_t nx_dflags_expand(uint64_t flags);

/** What `theirs` (as received) lacks of `required`; 0 when nothing. */
uint64_t nx_dflags_missing(uint64_t theirs, uint64_t required);

/** The negotiated set: both expanded, then the AND. */
uint64_t nx_dflags_negotiate(uint64_t ours, uint64_t theirs);

/** The name of one bit, "V4_NC"; "bit 40" is not made up here: NULL for a bit without a name. */
const char *nx_dflag_name(uint64_t bit);

/** Writes the names of all bits of `flags`, separated by blanks (unnamed ones as hexadecimal), and
 * a NUL; cut at `size`. */
void nx_dflags_text(uint64_t flags, char *text, size_t size);

#endif

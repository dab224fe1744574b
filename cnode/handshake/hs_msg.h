/* The messages of the handshake: framing, and how each is built and read.
 * Protocol.md 2.1, 2.2, 2.4. SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_HANDSHAKE_HS_MSG_H
#define NX_HANDSHAKE_HS_MSG_H

#include "base/buf.h"
#include "handshake/digest.h"

enum {
    NX_HS_MSG_MAX = 2048, /* bytes of one message: the longest known one has some 280 */
    NX_HS_NAME_MAX = 255  /* characters, the limit of an atom */
};

/** NULL where `name` may stand on the wire as a node's name, else why not ("it has no '@'"). */
const char *nx_hs_name_fault(struct nx_span name);

/** The same for the host part alone, which is what a node sends that asks for a name. */
const char *nx_hs_host_fault(struct nx_span host);

/**
 * Takes the header of `header` (2 or 4) bytes from the front of `in`. 1: `msg` is a whole message;
 * 0: it is what is there of one that has not arrived whole; NOEX_EGARBAGE: no message of a
 * handshake starts like this (empty, or longer than NX_HS_MSG_MAX).
 */
NOEX_MUST_USE int nx_hs_msg_next(struct nx_span in, unsigned header, struct nx_span *msg);

/* Each message as a value. Spans are borrowed from what was read. The put functions append one
 * framed message or nothing (errors as nx_buf_put; NOEX_EINVALID for one longer than
 * NX_HS_MSG_MAX); the get functions take a whole message with its tag and say false for one that
 * has not this form. */

/** 'N' as the first message; the old 'n', without creation and with 32 flags, is only read. */
struct nx_hs_name {
    uint64_t flags;
    uint32_t creation;
    struct nx_span name;
};
NOEX_MUST_USE int nx_hs_put_name(struct nx_buf *out, unsigned header, const struct nx_hs_name *m);
bool nx_hs_get_name(struct nx_span msg, struct nx_hs_name *m);
bool nx_hs_get_old_name(struct nx_span msg, struct nx_hs_name *m);

/** 's': a status as it is written, or "true" and "false". */
NOEX_MUST_USE int nx_hs_put_status(struct nx_buf *out, unsigned header, const char *text);
bool nx_hs_get_status(struct nx_span msg, struct nx_span *text);

/** 's' "named:": the name and creation that a NAME_ME node is given. */
struct nx_hs_named {
    struct nx_span name;
    uint32_t creation;
};
NOEX_MUST_USE int nx_hs_put_named(struct nx_buf *out, unsigned header, const struct nx_hs_named *m);
bool nx_hs_get_named(struct nx_span msg, struct nx_hs_named *m);

/** 'N' as the answer. */
struct nx_hs_challenge {
    uint64_t flags;
    uint32_t challenge;
    uint32_t creation;
    struct nx_span name;
};
NOEX_MUST_USE int nx_hs_put_challenge(struct nx_buf *out, unsigned header,
                                      const struct nx_hs_challenge *m);
bool nx_hs_get_challenge(struct nx_span msg, struct nx_hs_challenge *m);

/** 'c', which follows an old name with what that had no room for; only read too. */
struct nx_hs_complement {
    uint32_t flags_high;
    uint32_t creation;
};
bool nx_hs_get_complement(struct nx_span msg, struct nx_hs_complement *m);

/** 'r'; `digest` is borrowed, NX_DIGEST_LEN bytes. */
struct nx_hs_reply {
    uint32_t challenge;
    const uint8_t *digest;
};
NOEX_MUST_USE int nx_hs_put_reply(struct nx_buf *out, unsigned header, const struct nx_hs_reply *m);
bool nx_hs_get_reply(struct nx_span msg, struct nx_hs_reply *m);

/** 'a'; `digest` as above. */
NOEX_MUST_USE int nx_hs_put_ack(struct nx_buf *out, unsigned header, const uint8_t *digest);
bool nx_hs_get_ack(struct nx_span msg, const uint8_t **digest);

#endif

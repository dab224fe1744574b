/* The messages of epmd, the Erlang port mapper: requests written, replies read. Protocol.md
 * section 1. Needs libc only and calls nothing of it but memory functions; keeps nothing, allocates
 * nothing. SPDX-License-Identifier: Apache-2.0 */
#ifndef EPMD_PROTO_H
#define EPMD_PROTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What a conversation can end with besides success; epmd_error_text says it in words. */
enum epmd_error {
    EPMD_EINVALID = -1,  /* a name, port or length that no request can carry; nothing was started */
    EPMD_ESPACE = -2,    /* the caller's buffer is too small for the request */
    EPMD_EGARBAGE = -3,  /* bytes that are no reply of epmd */
    EPMD_ECUT = -4,      /* closed in the middle of a reply */
    EPMD_EREFUSED = -5,  /* closed without a reply: what epmd does to requests it does not serve */
    EPMD_ENOTFOUND = -6, /* no node of this name is registered */
    EPMD_ETAKEN = -7,    /* a node of this name is registered already */
    EPMD_ETIMEOUT = -8,  /* no complete reply in time */
    EPMD_ELOST = -9,     /* epmd closed a held registration: the name is free again */
    EPMD_ESTOPPED = -10  /* the caller's own callback ended the listing */
};

/** One line without a newline, for any number. */
const char *epmd_error_text(int error);

enum {
    EPMD_PORT = 4369,

    EPMD_NODE_HIDDEN = 72, /* 'H' and 'M': only informational, `erl -hidden` registers as 'M' too */
    EPMD_NODE_NORMAL = 77,
    EPMD_PROTOCOL_TCP = 0, /* of IPv6 and TLS nodes too */
    EPMD_DIST_VERSION = 6, /* of the distribution handshake, OTP 23 and later */

    EPMD_NAME_CHARS_MAX = 255,
    EPMD_NAME_MAX = 4 * EPMD_NAME_CHARS_MAX, /* bytes */
    EPMD_EXTRA_MAX = EPMD_NAME_MAX,

    /* The longest request is an ALIVE2, the longest reply a PORT2. */
    EPMD_REQUEST_MAX = 2 + 13 + EPMD_NAME_MAX + EPMD_EXTRA_MAX,
    EPMD_REPLY_MAX = 14 + EPMD_NAME_MAX + EPMD_EXTRA_MAX,
    EPMD_LINE_MAX = sizeof "name  at port 65535\n" - 1 + EPMD_NAME_MAX
};

/**
 * A node as it is registered, and as it is found. The pointers are borrowed. epmd checks nothing
 * but the name: a port read may be 0, `lowest` above `highest`, nodetype and protocol any number.
 */
struct epmd_node {
    const char *name; /* the part before '@'; not ended by a NUL */
    size_t name_len;
    const uint8_t *extra; /* empty in every node known */
    size_t extra_len;
    uint16_t port;    /* of its distribution listener */
    uint8_t nodetype; /* EPMD_NODE_* */
    uint8_t protocol; /* EPMD_PROTOCOL_TCP */
    uint16_t highest; /* versions of the handshake: 6 and 6, or 6 and 5 (OTP 23 to 25) */
    uint16_t lowest;
};

/** Can a node found be connected to with this version of the handshake, over TCP? */
bool epmd_node_speaks(const struct epmd_node *node, uint16_t version);

/**
 * Is this a name that a node can register and a NAMES reply can carry: UTF-8, 1..255 characters, no
 * '@', no control character? What passes can be printed as it stands. (epmd itself takes more: it
 * checks only for NUL, UTF-8 and length.)
 */
bool epmd_name_valid(const char *name, size_t len);

/**
 * The requests, each with its length in front. They return the number of bytes written, at most
 * EPMD_REQUEST_MAX; EPMD_EINVALID for a name that is not valid, port 0 or too long an extra;
 * EPMD_ESPACE, and then nothing is written, when `size` does not do.
 *
 * epmd (seen in OTP 25) registers a name of exactly 255 characters, but closes without a reply when
 * asked for it.
 */
int epmd_put_alive2_req(uint8_t *out, size_t size, const struct epmd_node *node);
int epmd_put_port2_req(uint8_t *out, size_t size, const char *name, size_t name_len);
int epmd_put_names_req(uint8_t *out, size_t size);

/**
 * The replies. Each function reads from the beginning of a reply and returns how many bytes it
 * took; 0 when more are needed, which is never asked for beyond EPMD_REPLY_MAX (a line:
 * EPMD_LINE_MAX) bytes; or EPMD_EGARBAGE, as early as the bytes tell. `*reply` has its value only
 * when the result is above 0.
 */
struct epmd_alive2_resp {
    uint8_t result;    /* 0: registered. Else not, and epmd leaves the socket open: close it */
    uint32_t creation; /* 4 and above; 1..3 from an epmd older than OTP 23 */
};
int epmd_read_alive2_resp(const uint8_t *in, size_t len, struct epmd_alive2_resp *reply);

struct epmd_port2_resp {
    uint8_t result; /* 0: found, and `node` is filled; its pointers point into the bytes read */
    struct epmd_node node;
};
int epmd_read_port2_resp(const uint8_t *in, size_t len, struct epmd_port2_resp *reply);

/** The head of a NAMES reply: the port that epmd believes to listen on. Lines follow until EOF. */
int epmd_read_names_port(const uint8_t *in, size_t len, uint16_t *port);

struct epmd_entry {
    const char *name; /* points into the bytes read; NULL: see epmd_read_names_line */
    size_t name_len;
    uint16_t port;
};

/**
 * One line of a NAMES reply with its newline. A line that names no node, or not by a valid name, is
 * taken too and leaves `name` NULL: epmd registers names with line breaks, so one odd node would
 * otherwise hide all others.
 */
int epmd_read_names_line(const uint8_t *in, size_t len, struct epmd_entry *entry);

#endif

/* One token of the external term format at a time, bounded: what stands before libei, and before
 * the printer and the classifier, which must also read terms that were cut. Protocol.md section 5.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_TERM_TOKEN_H
#define NX_TERM_TOKEN_H

#include "base/span.h"

enum nx_tok_kind {
    NX_TOK_NONE = 0,
    NX_TOK_ATOM,   /* data: the text; UTF-8 unless latin1 */
    NX_TOK_INT,    /* 97, 98: value */
    NX_TOK_BIG,    /* 110, 111: data is the magnitude, little-endian; negative */
    NX_TOK_FLOAT,  /* 70: data is the 8 bytes; 99: the 31 text bytes */
    NX_TOK_BINARY, /* data */
    NX_TOK_BITS,   /* data; bits: how many of the last byte count, 1..8 */
    NX_TOK_STRING, /* 107, a list of bytes: data */
    NX_TOK_NIL,
    NX_TOK_LIST,   /* arity elements and a tail follow */
    NX_TOK_TUPLE,  /* arity elements follow */
    NX_TOK_MAP,    /* arity pairs follow */
    NX_TOK_PID,    /* node, word[0] id, word[1] serial, creation */
    NX_TOK_REF,    /* node, creation, word[0..arity) */
    NX_TOK_PORT,   /* node, id, creation */
    NX_TOK_FUN,    /* data: the body behind the size field, skipped whole */
    NX_TOK_EXPORT, /* module, function and arity follow as three terms */
    NX_TOK_RECORD  /* 67 (OTP 29): module, name, arity field names, arity values follow */
};

enum { NX_REF_WORDS_MAX = 5, NX_ATOM_CHARS_MAX = 255 };

struct nx_tok {
    enum nx_tok_kind kind;
    uint8_t tag; /* the byte on the wire */
    bool latin1; /* ATOM (and node names): text is Latin-1, tags 100 and 115 */
    bool node_latin1;
    bool negative; /* BIG */
    uint8_t bits;  /* BITS */
    uint32_t arity;
    uint64_t children;  /* how many terms that belong to this one follow it */
    struct nx_span raw; /* the token as it stands on the wire (of a container: its head) */
    struct nx_span data;
    uint64_t full_len; /* what data.len would be, were it not cut */
    struct nx_span node;
    uint32_t creation;
    uint32_t word[NX_REF_WORDS_MAX];
    uint64_t port;
    int32_t value;
};

enum nx_tok_result {
    NX_TOK_OK = 0,
    NX_TOK_CUT,     /* the bytes end inside this token; kind, data and full_len say what is known */
    NX_TOK_BAD_TAG, /* no tag of protocol.md section 5 */
    NX_TOK_REFUSED, /* 80 compressed, 82 cache reference, 121 local: never accepted here */
    NX_TOK_BAD_ATOM, /* over 255 characters, or not UTF-8 */
    NX_TOK_BAD_FORM  /* a field has a value that the format rules out */
};

/** Reads the next token and moves `in` behind it; on any result but NX_TOK_OK `in` stays. */
enum nx_tok_result nx_tok_next(struct nx_rd *in, struct nx_tok *tok);

/** Steps over whole terms, this many; false, and `in` anywhere, where they do not end. */
bool nx_tok_skip(struct nx_rd *in, uint64_t terms);

/** What a result means, in words, for an error text. */
const char *nx_tok_result_text(enum nx_tok_result r);

#endif

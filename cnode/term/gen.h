/* Messages of the forms that OTP's behaviours exchange: calls, casts, system messages, replies.
 * Protocol.md section 7. SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_TERM_GEN_H
#define NX_TERM_GEN_H

#include "base/buf.h"

enum nx_gen_kind {
    NX_GEN_PLAIN = 0, /* none of the others */
    NX_GEN_CALL,      /* {'$gen_call', {Pid, Tag}, Request} */
    NX_GEN_CAST,      /* {'$gen_cast', Message} */
    NX_GEN_SYSTEM     /* {system, {Pid, Tag}, Request}, of the module sys */
};

/** A message taken apart; everything is borrowed from its bytes. */
struct nx_gen {
    enum nx_gen_kind kind;
    struct nx_span caller; /* CALL, SYSTEM: the term {Pid, Tag} */
    struct nx_span term;   /* the request or message; PLAIN: the whole */
};

/** Whom to answer; borrowed from the bytes of the term {Pid, Tag}. */
struct nx_gen_caller {
    struct nx_span pid;
    struct nx_span tag;
};

/* What is read must be exactly one checked term. What it carries is not passed over: the time is
 * that of its head, whatever its length. */

/** What a message is. A call by anything but {Pid, Tag} cannot be answered, and is PLAIN. */
void nx_gen_parse(struct nx_span message, struct nx_gen *out);

/** Takes {Pid, Tag} apart; false where the term is not that. */
bool nx_gen_caller_parse(struct nx_span term, struct nx_gen_caller *out);

/**
 * The alias that the reply to a call with this tag goes to: Ref of [alias|Ref] and of
 * [[alias|Ref]|_]. Empty for every other tag: then it goes to the caller's pid.
 */
struct nx_span nx_gen_alias(struct nx_span tag);

/** Takes {Ref, Reply} apart; false where the message is not that. */
bool nx_gen_reply_parse(struct nx_span message, struct nx_span *ref, struct nx_span *reply);

/* Each of the following appends one message, without a version byte. Errors: as nx_buf_put, and
 * then nothing is appended. */

/** {Tag, Reply}. */
NOEX_MUST_USE int nx_gen_write_reply(struct nx_buf *out, struct nx_span tag, struct nx_span reply);
/** {'$gen_call', {Pid, Tag}, Request}. */
NOEX_MUST_USE int nx_gen_write_call(struct nx_buf *out, const struct nx_gen_caller *caller,
                                    struct nx_span request);
/** {'$gen_cast', Message}. */
NOEX_MUST_USE int nx_gen_write_cast(struct nx_buf *out, struct nx_span message);

#endif

/* One question to the epmd of a host: dialled, asked, answered or failed. Protocol.md section 1.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_NODE_EPMD_QUERY_H
#define NX_NODE_EPMD_QUERY_H

#include "io/resolve.h"
#include <noex/epmd.h>

struct nx_epmd_query;

/** What came back of a lookup: the port where the node listens, and the addresses of its host,
 * first the one whose epmd said so. (The node need not listen there: epmd serves both families, a
 * BEAM mostly one.) */
struct nx_epmd_answer {
    const struct nx_addrs *addrs;
    uint16_t port;
};

/** `rc` 0: the answer (of a lookup; NULL of a listing), borrowed. The query is over and frees
 * itself when this returns. Never runs inside nx_epmd_query_start. */
typedef void (*nx_epmd_done_fn)(void *ctx, int rc, const struct nx_epmd_answer *answer,
                                const struct noex_error *err);

/** What to ask: for the node `alive`, or (NULL) for all names, each given to `each`. Borrowed for
 * the call, but `user`. */
struct nx_epmd_question {
    const char *host;
    uint16_t port;
    uint64_t step_ms;
    const char *alive;
    noex_epmd_name_fn each;
    void *user;
};

/** What the end of a conversation (an EPMD_* of epmd_session.h) means to whoever asked. */
int nx_epmd_ended(const struct nx_epmd_question *q, int end, struct noex_error *err);
/** The same where epmd was not reached, or was lost: the error is `rc`, but for a refused
 * connection.
 */
int nx_epmd_unreached(const struct nx_epmd_question *q, int rc, const struct noex_error *cause,
                      struct noex_error *err);

/**
 * Errors (then nothing is called back): NOEX_ENOMEM, NOEX_ESYSTEM, NOEX_EHOST, NOEX_ENODENAME.
 * Later, in `done`: NOEX_EHOST, NOEX_EDNSTIMEOUT, NOEX_EEPMD (nobody listens there, or it was
 * lost), NOEX_EUNREACHABLE, NOEX_EEPMDTIMEOUT, NOEX_EEPMDGARBAGE, NOEX_ENONODE.
 */
NOEX_MUST_USE int nx_epmd_query_start(struct nx_epmd_query **out, const struct noex_allocator *a,
                                      struct nx_loop *loop, const struct nx_epmd_question *question,
                                      nx_epmd_done_fn done, void *ctx, struct noex_error *err);
/** Gives up; `done` is not called. NULL is allowed. */
void nx_epmd_query_cancel(struct nx_epmd_query *q);

uint64_t nx_epmd_query_deadline(const struct nx_epmd_query *q);
void nx_epmd_query_timeout(struct nx_epmd_query *q, uint64_t now_ms);

#endif

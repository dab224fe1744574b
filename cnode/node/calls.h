/* Calls of gen_servers and their kin, here and on other nodes, and replies to them. Protocol.md
 * section 7. SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_NODE_CALLS_H
#define NX_NODE_CALLS_H

#include "node/address.h"
#include "term/gen.h"

/** What is called, and by whom. */
struct nx_call {
    struct nx_proc *from; /* NULL: the node itself */
    const struct nx_address *to;
    struct nx_span request;
    uint64_t deadline_ms;
    void *user;
};

/**
 * Calls, with a monitor. What comes of it is told, also where there is no such process here.
 * Errors: NOEX_ENOMEM; NOEX_EUNREAD (out_max), NOEX_ELIMIT (it alone is more; to this node itself:
 * mail_max); then nothing is told.
 */
NOEX_MUST_USE int nx_call_start(noex_node *node, const struct nx_call *call, uint32_t *slot);
/** Sends a call whose record kept its request. Errors: NOEX_ENOMEM, NOEX_EUNREAD, NOEX_ELIMIT. */
NOEX_MUST_USE int nx_call_send(struct nx_peer *p, uint32_t slot, struct nx_span request);

/** The caller of a record, as a raw pid that the peer knows, and the number by which its signals
 * keep their order. */
struct nx_span nx_call_caller(const struct nx_peer *p, const struct nx_pending *r,
                              uint8_t bytes[NX_RAW_PID_SIZE]);
static inline uint32_t nx_call_sender(const struct nx_pending *r)
{
    return r->caller.serial ? r->caller.id : NX_PROC_KERNEL;
}

/** Answers a call that came to a process of this node. Errors: NOEX_EINVALID (`caller` is none),
 * NOEX_ENODENAME (its node's name), NOEX_ENOMEM, NOEX_EUNREAD, NOEX_ELIMIT. */
NOEX_MUST_USE int nx_call_answer(noex_node *node, struct nx_proc *proc, struct nx_span caller,
                                 struct nx_span reply, struct noex_error *err);

/** A message from a peer to a process of this node: true where it is the reply to a call, be it
 * late. `full_len`: of which `message` is the beginning. */
bool nx_calls_reply(struct nx_peer *p, struct nx_span message, uint64_t full_len);
/** A DOWN by the reference of a call, spawn or remote call. */
void nx_calls_down(struct nx_peer *p, uint32_t slot, uint32_t generation, struct nx_span reason,
                   uint64_t full_len);

/** Whatever is not answered by now has failed. */
void nx_calls_expire(noex_node *node, uint64_t now_ms);
/** The connection or the attempt is over: `code` for what waits for it. */
void nx_calls_lost(struct nx_peer *p, int code);
/** A process of this node has ended: what it asked for, and those who asked it. */
void nx_calls_process_ended(noex_node *node, struct nx_proc *proc, struct nx_span reason);

/** Keeps the request of a record for the time when the peer is up, and begins to connect. Errors:
 * NOEX_ENOMEM; NOEX_EUNREAD: more than out_max bytes wait; NOEX_ELIMIT: it alone is more. */
NOEX_MUST_USE int nx_calls_keep(struct nx_peer *p, uint32_t slot, struct nx_span request);
/** Sends what the peer is still to be told of calls that are over, and the requests that waited.
 * Errors: NOEX_ENOMEM. */
NOEX_MUST_USE int nx_calls_pump(struct nx_peer *p);
bool nx_calls_wait(const struct nx_peer *p);

#endif

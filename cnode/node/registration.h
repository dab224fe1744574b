/* The node's name at epmd: registered, held, and registered again whenever epmd has lost it.
 * Protocol.md section 1. SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_NODE_REGISTRATION_H
#define NX_NODE_REGISTRATION_H

#include "epmd_session.h"
#include "node/epmd_query.h"
#include "node/node.h"

/** How long after a failure, or a loss, the next try begins: what OTP's erl_epmd waits. */
enum { NX_REGISTRATION_RETRY_MS = 2000 };

/** epmd holds the name (`rc` 0), or does not (any more), which is told after each try. */
typedef void (*nx_registration_fn)(void *ctx, int rc, const struct noex_error *err);

struct nx_registration {
    noex_node *node;
    nx_registration_fn told;
    void *ctx;
    struct nx_epmd_question question; /* who is asked, for the errors */
    struct nx_addrs addrs;            /* this machine's, where epmd listens */
    uint16_t port;                    /* where the node listens */
    bool held;
    uint64_t try_ms; /* when the next try begins; UINT64_MAX: it is under way, held, not begun */
    struct nx_dial *dial;
    struct nx_tcp *tcp;
    struct epmd_session session;
};

/** Does nothing yet. */
void nx_registration_init(struct nx_registration *r, noex_node *node, nx_registration_fn told,
                          void *ctx);
/** Registers in the next turn: the node listens at `port`, over IPv6 only or not. */
void nx_registration_start(struct nx_registration *r, uint16_t port, bool only_v6);
/** Gives the name back. `told` is not called. */
void nx_registration_stop(struct nx_registration *r);

uint64_t nx_registration_deadline(const struct nx_registration *r);
void nx_registration_turn(struct nx_registration *r, uint64_t now_ms);

#endif

/* The handlers of the router, by what a signal is about; a file each. Protocol.md section 6.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_NODE_SIG_H
#define NX_NODE_SIG_H

#include "node/peer.h"

/** Errors close the connection. */
typedef int nx_sig_fn(struct nx_peer *p, const struct nx_signal *s, struct noex_error *err);

/* sig_monitor.c */
nx_sig_fn nx_sig_monitor, nx_sig_demonitor, nx_sig_down;
/* sig_link.c */
nx_sig_fn nx_sig_link, nx_sig_unlink, nx_sig_unlink_id, nx_sig_unlink_id_ack, nx_sig_exit,
    nx_sig_exit2, nx_sig_group_leader;
/* sig_message.c */
nx_sig_fn nx_sig_send, nx_sig_reg_send, nx_sig_alias_send, nx_sig_altact;
/* sig_spawn.c */
nx_sig_fn nx_sig_spawn_request, nx_sig_spawn_reply;

/** A valid signal that nobody here wants: counted. Returns 0. */
int nx_sig_drop(struct nx_peer *p);
/** An answer that the peer waits for: counted, and sent as nx_signal_answer does. Returns 0. */
int nx_sig_answer(struct nx_peer *p, const struct nx_ctrl *ctrl, struct nx_span payload);

/** Too much waits to be told: records and returns NOEX_EMAIL. */
int nx_sig_too_much(struct nx_peer *p, struct noex_error *err);

/** A pid of the peer, as the sender of what comes from it must be; what answers others would close
 * the connection (protocol.md 6.3). */
NOEX_MUST_USE bool nx_sig_theirs(const struct nx_peer *p, struct nx_span raw, struct nx_pid *pid);
/** A reference of the peer: others cannot be answered to it either. */
NOEX_MUST_USE bool nx_sig_their_ref(const struct nx_peer *p, struct nx_span raw,
                                    struct nx_ref *ref);
/** A pid of this node, in whatever incarnation. */
NOEX_MUST_USE bool nx_sig_ours(const struct nx_peer *p, struct nx_span raw);
/** The process of a raw pid of this node, NULL where it is dead, or of another incarnation. */
struct nx_proc *nx_sig_proc(const struct nx_peer *p, struct nx_span raw);
/** The process registered under a raw atom, or NULL. */
struct nx_proc *nx_sig_named(const struct nx_peer *p, struct nx_span raw);

/** True for a DOWN whose reason may be the result of a remote call. */
bool nx_sig_down_is_result(const struct nx_peer *p, const struct nx_ctrl *ctrl);
/** The reason of an EXIT, EXIT2 or DOWN, wherever it stands. */
struct nx_span nx_sig_reason(const struct nx_signal *s);

#endif

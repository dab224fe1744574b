/* Targets that are kept, and names of `global` that are looked up first.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_CLUSTER_TARGETS_H
#define NX_CLUSTER_TARGETS_H

#include "cluster/ops.h"

/** Reads a pid; false where the term is none. */
bool nx_ref_read(struct noex_term term, struct noex_ref *ref);

/** A target with its own strings. */
struct nx_target {
    struct noex_target at;
    void *strings;  /* one block */
    noex_op lookup; /* under way; 0: none */
};

/** 0 where `target` is one that can be kept: names and pids are looked at where they are used.
 * Errors: NOEX_EINVALID, NOEX_ETARGET. */
NOEX_MUST_USE int nx_target_check(noex_cluster *cluster, const struct noex_target *target,
                                  const char *what);
/** Errors: NOEX_ENOMEM. */
NOEX_MUST_USE int nx_target_keep(noex_cluster *cluster, const struct noex_target *target,
                                 struct nx_target *out);
/** Forgets a lookup, too. */
void nx_target_release(noex_cluster *cluster, struct nx_target *t);

/** Looks a name in `global` up: `done`, with `user`, gets the result, in which the process is never
 * NULL without an error. nx_target_found takes it over. Errors: as noex_global_lookup. */
NOEX_MUST_USE int nx_target_look_up(noex_cluster *cluster, struct nx_target *t, noex_done_fn done,
                                    void *user);
/** From now on it is this process. Errors: NOEX_ENOMEM. */
NOEX_MUST_USE int nx_target_found(noex_cluster *cluster, struct nx_target *t,
                                  const struct noex_ref *process);

#endif

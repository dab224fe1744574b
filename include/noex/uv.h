/* A node on a uv_loop_t of the program's; noex.h does not include it. Part of libnoex;
 * SPDX-License-Identifier: Apache-2.0
 * libuv's own header needs _POSIX_C_SOURCE 200809L, or more, where the compiler is strict. */
#ifndef NOEX_UV_H
#define NOEX_UV_H

#include <noex/cluster.h>
#include <uv.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * As noex_node_new, on a loop of the program's: callbacks come from its uv_run, in the thread that
 * runs it. There is no noex_node_process, no descriptor and no function of wait.h (NOEX_ESTATE).
 * The node keeps the loop alive until noex_node_close, whose `closed` comes from a later uv_run;
 * only then may the loop be closed. `loop` is borrowed until then. Events that on_ready leaves are
 * announced again in the next turn, which comes at once. Errors: NOEX_EINVALID, NOEX_ENODENAME,
 * NOEX_ECOOKIE_FORM, NOEX_ENOMEM, NOEX_ERANDOM.
 */
NOEX_API NOEX_MUST_USE int noex_node_new_uv(noex_node **out, const struct noex_options *options,
                                            uv_loop_t *loop, struct noex_error *err);

/**
 * As noex_cluster_start, on a loop of the program's, borrowed until the cluster is stopped, or
 * freed and its node closed: then no function that waits can be used (NOEX_ESTATE), and each start
 * says anew on which loop. Errors: NOEX_EINVALID (a NULL), NOEX_ESTATE (it is not stopped),
 * NOEX_ENOMEM, NOEX_ERANDOM.
 */
NOEX_API NOEX_MUST_USE int noex_cluster_start_uv(noex_cluster *cluster, uv_loop_t *loop);

#ifdef __cplusplus
}
#endif
#endif

/* What the exported functions have in common. SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_API_API_H
#define NX_API_API_H

#include "base/err.h"
#include "node/node.h"

/** noex_node_new; `uv` is a caller's uv_loop_t, or NULL. */
NOEX_MUST_USE int nx_api_new(noex_node **out, const struct noex_options *options, void *uv,
                             struct noex_error *err);

/** Where the function that begins now records why it failed: what noex_node_error tells. */
static inline struct noex_error *nx_api_begin(noex_node *node)
{
    node->last_error.code = node->last_error.sys_errno = 0;
    node->last_error.text[0] = '\0';
    return &node->last_error;
}

/** 0 where the function may run the node. Errors: NOEX_EINVALID, NOEX_EREENTRANT, NOEX_ESTATE. */
static inline int nx_api_may_wait(noex_node *node)
{
    if (!node)
        return NOEX_EINVALID;
    if (node->running || node->closing) /* closing: in a cancelled post */
        return nx_fail(nx_api_begin(node), NOEX_EREENTRANT, NULL);
    if (node->foreign)
        return nx_fail(nx_api_begin(node), NOEX_ESTATE,
                       "the program's own uv_loop_t drives the node");
    return 0;
}

/** The process of the program with this pid; NULL: there is none. */
struct nx_proc *nx_api_process(noex_node *node, const struct noex_pid *process);
/** Records and returns NOEX_ENOPROC. */
int nx_api_no_process(struct noex_error *err, const struct noex_pid *process);

/** What functions about one process begin with. Errors: NOEX_EINVALID, NOEX_ENOPROC. */
static inline int nx_api_process_call(noex_node *node, const struct noex_pid *process,
                                      const char *what, struct nx_proc **proc,
                                      struct noex_error **err)
{
    if (!node)
        return NOEX_EINVALID;
    *err = nx_api_begin(node);
    if (!process)
        return nx_fail(*err, NOEX_EINVALID, "%s: an argument is NULL", what);
    *proc = nx_api_process(node, process);
    return *proc ? 0 : nx_api_no_process(*err, process);
}

/** Errors: NOEX_ETERM, with what is wrong. */
int nx_api_check_term(struct noex_term term, struct noex_error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/targets.h"

#include "cluster/cluster.h"

bool nx_ref_read(struct noex_term term, struct noex_ref *ref)
{
    int n = noex_term_pid(term, &ref->pid, ref->node, sizeof ref->node);
    return n > 0 && n < (int)sizeof ref->node;
}

int nx_target_check(noex_cluster *cluster, const struct noex_target *target, const char *what)
{
    if (!target)
        return nx_fail(&cluster->last_error, NOEX_EINVALID, "%s: no target was given", what);
    if (target->kind == NOEX_TARGET_GLOBAL && (!target->name || !*target->name))
        return nx_fail(&cluster->last_error, NOEX_ETARGET, "%s: a name in global is missing", what);
    return nx_cluster_check_running(cluster);
}

int nx_target_keep(noex_cluster *cluster, const struct noex_target *target, struct nx_target *out)
{
    bool named = target->kind == NOEX_TARGET_NAME || target->kind == NOEX_TARGET_GLOBAL;
    const char *node = target->kind == NOEX_TARGET_GLOBAL || !target->node ? "" : target->node;
    const char *name = named && target->name ? target->name : "";
    size_t node_size = strlen(node) + 1, name_size = strlen(name) + 1;
    char *block = nx_alloc(&cluster->alloc, node_size + name_size);
    if (!block)
        return nx_fail(&cluster->last_error, NOEX_ENOMEM, NULL);
    memcpy(block, node, node_size);
    memcpy(block + node_size, name, name_size);
    out->at = *target;
    out->at.node = block;
    out->at.name = named ? block + node_size : NULL;
    out->strings = block;
    return 0;
}

void nx_target_release(noex_cluster *cluster, struct nx_target *t)
{
    nx_op_forget(cluster, t->lookup);
    t->lookup = 0;
    nx_free(&cluster->alloc, t->strings);
    t->strings = NULL;
}

int nx_target_look_up(noex_cluster *cluster, struct nx_target *t, noex_done_fn done, void *user)
{
    return noex_global_lookup(cluster, t->at.name, done, user, &t->lookup);
}

int nx_target_found(noex_cluster *cluster, struct nx_target *t, const struct noex_ref *process)
{
    const struct noex_target at = noex_ref_target(process);
    struct nx_target found = {.strings = NULL};
    int rc = nx_target_keep(cluster, &at, &found);
    if (rc)
        return rc;
    t->lookup = 0; /* it is over */
    nx_target_release(cluster, t);
    *t = found;
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/cluster.h"
#include <noex/uv.h>

static int make_node(noex_node **out, const struct noex_options *options, void *loop,
                     struct noex_error *err)
{
    return noex_node_new_uv(out, options, loop, err);
}

int noex_cluster_start_uv(noex_cluster *cluster, uv_loop_t *loop)
{
    if (!cluster)
        return NOEX_EINVALID;
    if (!loop)
        return nx_fail(nx_cluster_begin(cluster), NOEX_EINVALID,
                       "noex_cluster_start_uv: an argument is NULL");
    return nx_cluster_start(cluster, make_node, loop);
}

/* Who wants to be told of what happens in a cluster. SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_CLUSTER_SUBSCRIBERS_H
#define NX_CLUSTER_SUBSCRIBERS_H

#include <noex/lifecycle.h>

enum nx_subject { NX_ON_NODE_UP, NX_ON_NODE_DOWN, NX_ON_STATUS, NX_ON_LIFECYCLE };

struct nx_subscriber;

struct nx_subscribers {
    struct nx_subscriber *first;
    noex_subscription last_id;
    unsigned telling; /* nested: then nobody is freed */
    bool sweep;       /* some are over, and are to be freed */
};

void nx_subscribers_free(noex_cluster *cluster);

/** Each of these tells the subscribers of that kind, in the order of subscribing. */
void nx_tell_node_up(noex_cluster *cluster, const char *node);
void nx_tell_node_down(noex_cluster *cluster, const char *node, const char *reason,
                       const struct noex_error *error);
void nx_tell_status(noex_cluster *cluster, enum noex_cluster_status status,
                    const struct noex_error *error);
void nx_tell_lifecycle(noex_cluster *cluster, const struct noex_lifecycle_event *event);

#endif

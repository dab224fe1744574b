/* What the examples of the noex API begin with. Example of libnoex;
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef START_CLUSTER_H
#define START_CLUSTER_H

#include <noex/noex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Ends the program where something has failed. */
static inline void must(int rc, noex_cluster *cluster, const char *what)
{
    if (rc == 0)
        return;
    fprintf(stderr, "%s: %s\n", what, noex_cluster_error(cluster)->text);
    exit(1);
}

/** A running cluster of this name; `seeds` ends with a NULL, and each of them is connected. */
static inline noex_cluster *start_cluster(const char *name, const char *const *seeds)
{
    const char *epmd_port = getenv("ERL_EPMD_PORT");
    struct noex_cluster_options o;
    struct noex_options node;
    struct noex_error error;
    noex_cluster *cluster;
    noex_options_init(&node);
    node.epmd_port = (uint16_t)(epmd_port ? atoi(epmd_port) : node.epmd_port);
    noex_cluster_options_init(&o);
    o.node = &node;
    o.name = name;
    o.cookie = getenv("NOEX_COOKIE");
    o.seeds = seeds;
    if (noex_cluster_new(&cluster, &o, &error)) {
        fprintf(stderr, "%s\n", error.text);
        exit(1);
    }
    must(noex_cluster_start(cluster), cluster, "start");
    must(noex_cluster_wait(cluster, NOEX_CLUSTER_RUNNING, 10000), cluster, "start");
    for (; *seeds; seeds++)
        must(noex_wait_node_up(noex_cluster_node(cluster), *seeds, 10000), cluster, *seeds);
    return cluster;
}

/** Runs it, and what is printed meanwhile is seen. */
static inline void run(noex_cluster *cluster)
{
    fflush(stdout);
    must(noex_cluster_process(cluster, 1000), cluster, "run");
}

#endif

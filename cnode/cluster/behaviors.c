/* Behaviours by name. SPDX-License-Identifier: Apache-2.0 */
#include "cluster/cluster.h"
#include "cluster/remote_spawn.h"

struct nx_behavior_entry {
    struct nx_behavior_entry *next; /* in the order of registering */
    struct noex_behavior behavior;
    char name[];
};

static struct nx_behavior_entry **find(noex_cluster *cluster, const char *name)
{
    struct nx_behavior_entry **at = &cluster->behaviors;
    while (*at && strcmp((*at)->name, name) != 0)
        at = &(*at)->next;
    return at;
}

static int check(noex_cluster *cluster, const char *name, const struct noex_behavior *behavior)
{
    struct noex_error *err = &cluster->last_error;
    const size_t full = sizeof *behavior;
    struct noex_behavior b;
    noex_behavior_init(&b);
    if (!*name || strlen(name) > 255)
        return nx_fail(err, NOEX_EINVALID, "a behaviour's name has 1 to 255 characters");
    if (behavior->size < sizeof behavior->size || behavior->size > full)
        return nx_fail(err, NOEX_EINVALID,
                       "a behaviour of %zu bytes: noex_behavior_init fills it in", behavior->size);
    memcpy(&b, behavior, behavior->size);
    if (!b.handle_call && !b.handle_cast)
        return nx_fail(err, NOEX_EINVALID, "a behaviour has a handle_call or a handle_cast");
    if (*find(cluster, name))
        return nx_fail(err, NOEX_ENAMETAKEN, "there is a behaviour %.200s already", name);
    return 0;
}

int noex_behavior_register(noex_cluster *cluster, const char *name,
                           const struct noex_behavior *behavior)
{
    if (!cluster)
        return NOEX_EINVALID;
    struct noex_error *err = nx_cluster_begin(cluster);
    if (!name || !behavior)
        return nx_fail(err, NOEX_EINVALID, "noex_behavior_register: an argument is NULL");
    int rc = check(cluster, name, behavior);
    if (rc)
        return rc;
    size_t size = strlen(name) + 1;
    struct nx_behavior_entry *e = nx_calloc(&cluster->alloc, 1, sizeof *e + size);
    if (!e)
        return nx_fail(err, NOEX_ENOMEM, NULL);
    memcpy(e->name, name, size);
    noex_behavior_init(&e->behavior);
    memcpy(&e->behavior, behavior, behavior->size);
    e->behavior.size = sizeof e->behavior;
    if (!e->behavior.name)
        e->behavior.name = e->name;
    struct nx_behavior_entry **at = &cluster->behaviors;
    while (*at)
        at = &(*at)->next;
    *at = e;
    return 0;
}

int noex_behavior_unregister(noex_cluster *cluster, const char *name)
{
    if (!cluster)
        return NOEX_EINVALID;
    struct noex_error *err = nx_cluster_begin(cluster);
    if (!name)
        return nx_fail(err, NOEX_EINVALID, "noex_behavior_unregister: an argument is NULL");
    struct nx_behavior_entry **at = find(cluster, name), *e = *at;
    if (!e)
        return nx_fail(err, NOEX_ENOBEHAVIOR, "there is no behaviour %.200s", name);
    *at = e->next;
    nx_free(&cluster->alloc, e);
    return 0;
}

const struct noex_behavior *noex_behavior_get(const noex_cluster *cluster, const char *name)
{
    const struct nx_behavior_entry *e = cluster && name ? cluster->behaviors : NULL;
    while (e && strcmp(e->name, name) != 0)
        e = e->next;
    return e ? &e->behavior : NULL;
}

int noex_behavior_names(const noex_cluster *cluster, const char **names, size_t max)
{
    int count = 0;
    if (!cluster || (!names && max))
        return NOEX_EINVALID;
    for (const struct nx_behavior_entry *e = cluster->behaviors; e; e = e->next, count++)
        if ((size_t)count < max)
            names[count] = e->name;
    return count;
}

void nx_behaviors_free(noex_cluster *cluster)
{
    for (struct nx_behavior_entry *e = cluster->behaviors, *next; e; e = next) {
        next = e->next;
        nx_free(&cluster->alloc, e);
    }
}

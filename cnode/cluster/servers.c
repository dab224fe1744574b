/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/servers.h"

#include "cluster/cluster.h"
#include "cluster/global_names.h"
#include "cluster/remote_link.h"
#include "cluster/remote_monitor.h"
#include "cluster/server_start.h"

/* ---- the table ---- */

void nx_servers_init(noex_cluster *cluster, const struct nx_map_seed *seed)
{
    nx_slab_init(&cluster->servers.slab, &cluster->alloc, sizeof(noex_gen_server));
    nx_map_init(&cluster->servers.map, &cluster->servers.slab, seed);
}

static uint32_t hash_of(const struct nx_servers *servers, const struct noex_pid *pid)
{
    const uint32_t words[] = {pid->id, pid->serial};
    return nx_map_hash(&servers->map, words, 2);
}

static noex_gen_server *find(const noex_cluster *cluster, const struct noex_pid *pid)
{
    const struct nx_servers *servers = &cluster->servers;
    uint32_t slot = nx_map_first(&servers->map, hash_of(servers, pid));
    for (; slot; slot = nx_map_next(&servers->map, slot)) {
        noex_gen_server *s = nx_slab_at(&servers->slab, slot);
        if (s->self.pid.id == pid->id && s->self.pid.serial == pid->serial &&
            (!pid->creation || s->self.pid.creation == pid->creation))
            return s;
    }
    return NULL;
}

noex_gen_server *nx_server_find(const noex_cluster *cluster, const struct noex_pid *pid)
{
    noex_gen_server *s = find(cluster, pid);
    return s && s->phase != NX_SERVER_ENDING ? s : NULL;
}

uint32_t nx_servers_count(const noex_cluster *cluster)
{
    return cluster->servers.slab.used;
}

noex_gen_server *nx_server_add(noex_cluster *cluster, const struct noex_behavior *behavior,
                               void *state)
{
    uint32_t slot = nx_slab_take(&cluster->servers.slab);
    if (!slot)
        return NULL;
    noex_gen_server *s = nx_slab_at(&cluster->servers.slab, slot);
    s->slot = slot;
    s->cluster = cluster;
    s->behavior = *behavior;
    s->state = state;
    const char *module = behavior->name ? behavior->name : "c";
    s->module = nx_strndup(&cluster->alloc, module, strlen(module));
    if (!s->module || noex_builder_new(&s->builder, &cluster->alloc)) {
        nx_free(&cluster->alloc, s->module);
        nx_slab_give(&cluster->servers.slab, slot);
        return NULL;
    }
    return s;
}

void nx_server_list(noex_gen_server *s, const struct noex_pid *pid)
{
    s->self.pid = *pid;
    memcpy(s->self.node, s->cluster->id, sizeof s->self.node);
    s->listed = true;
    nx_map_put(&s->cluster->servers.map, s->slot, hash_of(&s->cluster->servers, pid));
}

void nx_server_remove(noex_gen_server *s)
{
    struct nx_servers *servers = &s->cluster->servers;
    if (s->listed)
        nx_map_remove(&servers->map, s->slot);
    noex_builder_free(s->builder);
    nx_free(&s->cluster->alloc, s->module);
    nx_slab_give(&servers->slab, s->slot);
}

/* ---- terms ---- */

static struct noex_term built(const noex_gen_server *s)
{
    struct noex_term term = {NULL, 0};
    if (noex_builder_term(s->builder, &term))
        term = (struct noex_term){NULL, 0};
    return term;
}

struct noex_term nx_server_reason(noex_gen_server *s, enum noex_next next)
{
    static const uint8_t normal[] = {119, 6, 'n', 'o', 'r', 'm', 'a', 'l'};
    static const uint8_t enomem[] = {119, 6, 'e', 'n', 'o', 'm', 'e', 'm'};
    struct noex_term reason = built(s);
    if (reason.len)
        return reason;
    return next == NOEX_NEXT_STOP ? (struct noex_term){normal, sizeof normal}
                                  : (struct noex_term){enomem, sizeof enomem};
}

enum noex_reason_type nx_server_reason_type(struct noex_term reason)
{
    struct noex_term tag;
    if (noex_term_is_atom(reason, "normal"))
        return NOEX_REASON_NORMAL;
    if (noex_term_is_atom(reason, "shutdown") ||
        (noex_term_element(reason, 0, &tag) == 0 && noex_term_is_atom(tag, "shutdown")))
        return NOEX_REASON_SHUTDOWN;
    if (noex_term_is_atom(reason, "killed"))
        return NOEX_REASON_KILLED;
    return NOEX_REASON_EXCEPTION;
}

/* ---- its functions ---- */

static void terminate(noex_gen_server *s, enum noex_reason_type type, struct noex_term reason)
{
    if (!s->terminate_due)
        return;
    s->terminate_due = false;
    if (s->behavior.terminate)
        s->behavior.terminate(s, type, reason);
}

/* The last of these needs no memory. */
static void exit_process(noex_gen_server *s, struct noex_term reason)
{
    noex_node *node = s->cluster->node;
    uint8_t bytes[16];
    const struct noex_target self = noex_ref_target(&s->self);
    if (noex_process_exit(node, &s->self.pid, reason) != NOEX_ENOMEM)
        return;
    if (noex_process_exit(node, &s->self.pid, nx_atom_term(bytes, sizeof bytes, "enomem")))
        nx_ignored(noex_exit(node, &s->self.pid, &self, nx_atom_term(bytes, sizeof bytes, "kill")));
}

void nx_server_end(noex_gen_server *s, struct noex_term reason)
{
    if (s->phase == NX_SERVER_ENDING)
        return;
    s->phase = NX_SERVER_ENDING;
    terminate(s, nx_server_reason_type(reason), reason);
    if (s->cluster->node)
        exit_process(s, reason);
}

static void reply(noex_gen_server *s, struct noex_term caller)
{
    struct noex_term term = built(s);
    if (term.len)
        nx_ignored(
            noex_gen_server_reply(s, caller, term)); /* a caller that has gone is no failure */
    else
        nx_server_end(s, nx_server_reason(s, NOEX_NEXT_FAIL));
}

static void after(noex_gen_server *s, enum noex_next next, struct noex_term caller)
{
    if (s->phase == NX_SERVER_ENDING)
        return;
    if (next == NOEX_NEXT_REPLY && caller.len)
        reply(s, caller);
    else if (next == NOEX_NEXT_STOP || next == NOEX_NEXT_FAIL)
        nx_server_end(s, nx_server_reason(s, next));
}

static enum noex_next refuse(noex_gen_server *s)
{
    noex_build_tuple(s->builder);
    noex_build_atom(s->builder, "error");
    noex_build_atom(s->builder, "undef");
    noex_build_end(s->builder);
    return NOEX_NEXT_REPLY;
}

static void on_call(noex_gen_server *s, const struct noex_event *event)
{
    noex_builder_clear(s->builder);
    after(s,
          s->behavior.handle_call
              ? s->behavior.handle_call(s, noex_event_term(event), event->caller)
              : refuse(s),
          event->caller);
}

static void on_cast(noex_gen_server *s, const struct noex_event *event)
{
    noex_builder_clear(s->builder);
    if (s->behavior.handle_cast)
        after(s, s->behavior.handle_cast(s, noex_event_term(event)), (struct noex_term){NULL, 0});
}

void nx_server_info(noex_gen_server *s, const struct noex_event *event)
{
    if (s->phase == NX_SERVER_ENDING || !s->behavior.handle_info)
        return;
    noex_builder_clear(s->builder);
    after(s, s->behavior.handle_info(s, event), (struct noex_term){NULL, 0});
}

/* A message, or an exit signal that is trapped. */
static void on_info(noex_gen_server *s, const struct noex_event *event)
{
    if (event->type == NOEX_EVENT_EXIT)
        nx_link_exit(s, event);
    nx_server_info(s, event);
}

/* ---- its events ---- */

static void on_end(noex_gen_server *s, const struct noex_event *event)
{
    noex_cluster *cluster = s->cluster;
    const struct noex_lifecycle_event e = {.size = sizeof e,
                                           .type = NOEX_LIFECYCLE_TERMINATED,
                                           .reason = event->reason,
                                           .process = &s->self,
                                           .event = event};
    s->phase = NX_SERVER_ENDING;
    terminate(s, event->reason, noex_event_term(event));
    nx_start_ended(s, event);
    nx_watches_server_ended(s);
    nx_links_server_ended(s);
    nx_global_names_process_ended(cluster, &s->self.pid);
    if (s->announced)
        nx_tell_lifecycle(cluster, &e);
    nx_server_remove(s);
}

void nx_server_event(void *user, const struct noex_event *event)
{
    noex_gen_server *s = user;
    if (event->type == NOEX_EVENT_CALL)
        on_call(s, event);
    else if (event->type == NOEX_EVENT_CAST)
        on_cast(s, event);
    else if (event->type == NOEX_EVENT_STOP)
        nx_server_end(s, noex_event_term(event));
    else if (event->type == NOEX_EVENT_PROCESS_END)
        on_end(s, event);
    else if (event->monitor)
        nx_watch_event(s, event);
    else
        on_info(s, event);
}

void nx_server_describe(void *user, noex_builder *builder)
{
    noex_gen_server *s = user;
    if (s->behavior.describe && s->terminate_due)
        s->behavior.describe(s, builder);
}

void nx_servers_stop(noex_cluster *cluster)
{
    uint8_t bytes[16];
    const struct noex_term shutdown = nx_atom_term(bytes, sizeof bytes, "shutdown");
    struct nx_slab *slab = &cluster->servers.slab;
    for (uint32_t slot = nx_slab_next(slab, 0); slot; slot = nx_slab_next(slab, slot))
        nx_server_end(nx_slab_at(slab, slot), shutdown);
}

void nx_servers_terminate(noex_cluster *cluster)
{
    uint8_t bytes[16];
    const struct noex_term shutdown = nx_atom_term(bytes, sizeof bytes, "shutdown");
    struct nx_slab *slab = &cluster->servers.slab;
    for (uint32_t slot = nx_slab_next(slab, 0); slot; slot = nx_slab_next(slab, slot)) {
        noex_gen_server *s = nx_slab_at(slab, slot);
        s->phase = NX_SERVER_ENDING;
        terminate(s, NOEX_REASON_SHUTDOWN, shutdown);
    }
}

void nx_servers_free(noex_cluster *cluster)
{
    struct nx_slab *slab = &cluster->servers.slab;
    for (uint32_t slot; (slot = nx_slab_next(slab, 0));)
        nx_server_remove(nx_slab_at(slab, slot));
    nx_map_free(&cluster->servers.map);
    nx_slab_free(slab);
}

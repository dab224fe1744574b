/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/remote_spawn.h"

#include "base/sized.h"
#include "cluster/cluster.h"
#include "cluster/server_start.h"
#include "cluster/targets.h"

enum { SPAWN_TIMEOUT_MS = 10000, INIT_TIMEOUT_MS = 5000 };

/* ---- asking ---- */

struct spawn {
    struct nx_op op;
    struct noex_remote_spawn_options options;
    char *behavior;
    char *node;              /* in one block with the behaviour */
    noex_op starting;        /* of this node: the start of its server */
    noex_timer_id timer;     /* of this node: what is known is told in the next turn */
    struct noex_error error; /* the same */
    noex_builder *reason;    /* the same */
};

static void on_reply(struct nx_op *op, const struct noex_event *event);
static void stopped(struct nx_op *op);
static void release(struct nx_op *op);

static const struct nx_op_kind kind = {
    .size = sizeof(struct spawn), .on_event = on_reply, .stopped = stopped, .release = release};

static void release(struct nx_op *op)
{
    struct spawn *s = (struct spawn *)op;
    if (s->timer && op->cluster->node)
        noex_timer_cancel(op->cluster->node, s->timer);
    nx_op_forget(op->cluster, s->starting);
    noex_builder_free(s->reason);
    nx_free(&op->cluster->alloc, s->behavior);
}

static void answer(struct spawn *s, struct noex_result *r)
{
    struct noex_remote_spawn_stats *stats = &s->op.cluster->spawn_stats;
    bool late = r->error && r->error->code == NOEX_ECALLTIMEOUT;
    r->node = r->node ? r->node : s->node;
    r->timeout_ms = late ? s->options.timeout_ms : 0;
    stats->pending_count--;
    *(late       ? &stats->total_timed_out
      : r->error ? &stats->total_rejected
                 : &stats->total_resolved) += 1;
    nx_op_answer(&s->op, r);
    nx_op_end(&s->op);
}

static void stopped(struct nx_op *op)
{
    op->cluster->spawn_stats.pending_count--;
    op->cluster->spawn_stats.total_rejected++;
    nx_op_end(op);
}

/* ---- what gen_server:start said ---- */

static bool element_is(struct noex_term tuple, uint64_t index, const char *atom)
{
    struct noex_term element;
    return noex_term_element(tuple, index, &element) == 0 && noex_term_is_atom(element, atom);
}

/* {undef, [{Module, init, _, _} | _]}: there is no such module, or it has no init. */
static bool no_behavior(struct noex_term reason, const char *behavior)
{
    struct noex_term stack, frame;
    struct noex_items items;
    return element_is(reason, 0, "undef") && noex_term_element(reason, 1, &stack) == 0 &&
           noex_term_items(stack, &items) == 0 && noex_items_next(&items, &frame) &&
           element_is(frame, 0, behavior) && element_is(frame, 1, "init");
}

static void refused(struct spawn *s, struct noex_term reason)
{
    struct noex_error error = {0};
    struct noex_ref holder;
    struct noex_term pid;
    struct noex_result r = {.error = &error, .term = reason};
    if (element_is(reason, 0, "already_started") && noex_term_element(reason, 1, &pid) == 0 &&
        nx_ref_read(pid, &holder)) {
        nx_fail(&error, NOEX_ENAMETAKEN, "a process of %s has the name", holder.node);
        r.process = &holder;
        r.node = holder.node;
    } else if (no_behavior(reason, s->behavior)) {
        nx_fail(&error, NOEX_ENOBEHAVIOR, "%s has no behaviour or module %.100s", s->node,
                s->behavior);
    } else if (noex_term_is_atom(reason, "timeout")) {
        nx_fail(&error, NOEX_ECALLTIMEOUT, "init did not end within %llu ms",
                (unsigned long long)s->options.init_timeout_ms);
    } else {
        nx_ignored(nx_init_failed(reason, &error));
    }
    answer(s, &r);
}

static void started(struct spawn *s, struct noex_term term)
{
    struct noex_error error = {0};
    struct noex_term second;
    struct noex_ref ref;
    bool pair = noex_term_element(term, 1, &second) == 0;
    if (pair && element_is(term, 0, "ok") && nx_ref_read(second, &ref)) {
        answer(s, &(struct noex_result){.process = &ref});
    } else if (pair && element_is(term, 0, "error")) {
        refused(s, second);
    } else {
        nx_fail(&error, NOEX_EINIT, "init said to be ignored");
        answer(s, &(struct noex_result){.error = &error, .term = term});
    }
}

static void on_reply(struct nx_op *op, const struct noex_event *event)
{
    struct spawn *s = (struct spawn *)op;
    if (event->type == NOEX_EVENT_REPLY)
        started(s, noex_event_term(event));
    else
        answer(s, &(struct noex_result){
                      .error = event->error, .node = event->node, .term = noex_event_term(event)});
}

/* ---- sending ---- */

static void build_name(const struct spawn *s, noex_builder *b)
{
    const struct noex_remote_spawn_options *o = &s->options;
    if (o->registration == NOEX_REGISTRATION_NONE)
        return;
    noex_build_tuple(b);
    if (o->registration == NOEX_REGISTRATION_LOCAL) {
        noex_build_atom(b, "local");
        noex_build_atom(b, o->name);
    } else {
        noex_build_atom(b, "global");
        noex_build_binary(b, o->name, strlen(o->name));
    }
    noex_build_end(b);
}

/* The arguments of gen_server:start/3, or /4 with a name. */
static int build_args(const struct spawn *s, noex_builder *b)
{
    const struct noex_remote_spawn_options *o = &s->options;
    noex_build_list(b);
    build_name(s, b);
    noex_build_atom(b, s->behavior);
    if (o->args.len)
        noex_build_term(b, o->args);
    else
        noex_build_nil(b);
    noex_build_list(b);
    noex_build_tuple(b);
    noex_build_atom(b, "timeout");
    noex_build_uint64(b, o->init_timeout_ms);
    noex_build_end(b);
    noex_build_end(b);
    return noex_build_end(b);
}

static int send_request(struct spawn *s)
{
    noex_cluster *cluster = s->op.cluster;
    struct noex_term args;
    noex_call_id id;
    noex_builder *b;
    int rc = noex_builder_new(&b, &cluster->alloc);
    if (rc)
        return nx_fail(&cluster->last_error, rc, NULL);
    build_args(s, b);
    rc = noex_builder_term(b, &args);
    if (rc) {
        nx_fail(&cluster->last_error, rc,
                "the name, the behaviour or the arguments cannot be sent");
    } else {
        rc = noex_rpc(cluster->node, s->node, "gen_server", "start", args, s->options.timeout_ms,
                      NULL, &id);
        if (rc)
            nx_cluster_fail_node(cluster, rc);
        else
            nx_op_set_call(&s->op, id);
    }
    noex_builder_free(b);
    return rc;
}

/* ---- on this node ---- */

static void on_started_here(void *user, const struct noex_result *result)
{
    struct noex_result r = *result;
    answer(user, &r);
}

static void on_refused_here(void *user, noex_timer_id id)
{
    struct spawn *s = user;
    struct noex_term reason = {NULL, 0};
    (void)id;
    s->timer = 0;
    if (noex_builder_term(s->reason, &reason))
        reason = (struct noex_term){NULL, 0};
    answer(s, &(struct noex_result){.error = &s->error, .term = reason});
}

static int start_here(struct spawn *s)
{
    noex_cluster *cluster = s->op.cluster;
    const struct noex_remote_spawn_options *o = &s->options;
    const struct noex_behavior *behavior = noex_behavior_get(cluster, s->behavior);
    struct noex_gen_server_options server;
    int rc = noex_builder_new(&s->reason, &cluster->alloc);
    if (rc)
        return nx_fail(&cluster->last_error, rc, NULL);
    noex_gen_server_options_init(&server);
    server.name = o->registration == NOEX_REGISTRATION_LOCAL ? o->name : NULL;
    server.global_name = o->registration == NOEX_REGISTRATION_GLOBAL ? o->name : NULL;
    server.args = o->args;
    server.init_timeout_ms = o->init_timeout_ms;
    server.done = on_started_here;
    server.user = s;
    const struct nx_start_extra extra = {.reason = s->reason};
    rc = behavior ? nx_server_start(cluster, behavior, &server, &extra, NULL, &s->starting)
                  : nx_fail(&cluster->last_error, NOEX_ENOBEHAVIOR, "there is no behaviour %.100s",
                            s->behavior);
    s->error = cluster->last_error;
    if (rc && rc != NOEX_EINVALID && rc != NOEX_ETERM)
        rc = noex_timer_start(cluster->node, 0, on_refused_here, s, &s->timer);
    return rc;
}

/* ---- the function of the API ---- */

void noex_remote_spawn_options_init_size(struct noex_remote_spawn_options *options, size_t size)
{
    const struct noex_remote_spawn_options defaults = {.init_timeout_ms = INIT_TIMEOUT_MS,
                                                       .timeout_ms = SPAWN_TIMEOUT_MS};
    nx_sized_init(options, size, &defaults, sizeof defaults);
}

static int take_options(const struct noex_remote_spawn_options *given,
                        struct noex_remote_spawn_options *o, struct noex_error *err)
{
    noex_remote_spawn_options_init(o);
    if (!given)
        return 0;
    if (given->size < sizeof given->size || given->size > sizeof *o)
        return nx_fail(err, NOEX_EINVALID, "options of a size that cannot be");
    memcpy(o, given, given->size);
    if (o->registration > NOEX_REGISTRATION_GLOBAL)
        return nx_fail(err, NOEX_EINVALID, "unknown registration %u", (unsigned)o->registration);
    if (o->registration != NOEX_REGISTRATION_NONE && (!o->name || !*o->name))
        return nx_fail(err, NOEX_EINVALID, "a registration without a name");
    return o->args.len ? noex_term_check(o->args, err) : 0;
}

static struct spawn *spawn_new(noex_cluster *cluster, const char *behavior, const char *node,
                               const struct noex_remote_spawn_options *o, noex_op *op)
{
    size_t size = strlen(behavior) + 1, node_size = strlen(node) + 1;
    char *block = nx_alloc(&cluster->alloc, size + node_size);
    struct nx_op *new =
        block ? nx_op_new(cluster, &kind, &(struct nx_asker){o->done, o->user, op}) : NULL;
    if (!new) {
        nx_free(&cluster->alloc, block);
        nx_fail(&cluster->last_error, NOEX_ENOMEM, NULL);
        return NULL;
    }
    struct spawn *s = (struct spawn *)new;
    s->behavior = memcpy(block, behavior, size);
    s->node = memcpy(block + size, node, node_size);
    s->options = *o;
    return s;
}

int noex_remote_spawn(noex_cluster *cluster, const char *behavior, const char *node,
                      const struct noex_remote_spawn_options *options, noex_op *op)
{
    struct noex_remote_spawn_options o;
    if (!cluster)
        return NOEX_EINVALID;
    struct noex_error *err = nx_cluster_begin(cluster);
    if (!behavior || !node)
        return nx_fail(err, NOEX_EINVALID, "noex_remote_spawn: an argument is NULL");
    int rc = take_options(options, &o, err);
    rc = rc ? rc : noex_node_name_check(node, err);
    rc = rc ? rc : nx_cluster_check_running(cluster);
    if (rc)
        return rc;
    struct spawn *s = spawn_new(cluster, behavior, node, &o, op);
    if (!s)
        return NOEX_ENOMEM;
    rc = nx_cluster_is_own(cluster, node) ? start_here(s) : send_request(s);
    /* What the caller's options point to is only good for this call. */
    s->options.name = NULL;
    s->options.args = (struct noex_term){NULL, 0};
    if (rc) {
        nx_op_drop(&s->op);
        return rc;
    }
    cluster->spawn_stats.total_initiated++;
    cluster->spawn_stats.pending_count++;
    return 0;
}

void noex_remote_spawn_get_stats(const noex_cluster *cluster, struct noex_remote_spawn_stats *stats,
                                 size_t size)
{
    if (stats)
        memset(stats, 0, size);
    if (cluster && stats)
        memcpy(stats, &cluster->spawn_stats, size < sizeof *stats ? size : sizeof *stats);
}

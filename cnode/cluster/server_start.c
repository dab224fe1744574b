/* A server is held until its start is over: what is sent to it waits. SPDX-License-Identifier: Apache-2.0 */
#include "cluster/server_start.h"

#include "cluster/cluster.h"

/* The operation of a start. */
struct nx_starting {
    struct nx_op op;
    noex_gen_server *server; /* NULL: it is no more */
    noex_timer_id timer;     /* the next step, or the end of init's time; 0: none */
    noex_op registering;     /* its name in `global`; 0: not yet */
    uint64_t init_timeout_ms;
    char *global_name;
    bool init_over;
};

static void stopped(struct nx_op *op);

static void release(struct nx_op *op)
{
    struct nx_starting *st = (struct nx_starting *)op;
    if (st->timer && op->cluster->node)
        noex_timer_cancel(op->cluster->node, st->timer);
    nx_free(&op->cluster->alloc, st->global_name);
}

static const struct nx_op_kind kind = {
    .size = sizeof(struct nx_starting), .stopped = stopped, .release = release};

/* The server goes its own way now. */
static void over(struct nx_starting *st)
{
    if (st->server)
        st->server->starting = NULL;
    st->server = NULL;
    nx_op_end(&st->op);
}

static void stopped(struct nx_op *op)
{
    over((struct nx_starting *)op);
}

/* ---- the steps ---- */

static void ready(struct nx_starting *st)
{
    noex_gen_server *s = st->server;
    noex_cluster *cluster = s->cluster;
    const struct noex_ref self = s->self;
    const struct noex_lifecycle_event e = {
        .size = sizeof e, .type = NOEX_LIFECYCLE_STARTED, .process = &self};
    s->phase = NX_SERVER_RUNNING;
    s->announced = true;
    nx_tell_lifecycle(cluster, &e);
    nx_op_answer(&st->op, &(struct noex_result){.process = &self, .node = cluster->id});
    over(st);
    noex_process_hold(cluster->node, &self.pid, false);
}

/* Its start has failed; whoever started it knows. */
static void give_up(struct nx_starting *st, const char *why)
{
    noex_gen_server *s = st->server;
    uint8_t bytes[32];
    over(st);
    nx_server_end(s, nx_atom_term(bytes, sizeof bytes, why));
}

static void on_registered(void *user, const struct noex_result *result)
{
    struct nx_starting *st = user;
    st->registering = 0;
    if (st->op.answered || !st->server) /* the cluster stops */
        return;
    if (!result->error) {
        ready(st);
        return;
    }
    nx_op_answer(&st->op, result);
    give_up(st, "shutdown");
}

static void next_step(struct nx_starting *st)
{
    noex_gen_server *s = st->server;
    noex_cluster *cluster = s->cluster;
    if (!st->global_name) {
        ready(st);
        return;
    }
    if (noex_global_register(cluster, st->global_name, &s->self, on_registered, st,
                             &st->registering) == 0)
        return;
    nx_op_fail(&st->op, cluster->last_error.code, NULL, "%s", cluster->last_error.text);
    give_up(st, "shutdown");
}

static void on_turn(void *user, noex_timer_id id)
{
    struct nx_starting *st = user;
    (void)id;
    st->timer = 0;
    next_step(st);
}

static void on_init_timeout(void *user, noex_timer_id id)
{
    struct nx_starting *st = user;
    (void)id;
    st->timer = 0;
    struct noex_error error = {0};
    nx_fail(&error, NOEX_ECALLTIMEOUT, "init did not end within %llu ms",
            (unsigned long long)st->init_timeout_ms);
    nx_op_answer(&st->op,
                 &(struct noex_result){.error = &error, .timeout_ms = st->init_timeout_ms});
    give_up(st, "timeout");
}

void nx_start_ended(noex_gen_server *s, const struct noex_event *event)
{
    struct nx_starting *st = s->starting;
    if (!st)
        return;
    struct noex_error error = {.code = NOEX_ENOPROC, .text = "the server ended while it started"};
    if (!st->init_over)
        error = (struct noex_error){.code = NOEX_EINIT, .text = "the server ended in its init"};
    if (st->registering)
        noex_forget(s->cluster, st->registering);
    nx_op_answer(&st->op, &(struct noex_result){.error = &error,
                                                .node = s->cluster->id,
                                                .term = noex_event_term(event)});
    over(st);
}

/* ---- init ---- */

static int failed_init(noex_gen_server *s, enum noex_next next, struct noex_error *err)
{
    char text[160];
    const struct noex_term reason = nx_server_reason(s, next);
    const struct noex_event as_event = {
        .type = NOEX_EVENT_PROCESS_END,
        .reason = nx_server_reason_type(reason),
        .term = reason.bytes,
        .term_len = reason.len,
        .term_full_len = reason.len,
    };
    if (noex_event_message(&as_event, text, sizeof text) <= 0)
        noex_term_print(reason, NULL, text, sizeof text, NULL);
    return nx_fail(err, NOEX_EINIT, "init: %s", text);
}

static enum noex_next run_init(noex_gen_server *s, struct noex_term args)
{
    static const uint8_t nil[] = {106};
    noex_builder_clear(s->builder);
    if (!s->behavior.init)
        return NOEX_NEXT_CONTINUE;
    return s->behavior.init(s, args.len ? args : (struct noex_term){nil, sizeof nil});
}

/* What init said. The server may be ending by something else that init did. */
static int begin(struct nx_starting *st, struct noex_term args)
{
    noex_gen_server *s = st->server;
    noex_cluster *cluster = s->cluster;
    enum noex_next next = run_init(s, args);
    st->init_over = next != NOEX_NEXT_LATER;
    if (next == NOEX_NEXT_STOP || next == NOEX_NEXT_FAIL) {
        int rc = failed_init(s, next, &cluster->last_error);
        s->starting = NULL;
        nx_server_end(s, nx_server_reason(s, next));
        return rc;
    }
    if (next != NOEX_NEXT_LATER)
        s->terminate_due = true;
    int rc = noex_timer_start(cluster->node, next == NOEX_NEXT_LATER ? st->init_timeout_ms : 0,
                              next == NOEX_NEXT_LATER ? on_init_timeout : on_turn, st, &st->timer);
    if (rc) {
        uint8_t bytes[16];
        s->starting = NULL;
        nx_server_end(s, nx_atom_term(bytes, sizeof bytes, "enomem"));
    }
    return rc ? nx_cluster_fail_node(cluster, rc) : 0;
}

int noex_gen_server_init_done(noex_gen_server *self, enum noex_next next, struct noex_term reason)
{
    struct nx_starting *st = self->starting;
    struct noex_error *err = nx_cluster_begin(self->cluster);
    if (next != NOEX_NEXT_CONTINUE && next != NOEX_NEXT_STOP)
        return nx_fail(err, NOEX_EINVALID, "noex_gen_server_init_done: neither CONTINUE nor STOP");
    if (!st || st->init_over || self->phase == NX_SERVER_ENDING)
        return nx_fail(err, NOEX_ESTATE, "its init is not under way");
    if (next == NOEX_NEXT_STOP && noex_term_check(reason, err))
        return err->code;
    if (next == NOEX_NEXT_STOP) { /* PROCESS_END tells whoever started it */
        nx_server_end(self, reason);
        return 0;
    }
    noex_timer_id turn; /* this is inside another call */
    int rc = noex_timer_start(self->cluster->node, 0, on_turn, st, &turn);
    if (rc)
        return nx_cluster_fail_node(self->cluster, rc);
    noex_timer_cancel(self->cluster->node, st->timer);
    st->timer = turn;
    st->init_over = self->terminate_due = true;
    return 0;
}

/* ---- starting ---- */

static int take_options(struct noex_gen_server_options *o, const struct noex_behavior *behavior,
                        const struct noex_gen_server_options *given, struct noex_error *err)
{
    noex_gen_server_options_init(o);
    if (!behavior || behavior->size < sizeof behavior->size || behavior->size > sizeof *behavior)
        return nx_fail(err, NOEX_EINVALID,
                       "noex_gen_server_start: no behaviour, or of a size that cannot be");
    if (!given)
        return 0;
    if (given->size < sizeof given->size || given->size > sizeof *o)
        return nx_fail(err, NOEX_EINVALID, "options of a size that cannot be");
    memcpy(o, given, given->size);
    return o->args.len ? noex_term_check(o->args, err) : 0;
}

static int make_process(noex_gen_server *s, const struct noex_gen_server_options *o)
{
    struct noex_process_options p;
    struct noex_pid pid;
    noex_process_options_init(&p);
    p.name = o->name;
    p.on_event = nx_server_event;
    p.on_stop = nx_server_event;
    p.on_state = nx_server_describe;
    p.user = s;
    p.trap_exit = o->trap_exit;
    p.hold = 1;
    int rc = noex_process_new(s->cluster->node, &p, &pid);
    if (!rc)
        nx_server_list(s, &pid);
    return rc;
}

static int start_process(noex_gen_server *s, struct nx_starting *st,
                         const struct noex_gen_server_options *o)
{
    noex_cluster *cluster = s->cluster;
    if (o->global_name) {
        st->global_name = nx_strndup(&cluster->alloc, o->global_name, strlen(o->global_name));
        if (!st->global_name)
            return nx_fail(&cluster->last_error, NOEX_ENOMEM, NULL);
    }
    int rc = make_process(s, o);
    return rc ? nx_cluster_fail_node(cluster, rc) : 0;
}

int noex_gen_server_start(noex_cluster *cluster, const struct noex_behavior *behavior,
                          const struct noex_gen_server_options *options, struct noex_ref *ref,
                          noex_op *op)
{
    struct noex_gen_server_options o;
    if (!cluster)
        return NOEX_EINVALID;
    struct noex_error *err = nx_cluster_begin(cluster);
    int rc = take_options(&o, behavior, options, err);
    rc = rc ? rc : nx_cluster_check_running(cluster);
    if (rc)
        return rc;
    struct noex_behavior full;
    noex_behavior_init(&full);
    memcpy(&full, behavior, behavior->size);
    noex_gen_server *s = nx_server_add(cluster, &full, o.state);
    struct nx_op *new = s ? nx_op_new(cluster, &kind, &(struct nx_asker){o.done, o.user, op}) : NULL;
    if (!new) {
        if (s)
            nx_server_remove(s);
        return nx_fail(err, NOEX_ENOMEM, NULL);
    }
    struct nx_starting *st = (struct nx_starting *)new;
    st->server = s;
    st->init_timeout_ms = o.init_timeout_ms;
    s->starting = st;
    rc = start_process(s, st, &o);
    if (rc) {
        nx_server_remove(s);
    } else {
        if (ref)
            *ref = s->self;
        rc = begin(st, o.args);
    }
    if (rc)
        nx_op_drop(new);
    return rc;
}

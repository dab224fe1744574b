/* A server is held until its start is over: what is sent to it waits.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/server_start.h"

#include "base/sized.h"
#include "cluster/cluster.h"

/* The operation of a start. */
struct nx_starting {
    struct nx_op op;
    noex_gen_server *server; /* NULL: it is no more */
    noex_timer_id timer;     /* the next step, or the end of init's time; 0: none */
    noex_op registering;     /* its name in `global`; 0: not yet */
    uint64_t init_timeout_ms;
    uint8_t *global_name; /* a term */
    size_t global_name_len;
    uint8_t *args; /* kept until the name is registered */
    size_t args_len;
    noex_builder *reason; /* see struct nx_start_extra; NULL: nobody wants it */
    bool init_over;
};

static void stopped(struct nx_op *op);

static void release(struct nx_op *op)
{
    struct nx_starting *st = (struct nx_starting *)op;
    if (st->timer && op->cluster->node)
        noex_timer_cancel(op->cluster->node, st->timer);
    nx_op_forget(op->cluster, st->registering);
    nx_free(&op->cluster->alloc, st->global_name);
    nx_free(&op->cluster->alloc, st->args);
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

static void on_turn(void *user, noex_timer_id id)
{
    struct nx_starting *st = user;
    (void)id;
    st->timer = 0;
    ready(st);
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
    if (!st->init_over && !st->registering)
        error = (struct noex_error){.code = NOEX_EINIT, .text = "the server ended in its init"};
    nx_op_answer(&st->op, &(struct noex_result){.error = &error,
                                                .node = s->cluster->id,
                                                .term = noex_event_term(event)});
    over(st);
}

/* ---- init ---- */

int nx_init_failed(struct noex_term reason, struct noex_error *err)
{
    char text[160];
    const struct noex_event as_event = {.type = NOEX_EVENT_PROCESS_END,
                                        .node = "",
                                        .reason = NOEX_REASON_EXCEPTION,
                                        .term = reason.bytes,
                                        .term_len = reason.len,
                                        .term_full_len = reason.len};
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

/* Init said that it went well, or goes on. */
static int go_on(struct nx_starting *st, enum noex_next next)
{
    noex_cluster *cluster = st->op.cluster;
    bool later = next == NOEX_NEXT_LATER;
    st->init_over = !later;
    st->server->terminate_due = true;
    return noex_timer_start(cluster->node, later ? st->init_timeout_ms : 0,
                            later ? on_init_timeout : on_turn, st, &st->timer);
}

/* Inside noex_gen_server_start: what fails is told by its return. */
static int begin(struct nx_starting *st, struct noex_term args)
{
    noex_gen_server *s = st->server;
    noex_cluster *cluster = s->cluster;
    uint8_t bytes[16];
    enum noex_next next = run_init(s, args);
    bool failed = next == NOEX_NEXT_STOP || next == NOEX_NEXT_FAIL;
    int rc =
        failed ? nx_init_failed(nx_server_reason(s, next), &cluster->last_error) : go_on(st, next);
    if (!rc)
        return 0;
    s->starting = NULL;
    if (failed && st->reason)
        noex_build_term(st->reason, nx_server_reason(s, next));
    nx_server_end(s,
                  failed ? nx_server_reason(s, next) : nx_atom_term(bytes, sizeof bytes, "enomem"));
    return failed ? rc : nx_cluster_fail_node(cluster, rc);
}

/* The server has its name in `global`: as in OTP init comes after that. */
static void begin_named(struct nx_starting *st)
{
    noex_gen_server *s = st->server;
    struct noex_error error = {0};
    enum noex_next next = run_init(s, (struct noex_term){st->args, st->args_len});
    if (next == NOEX_NEXT_STOP || next == NOEX_NEXT_FAIL) {
        nx_ignored(nx_init_failed(nx_server_reason(s, next), &error));
        nx_op_answer(&st->op, &(struct noex_result){.error = &error,
                                                    .node = s->cluster->id,
                                                    .term = nx_server_reason(s, next)});
        over(st);
        nx_server_end(s, nx_server_reason(s, next));
    } else if (go_on(st, next)) {
        nx_op_fail(&st->op, NOEX_ENOMEM, s->cluster->id, "out of memory");
        give_up(st, "enomem");
    }
}

static void on_registered(void *user, const struct noex_result *result)
{
    struct nx_starting *st = user;
    st->registering = 0;
    if (st->op.answered || !st->server) /* the cluster stops, or it has ended */
        return;
    if (!result->error) {
        begin_named(st);
        return;
    }
    nx_op_answer(&st->op, result);
    give_up(st, "shutdown");
}

/* Errors: those of noex_global_register_term. */
static int register_first(struct nx_starting *st, struct noex_term args)
{
    noex_cluster *cluster = st->op.cluster;
    const struct noex_term name = {st->global_name, st->global_name_len};
    st->args = nx_alloc(&cluster->alloc, args.len);
    if (!st->args)
        return nx_fail(&cluster->last_error, NOEX_ENOMEM, NULL);
    if (args.len)
        memcpy(st->args, args.bytes, args.len);
    st->args_len = args.len;
    return noex_global_register_term(cluster, name, &st->server->self, on_registered, st,
                                     &st->registering);
}

int noex_gen_server_init_done(noex_gen_server *self, enum noex_next next, struct noex_term reason)
{
    if (!self)
        return NOEX_EINVALID;
    struct nx_starting *st = self->starting;
    struct noex_error *err = nx_cluster_begin(self->cluster);
    if (next != NOEX_NEXT_CONTINUE && next != NOEX_NEXT_STOP)
        return nx_fail(err, NOEX_EINVALID, "noex_gen_server_init_done: neither CONTINUE nor STOP");
    if (!st || st->init_over || !st->timer || self->phase == NX_SERVER_ENDING)
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
    st->init_over = true;
    return 0;
}

/* ---- starting ---- */

void noex_gen_server_options_init_size(struct noex_gen_server_options *options, size_t size)
{
    const struct noex_gen_server_options defaults = {.init_timeout_ms = 5000};
    nx_sized_init(options, size, &defaults, sizeof defaults);
}

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

/* Keeps the name in `global`, if any, as a term. */
static int take_global_name(struct nx_starting *st, const char *text, struct noex_term term)
{
    noex_cluster *cluster = st->op.cluster;
    noex_builder *b = st->server->builder;
    noex_builder_clear(b);
    if (text)
        noex_build_binary(b, text, strlen(text));
    else if (term.len)
        noex_build_term(b, term);
    else
        return 0;
    int rc = noex_builder_term(b, &term);
    st->global_name = rc ? NULL : nx_alloc(&cluster->alloc, term.len);
    if (!st->global_name)
        return nx_fail(&cluster->last_error, rc ? rc : NOEX_ENOMEM, NULL);
    memcpy(st->global_name, term.bytes, term.len);
    st->global_name_len = term.len;
    return 0;
}

static int start_process(noex_gen_server *s, struct nx_starting *st,
                         const struct noex_gen_server_options *o,
                         const struct nx_start_extra *extra)
{
    int rc = take_global_name(st, o->global_name, extra->global_name);
    if (rc)
        return rc;
    rc = make_process(s, o);
    return rc ? nx_cluster_fail_node(s->cluster, rc) : 0;
}

static int start_steps(struct nx_starting *st, struct noex_term args)
{
    noex_gen_server *s = st->server;
    uint8_t bytes[16];
    if (!st->global_name)
        return begin(st, args);
    int rc = register_first(st, args);
    if (rc) {
        const struct noex_error error = s->cluster->last_error;
        s->starting = NULL;
        nx_server_end(s, nx_atom_term(bytes, sizeof bytes, "shutdown"));
        s->cluster->last_error = error;
    }
    return rc;
}

int nx_server_start(noex_cluster *cluster, const struct noex_behavior *behavior,
                    const struct noex_gen_server_options *options,
                    const struct nx_start_extra *extra, struct noex_ref *ref, noex_op *op)
{
    struct noex_gen_server_options o;
    struct noex_error *err = nx_cluster_begin(cluster);
    int rc = take_options(&o, behavior, options, err);
    rc = rc ? rc : nx_cluster_check_running(cluster);
    if (rc)
        return rc;
    struct noex_behavior full;
    noex_behavior_init(&full);
    memcpy(&full, behavior, behavior->size);
    noex_gen_server *s = nx_server_add(cluster, &full, o.state);
    struct nx_op *new =
        s ? nx_op_new(cluster, &kind, &(struct nx_asker){o.done, o.user, op}) : NULL;
    if (!new) {
        if (s)
            nx_server_remove(s);
        return nx_fail(err, NOEX_ENOMEM, NULL);
    }
    struct nx_starting *st = (struct nx_starting *)new;
    st->server = s;
    st->init_timeout_ms = o.init_timeout_ms;
    st->reason = extra->reason;
    s->starting = st;
    rc = start_process(s, st, &o, extra);
    if (rc) {
        nx_server_remove(s);
    } else {
        if (ref)
            *ref = s->self;
        rc = start_steps(st, o.args);
    }
    if (rc)
        nx_op_drop(new);
    return rc;
}

int noex_gen_server_start(noex_cluster *cluster, const struct noex_behavior *behavior,
                          const struct noex_gen_server_options *options, struct noex_ref *ref,
                          noex_op *op)
{
    const struct nx_start_extra none = {.reason = NULL};
    return cluster ? nx_server_start(cluster, behavior, options, &none, ref, op) : NOEX_EINVALID;
}

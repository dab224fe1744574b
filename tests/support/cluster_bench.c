/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster_bench.h"
#include "tls_environment.h"

#include "cmocka_all.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* ---- what is seen ---- */

static struct seen *see(struct bench_cluster *c, const char *what, const char *node,
                        const char *detail)
{
    static struct seen beyond;
    struct seen *s = c->count < BENCH_EVENTS ? &c->seen[c->count++] : &beyond;
    *s = (struct seen){.monitor = 0};
    snprintf(s->what, sizeof s->what, "%s", what);
    snprintf(s->node, sizeof s->node, "%s", node ? node : "");
    snprintf(s->detail, sizeof s->detail, "%s", detail ? detail : "");
    return s;
}

static void on_lifecycle(void *user, const struct noex_lifecycle_event *e)
{
    static const char *const names[] = {"", "started", "terminated", "process_down"};
    struct seen *s = see(user, names[e->type], e->monitored ? e->monitored->node : e->process->node,
                         e->event ? noex_reason_type_name(e->reason) : "");
    s->process = e->process->pid;
    s->monitor = e->monitor;
    if (e->event) {
        noex_event_message(e->event, s->message, sizeof s->message);
        s->local_origin = e->event->origin == NOEX_ORIGIN_LOCAL;
    }
}

static void on_up(void *user, const char *node)
{
    see(user, "node_up", node, "");
}

static void on_down(void *user, const char *node, const char *reason,
                    const struct noex_error *error)
{
    (void)error;
    see(user, "node_down", node, reason);
}

static void on_status(void *user, enum noex_cluster_status status, const struct noex_error *error)
{
    see(user, noex_cluster_status_name(status), "", error ? noex_error_name(error->code) : "");
}

unsigned bench_count(const struct bench_cluster *c, const char *what)
{
    unsigned count = 0;
    for (unsigned i = 0; i < c->count; i++)
        count += strcmp(c->seen[i].what, what) == 0;
    return count;
}

/* ---- life ---- */

/* Kept for the life of the process. */
static noex_tls *tls(void)
{
    static noex_tls *kept;
    struct noex_error err;
    if (!kept && tls_of_environment(&kept, &err))
        fail_msg("%s", err.text);
    return kept;
}

void bench_cluster_options(struct noex_cluster_options *o, struct noex_options *n, const char *name)
{
    noex_cluster_options_init(o);
    noex_options_init(n);
    n->no_epmd = true;
    n->tls = tls();
    o->node = n;
    o->name = name;
    o->cookie = "secret";
    o->reconnect_min_ms = 10;
    o->reconnect_max_ms = 50;
    o->stop_ms = 200;
}

struct bench_cluster *bench_cluster_start_with(struct cluster_bench *b,
                                               const struct noex_cluster_options *o,
                                               struct bench_cluster *seed)
{
    struct noex_error err;
    struct bench_cluster *c = &b->at[b->count++];
    struct noex_cluster_options mine = *o;
    const char *seeds[] = {seed ? seed->address : NULL, NULL};
    memset(c, 0, sizeof *c);
    if (seed)
        mine.seeds = seeds;
    if (noex_cluster_new(&c->c, &mine, &err))
        fail_msg("%s", err.text);
    snprintf(c->name, sizeof c->name, "%s", noex_cluster_local_node_id(c->c));
    assert_int_equal(noex_on_lifecycle_event(c->c, on_lifecycle, c, NULL), 0);
    assert_int_equal(noex_cluster_on_node_up(c->c, on_up, c, NULL), 0);
    assert_int_equal(noex_cluster_on_node_down(c->c, on_down, c, NULL), 0);
    assert_int_equal(noex_cluster_on_status_change(c->c, on_status, c, NULL), 0);
    assert_int_equal(noex_behavior_register(c->c, "teller", &teller), 0);
    if (noex_cluster_start(c->c) ||
        noex_cluster_wait(c->c, NOEX_CLUSTER_RUNNING, BENCH_PATIENCE_MS))
        fail_msg("%s", noex_cluster_error(c->c)->text);
    snprintf(c->address, sizeof c->address, "%.60s:%u", noex_cluster_local_node_id(c->c),
             noex_node_listen_port(noex_cluster_node(c->c)));
    if (seed) {
        bench_seen(b, c, "node_up", 1);
        bench_seen(b, seed, "node_up", 1);
    }
    return c;
}

struct bench_cluster *bench_cluster_start(struct cluster_bench *b, const char *name,
                                          struct bench_cluster *seed)
{
    struct noex_cluster_options o;
    struct noex_options n;
    bench_cluster_options(&o, &n, name);
    return bench_cluster_start_with(b, &o, seed);
}

void bench_clusters_free(struct cluster_bench *b)
{
    for (unsigned i = 0; i < b->count; i++)
        noex_cluster_free(b->at[i].c);
    b->count = 0;
}

void bench_clusters_turn(struct cluster_bench *b)
{
    for (unsigned i = 0; i < b->count; i++)
        if (b->at[i].c && noex_cluster_node(b->at[i].c) &&
            noex_cluster_process(b->at[i].c, 1) != 0 && noex_cluster_node(b->at[i].c))
            fail_msg("%s", noex_cluster_error(b->at[i].c)->text);
}

static void print_seen(const struct cluster_bench *b)
{
    for (unsigned i = 0; i < b->count; i++)
        for (unsigned k = 0; k < b->at[i].count; k++)
            print_error("%s: %s %s %s %s\n", b->at[i].name, b->at[i].seen[k].what,
                        b->at[i].seen[k].node, b->at[i].seen[k].detail, b->at[i].seen[k].message);
}

void bench_clusters_until(struct cluster_bench *b, bool (*done)(void *ctx), void *ctx,
                          const char *what)
{
    uint64_t until = now_ms() + BENCH_PATIENCE_MS;
    while (!done(ctx)) {
        if (now_ms() > until) {
            print_seen(b);
            fail_msg("not in time: %s", what);
        }
        bench_clusters_turn(b);
    }
}

void bench_clusters_for(struct cluster_bench *b, unsigned ms)
{
    uint64_t until = now_ms() + ms;
    while (now_ms() < until)
        bench_clusters_turn(b);
}

struct waited {
    struct bench_cluster *c;
    const char *what;
    unsigned times;
};

static bool was_seen(void *ctx)
{
    const struct waited *w = ctx;
    return bench_count(w->c, w->what) >= w->times;
}

const struct seen *bench_seen(struct cluster_bench *b, struct bench_cluster *c, const char *what,
                              unsigned times)
{
    struct waited w = {c, what, times};
    bench_clusters_until(b, was_seen, &w, what);
    for (unsigned i = c->count; i > 0; i--)
        if (strcmp(c->seen[i - 1].what, what) == 0)
            return &c->seen[i - 1];
    return NULL;
}

/* ---- results ---- */

void outcome_done(void *user, const struct noex_result *r)
{
    struct outcome *o = user;
    o->told++;
    o->code = r->error ? r->error->code : 0;
    snprintf(o->text, sizeof o->text, "%s", r->error ? r->error->text : "");
    snprintf(o->node, sizeof o->node, "%s", r->node ? r->node : "");
    o->has_process = r->process != NULL;
    if (r->process)
        o->process = *r->process;
    o->term[0] = '\0';
    if (r->term.len)
        noex_term_print(r->term, NULL, o->term, sizeof o->term, NULL);
    o->timeout_ms = r->timeout_ms;
    o->has_target = r->target != NULL;
}

static bool was_told(void *ctx)
{
    return ((const struct outcome *)ctx)->told > 0;
}

int bench_outcome(struct cluster_bench *b, struct outcome *o)
{
    bench_clusters_until(b, was_told, o, "a result");
    return o->code;
}

struct noex_term bench_term(const char *text)
{
    static noex_builder *builder;
    struct noex_term term;
    struct noex_error err;
    if (!builder)
        assert_int_equal(noex_builder_new(&builder, NULL), 0);
    noex_builder_clear(builder);
    if (noex_build_text(builder, text, &err))
        fail_msg("%s: %s", text, err.text);
    assert_int_equal(noex_builder_term(builder, &term), 0);
    return term;
}

/* ---- the teller ---- */

struct told {
    noex_builder *caller;
    noex_builder *value;
};

static bool is(struct noex_term message, const char *tag, struct noex_term *arg)
{
    struct noex_term first;
    return noex_term_element(message, 0, &first) == 0 && noex_term_is_atom(first, tag) &&
           noex_term_element(message, 1, arg) == 0;
}

static const char *text_of(struct noex_term term)
{
    static char text[256];
    assert_true(noex_term_text(term, text, sizeof text) >= 0);
    return text;
}

static enum noex_next tell_init(noex_gen_server *self, struct noex_term args)
{
    struct noex_term arg;
    struct told *t = calloc(1, sizeof *t);
    assert_non_null(t);
    assert_int_equal(noex_builder_new(&t->caller, NULL), 0);
    assert_int_equal(noex_builder_new(&t->value, NULL), 0);
    noex_build_term(t->value, args);
    if (is(args, "fail", &arg) || is(args, "stop", &arg)) {
        bool fails = is(args, "fail", &arg);
        if (!fails)
            noex_build_term(noex_gen_server_builder(self), arg);
        noex_builder_free(t->caller);
        noex_builder_free(t->value);
        free(t);
        return fails ? NOEX_FAIL(self, "%s", text_of(arg)) : NOEX_NEXT_STOP;
    }
    noex_gen_server_set_state(self, t);
    return noex_term_is_atom(args, "later") ? NOEX_NEXT_LATER : NOEX_NEXT_CONTINUE;
}

static enum noex_next tell_call(noex_gen_server *self, struct noex_term request,
                                struct noex_term caller)
{
    struct told *t = noex_gen_server_state(self);
    noex_builder *b = noex_gen_server_builder(self);
    struct noex_term arg;
    if (is(request, "reply", &arg)) {
        noex_build_term(b, arg);
        return NOEX_NEXT_REPLY;
    }
    if (is(request, "error", &arg))
        return noex_gen_server_reply_error(self, "%s", text_of(arg));
    if (is(request, "fail", &arg))
        return NOEX_FAIL(self, "%s", text_of(arg));
    if (is(request, "stop", &arg)) {
        noex_build_term(b, arg);
        return NOEX_NEXT_STOP;
    }
    if (noex_term_is_atom(request, "later")) {
        noex_builder_clear(t->caller);
        noex_build_term(t->caller, caller);
        return NOEX_NEXT_CONTINUE;
    }
    if (noex_term_is_atom(request, "get")) {
        assert_int_equal(noex_builder_term(t->value, &arg), 0);
        noex_build_term(b, arg);
        return NOEX_NEXT_REPLY;
    }
    return NOEX_NEXT_CONTINUE;
}

static enum noex_next tell_cast(noex_gen_server *self, struct noex_term message)
{
    struct told *t = noex_gen_server_state(self);
    struct noex_term arg, caller;
    if (is(message, "set", &arg)) {
        noex_builder_clear(t->value);
        noex_build_term(t->value, arg);
    } else if (is(message, "fail", &arg)) {
        return NOEX_FAIL(self, "%s", text_of(arg));
    } else if (is(message, "stop", &arg)) {
        noex_build_term(noex_gen_server_builder(self), arg);
        return NOEX_NEXT_STOP;
    } else if (noex_term_is_atom(message, "answer") && noex_builder_term(t->caller, &caller) == 0) {
        assert_int_equal(noex_gen_server_reply(self, caller, bench_term("answered")), 0);
    }
    return NOEX_NEXT_CONTINUE;
}

/* Keeps what came, printed, as its value. */
static enum noex_next tell_info(noex_gen_server *self, const struct noex_event *event)
{
    struct told *t = noex_gen_server_state(self);
    char text[200] = "";
    noex_term_print(noex_event_term(event), NULL, text, sizeof text, NULL);
    noex_builder_clear(t->value);
    noex_build_tuple(t->value);
    noex_build_atom(t->value, event->type == NOEX_EVENT_EXIT      ? "exit"
                              : event->type == NOEX_EVENT_MESSAGE ? "info"
                                                                  : "down");
    noex_build_string(t->value, text);
    noex_build_end(t->value);
    return NOEX_NEXT_CONTINUE;
}

static void tell_terminate(noex_gen_server *self, enum noex_reason_type type,
                           struct noex_term reason)
{
    struct told *t = noex_gen_server_state(self);
    (void)type;
    (void)reason;
    noex_builder_free(t->caller);
    noex_builder_free(t->value);
    free(t);
    noex_gen_server_set_state(self, NULL);
}

static void tell_state(noex_gen_server *self, noex_builder *builder)
{
    struct told *t = noex_gen_server_state(self);
    struct noex_term value;
    if (noex_builder_term(t->value, &value) == 0)
        noex_build_term(builder, value);
}

const struct noex_behavior teller = {.size = sizeof teller,
                                     .init = tell_init,
                                     .handle_call = tell_call,
                                     .handle_cast = tell_cast,
                                     .handle_info = tell_info,
                                     .terminate = tell_terminate,
                                     .describe = tell_state};

struct noex_ref bench_teller(struct cluster_bench *b, struct bench_cluster *c, const char *name)
{
    struct noex_gen_server_options o;
    struct noex_ref ref;
    unsigned before = bench_count(c, "started");
    noex_gen_server_options_init(&o);
    o.name = name;
    if (noex_gen_server_start(c->c, &teller, &o, &ref, NULL))
        fail_msg("%s", noex_cluster_error(c->c)->text);
    bench_seen(b, c, "started", before + 1);
    return ref;
}

void bench_cast(struct bench_cluster *from, const struct noex_ref *to, const char *message)
{
    const struct noex_target target = noex_ref_target(to);
    if (noex_gen_server_cast(from->c, &target, bench_term(message)))
        fail_msg("%s", noex_cluster_error(from->c)->text);
}

int bench_call(struct cluster_bench *b, struct bench_cluster *from, const struct noex_target *to,
               const char *request, struct outcome *o)
{
    memset(o, 0, sizeof *o);
    int rc = noex_gen_server_call(from->c, to, bench_term(request), 0, outcome_done, o, NULL);
    return rc ? rc : bench_outcome(b, o);
}

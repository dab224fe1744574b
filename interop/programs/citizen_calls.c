/* SPDX-License-Identifier: Apache-2.0 */
#include "citizen_calls.h"

#include "books.h"
#include <stdlib.h>
#include <string.h>

/* What is to be answered at release: a caller of a process, or a process that serves a function. */
struct held {
    struct held *next;
    struct noex_pid process;
    noex_builder *caller; /* NULL: serves */
};

static struct held *held;
static struct asker *askers;

static noex_builder *copy_of(struct noex_term term)
{
    noex_builder *b;
    if (noex_builder_new(&b, NULL) || noex_build_term(b, term))
        die("no memory");
    return b;
}

static struct noex_term term_of(const noex_builder *b)
{
    struct noex_term term;
    if (noex_builder_term(b, &term))
        die("a term cannot be built");
    return term;
}

static noex_builder *new_tuple(void)
{
    noex_builder *b;
    if (noex_builder_new(&b, NULL) || noex_build_tuple(b))
        die("no memory");
    return b;
}

/* ---- who asked ---- */

struct asker *asker_new(struct noex_term from, struct noex_term ref)
{
    struct asker *a = malloc(sizeof *a);
    if (!a)
        die("no memory");
    *a = (struct asker){.next = askers, .at = &askers, .from = copy_of(from), .ref = copy_of(ref)};
    if (askers)
        askers->at = &a->next;
    askers = a;
    return a;
}

void asker_free(struct asker *a)
{
    *a->at = a->next;
    if (a->next)
        a->next->at = a->at;
    noex_builder_free(a->from);
    noex_builder_free(a->ref);
    free(a);
}

void asker_tell(noex_node *node, const struct noex_pid *self, const struct asker *a,
                struct noex_term answer)
{
    char name[NOEX_ATOM_SIZE];
    struct noex_target to = {.kind = NOEX_TARGET_PID, .node = name};
    noex_builder *b = new_tuple();
    noex_build_term(b, term_of(a->ref));
    noex_build_term(b, answer);
    noex_build_end(b);
    if (noex_term_pid(term_of(a->from), &to.pid, name, sizeof name) < 0)
        die("whoever asks is no process");
    const struct noex_pid *sender = self && noex_process_is_alive(node, self) ? self : NULL;
    int rc = noex_send(node, sender, &to, term_of(b));
    if (rc && rc != NOEX_EUNREAD) /* a node that does not read gets no answer either */
        die("an answer to %s: %s", to.node, noex_node_error(node)->text);
    noex_builder_free(b);
}

/* ---- asking others ---- */

int any_target(noex_node *node, struct noex_term term, struct noex_target *target)
{
    static char names[2][NOEX_ATOM_SIZE];
    struct noex_term name = term, at;
    *target = (struct noex_target){NOEX_TARGET_NAME, {0}, noex_node_name(node), names[0]};
    if (noex_term_type(term) == NOEX_TERM_PID) {
        *target = (struct noex_target){.kind = NOEX_TARGET_PID, .node = names[1]};
        int rc = noex_term_pid(term, &target->pid, names[1], NOEX_ATOM_SIZE);
        return rc < 0 ? rc : 0;
    }
    if (noex_term_type(term) == NOEX_TERM_TUPLE) {
        if (noex_term_element(term, 0, &name) || noex_term_element(term, 1, &at) ||
            noex_term_atom(at, names[1], NOEX_ATOM_SIZE) < 0)
            return NOEX_ETYPE;
        target->node = names[1];
    }
    int rc = noex_term_atom(name, names[0], NOEX_ATOM_SIZE);
    return rc < 0 ? rc : 0;
}

static uint64_t timeout_of(struct noex_term term)
{
    uint64_t ms;
    return noex_term_uint64(term, &ms) ? UINT64_MAX : ms;
}

int calls_call(noex_node *node, const struct noex_pid *self, const struct noex_term *arg,
               struct asker *a)
{
    struct noex_target to;
    noex_call_id id;
    int rc = any_target(node, arg[0], &to);
    return rc ? rc : noex_call(node, self, &to, arg[1], timeout_of(arg[2]), a, &id);
}

/* {M, F, Args} */
struct mfa {
    char module[NOEX_ATOM_SIZE];
    char function[NOEX_ATOM_SIZE];
    struct noex_term args;
};

static int mfa_of(struct noex_term term, struct mfa *mfa)
{
    struct noex_term module, function;
    if (noex_term_element(term, 0, &module) || noex_term_element(term, 1, &function) ||
        noex_term_element(term, 2, &mfa->args) ||
        noex_term_atom(module, mfa->module, NOEX_ATOM_SIZE) < 0 ||
        noex_term_atom(function, mfa->function, NOEX_ATOM_SIZE) < 0)
        return NOEX_ETYPE;
    return 0;
}

int calls_rpc(noex_node *node, const struct noex_pid *self, const struct noex_term *arg,
              struct asker *a)
{
    char peer[NOEX_ATOM_SIZE];
    struct mfa mfa;
    noex_call_id id;
    (void)self;
    int rc = noex_term_atom(arg[0], peer, sizeof peer);
    rc = rc < 0 ? rc : mfa_of(arg[1], &mfa);
    return rc ? rc
              : noex_rpc(node, peer, mfa.module, mfa.function, mfa.args, timeout_of(arg[2]), a,
                         &id);
}

int calls_spawn(noex_node *node, const struct noex_pid *self, const struct noex_term *arg,
                struct asker *a)
{
    struct noex_spawn_options o;
    struct noex_items options;
    struct noex_term option;
    char peer[NOEX_ATOM_SIZE];
    struct mfa mfa;
    noex_call_id id;
    int rc = noex_term_atom(arg[0], peer, sizeof peer);
    rc = rc < 0 ? rc : mfa_of(arg[1], &mfa);
    if (rc || noex_term_items(arg[2], &options))
        return rc ? rc : NOEX_ETYPE;
    noex_spawn_options_init(&o);
    o.node = peer;
    o.module = mfa.module;
    o.function = mfa.function;
    o.args = mfa.args;
    o.process = self;
    o.user = a;
    while (noex_items_next(&options, &option)) {
        o.link |= noex_term_is_atom(option, "link");
        o.monitor |= noex_term_is_atom(option, "monitor");
    }
    a->wants_end = o.monitor;
    return noex_spawn(node, &o, &id);
}

static void build_outcome(noex_builder *b, const struct noex_event *e)
{
    struct noex_term term = noex_event_term(e);
    if (e->type == NOEX_EVENT_REPLY) {
        noex_build_atom(b, "reply");
        noex_build_term(b, term);
    } else if (e->type == NOEX_EVENT_SPAWNED) {
        noex_build_atom(b, "spawned");
        noex_build_pid(b, e->node, e->from);
    } else {
        noex_build_atom(b, "failed");
        noex_build_atom(b, noex_error_name(e->error->code));
        if (term.len)
            noex_build_term(b, term);
        else
            noex_build_atom(b, "none");
    }
}

static void tell_spawn_down(noex_node *node, const struct noex_event *e, const struct asker *a)
{
    noex_builder *b = new_tuple();
    noex_build_atom(b, "spawn_down");
    noex_build_pid(b, e->node, e->from);
    noex_build_term(b, noex_event_term(e));
    noex_build_end(b);
    asker_tell(node, e->process, a, term_of(b));
    noex_builder_free(b);
}

bool calls_outcome(noex_node *node, const struct noex_event *e)
{
    struct asker *a = e->call_user;
    if (e->type == NOEX_EVENT_SPAWN_DOWN) {
        tell_spawn_down(node, e, a);
        asker_free(a);
        return true;
    }
    if (e->type != NOEX_EVENT_REPLY && e->type != NOEX_EVENT_CALL_FAILED &&
        e->type != NOEX_EVENT_SPAWNED)
        return false;
    noex_builder *b = new_tuple();
    build_outcome(b, e);
    noex_build_end(b);
    asker_tell(node, e->process, a, term_of(b));
    noex_builder_free(b);
    if (e->type != NOEX_EVENT_SPAWNED || !a->wants_end)
        asker_free(a);
    return true;
}

/* ---- being called ---- */

static void hold(const struct noex_event *e)
{
    struct held *h = malloc(sizeof *h);
    if (!h)
        die("no memory");
    *h = (struct held){.next = held, .process = *e->process};
    h->caller = e->caller.len ? copy_of(e->caller) : NULL;
    held = h;
}

void calls_answer(noex_node *node, const struct noex_event *e)
{
    struct noex_term request = noex_event_term(e), name, arg;
    int rc = 0;
    if (noex_term_is_atom(request, "hold"))
        hold(e);
    else if (noex_term_element(request, 0, &name) || noex_term_element(request, 1, &arg))
        rc = noex_reply(node, e->process, e->caller, request);
    else if (noex_term_is_atom(name, "exit"))
        rc = noex_process_exit(node, e->process, arg);
    else
        rc = noex_reply(node, e->process, e->caller, arg);
    if (rc)
        die("a call cannot be answered: %s", noex_node_error(node)->text);
}

int calls_release(noex_node *node, struct noex_term value)
{
    int rc = 0;
    while (held) {
        struct held *h = held;
        held = h->next;
        if (noex_process_is_alive(node, &h->process))
            rc = h->caller ? noex_reply(node, &h->process, term_of(h->caller), value)
                           : noex_return(node, &h->process, value);
        noex_builder_free(h->caller);
        free(h);
        if (rc)
            return rc;
    }
    return 0;
}

/* ---- functions ---- */

static noex_node *serving;

static struct noex_term argument(const struct noex_event *e, uint64_t n)
{
    struct noex_items args;
    struct noex_term arg = {NULL, 0};
    if (noex_term_items(noex_event_term(e), &args))
        die("arguments that are no list");
    for (uint64_t i = 0; i <= n; i++)
        if (!noex_items_next(&args, &arg))
            die("an argument is missing");
    return arg;
}

static void check(int rc)
{
    if (rc)
        die("a function cannot end: %s", noex_node_error(serving)->text);
}

static void fn_echo(void *user, const struct noex_event *e)
{
    (void)user;
    if (e->type == NOEX_EVENT_REQUEST)
        check(noex_return(serving, e->process, argument(e, 0)));
}

static void fn_add(void *user, const struct noex_event *e)
{
    static const uint8_t badarith[] = {119, 8, 'b', 'a', 'd', 'a', 'r', 'i', 't', 'h'};
    const struct noex_term reason = {badarith, sizeof badarith};
    int64_t a, b;
    noex_builder *sum;
    (void)user;
    if (e->type != NOEX_EVENT_REQUEST)
        return;
    if (noex_term_int64(argument(e, 0), &a) || noex_term_int64(argument(e, 1), &b)) {
        check(noex_raise(serving, e->process, NOEX_RAISE_ERROR, reason));
        return;
    }
    check(noex_builder_new(&sum, NULL));
    noex_build_int64(sum, a + b);
    check(noex_return(serving, e->process, term_of(sum)));
    noex_builder_free(sum);
}

static void fn_self(void *user, const struct noex_event *e)
{
    noex_builder *b;
    (void)user;
    if (e->type != NOEX_EVENT_REQUEST)
        return;
    check(noex_builder_new(&b, NULL));
    noex_build_pid(b, noex_node_name(serving), e->process);
    check(noex_return(serving, e->process, term_of(b)));
    noex_builder_free(b);
}

static void fn_raise(void *user, const struct noex_event *e)
{
    (void)user;
    if (e->type != NOEX_EVENT_REQUEST)
        return;
    struct noex_term class = argument(e, 0);
    enum noex_raise raise = noex_term_is_atom(class, "throw")  ? NOEX_RAISE_THROW
                            : noex_term_is_atom(class, "exit") ? NOEX_RAISE_EXIT
                                                               : NOEX_RAISE_ERROR;
    check(noex_raise(serving, e->process, raise, argument(e, 1)));
}

static void fn_die(void *user, const struct noex_event *e)
{
    (void)user;
    if (e->type == NOEX_EVENT_REQUEST)
        check(noex_process_exit(serving, e->process, argument(e, 0)));
}

static void fn_hold(void *user, const struct noex_event *e)
{
    (void)user;
    if (e->type == NOEX_EVENT_REQUEST)
        hold(e);
}

int calls_serve(noex_node *node)
{
    static const struct {
        const char *name;
        uint32_t arity;
        noex_event_fn run;
    } functions[] = {{"echo", 1, fn_echo},   {"add", 2, fn_add}, {"self", 0, fn_self},
                     {"raise", 2, fn_raise}, {"die", 1, fn_die}, {"hold", 0, fn_hold}};
    serving = node;
    int rc = 0;
    for (size_t i = 0; i < sizeof functions / sizeof *functions && !rc; i++)
        rc = noex_serve(node, "c_node", functions[i].name, functions[i].arity, functions[i].run,
                        NULL);
    return rc;
}

void calls_free(void)
{
    while (askers)
        asker_free(askers);
    while (held) {
        struct held *h = held;
        held = h->next;
        noex_builder_free(h->caller);
        free(h);
    }
}

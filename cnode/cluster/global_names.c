/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/global_names.h"

#include "cluster/cluster.h"
#include "cluster/targets.h"

enum { ASK_TIMEOUT_MS = 5000, NAME_MAX_LEN = 255 };

/* A name that this node has registered. */
struct nx_global_name {
    struct nx_global_name *next;
    uint64_t number; /* in the order of registering */
    struct noex_pid pid;
    size_t len;
    uint8_t term[];
};

/* What is asked of `global`, step by step. */
enum step {
    WHEREIS,    /* global:whereis_name: the question itself */
    REGISTER,   /* global:register_name */
    HOLDER,     /* whereis_name, after register_name said no */
    MINE,       /* whereis_name, before unregister_name */
    UNREGISTER, /* global:unregister_name */
    NAMES,      /* global:registered_names */
    SYNC,       /* global:info: what it was told before is done then */
    HEAL,       /* whereis_name, of a name that this node has */
    HEAL_AGAIN  /* register_name, where that was undefined */
};

struct ask {
    struct nx_op op;
    enum step step;
    bool must_be;                /* whereis: nobody is an error */
    bool only;                   /* this member, no other */
    struct nx_member *of;        /* is asked */
    uint64_t connection;         /* which of its */
    struct noex_ref ref;         /* REGISTER: the process */
    uint64_t healed;             /* HEAL: the number of the last name that was looked at */
    noex_timer_id timer;         /* nobody can be asked: says so in the next turn */
    struct nx_global_name *name; /* an own one: of what is asked */
};

static void on_answer(struct nx_op *op, const struct noex_event *event);
static void release(struct nx_op *op);

static const struct nx_op_kind kind = {
    .size = sizeof(struct ask), .on_event = on_answer, .release = release};

static void release(struct nx_op *op)
{
    struct ask *a = (struct ask *)op;
    if (a->timer && op->cluster->node)
        noex_timer_cancel(op->cluster->node, a->timer);
    nx_free(&op->cluster->alloc, a->name);
}

static void over(struct ask *a)
{
    nx_op_end(&a->op);
}

static struct noex_term name_term(const struct ask *a)
{
    return a->name ? (struct noex_term){a->name->term, a->name->len} : (struct noex_term){NULL, 0};
}

/* ---- the names of this node ---- */

static struct nx_global_name *name_new(noex_cluster *cluster, struct noex_term term)
{
    struct nx_global_name *n = nx_calloc(&cluster->alloc, 1, sizeof *n + term.len);
    if (!n)
        return NULL;
    n->len = term.len;
    memcpy(n->term, term.bytes, term.len);
    return n;
}

static struct nx_global_name **find(noex_cluster *cluster, struct noex_term term)
{
    struct nx_global_name **at = &cluster->names;
    while (*at && ((*at)->len != term.len || memcmp((*at)->term, term.bytes, term.len) != 0))
        at = &(*at)->next;
    return at;
}

static void forget(noex_cluster *cluster, struct nx_global_name **at)
{
    struct nx_global_name *n = *at;
    if (!n)
        return;
    *at = n->next;
    nx_free(&cluster->alloc, n);
    cluster->global_stats.local_registrations--;
}

/* The ask's own record becomes one of the list. */
static void keep(struct ask *a)
{
    noex_cluster *cluster = a->op.cluster;
    struct nx_global_name **at = find(cluster, name_term(a));
    uint64_t last = 0;
    if (*at) {
        (*at)->pid = a->ref.pid;
        return;
    }
    for (at = &cluster->names; *at; at = &(*at)->next)
        last = (*at)->number;
    a->name->number = last + 1;
    a->name->pid = a->ref.pid;
    *at = a->name;
    a->name = NULL;
    cluster->global_stats.local_registrations++;
    cluster->global_stats.total_registrations++;
}

void nx_global_names_process_ended(noex_cluster *cluster, const struct noex_pid *pid)
{
    struct nx_global_name **at = &cluster->names;
    while (*at) {
        if ((*at)->pid.id == pid->id && (*at)->pid.serial == pid->serial)
            forget(cluster, at);
        else
            at = &(*at)->next;
    }
}

void nx_global_names_drop(noex_cluster *cluster)
{
    while (cluster->names)
        forget(cluster, &cluster->names);
}

/* ---- asking ---- */

static int build_args(struct ask *a, noex_builder *b)
{
    noex_build_list(b);
    if (a->step != NAMES && a->step != SYNC)
        noex_build_term(b, name_term(a));
    if (a->step == REGISTER || a->step == HEAL_AGAIN)
        noex_build_pid(b, a->op.cluster->id, &a->ref.pid);
    return noex_build_end(b);
}

static const char *function_of(enum step step)
{
    switch (step) {
    case REGISTER:
    case HEAL_AGAIN:
        return "register_name";
    case UNREGISTER:
        return "unregister_name";
    case NAMES:
        return "registered_names";
    case SYNC:
        return "info";
    case WHEREIS:
    case HOLDER:
    case MINE:
    case HEAL:
        break;
    }
    return "whereis_name";
}

static int call(struct ask *a)
{
    noex_cluster *cluster = a->op.cluster;
    noex_builder *b;
    struct noex_term args;
    noex_call_id id;
    int rc = noex_builder_new(&b, &cluster->alloc);
    if (rc)
        return nx_fail(&cluster->last_error, rc, NULL);
    build_args(a, b);
    rc = noex_builder_term(b, &args);
    rc = rc ? nx_fail(&cluster->last_error, rc, NULL)
            : noex_rpc(cluster->node, a->of->name, "global", function_of(a->step), args,
                       ASK_TIMEOUT_MS, NULL, &id);
    if (rc && !cluster->last_error.code)
        nx_cluster_fail_node(cluster, rc);
    if (!rc)
        nx_op_set_call(&a->op, id);
    a->connection = a->of->connection;
    noex_builder_free(b);
    return rc;
}

/* The next that may run `global`, behind the one that was asked. */
static struct nx_member *next_member(const struct ask *a)
{
    struct nx_member *m = nx_member_next_connected(a->op.cluster, a->of);
    while (m && m->global == NX_GLOBAL_NO)
        m = nx_member_next_connected(a->op.cluster, m);
    return m;
}

static void fail_last(struct ask *a)
{
    const struct noex_error error = a->op.cluster->last_error;
    nx_op_answer(&a->op, &(struct noex_result){.error = &error});
    over(a);
}

static void ask_next(struct ask *a)
{
    a->of = a->only ? NULL : next_member(a);
    if (!a->of) {
        nx_op_fail(&a->op, NOEX_ENOGLOBAL, NULL,
                   "no node is connected that runs Erlang's global: C nodes alone have none");
        over(a);
    } else if (call(a)) {
        fail_last(a);
    }
}

static void go_on(struct ask *a, enum step step)
{
    a->step = step;
    if (call(a))
        fail_last(a);
}

/* ---- answers ---- */

static bool is_own(const struct ask *a, const struct noex_ref *ref)
{
    return strcmp(ref->node, a->op.cluster->id) == 0;
}

static void found(struct ask *a, struct noex_term term)
{
    struct noex_ref ref;
    if (nx_ref_read(term, &ref))
        nx_op_answer(&a->op, &(struct noex_result){.process = &ref, .node = ref.node});
    else if (a->must_be)
        nx_op_fail(&a->op, NOEX_ENONAME, NULL, "nobody has the name in global");
    else
        nx_op_answer(&a->op, &(struct noex_result){.node = NULL});
    over(a);
}

static void registered(struct ask *a)
{
    noex_cluster *cluster = a->op.cluster;
    const struct noex_ref ref = a->ref;
    if (!nx_server_find(cluster, &ref.pid) && !noex_process_is_alive(cluster->node, &ref.pid)) {
        /* `global` has seen that, too. */
        nx_op_fail(&a->op, NOEX_ENOPROC, cluster->id, "the process has ended meanwhile");
    } else {
        keep(a);
        nx_op_answer(&a->op, &(struct noex_result){.process = &ref, .node = cluster->id});
    }
    over(a);
}

static void conflict(struct ask *a, struct noex_term term)
{
    struct noex_error error = {.code = NOEX_ENAMETAKEN};
    struct noex_ref holder;
    bool known = nx_ref_read(term, &holder);
    if (known && is_own(a, &holder) && holder.pid.id == a->ref.pid.id &&
        holder.pid.serial == a->ref.pid.serial) {
        registered(a);
        return;
    }
    a->op.cluster->global_stats.conflicts++;
    error = (struct noex_error){0};
    nx_fail(&error, NOEX_ENAMETAKEN, "a process of %s has this name in global",
            known ? holder.node : "another node");
    nx_op_answer(&a->op, &(struct noex_result){.error = &error,
                                               .process = known ? &holder : NULL,
                                               .node = known ? holder.node : NULL});
    over(a);
}

static void unregister(struct ask *a, struct noex_term term)
{
    struct noex_ref holder;
    if (nx_ref_read(term, &holder) && is_own(a, &holder)) {
        go_on(a, UNREGISTER);
        return;
    }
    nx_op_answer(&a->op, &(struct noex_result){.node = NULL});
    over(a);
}

static void unregistered(struct ask *a)
{
    forget(a->op.cluster, find(a->op.cluster, name_term(a)));
    nx_op_answer(&a->op, &(struct noex_result){.node = NULL});
    over(a);
}

/* ---- healing ---- */

/* Takes a copy of the next name of this node, and asks the member whether it knows it. */
static void heal_next(struct ask *a)
{
    noex_cluster *cluster = a->op.cluster;
    struct nx_global_name *n = cluster->names;
    while (n && n->number <= a->healed)
        n = n->next;
    nx_free(&cluster->alloc, a->name);
    a->name = n ? name_new(cluster, (struct noex_term){n->term, n->len}) : NULL;
    if (!a->name) {
        over(a);
        return;
    }
    a->healed = n->number;
    a->ref.pid = n->pid;
    go_on(a, HEAL);
}

static void heal(struct ask *a, struct noex_term term)
{
    struct noex_ref holder;
    noex_cluster *cluster = a->op.cluster;
    if (noex_term_is_atom(term, "undefined")) {
        go_on(a, HEAL_AGAIN);
        return;
    }
    if (nx_ref_read(term, &holder) && !is_own(a, &holder) && *find(cluster, name_term(a))) {
        forget(cluster, find(cluster, name_term(a)));
        cluster->global_stats.lost++;
    }
    heal_next(a);
}

static void on_reply(struct ask *a, struct noex_term term)
{
    switch (a->step) {
    case WHEREIS:
        found(a, term);
        break;
    case REGISTER:
        if (noex_term_is_atom(term, "yes"))
            registered(a);
        else
            go_on(a, HOLDER);
        break;
    case HOLDER:
        conflict(a, term);
        break;
    case MINE:
        unregister(a, term);
        break;
    case UNREGISTER:
        unregistered(a);
        break;
    case NAMES:
        nx_op_answer(&a->op, &(struct noex_result){.term = term, .node = a->of->name});
        over(a);
        break;
    case SYNC:
        heal_next(a);
        break;
    case HEAL:
        heal(a, term);
        break;
    case HEAL_AGAIN:
        a->op.cluster->global_stats.healed += noex_term_is_atom(term, "yes");
        heal_next(a);
        break;
    }
}

/* There is no `global`: it refuses all functions, or knows none of that name. */
static bool says_no_global(const struct noex_event *event)
{
    struct noex_term class, reason;
    if (event->error->code == NOEX_ENOTSUP)
        return true;
    return event->error->code == NOEX_EEXCEPTION &&
           noex_term_element(noex_event_term(event), 0, &class) == 0 &&
           noex_term_is_atom(class, "error") &&
           noex_term_element(noex_event_term(event), 1, &reason) == 0 &&
           noex_term_is_atom(reason, "undef");
}

static void on_answer(struct nx_op *op, const struct noex_event *event)
{
    struct ask *a = (struct ask *)op;
    bool same = a->of->connected && a->of->connection == a->connection;
    if (event->type == NOEX_EVENT_REPLY) {
        if (same)
            a->of->global = NX_GLOBAL_YES;
        on_reply(a, noex_event_term(event));
        return;
    }
    bool none = says_no_global(event);
    if (none && same)
        a->of->global = NX_GLOBAL_NO;
    if (none || noex_error_class(event->error->code) == NOEX_CLASS_REACH) {
        ask_next(a);
        return;
    }
    nx_op_fail_event(op, event);
    over(a);
}

void nx_global_names_heal(noex_cluster *cluster, struct nx_member *member)
{
    if (!cluster->names)
        return;
    struct ask *a = (struct ask *)nx_op_new(cluster, &kind, &(struct nx_asker){NULL, NULL, NULL});
    if (!a)
        return;
    a->only = true;
    a->of = member;
    go_on(a, SYNC);
}

/* ---- the functions of the API ---- */

static void on_nobody(void *user, noex_timer_id id)
{
    struct ask *a = user;
    (void)id;
    a->timer = 0;
    ask_next(a); /* somebody may be there by now */
}

static int begin_to_ask(struct ask *a)
{
    noex_cluster *cluster = a->op.cluster;
    a->of = next_member(a);
    if (a->of)
        return call(a);
    int rc = noex_timer_start(cluster->node, 0, on_nobody, a, &a->timer);
    return rc ? nx_cluster_fail_node(cluster, rc) : 0;
}

/* Begins to ask. `name` NULL: without one. */
static int ask(noex_cluster *cluster, enum step step, const struct noex_term *name,
               const struct nx_asker *asker, const struct noex_ref *ref, bool must_be)
{
    struct ask *a = (struct ask *)nx_op_new(cluster, &kind, asker);
    if (!a)
        return nx_fail(&cluster->last_error, NOEX_ENOMEM, NULL);
    a->step = step;
    a->must_be = must_be;
    if (ref)
        a->ref = *ref;
    a->name = name ? name_new(cluster, *name) : NULL;
    if (name && !a->name) {
        nx_op_drop(&a->op);
        return nx_fail(&cluster->last_error, NOEX_ENOMEM, NULL);
    }
    int rc = begin_to_ask(a);
    if (rc)
        nx_op_drop(&a->op);
    return rc;
}

/* A name in UTF-8, as the binary that it is in `global`. */
struct text_name {
    uint8_t bytes[5 + NAME_MAX_LEN];
    struct noex_term term;
};

static int text_name(noex_cluster *cluster, const char *text, struct text_name *out)
{
    enum { BINARY_EXT = 109 };
    size_t len = strlen(text);
    if (len < 1 || len > NAME_MAX_LEN)
        return nx_fail(&cluster->last_error, NOEX_EINVALID,
                       "a name in global has 1 to %d bytes, not %zu", NAME_MAX_LEN, len);
    out->bytes[0] = BINARY_EXT;
    memset(out->bytes + 1, 0, 3);
    out->bytes[4] = (uint8_t)len;
    memcpy(out->bytes + 5, text, len);
    out->term = (struct noex_term){out->bytes, len + 5};
    return 0;
}

static int ask_text(noex_cluster *cluster, const char *what, enum step step, const char *name,
                    const struct nx_asker *asker, bool must_be)
{
    struct text_name n;
    int rc = nx_cluster_begin_running(cluster, name != NULL, what);
    rc = rc ? rc : text_name(cluster, name, &n);
    return rc ? rc : ask(cluster, step, &n.term, asker, NULL, must_be);
}

static int check_own(noex_cluster *cluster, const struct noex_ref *process)
{
    if (strcmp(process->node, cluster->id) == 0 &&
        noex_process_is_alive(cluster->node, &process->pid))
        return 0;
    return nx_fail(&cluster->last_error, NOEX_ENOPROC, "no such process runs on this node");
}

int noex_global_register(noex_cluster *cluster, const char *name, const struct noex_ref *process,
                         noex_done_fn done, void *user, noex_op *op)
{
    struct text_name n;
    int rc = nx_cluster_begin_running(cluster, name && process, "noex_global_register");
    rc = rc ? rc : text_name(cluster, name, &n);
    rc = rc ? rc : check_own(cluster, process);
    return rc ? rc
              : ask(cluster, REGISTER, &n.term, &(struct nx_asker){done, user, op}, process, false);
}

int noex_global_register_term(noex_cluster *cluster, struct noex_term name,
                              const struct noex_ref *process, noex_done_fn done, void *user,
                              noex_op *op)
{
    int rc = nx_cluster_begin_running(cluster, process != NULL, "noex_global_register_term");
    rc = rc ? rc : noex_term_check(name, &cluster->last_error);
    rc = rc ? rc : check_own(cluster, process);
    return rc ? rc
              : ask(cluster, REGISTER, &name, &(struct nx_asker){done, user, op}, process, false);
}

int noex_global_unregister(noex_cluster *cluster, const char *name, noex_done_fn done, void *user,
                           noex_op *op)
{
    return ask_text(cluster, "noex_global_unregister", MINE, name,
                    &(struct nx_asker){done, user, op}, false);
}

int noex_global_whereis(noex_cluster *cluster, const char *name, noex_done_fn done, void *user,
                        noex_op *op)
{
    return ask_text(cluster, "noex_global_whereis", WHEREIS, name,
                    &(struct nx_asker){done, user, op}, false);
}

int noex_global_lookup(noex_cluster *cluster, const char *name, noex_done_fn done, void *user,
                       noex_op *op)
{
    return ask_text(cluster, "noex_global_lookup", WHEREIS, name,
                    &(struct nx_asker){done, user, op}, true);
}

int noex_global_whereis_term(noex_cluster *cluster, struct noex_term name, noex_done_fn done,
                             void *user, noex_op *op)
{
    int rc = nx_cluster_begin_running(cluster, true, "");
    rc = rc ? rc : noex_term_check(name, &cluster->last_error);
    return rc ? rc : ask(cluster, WHEREIS, &name, &(struct nx_asker){done, user, op}, NULL, false);
}

int noex_global_names(noex_cluster *cluster, noex_done_fn done, void *user, noex_op *op)
{
    int rc = nx_cluster_begin_running(cluster, true, "");
    return rc ? rc : ask(cluster, NAMES, NULL, &(struct nx_asker){done, user, op}, NULL, false);
}

bool noex_global_is_mine(const noex_cluster *cluster, const char *name)
{
    if (!cluster || !name)
        return false;
    size_t len = strlen(name);
    const struct nx_global_name *n = cluster->names;
    for (; n; n = n->next)
        if (n->len == len + 5 && n->term[0] == 109 && memcmp(n->term + 5, name, len) == 0)
            return true;
    return false;
}

void noex_global_get_stats(const noex_cluster *cluster, struct noex_global_stats *stats,
                           size_t size)
{
    if (stats)
        memset(stats, 0, size);
    if (cluster && stats)
        memcpy(stats, &cluster->global_stats, size < sizeof *stats ? size : sizeof *stats);
}

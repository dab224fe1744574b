/* gen_server:start/3 and /4 for other nodes. SPDX-License-Identifier: Apache-2.0 */
#include "cluster/cluster.h"
#include "cluster/remote_spawn.h"
#include "cluster/server_start.h"

/* A request that is being answered: its process waits for the server's start. */
struct nx_request {
    struct nx_request *prev; /* all of the cluster */
    struct nx_request *next;
    noex_cluster *cluster;
    noex_builder *answer;
    struct noex_pid process;
    char name[NOEX_ATOM_SIZE]; /* local */
};

/* What was asked for. */
struct wanted {
    const char *local;
    struct noex_term global;
    struct noex_term module;
    struct noex_term args;
    struct noex_term options;
};

static struct nx_request *request_new(noex_cluster *cluster, const struct noex_pid *process)
{
    struct nx_request *r = nx_calloc(&cluster->alloc, 1, sizeof *r);
    if (!r)
        return NULL;
    r->cluster = cluster;
    r->process = *process;
    if (noex_builder_new(&r->answer, &cluster->alloc)) {
        nx_free(&cluster->alloc, r);
        return NULL;
    }
    r->next = cluster->requests;
    if (r->next)
        r->next->prev = r;
    cluster->requests = r;
    return r;
}

static void request_free(struct nx_request *r)
{
    *(r->prev ? &r->prev->next : &r->cluster->requests) = r->next;
    if (r->next)
        r->next->prev = r->prev;
    noex_builder_free(r->answer);
    nx_free(&r->cluster->alloc, r);
}

void nx_spawn_service_free(noex_cluster *cluster)
{
    while (cluster->requests)
        request_free(cluster->requests);
}

/* Sends what was built. Whoever asked may be gone; without memory its time is over. */
static void finish(struct nx_request *r)
{
    struct noex_term term;
    if (r->cluster->node && noex_builder_term(r->answer, &term) == 0)
        nx_ignored(noex_return(r->cluster->node, &r->process, term));
    request_free(r);
}

static noex_builder *begin_error(struct nx_request *r)
{
    noex_builder_clear(r->answer);
    noex_build_tuple(r->answer);
    noex_build_atom(r->answer, "error");
    return r->answer;
}

/* {error, {already_started, Pid}} */
static void refuse_name(struct nx_request *r, const struct noex_ref *holder)
{
    noex_builder *b = begin_error(r);
    noex_build_tuple(b);
    noex_build_atom(b, "already_started");
    if (holder)
        noex_build_pid(b, holder->node, &holder->pid);
    else
        noex_build_atom(b, "undefined");
    noex_build_end(b);
    noex_build_end(b);
    finish(r);
}

static void refuse(struct nx_request *r, int code, struct noex_term reason)
{
    noex_builder *b = begin_error(r);
    if (reason.len)
        noex_build_term(b, reason);
    else if (code == NOEX_ECALLTIMEOUT)
        noex_build_atom(b, "timeout");
    else
        noex_build_binary(b, noex_error_text(code), strlen(noex_error_text(code)));
    noex_build_end(b);
    finish(r);
}

/* {error, {undef, [{Module, init, [Args], []}]}}: what a BEAM says of a module it has not. */
static void refuse_module(struct nx_request *r, const struct wanted *w)
{
    noex_builder *b = begin_error(r);
    noex_build_tuple(b);
    noex_build_atom(b, "undef");
    noex_build_list(b);
    noex_build_tuple(b);
    noex_build_term(b, w->module);
    noex_build_atom(b, "init");
    noex_build_list(b);
    noex_build_term(b, w->args);
    noex_build_end(b);
    noex_build_nil(b);
    noex_build_end(b);
    noex_build_end(b);
    noex_build_end(b);
    noex_build_end(b);
    finish(r);
}

static void on_started(void *user, const struct noex_result *result)
{
    struct nx_request *r = user;
    noex_builder *b = r->answer;
    if (result->error && result->error->code == NOEX_ENAMETAKEN) {
        refuse_name(r, result->process);
        return;
    }
    if (result->error) {
        refuse(r, result->error->code, result->term);
        return;
    }
    noex_builder_clear(b);
    noex_build_tuple(b);
    noex_build_atom(b, "ok");
    noex_build_pid(b, result->process->node, &result->process->pid);
    noex_build_end(b);
    finish(r);
}

/* ---- what was asked for ---- */

/* {local, Name}, {global, Name} */
static bool take_name(struct nx_request *r, struct noex_term name, struct wanted *w)
{
    struct noex_term how, what;
    if (noex_term_element(name, 0, &how) || noex_term_element(name, 1, &what))
        return false;
    if (noex_term_is_atom(how, "local")) {
        w->local = r->name;
        return noex_term_atom(what, r->name, sizeof r->name) > 0;
    }
    w->global = what;
    return noex_term_is_atom(how, "global");
}

static bool take_args(struct nx_request *r, struct noex_term list, struct wanted *w)
{
    struct noex_items items;
    struct noex_term name;
    uint64_t count;
    if (noex_term_size(list, &count) || noex_term_items(list, &items))
        return false;
    if (count == 4 && (!noex_items_next(&items, &name) || !take_name(r, name, w)))
        return false;
    return noex_items_next(&items, &w->module) && noex_items_next(&items, &w->args) &&
           noex_items_next(&items, &w->options);
}

static uint64_t init_timeout(struct noex_term options)
{
    struct noex_items items;
    struct noex_term option, key, value;
    uint64_t ms = UINT64_MAX / 4; /* as gen_server does: none */
    if (noex_term_items(options, &items))
        return ms;
    while (noex_items_next(&items, &option))
        if (noex_term_element(option, 0, &key) == 0 && noex_term_is_atom(key, "timeout") &&
            noex_term_element(option, 1, &value) == 0)
            nx_ignored(noex_term_uint64(value, &ms));
    return ms;
}

static void start(struct nx_request *r, const struct wanted *w)
{
    noex_cluster *cluster = r->cluster;
    char name[NOEX_ATOM_SIZE];
    const struct noex_behavior *behavior = NULL;
    struct noex_gen_server_options o;
    const struct nx_start_extra extra = {.global_name = w->global, .reason = r->answer};
    if (noex_term_atom(w->module, name, sizeof name) > 0)
        behavior = noex_behavior_get(cluster, name);
    if (!behavior) {
        refuse_module(r, w);
        return;
    }
    noex_gen_server_options_init(&o);
    o.name = w->local;
    o.args = w->args;
    o.init_timeout_ms = init_timeout(w->options);
    o.done = on_started;
    o.user = r;
    int rc = nx_server_start(cluster, behavior, &o, &extra, NULL, NULL);
    if (rc == NOEX_ENAMETAKEN) {
        struct noex_ref holder;
        memcpy(holder.node, cluster->id, sizeof holder.node);
        bool known = noex_whereis(cluster->node, w->local, &holder.pid) == 0;
        refuse_name(r, known ? &holder : NULL);
    } else if (rc == NOEX_EINIT) {
        struct noex_term reason;
        noex_builder *built = r->answer;
        if (noex_builder_new(&r->answer, &cluster->alloc))
            r->answer = NULL;
        bool whole = r->answer && noex_builder_term(built, &reason) == 0;
        refuse(r, rc, whole ? reason : (struct noex_term){NULL, 0});
        noex_builder_free(built);
    } else if (rc) {
        refuse(r, rc, (struct noex_term){NULL, 0});
    }
}

static void on_request(void *user, const struct noex_event *event)
{
    noex_cluster *cluster = user;
    struct wanted w = {.local = NULL};
    if (event->type != NOEX_EVENT_REQUEST)
        return;
    struct nx_request *r = request_new(cluster, event->process);
    if (!r)
        return;
    if (!take_args(r, noex_event_term(event), &w)) {
        uint8_t bytes[16];
        nx_ignored(noex_raise(cluster->node, event->process, NOEX_RAISE_ERROR,
                              nx_atom_term(bytes, sizeof bytes, "badarg")));
        finish(r);
    } else {
        start(r, &w);
    }
}

int nx_remote_spawn_serve(noex_cluster *cluster)
{
    int rc = noex_serve(cluster->node, "gen_server", "start", 3, on_request, cluster);
    return rc ? rc : noex_serve(cluster->node, "gen_server", "start", 4, on_request, cluster);
}

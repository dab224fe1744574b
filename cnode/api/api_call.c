/* SPDX-License-Identifier: Apache-2.0 */
#include <noex/noex.h>

#include "api/api.h"
#include "base/sized.h"
#include "node/calls.h"
#include "node/serving.h"
#include "node/spawns.h"
#include "term/read.h"
#include <stddef.h>

enum { TIMEOUT_MS = 5000 }; /* as in Erlang */

_Static_assert(sizeof(struct noex_spawn_options) ==
                   offsetof(struct noex_spawn_options, monitor) + sizeof(uint32_t),
               "struct noex_spawn_options has no tail padding");

static uint64_t deadline(noex_node *node, uint64_t timeout_ms)
{
    if (timeout_ms == UINT64_MAX)
        return UINT64_MAX;
    nx_loop_update(node->loop);
    uint64_t now = nx_loop_now(node->loop), ms = timeout_ms ? timeout_ms : TIMEOUT_MS;
    return ms < UINT64_MAX - now ? now + ms : UINT64_MAX;
}

static struct nx_span span_of(struct noex_term term)
{
    return nx_span(term.bytes, term.len);
}

/* The process that asks; `*out` NULL: the node itself. */
static int asker(noex_node *node, const struct noex_pid *from, struct nx_proc **out,
                 struct noex_error *err)
{
    *out = from ? nx_api_process(node, from) : NULL;
    return from && !*out ? nx_api_no_process(err, from) : 0;
}

static int failed(noex_node *node, const struct nx_peer *p, int rc, struct noex_error *err)
{
    if (rc == NOEX_EUNREAD)
        return nx_peer_unread(p, err);
    if (rc == NOEX_ELIMIT && p)
        return nx_fail(err, rc, "out_max: this alone is more than %zu bytes",
                       node->options.out_max);
    if (rc == NOEX_ELIMIT)
        return nx_fail(err, rc, "mail_max: %zu bytes of messages wait already",
                       node->letters.bytes);
    return nx_fail(err, rc, NULL);
}

/* ---- calls ---- */

int noex_call(noex_node *node, const struct noex_pid *from, const struct noex_target *to,
              struct noex_term request, uint64_t timeout_ms, void *user, noex_call_id *id)
{
    struct nx_address address;
    uint32_t slot;
    if (!node)
        return NOEX_EINVALID;
    struct noex_error *err = nx_api_begin(node);
    struct nx_call call = {.to = &address, .request = span_of(request), .user = user};
    if (!to || !id)
        return nx_fail(err, NOEX_EINVALID, "noex_call: an argument is NULL");
    int rc = asker(node, from, &call.from, err);
    rc = rc ? rc : nx_address_of(node, to, &address, err);
    rc = rc ? rc : nx_api_check_term(request, err);
    if (rc)
        return rc;
    call.deadline_ms = deadline(node, timeout_ms);
    nx_loop_kick(node->loop);
    rc = nx_call_start(node, &call, &slot);
    if (rc)
        return failed(node, address.peer, rc, err);
    *id = nx_pending_id(nx_pending_at(node->pendings, slot), slot);
    return 0;
}

int noex_call_cancel(noex_node *node, noex_call_id id)
{
    if (!node)
        return NOEX_EINVALID;
    if (nx_pending_find(node->pendings, (uint32_t)id, (uint32_t)(id >> 32)))
        nx_pending_cancel(node->pendings, (uint32_t)id);
    nx_loop_kick(node->loop);
    return 0;
}

int noex_cast(noex_node *node, const struct noex_pid *from, const struct noex_target *to,
              struct noex_term message)
{
    struct nx_buf cast;
    if (!node)
        return NOEX_EINVALID;
    nx_buf_init(&cast, &node->alloc, SIZE_MAX / 4);
    int rc = nx_gen_write_cast(&cast, span_of(message));
    struct noex_term term = {cast.data, nx_buf_len(&cast)};
    /* The tuple is whole where the message is. */
    rc = rc ? nx_fail(nx_api_begin(node), rc, NULL) : noex_send(node, from, to, term);
    nx_buf_free(&cast);
    return rc;
}

int noex_reply(noex_node *node, const struct noex_pid *process, struct noex_term caller,
               struct noex_term reply)
{
    struct nx_proc *proc;
    struct noex_error *err;
    int rc = nx_api_process_call(node, process, "noex_reply", &proc, &err);
    rc = rc ? rc : nx_api_check_term(caller, err);
    rc = rc ? rc : nx_api_check_term(reply, err);
    if (rc)
        return rc;
    nx_loop_update(node->loop);
    nx_loop_kick(node->loop);
    return nx_fail(err, nx_call_answer(node, proc, span_of(caller), span_of(reply), err), NULL);
}

/* ---- functions of other nodes ---- */

static int check_atom(const char *name, struct noex_error *err)
{
    uint8_t bytes[3 + NX_ATOM_CHARS_MAX * 4];
    struct nx_buf b;
    nx_buf_fixed(&b, bytes, sizeof bytes);
    if (name && nx_atom_write(&b, nx_span_str(name)) == 0)
        return 0;
    return nx_fail(err, NOEX_EINVALID, "the name of a module or function is NULL or no atom");
}

static int check_args(struct noex_term args, struct noex_error *err)
{
    uint64_t unused;
    int rc = nx_api_check_term(args, err);
    if (!rc && !nx_read_list_len(span_of(args), &unused))
        rc = nx_fail(err, NOEX_ETERM, "the arguments are no list");
    return rc;
}

/* What asking a function of another node has in common, spawned or called. */
static int start(noex_node *node, const char *where, struct nx_spawn *s, struct noex_term args,
                 noex_call_id *id, struct noex_error *err)
{
    struct nx_node_name name;
    uint32_t slot;
    int rc = check_atom(s->module, err);
    rc = rc ? rc : check_atom(s->function, err);
    rc = rc ? rc : check_args(args, err);
    rc = rc ? rc : nx_node_name_parse(where, &name, err);
    rc = rc ? rc : nx_node_peer(node, &name, &s->peer, err);
    if (rc)
        return rc;
    s->args = span_of(args);
    nx_loop_kick(node->loop);
    rc = nx_spawn_start(s, &slot);
    if (rc)
        return failed(node, s->peer, rc, err);
    *id = nx_pending_id(nx_pending_at(node->pendings, slot), slot);
    return 0;
}

int noex_rpc(noex_node *node, const char *peer, const char *module, const char *function,
             struct noex_term args, uint64_t timeout_ms, void *user, noex_call_id *id)
{
    if (!node)
        return NOEX_EINVALID;
    struct noex_error *err = nx_api_begin(node);
    if (!peer || !id)
        return nx_fail(err, NOEX_EINVALID, "noex_rpc: an argument is NULL");
    struct nx_spawn s = {.kind = NX_PENDING_RPC,
                         .module = module,
                         .function = function,
                         .deadline_ms = deadline(node, timeout_ms),
                         .user = user};
    return start(node, peer, &s, args, id, err);
}

static const struct noex_spawn_options no_spawn = {0};

void noex_spawn_options_init_size(struct noex_spawn_options *spawn, size_t size)
{
    static const uint8_t nil[] = {106};
    struct noex_spawn_options s = no_spawn;
    s.args = (struct noex_term){nil, sizeof nil};
    nx_sized_init(spawn, size, &s, sizeof s);
}

int noex_spawn(noex_node *node, const struct noex_spawn_options *spawn, noex_call_id *id)
{
    struct noex_spawn_options in = no_spawn;
    if (!node)
        return NOEX_EINVALID;
    struct noex_error *err = nx_api_begin(node);
    if (!spawn || !id)
        return nx_fail(err, NOEX_EINVALID, "noex_spawn: an argument is NULL");
    if (spawn->size < offsetof(struct noex_spawn_options, process) || spawn->size > SIZE_MAX / 4)
        return nx_fail(err, NOEX_EINVALID,
                       "a struct of %zu bytes: noex_spawn_options_init fills it in", spawn->size);
    memcpy(&in, spawn, spawn->size < sizeof in ? spawn->size : sizeof in);
    if (!in.node || (in.link && !in.process))
        return nx_fail(err, NOEX_EINVALID, "noex_spawn: no node, or a link with no process");
    struct nx_spawn s = {.kind = NX_PENDING_SPAWN,
                         .module = in.module,
                         .function = in.function,
                         .link = in.link != 0,
                         .monitor = in.monitor != 0,
                         .deadline_ms = deadline(node, in.timeout_ms),
                         .user = in.user};
    int rc = asker(node, in.process, &s.from, err);
    return rc ? rc : start(node, in.node, &s, in.args, id, err);
}

/* ---- functions of this node ---- */

int noex_serve(noex_node *node, const char *module, const char *function, uint32_t arity,
               noex_event_fn on_event, void *user)
{
    if (!node)
        return NOEX_EINVALID;
    struct noex_error *err = nx_api_begin(node);
    if (!module || !function)
        return nx_fail(err, NOEX_EINVALID, "noex_serve: an argument is NULL");
    if (node->dynamic)
        return nx_fail(err, NOEX_ESTATE, "a node without a name of its own serves nothing");
    return nx_fail(err, nx_served_set(&node->served, module, function, arity, on_event, user),
                   NULL);
}

static int begin_end(noex_node *node, const struct noex_pid *process, struct noex_term term,
                     const char *what, struct nx_proc **proc, struct noex_error **err)
{
    int rc = nx_api_process_call(node, process, what, proc, err);
    rc = rc ? rc : nx_api_check_term(term, *err);
    if (!rc && !(*proc)->service)
        rc = nx_fail(*err, NOEX_ESTATE, "the process was made for no request");
    if (!rc)
        nx_loop_kick(node->loop);
    return rc;
}

int noex_return(noex_node *node, const struct noex_pid *process, struct noex_term value)
{
    struct nx_proc *proc;
    struct noex_error *err;
    int rc = begin_end(node, process, value, "noex_return", &proc, &err);
    return rc ? rc : nx_fail(err, nx_serve_return(node, proc, span_of(value)), NULL);
}

int noex_raise(noex_node *node, const struct noex_pid *process, enum noex_raise raise,
               struct noex_term reason)
{
    struct nx_proc *proc;
    struct noex_error *err;
    int rc = begin_end(node, process, reason, "noex_raise", &proc, &err);
    if (!rc && raise != NOEX_RAISE_ERROR && raise != NOEX_RAISE_EXIT && raise != NOEX_RAISE_THROW)
        rc = nx_fail(err, NOEX_EINVALID, "noex_raise: no class of exceptions");
    return rc ? rc : nx_fail(err, nx_serve_raise(node, proc, raise, span_of(reason)), NULL);
}

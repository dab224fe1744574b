/* SPDX-License-Identifier: Apache-2.0 */
#include "node/serving.h"

#include "base/alloc.h"
#include "node/exits.h"
#include "node/mail.h"
#include "node/sig.h"
#include "term/read.h"
#include "term/write.h"

static const struct nx_span nothing = {NULL, 0};

/* How the end of the process is told. */
enum form {
    PLAIN, /* spawn_request: as of any process */
    CALL,  /* erpc:call, rpc:call and their kin: by the reason */
    CAST   /* erpc:cast */
};

/* What a process serves: kept until it ends. */
struct nx_service {
    enum form form;
    uint32_t arity;
    size_t ref_len;
    size_t names_len;
    uint8_t bytes[]; /* CALL: the caller's reference; then module and function, as atoms */
};

/* A request taken apart. */
struct request {
    struct nx_peer *peer;
    const struct nx_ctrl *ctrl;
    const struct nx_pid *from;
    enum form form;
    struct nx_span ref;   /* CALL: that the result begins with */
    struct nx_span names; /* module and function, as they stand */
    struct nx_span module;
    struct nx_span function;
    struct nx_span args; /* any term */
    uint64_t arity;      /* its elements, where it is a list: */
    bool has_args;
    uint64_t flags; /* NX_SPAWN_*: what is to be set up */
};

/* ---- reading ---- */

static bool read_names(struct nx_rd *in, struct request *r)
{
    const uint8_t *start = in->p;
    if (!nx_read_atom(in, &r->module) || !nx_read_atom(in, &r->function))
        return false;
    r->names = nx_span(start, (size_t)(in->p - start));
    return true;
}

static void set_args(struct request *r, struct nx_span args)
{
    r->args = args;
    r->has_args = nx_read_list_len(args, &r->arity);
}

/* [Ref, M, F, Args] of execute_call/4, [M, F, Args] of execute_cast/3. */
static bool read_erpc(struct request *r, enum form form)
{
    struct nx_rd in = nx_rd(r->args);
    uint32_t count;
    struct nx_span args;
    if (!nx_read_list_head(&in, &count) || count != (form == CALL ? 4 : 3) ||
        (form == CALL && !nx_read_term(&in, &r->ref)) || !read_names(&in, r) ||
        !nx_read_term(&in, &args) || !nx_read_nil(&in))
        return false;
    r->form = form;
    set_args(r, args);
    return true;
}

static bool read_mfa(struct request *r, struct nx_span payload)
{
    struct nx_rd in = nx_rd(r->ctrl->arg[NX_ARG_MFA]);
    uint32_t arity;
    if (!nx_read_tuple_head(&in, &arity) || !read_names(&in, r))
        return false;
    set_args(r, payload);
    if (!nx_span_is(r->module, "erpc"))
        return r->has_args;
    if (nx_span_is(r->function, "execute_call"))
        return read_erpc(r, CALL);
    return nx_span_is(r->function, "execute_cast") && read_erpc(r, CAST);
}

/* Those that a BEAM takes; what they would say to its scheduler and its heaps means nothing here.
 */
static bool is_ignored_option(struct nx_rd option)
{
    static const char *const names[] = {"priority",        "min_heap_size", "min_bin_vheap_size",
                                        "fullsweep_after", "max_heap_size", "message_queue_data",
                                        "async_dist",      "scheduler"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (nx_read_atom_is(&option, names[i]))
            return true;
    return false;
}

static bool read_option(struct request *r, struct noex_term option)
{
    struct nx_rd in = nx_rd(nx_span(option.bytes, option.len));
    uint32_t arity;
    bool pair = nx_read_tuple_head(&in, &arity);
    if (pair && arity != 2)
        return false;
    if (nx_read_atom_is(&in, "link"))
        r->flags |= NX_SPAWN_LINK;
    else if (nx_read_atom_is(&in, "monitor"))
        r->flags |= NX_SPAWN_MONITOR;
    else
        return pair && is_ignored_option(in);
    return true;
}

static bool read_options(struct request *r)
{
    struct nx_span raw = r->ctrl->arg[NX_ARG_OPTS];
    struct noex_term options = {raw.ptr, raw.len}, option;
    struct noex_items items;
    if (noex_term_items(options, &items))
        return false;
    while (noex_items_next(&items, &option))
        if (!read_option(r, option))
            return false;
    return !items.error; /* that it is a proper list was checked */
}

/* ---- answering ---- */

/* A signal of the process that is spawned, so that its end comes behind it. */
static void reply(const struct request *r, uint32_t number, uint64_t flags, struct nx_span result)
{
    struct nx_ctrl c = {.op = NX_OP_SPAWN_REPLY};
    const uint8_t raw_flags[] = {97, (uint8_t)flags};
    c.arg[NX_ARG_REF] = r->ctrl->arg[NX_ARG_REF];
    c.arg[NX_ARG_TO] = r->ctrl->arg[NX_ARG_FROM];
    c.arg[NX_ARG_FLAGS] = nx_span(raw_flags, sizeof raw_flags);
    c.arg[NX_ARG_RESULT] = result;
    r->peer->node->stats.signals_answered++;
    nx_signal_answer(r->peer, number, &c, nothing);
}

static void refuse(const struct request *r, const char *why)
{
    uint8_t bytes[64];
    struct nx_buf b;
    nx_buf_fixed(&b, bytes, sizeof bytes);
    if (nx_write_atom(&b, why) == 0)
        reply(r, 0, 0, nx_buf_span(&b));
}

/* ---- a process that runs it ---- */

static struct nx_service *new_service(const noex_node *node, const struct request *r)
{
    size_t len = r->ref.len + r->names.len;
    struct nx_service *s = nx_alloc(&node->alloc, sizeof *s + len);
    if (!s)
        return NULL;
    s->form = r->form;
    s->arity = (uint32_t)r->arity;
    s->ref_len = r->ref.len;
    s->names_len = r->names.len;
    if (r->ref.len)
        memcpy(s->bytes, r->ref.ptr, r->ref.len);
    memcpy(s->bytes + r->ref.len, r->names.ptr, r->names.len);
    return s;
}

static int set_up(const struct request *r, struct nx_proc *proc)
{
    noex_node *node = r->peer->node;
    const struct noex_pid from = {r->from->id, r->from->serial, r->from->creation};
    const struct nx_link_key key = nx_link_key_of(proc, r->peer->index, &from);
    struct nx_ref ref;
    int rc = nx_proc_set_leader(node->procs, proc, r->ctrl->arg[NX_ARG_LEADER]);
    if (!rc && r->flags & NX_SPAWN_MONITOR)
        rc = nx_ref_parse(r->ctrl->arg[NX_ARG_REF], &ref)
                 ? nx_watcher_add(&node->watchers, proc->number, r->peer->index, r->from, &ref,
                                  nothing)
                 : NOEX_EINVALID;
    if (!rc && r->flags & NX_SPAWN_LINK)
        rc = nx_link_in(&node->links, &key);
    return rc;
}

/* The letter that tells the program: the REQUEST. */
static int tell_program(const struct request *r, struct nx_proc *proc)
{
    noex_node *node = r->peer->node;
    struct nx_letter *l;
    int rc = nx_letter_write(&node->letters, r->args, &l);
    if (rc)
        return rc;
    l->text.type = NOEX_EVENT_REQUEST;
    l->text.peer = r->peer->index;
    l->text.from = (struct noex_pid){r->from->id, r->from->serial, r->from->creation};
    l->text.has_from = true;
    nx_mail_post(node, proc, l);
    return 0;
}

static struct nx_span raw_pid(const struct request *r, const struct nx_proc *proc,
                              uint8_t bytes[NX_RAW_PID_SIZE])
{
    return nx_signal_pid(r->peer, proc->number, proc->slot.generation, bytes);
}

static void run(const struct request *r, const struct nx_served *served)
{
    noex_node *node = r->peer->node;
    const struct noex_process_options o = {
        .size = sizeof o, .on_event = served->on_event, .user = served->user};
    uint8_t pid[NX_RAW_PID_SIZE];
    struct nx_proc *proc;
    if (nx_process_make(node, &o, &proc)) {
        refuse(r, "system_limit");
        return;
    }
    proc->service = new_service(node, r);
    if (!proc->service || set_up(r, proc) || tell_program(r, proc)) {
        nx_process_unmake(node, proc);
        refuse(r, "system_limit");
        return;
    }
    reply(r, proc->number, r->flags, raw_pid(r, proc, pid));
}

/* ---- ends ---- */

static int put_head(struct nx_buf *out, size_t arity, struct nx_span ref, const char *class)
{
    int rc = nx_write_tuple_head(out, arity);
    if (!rc && ref.len)
        rc = nx_write_raw(out, ref);
    return rc ? rc : nx_write_atom(out, class);
}

/* [{M, F, ArityOrArgs, []}] */
static int put_stack(struct nx_buf *out, struct nx_span names, struct nx_span arity)
{
    int rc = nx_write_list_head(out, 1);
    rc = rc ? rc : nx_write_tuple_head(out, 4);
    rc = rc ? rc : nx_write_raw(out, names);
    rc = rc ? rc : nx_write_raw(out, arity);
    rc = rc ? rc : nx_write_nil(out);
    return rc ? rc : nx_write_nil(out);
}

/* {Ref, error, Reason, Stack}, {{exception, {Reason, Stack}}, Stack} or {Reason, Stack}. */
static int put_error(struct nx_buf *out, enum form form, struct nx_span ref, struct nx_span reason,
                     struct nx_span names, struct nx_span arity)
{
    int rc = 0;
    if (form == CALL) {
        rc = put_head(out, 4, ref, "error");
    } else if (form == CAST) {
        rc = nx_write_tuple_head(out, 2);
        rc = rc ? rc : put_head(out, 2, nothing, "exception");
        rc = rc ? rc : nx_write_tuple_head(out, 2);
    } else {
        rc = nx_write_tuple_head(out, 2);
    }
    rc = rc ? rc : nx_write_raw(out, reason);
    rc = rc ? rc : put_stack(out, names, arity);
    if (!rc && form == CAST)
        rc = put_stack(out, names, arity);
    return rc;
}

static struct nx_span ref_of(const struct nx_service *s)
{
    return nx_span(s->bytes, s->ref_len);
}

static int put_raised(struct nx_buf *out, const struct nx_service *s, enum noex_raise raise,
                      struct nx_span reason)
{
    const struct nx_span names = nx_span(s->bytes + s->ref_len, s->names_len);
    const uint8_t arity[] = {97, (uint8_t)s->arity};
    const struct nx_span raw_arity = nx_span(arity, sizeof arity);
    if (raise == NOEX_RAISE_ERROR)
        return put_error(out, s->form, ref_of(s), reason, names, raw_arity);
    int rc = 0;
    if (s->form == CALL) {
        rc = put_head(out, 3, ref_of(s), raise == NOEX_RAISE_EXIT ? "exit" : "throw");
        return rc ? rc : nx_write_raw(out, reason);
    }
    if (raise == NOEX_RAISE_EXIT)
        return nx_write_raw(out, reason);
    rc = nx_write_tuple_head(out, 2); /* {{nocatch, Reason}, Stack} */
    rc = rc ? rc : put_head(out, 2, nothing, "nocatch");
    rc = rc ? rc : nx_write_raw(out, reason);
    return rc ? rc : put_stack(out, names, raw_arity);
}

int nx_serve_return(noex_node *node, struct nx_proc *proc, struct nx_span value)
{
    const struct nx_service *s = proc->service;
    struct nx_buf reason;
    if (!s)
        return NOEX_ESTATE;
    nx_buf_init(&reason, &node->alloc, SIZE_MAX / 4);
    int rc = s->form == CALL ? put_head(&reason, 3, ref_of(s), "return")
                             : nx_write_atom(&reason, "normal");
    if (!rc && s->form == CALL)
        rc = nx_write_raw(&reason, value);
    rc = rc ? rc : nx_process_exit(node, proc, nx_buf_span(&reason));
    nx_buf_free(&reason);
    return rc;
}

int nx_serve_raise(noex_node *node, struct nx_proc *proc, enum noex_raise raise,
                   struct nx_span reason)
{
    struct nx_buf out;
    if (!proc->service)
        return NOEX_ESTATE;
    nx_buf_init(&out, &node->alloc, SIZE_MAX / 4);
    int rc = put_raised(&out, proc->service, raise, reason);
    rc = rc ? rc : nx_process_exit(node, proc, nx_buf_span(&out));
    nx_buf_free(&out);
    return rc;
}

/* ---- what is not served ---- */

static void send_end(const struct request *r, uint32_t number, struct nx_span pid,
                     struct nx_span reason)
{
    struct nx_ctrl down = {.op = NX_OP_PAYLOAD_MONITOR_P_EXIT}, exit = {.op = NX_OP_PAYLOAD_EXIT};
    exit.arg[NX_ARG_FROM] = down.arg[NX_ARG_TARGET] = pid;
    exit.arg[NX_ARG_TO] = down.arg[NX_ARG_TO] = r->ctrl->arg[NX_ARG_FROM];
    down.arg[NX_ARG_REF] = r->ctrl->arg[NX_ARG_REF];
    if (r->flags & NX_SPAWN_LINK)
        nx_signal_answer(r->peer, number, &exit, reason);
    if (r->flags & NX_SPAWN_MONITOR)
        nx_signal_answer(r->peer, number, &down, reason);
}

/* A BEAM spawns what runs a function before it finds that there is none: a process that was, and
 * has ended at once. Its numbers are not those of any other. */
static void fail(const struct request *r, struct nx_span reason)
{
    noex_node *node = r->peer->node;
    uint8_t pid[NX_RAW_PID_SIZE];
    struct nx_proc *proc;
    if (nx_proc_add(node->procs, &proc)) {
        refuse(r, "system_limit");
        return;
    }
    uint32_t number = proc->number;
    struct nx_span raw = raw_pid(r, proc, pid);
    nx_proc_remove(node->procs, proc);
    reply(r, number, r->flags, raw);
    send_end(r, number, raw, reason);
}

/* error:undef of the function, or what apply/3 says of arguments that are none. */
static void fail_to_apply(const struct request *r)
{
    static const uint8_t undef[] = {119, 5, 'u', 'n', 'd', 'e', 'f'};
    static const uint8_t badarg[] = {119, 6, 'b', 'a', 'd', 'a', 'r', 'g'};
    struct nx_buf reason;
    nx_buf_init(&reason, &r->peer->node->alloc, SIZE_MAX / 4);
    struct nx_span why =
        r->has_args ? nx_span(undef, sizeof undef) : nx_span(badarg, sizeof badarg);
    int rc = put_error(&reason, r->form, r->ref, why, r->names, r->args);
    if (rc)
        refuse(r, "system_limit");
    else
        fail(r, nx_buf_span(&reason));
    nx_buf_free(&reason);
}

void nx_serve_request(struct nx_peer *p, const struct nx_signal *s, const struct nx_pid *from)
{
    struct request r = {.peer = p, .ctrl = s->ctrl, .from = from};
    const struct nx_served_table *table = &p->node->served;
    if (!table->count) {
        refuse(&r, "notsup");
    } else if (s->payload.len < s->payload_full) {
        refuse(&r, "system_limit");
    } else if (!read_options(&r)) {
        refuse(&r, "badopt");
    } else if (!read_mfa(&r, s->payload)) {
        refuse(&r, "notsup");
    } else {
        const struct nx_served *served =
            r.has_args && r.arity <= NX_SERVED_ARITY_MAX
                ? nx_served_find(table, r.module, r.function, (uint32_t)r.arity)
                : NULL;
        if (served)
            run(&r, served);
        else if (r.form == PLAIN)
            refuse(&r, "notsup");
        else
            fail_to_apply(&r);
    }
}

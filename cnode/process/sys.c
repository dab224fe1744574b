/* SPDX-License-Identifier: Apache-2.0 */
#include "process/sys.h"

#include "term/read.h"
#include "term/write.h"

/* Stands for the module of a process in C, where Erlang's shapes want one. */
#define MODULE "noex"

/* One message that is being answered. */
struct answer {
    struct nx_buf *out;
    struct nx_span tag;
    struct nx_span request;
    const struct nx_sys_process *process;
    struct nx_sys_result *result;
};

/* ---- writing ---- */

static int put_tagged(struct nx_buf *out, const char *tag)
{
    int rc = nx_write_tuple_head(out, 2);
    return rc ? rc : nx_write_atom(out, tag);
}

static int put_pair(struct nx_buf *out, const char *first, const char *second)
{
    int rc = put_tagged(out, first);
    return rc ? rc : nx_write_atom(out, second);
}

/* {Text, .., as Erlang's "Text". */
static int put_labelled(struct nx_buf *out, const char *label)
{
    int rc = nx_write_tuple_head(out, 2);
    return rc ? rc : nx_write_string(out, nx_span_str(label));
}

static int put_state(const struct answer *a)
{
    struct nx_span state = a->process->state;
    return state.len ? nx_write_raw(a->out, state) : nx_write_atom(a->out, "undefined");
}

static int put_sys_state(const struct answer *a)
{
    return nx_write_atom(a->out, a->process->suspended ? "suspended" : "running");
}

/* ---- the state, and all about the process ---- */

/* OTP 26.1 and later want {ok, State}, all before the bare state. What tells them apart is the
 * alias in the tag: since OTP 26 it has five words. */
static bool wants_ok(struct nx_span tag)
{
    struct nx_ref ref;
    return nx_ref_parse(nx_gen_alias(tag), &ref) && ref.count > 3;
}

static int answer_state(const struct answer *a)
{
    int rc = wants_ok(a->tag) ? put_tagged(a->out, "ok") : 0;
    return rc ? rc : put_state(a);
}

/* {header, {"Status for process", Name}}: where a name is no plain text OTP's headers are pairs. */
static int put_header(const struct answer *a)
{
    struct nx_span name = a->process->name;
    int rc = put_tagged(a->out, "header");
    rc = rc ? rc : put_labelled(a->out, "Status for process");
    if (rc)
        return rc;
    return name.len ? nx_atom_write(a->out, name) : nx_write_raw(a->out, a->process->pid);
}

/* {data, [{"Status", _}, {"Parent", Pid}, {"Logged events", []}]} */
static int put_data(const struct answer *a)
{
    int rc = put_tagged(a->out, "data");
    rc = rc ? rc : nx_write_list_head(a->out, 3);
    rc = rc ? rc : put_labelled(a->out, "Status");
    rc = rc ? rc : put_sys_state(a);
    rc = rc ? rc : put_labelled(a->out, "Parent");
    rc = rc ? rc : nx_write_raw(a->out, a->process->pid);
    rc = rc ? rc : put_labelled(a->out, "Logged events");
    rc = rc ? rc : nx_write_nil(a->out);
    return rc ? rc : nx_write_nil(a->out);
}

/* {data, [{"State", State}]} */
static int put_state_data(const struct answer *a)
{
    int rc = put_tagged(a->out, "data");
    rc = rc ? rc : nx_write_list_head(a->out, 1);
    rc = rc ? rc : put_labelled(a->out, "State");
    rc = rc ? rc : put_state(a);
    return rc ? rc : nx_write_nil(a->out);
}

/* {status, Pid, {module, M}, [[], running, Parent, [], [Header, Data, StateData]]}: a gen_server's
 * shape, which observer and its kin take apart. What has no parent is its own. */
static int answer_status(const struct answer *a)
{
    int rc = nx_write_tuple_head(a->out, 4);
    rc = rc ? rc : nx_write_atom(a->out, "status");
    rc = rc ? rc : nx_write_raw(a->out, a->process->pid);
    rc = rc ? rc : put_pair(a->out, "module", MODULE);
    rc = rc ? rc : nx_write_list_head(a->out, 5);
    rc = rc ? rc : nx_write_nil(a->out);
    rc = rc ? rc : put_sys_state(a);
    rc = rc ? rc : nx_write_raw(a->out, a->process->pid);
    rc = rc ? rc : nx_write_nil(a->out);
    rc = rc ? rc : nx_write_list_head(a->out, 3);
    rc = rc ? rc : put_header(a);
    rc = rc ? rc : put_data(a);
    rc = rc ? rc : put_state_data(a);
    rc = rc ? rc : nx_write_nil(a->out);
    return rc ? rc : nx_write_nil(a->out);
}

/* ---- the others ---- */

static int answer_suspend(const struct answer *a)
{
    a->result->action = NX_SYS_SUSPEND;
    return nx_write_atom(a->out, "ok");
}

static int answer_resume(const struct answer *a)
{
    a->result->action = NX_SYS_RESUME;
    return nx_write_atom(a->out, "ok");
}

static int answer_terminate(const struct answer *a, struct nx_rd in)
{
    a->result->action = NX_SYS_TERMINATE;
    a->result->reason = nx_rd_rest(&in);
    return nx_write_atom(a->out, "ok");
}

/* {error, {callback_failed, {M, system_replace_state}, {error, undef}}} */
static int answer_replace_state(const struct answer *a, struct nx_rd in)
{
    (void)in;
    int rc = put_tagged(a->out, "error");
    rc = rc ? rc : nx_write_tuple_head(a->out, 3);
    rc = rc ? rc : nx_write_atom(a->out, "callback_failed");
    rc = rc ? rc : put_pair(a->out, MODULE, "system_replace_state");
    return rc ? rc : put_pair(a->out, "error", "undef");
}

enum debug_answer { UNKNOWN_DEBUG, OK, NO_LOG, NO_STATISTICS, OPEN_FILE };

/* What is behind {debug, ..: {Command, Argument}, or the atom no_debug. */
static enum debug_answer debug_answer_to(struct nx_rd in)
{
    static const struct {
        const char *command, *argument; /* NULL: any other */
        enum debug_answer answer;
    } rows[] = {
        {"trace", "false", OK},       {"log", "false", OK},
        {"log", "print", OK},         {"log", "get", NO_LOG},
        {"log_to_file", "false", OK}, {"log_to_file", NULL, OPEN_FILE},
        {"statistics", "false", OK},  {"statistics", "get", NO_STATISTICS},
        {"remove", NULL, OK},
    };
    uint32_t arity;
    if (nx_read_atom_is(&in, "no_debug"))
        return OK;
    if (!nx_read_tuple_head(&in, &arity) || arity != 2)
        return UNKNOWN_DEBUG;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct nx_rd ahead = in;
        if (nx_read_atom_is(&ahead, rows[i].command) &&
            (!rows[i].argument || nx_read_atom_is(&ahead, rows[i].argument)))
            return rows[i].answer;
    }
    return UNKNOWN_DEBUG;
}

static int answer_debug(const struct answer *a, struct nx_rd in)
{
    switch (debug_answer_to(in)) {
    case OK:
        return nx_write_atom(a->out, "ok");
    case NO_LOG: {
        int rc = put_tagged(a->out, "ok");
        return rc ? rc : nx_write_nil(a->out);
    }
    case NO_STATISTICS:
        return put_pair(a->out, "ok", "no_statistics");
    case OPEN_FILE:
        return put_pair(a->out, "error", "open_file");
    case UNKNOWN_DEBUG:
        break;
    }
    return nx_write_atom(a->out, "unknown_debug");
}

/* {error, {unknown_system_msg, Request}}: also for change_code, of which C knows none. */
static int answer_unknown(const struct answer *a)
{
    int rc = put_tagged(a->out, "error");
    rc = rc ? rc : put_tagged(a->out, "unknown_system_msg");
    return rc ? rc : nx_write_raw(a->out, a->request);
}

static int answer(const struct answer *a)
{
    static const struct {
        const char *request;
        int (*answer)(const struct answer *a);
    } atoms[] = {{"get_state", answer_state},
                 {"get_status", answer_status},
                 {"suspend", answer_suspend},
                 {"resume", answer_resume}};
    static const struct {
        const char *request;
        int (*answer)(const struct answer *a, struct nx_rd in);
    } pairs[] = {{"terminate", answer_terminate},
                 {"debug", answer_debug},
                 {"replace_state", answer_replace_state}};
    struct nx_rd in = nx_rd(a->request);
    struct nx_span request;
    uint32_t arity;
    if (nx_atom_parse(a->request, &request)) {
        for (size_t i = 0; i < sizeof atoms / sizeof *atoms; i++)
            if (nx_span_is(request, atoms[i].request))
                return atoms[i].answer(a);
    } else if (nx_read_tuple_head(&in, &arity) && arity == 2 && nx_read_atom(&in, &request)) {
        for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
            if (nx_span_is(request, pairs[i].request))
                return pairs[i].answer(a, in);
    }
    return answer_unknown(a);
}

bool nx_sys_shows_state(struct nx_span request)
{
    struct nx_span name;
    return nx_atom_parse(request, &name) &&
           (nx_span_is(name, "get_state") || nx_span_is(name, "get_status"));
}

int nx_sys_answer(struct nx_buf *out, struct nx_span tag, struct nx_span request,
                  const struct nx_sys_process *process, struct nx_sys_result *result)
{
    const struct answer a = {out, tag, request, process, result};
    size_t before = nx_buf_len(out);
    *result = (struct nx_sys_result){.action = NX_SYS_NONE};
    int rc = answer(&a);
    if (rc) {
        nx_buf_truncate(out, before);
        *result = (struct nx_sys_result){.action = NX_SYS_NONE};
    }
    return rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "node/system.h"

#include "base/err.h"
#include "node/calls.h"
#include "node/exits.h"
#include "node/mail.h"
#include "process/sys.h"
#include "term/reason.h"

static struct nx_proc *process_of(const noex_node *node, const struct noex_event *event)
{
    return nx_proc_find(node->procs, event->process->id, event->process->serial);
}

/* Asks the program, which may do anything meanwhile. NULL: it shows nothing. */
static noex_builder *ask_state(noex_node *node, const struct nx_proc *proc)
{
    noex_builder *b;
    if (!proc->on_state || noex_builder_new(&b, &node->alloc))
        return NULL;
    proc->on_state(proc->user, b);
    return b;
}

static int answer(noex_node *node, struct nx_proc *proc, const struct nx_gen *message,
                  const noex_builder *state, struct nx_sys_result *result)
{
    uint8_t bytes[NX_RAW_PID_SIZE];
    struct noex_term term = {NULL, 0};
    struct nx_gen_caller caller;
    struct noex_error err = {0};
    struct nx_buf out;
    if (state && noex_builder_term(state, &term))
        term = (struct noex_term){NULL, 0};
    const struct nx_sys_process p = {
        .pid = nx_own_pid(node, NULL, proc->number, proc->slot.generation, bytes),
        .name = nx_span_str(proc->name ? proc->name : ""),
        .state = nx_span(term.bytes, term.len),
        .suspended = proc->suspended};
    if (!nx_gen_caller_parse(message->caller, &caller))
        return NOEX_EINVALID; /* it was parsed before */
    nx_buf_init(&out, &node->alloc, SIZE_MAX / 4);
    int rc = nx_sys_answer(&out, caller.tag, message->term, &p, result);
    rc = rc ? rc : nx_call_answer(node, proc, message->caller, nx_buf_span(&out), &err);
    nx_buf_free(&out);
    return rc;
}

/* The program ends it itself where it wants to see that. */
static void stop(noex_node *node, struct nx_proc *proc, struct nx_span reason)
{
    const struct noex_pid pid = {proc->number, proc->slot.generation, node->creation};
    const struct noex_event event = {
        .size = sizeof event,
        .type = NOEX_EVENT_STOP,
        .time_us = nx_wall_us(),
        .node = node->self.full,
        .process = &pid,
        .process_user = proc->user,
        .reason = nx_reason_type(reason),
        .term = reason.ptr,
        .term_len = reason.len,
        .term_full_len = reason.len,
    };
    if (proc->on_stop)
        proc->on_stop(proc->user, &event);
    else
        nx_process_end(node, proc, reason);
}

static void act(noex_node *node, struct nx_proc *proc, const struct nx_sys_result *result)
{
    if (result->action == NX_SYS_SUSPEND)
        proc->suspended = true;
    else if (result->action == NX_SYS_RESUME && proc->suspended)
        nx_mail_resume(node, proc);
    else if (result->action == NX_SYS_TERMINATE)
        stop(node, proc, result->reason);
}

void nx_system_message(void *user, const struct noex_event *event)
{
    noex_node *node = user;
    struct nx_proc *proc = process_of(node, event);
    struct nx_sys_result result = {.action = NX_SYS_NONE};
    noex_builder *state = NULL;
    struct nx_gen message;
    nx_gen_parse(nx_span(event->term, event->term_len), &message);
    if (nx_sys_shows_state(message.term))
        state = ask_state(node, proc);
    proc = node->closing ? NULL : process_of(node, event);
    int rc = proc ? answer(node, proc, &message, state, &result) : 0;
    noex_builder_free(state);
    if (rc) /* whoever asked has a time limit */
        nx_log(&node->log, NOEX_LOG_ERROR, "a message of sys could not be answered: %s",
               noex_error_text(rc));
    if (proc)
        act(node, proc, &result);
}

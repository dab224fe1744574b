/* noexmon call: a function of a node, as erpc:call does. SPDX-License-Identifier: Apache-2.0 */
#include "cmd.h"
#include "exception.h"
#include "runner.h"
#include "term_text.h"

#include <noex/call.h>
#include <noex/wait.h>
#include <string.h>

struct call {
    const struct options *options;
    const struct mfa *mfa;
    struct console *console;
    int64_t time_us; /* when the answer came */
    struct text value;
    struct exception exception;
};

static enum exit_code fail(struct call *c, int64_t time_us, int error, const char *text)
{
    console_report(c->console, &(struct report){.kind = REPORT_ERROR,
                                                .time_us = time_us,
                                                .node = c->mfa->node,
                                                .code = noex_error_name(error),
                                                .message = text});
    return exitcode_of(error);
}

/* The node's name stands before what is told already. */
static const char *without_name(const char *text, const char *node)
{
    size_t len = strlen(node);
    if (strncmp(text, node, len) != 0)
        return text;
    size_t gap = strspn(text + len, ": ");
    return gap ? text + len + gap : text;
}

/* Where the other node said why it refused, that too. */
static enum exit_code fail_with_event(struct call *c, const struct noex_event *failed)
{
    struct text text = {0};
    struct noex_term why = noex_event_term(failed);
    text_puts(&text, without_name(failed->error->text, failed->node));
    if (why.len) {
        text_puts(&text, ": ");
        term_text_add(&text, why, failed->node);
    }
    enum exit_code code = fail(c, failed->time_us, failed->error->code, text_string(&text));
    text_free(&text);
    return code;
}

static enum exit_code take(struct call *c, const struct noex_event *answer)
{
    bool returned = answer->type == NOEX_EVENT_REPLY;
    c->time_us = answer->time_us;
    if (!returned && !exception_read(&c->exception, answer))
        return fail_with_event(c, answer);
    if (returned && !c->console->quiet) /* printing a term is work */
        term_text_add(&c->value, noex_event_term(answer), answer->node);
    if (c->value.failed || exception_failed(&c->exception))
        return fail(c, c->time_us, NOEX_ENOMEM, "out of memory for what came back");
    return returned ? CODE_WELL : CODE_DOWN;
}

static enum exit_code ask(void *self, noex_node *node)
{
    struct call *c = self;
    const struct noex_event *answer;
    struct failure why;
    noex_call_id id;
    int rc = noex_rpc(node, c->mfa->node, c->mfa->module, c->mfa->function, c->mfa->arguments,
                      timeout_or_default(c->options), NULL, &id);
    if (rc)
        return fail(c, session_wall_us(), rc,
                    rc == NOEX_EINVALID ? "this is the name given with --name"
                                        : noex_node_error(node)->text);
    do {
        rc = noex_wait_reply(node, id, UINT64_MAX, &answer);
        if (rc && console_failed(c->console, &why))
            return why.code; /* said when the console is closed */
    } while (rc == NOEX_EINTERRUPTED && !run_was_signalled());
    return rc ? fail(c, session_wall_us(), rc, noex_error_text(rc)) : take(c, answer);
}

/* As the Erlang shell does: what was raised, and a line for each function that it left. */
static void say_exception(struct call *c)
{
    struct exception *e = &c->exception;
    const char *words = text_string(e->message.len ? &e->message : &e->reason);
    bool says_class = strcmp(e->class, "exit") != 0 || strncmp(words, "exit: ", 6) == 0;
    struct text line = {0};
    text_printf(&line, "noexmon: %s: exception %s%s", c->mfa->node,
                says_class ? "" : "exit: ", words);
    console_log(c->console, text_string(&line));
    const char *at = e->frames.ptr, *end = at ? at + e->frames.len : NULL;
    for (; at < end; at += strlen(at) + 1) {
        text_clear(&line);
        text_printf(&line, "    in %s", at);
        console_log(c->console, text_string(&line));
    }
    text_free(&line);
}

static void report(struct call *c)
{
    struct exception *e = &c->exception;
    if (e->class)
        say_exception(c);
    console_report(c->console,
                   &(struct report){.kind = REPORT_RESULT,
                                    .time_us = c->time_us,
                                    .node = c->mfa->node,
                                    .reason = e->class,
                                    .message = text_string(&e->message),
                                    .term = text_string(e->class ? &e->reason : &c->value),
                                    .stack = e->stack.len ? text_string(&e->stack) : NULL});
}

static enum exit_code run(void *self, struct console *console)
{
    struct call *c = self;
    const struct node_job job = {.self = c, .run = ask};
    c->console = console;
    enum exit_code code = run_on_node(c->options, console, &job);
    if (code == CODE_WELL || code == CODE_DOWN)
        report(c);
    return code;
}

enum exit_code cmd_call(const struct options *o, const struct operands *operands)
{
    struct call c = {.options = o, .mfa = &operands->mfa};
    enum exit_code code = run_on_console(o, run_output(o, 0), run, &c);
    text_free(&c.value);
    exception_free(&c.exception);
    return code;
}

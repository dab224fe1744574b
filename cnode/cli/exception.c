/* SPDX-License-Identifier: Apache-2.0 */
#include "exception.h"

#include "term_text.h"
#include <string.h>

enum { MESSAGE_MAX = 8192 };

/* `b` gets what a process would end with that does not catch this. The message is not about the
 * stack, so any will do. */
static void build_end(noex_builder *b, const char *class, struct noex_term reason)
{
    bool thrown = strcmp(class, "throw") == 0;
    noex_build_tuple(b);
    if (thrown) {
        noex_build_tuple(b);
        noex_build_atom(b, "nocatch");
    }
    noex_build_term(b, reason);
    if (thrown)
        noex_build_end(b);
    noex_build_text(b, "[{erpc,execute_call,4,[]}]", NULL);
    noex_build_end(b);
}

static void add_message(struct exception *e, const struct noex_event *failed,
                        struct noex_term reason)
{
    struct noex_event end = {.type = NOEX_EVENT_MONITOR_DOWN, .node = failed->node};
    struct noex_term term = reason;
    noex_builder *b = NULL;
    if (strcmp(e->class, "exit") != 0 && noex_builder_new(&b, NULL) == 0) {
        build_end(b, e->class, reason);
        if (noex_builder_term(b, &term))
            term.len = 0;
    }
    end.term = term.bytes;
    end.term_len = end.term_full_len = term.len;
    char *at = text_room(&e->message, MESSAGE_MAX);
    int len = at && term.len ? noex_event_message(&end, at, MESSAGE_MAX) : 0;
    e->message.len += len > 0 ? (size_t)len : 0;
    noex_builder_free(b);
}

static void add_stack(struct exception *e, struct noex_term stack, const char *node)
{
    struct noex_items frames;
    struct noex_term frame;
    term_text_add(&e->stack, stack, node);
    noex_term_items(stack, &frames);
    while (noex_items_next(&frames, &frame)) {
        term_text_add_frame(&e->frames, frame, node);
        text_add(&e->frames, "", 1);
    }
}

static const char *class_of(struct noex_term term)
{
    static const char *const classes[] = {"error", "exit", "throw"};
    struct noex_term class;
    if (noex_term_element(term, 0, &class) == 0)
        for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
            if (noex_term_is_atom(class, classes[i]))
                return classes[i];
    return NULL;
}

static void read_killed(struct exception *e, const struct noex_event *failed)
{
    e->class = "exit";
    text_puts(&e->reason, "{signal,");
    term_text_add(&e->reason, noex_event_term(failed), failed->node);
    text_puts(&e->reason, "}");
}

bool exception_read(struct exception *e, const struct noex_event *failed)
{
    struct noex_term term = noex_event_term(failed), reason, stack;
    if (failed->error->code == NOEX_ENOPROC && term.len) {
        read_killed(e, failed);
        return true;
    }
    if (failed->error->code != NOEX_EEXCEPTION || noex_term_element(term, 1, &reason))
        return false;
    e->class = class_of(term);
    if (!e->class)
        return false;
    term_text_add(&e->reason, reason, failed->node);
    add_message(e, failed, reason);
    if (noex_term_element(term, 2, &stack) == 0)
        add_stack(e, stack, failed->node);
    return true;
}

bool exception_failed(const struct exception *e)
{
    return e->message.failed || e->reason.failed || e->stack.failed || e->frames.failed;
}

void exception_free(struct exception *e)
{
    text_free(&e->message);
    text_free(&e->reason);
    text_free(&e->stack);
    text_free(&e->frames);
    *e = (struct exception){0};
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "citizen_log.h"

#include "books.h"

noex_builder *log_new(void)
{
    noex_builder *log;
    if (noex_builder_new(&log, NULL))
        die("no memory");
    noex_build_list(log);
    return log;
}

/* NULL: not kept. */
static const char *word_for(const struct noex_event *e)
{
    switch ((int)e->type) {
    case NOEX_EVENT_MESSAGE:
        return e->priority ? "priority" : "message";
    case NOEX_EVENT_CAST:
        return "cast";
    case NOEX_EVENT_EXIT:
        return e->origin == NOEX_ORIGIN_LOCAL ? "lost" : "exit";
    case NOEX_EVENT_NODE_UP:
        return "up";
    case NOEX_EVENT_NODE_DOWN:
        return "down";
    case NOEX_EVENT_CONNECT_FAILED:
        return "failed";
    case NOEX_EVENT_MONITOR_DOWN:
        return "monitor_down";
    }
    return NULL;
}

void log_event(noex_builder *log, const struct noex_event *e)
{
    struct noex_term term = noex_event_term(e);
    const char *word = word_for(e);
    if (!word)
        return;
    noex_build_tuple(log);
    noex_build_atom(log, word);
    if (e->type == NOEX_EVENT_EXIT)
        noex_build_pid(log, e->node, e->from);
    else if (!e->process)
        noex_build_atom(log, e->node);
    if (e->error)
        noex_build_atom(log, noex_error_name(e->error->code));
    else if (term.len)
        noex_build_term(log, term);
    noex_build_end(log);
}

int log_take(noex_builder *log, noex_builder *out)
{
    struct noex_term term;
    noex_build_end(log);
    int rc = noex_builder_term(log, &term);
    rc = rc ? rc : noex_build_term(out, term);
    noex_builder_clear(log);
    noex_build_list(log);
    return rc;
}

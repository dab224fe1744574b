/* SPDX-License-Identifier: Apache-2.0 */
#include <noex/noex.h>

#include "term/reason.h"

enum { TEXT_MIN = sizeof "..." };

static bool has_reason(const struct noex_event *event)
{
    switch (event ? event->type : 0) {
    case NOEX_EVENT_MONITOR_DOWN:
    case NOEX_EVENT_EXIT:
    case NOEX_EVENT_PROCESS_END:
    case NOEX_EVENT_CALL_FAILED:
    case NOEX_EVENT_SPAWN_DOWN:
    case NOEX_EVENT_STOP:
        return true;
    default:
        return false;
    }
}

static bool has_term(const struct noex_event *event)
{
    switch (event ? event->type : 0) {
    case NOEX_EVENT_MESSAGE:
    case NOEX_EVENT_CALL:
    case NOEX_EVENT_CAST:
    case NOEX_EVENT_REPLY:
    case NOEX_EVENT_REQUEST:
        return true;
    default:
        return has_reason(event);
    }
}

struct noex_term noex_event_term(const struct noex_event *event)
{
    struct noex_term term = {NULL, 0};
    if (has_term(event)) {
        term.bytes = event->term;
        term.len = event->term_len;
    }
    return term;
}

int noex_event_print_term(const struct noex_event *event, char *text, size_t size, bool *cut)
{
    if (!has_term(event))
        return NOEX_EINVALID;
    return noex_term_print(noex_event_term(event), event->node, text, size, cut);
}

int noex_event_message(const struct noex_event *event, char *text, size_t size)
{
    struct nx_buf b;
    if (!has_reason(event) || !text || size < TEXT_MIN)
        return NOEX_EINVALID;
    nx_buf_text(&b, text, size);
    int rc = nx_reason_message(&b, nx_span(event->term, event->term_len), nx_span_str(event->node));
    return rc ? rc : nx_buf_end_text(&b);
}

const char *noex_node_down_reason(const struct noex_error *error)
{
    switch (error ? error->code : 0) {
    case NOEX_ETICKTIMEOUT:
        return "heartbeat_timeout";
    case NOEX_ECONNREFUSED:
    case NOEX_ENONODE:
        return "connection_refused";
    case NOEX_EDISCONNECTED:
        return "graceful_shutdown";
    case NOEX_EMAIL:
    case NOEX_ELIMIT:
    case NOEX_ENOMEM:
    case NOEX_ESYSTEM:
        return "local_error";
    case NOEX_EPROTOCOL:
    case NOEX_ETERM:
    case NOEX_ETOOBIG:
        return "protocol_error";
    default:
        return "connection_closed";
    }
}

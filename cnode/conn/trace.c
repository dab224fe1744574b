/* SPDX-License-Identifier: Apache-2.0 */
#include "conn/trace.h"

#include "term/print.h"
#include <inttypes.h>
#include <stdio.h>

enum { ELEMENT_CHARS = 80, PAYLOAD_CHARS = 240 };

static const char *const labels[NX_ARG_COUNT] = {
    [NX_ARG_FROM] = "from",     [NX_ARG_TO] = "to",        [NX_ARG_TARGET] = "target",
    [NX_ARG_NAME] = "name",     [NX_ARG_REF] = "ref",      [NX_ARG_ID] = "id",
    [NX_ARG_REASON] = "reason", [NX_ARG_TOKEN] = "token",  [NX_ARG_LEADER] = "leader",
    [NX_ARG_MFA] = "mfa",       [NX_ARG_OPTS] = "options", [NX_ARG_FLAGS] = "flags",
    [NX_ARG_RESULT] = "result",
};

/* Appends " label text"; what does not fit is left out. */
static void put_term(struct nx_buf *line, const char *label, struct nx_span term, size_t chars,
                     const char *peer)
{
    char text[PAYLOAD_CHARS];
    struct nx_buf b;
    struct nx_print_opts opts = {.local_node = nx_span_str(peer)};
    nx_buf_fixed(&b, text, chars < sizeof text ? chars : sizeof text);
    if (nx_term_print(&b, term, &opts, NULL) || nx_buf_reserve(line, 64 + nx_buf_len(&b)))
        return;
    int n = snprintf((char *)line->data + line->end, 64, " %s ", label);
    nx_buf_commit(line, n > 0 ? (size_t)n : 0);
    if (nx_buf_put_span(line, nx_buf_span(&b)))
        return;
}

void nx_trace_write(const struct nx_log *log, const char *peer, const char *direction,
                    const struct nx_ctrl *ctrl, struct nx_span payload, uint64_t payload_full,
                    size_t cached)
{
    char text[960], bytes[32] = "", atoms[48] = "";
    struct nx_buf line;
    nx_buf_fixed(&line, text, sizeof text);
    for (unsigned role = 1; role < NX_ARG_COUNT; role++)
        if (labels[role] && ctrl->arg[role].len)
            put_term(&line, labels[role], ctrl->arg[role], ELEMENT_CHARS, peer);
    if (payload.len)
        put_term(&line, "payload", payload, PAYLOAD_CHARS, peer);
    if (payload_full)
        snprintf(bytes, sizeof bytes, " (%" PRIu64 " bytes)", payload_full);
    if (cached)
        snprintf(atoms, sizeof atoms, " (%zu atoms cached)", cached);
    struct nx_span s = nx_buf_span(&line);
    nx_log(log, NOEX_LOG_TRACE, "%s %s %s%.*s%s%s", peer, direction, nx_op_name((int)ctrl->op),
           (int)s.len, (const char *)s.ptr, bytes, atoms);
}

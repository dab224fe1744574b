/* SPDX-License-Identifier: Apache-2.0 */
#include "epmd_session.h"

#include <string.h>

/* Takes what it can from the front of `in`: the number of bytes to drop, 0 to wait for more, or an
 * error. */
typedef int (*take_fn)(struct epmd_session *s);

struct awaited {
    take_fn take;    /* NULL: nothing is awaited */
    int eof;         /* what the end of the stream means when nothing is left over */
    int eof_partial; /* and behind the first part of something */
    const char *text;
};

static int take_alive2_resp(struct epmd_session *s)
{
    struct epmd_alive2_resp reply;
    int size = epmd_read_alive2_resp(s->in, s->in_len, &reply);
    if (size <= 0)
        return size;
    if (reply.result != 0)
        return EPMD_ETAKEN;
    s->creation = reply.creation;
    s->state = EPMD_STATE_HELD;
    return (size_t)size == s->in_len ? size : EPMD_EGARBAGE;
}

/* The name that was asked for: it stands in the request, behind length and tag. */
static bool is_asked_name(const struct epmd_session *s, const struct epmd_node *node)
{
    return node->name_len == s->out_len - 3 && memcmp(node->name, s->out + 3, node->name_len) == 0;
}

/* Leaves the reply in `in`, where the results point. */
static int take_port2_resp(struct epmd_session *s)
{
    struct epmd_port2_resp reply;
    int size = epmd_read_port2_resp(s->in, s->in_len, &reply);
    if (size <= 0)
        return size;
    if (reply.result != 0)
        return EPMD_ENOTFOUND;
    if (!is_asked_name(s, &reply.node))
        return EPMD_EGARBAGE;
    s->node = reply.node;
    s->state = EPMD_STATE_ANSWERED;
    return 0;
}

static int take_names_port(struct epmd_session *s)
{
    int size = epmd_read_names_port(s->in, s->in_len, &s->epmd_port);
    if (size > 0)
        s->state = EPMD_AWAIT_NAMES_LINE;
    return size;
}

static int take_names_lines(struct epmd_session *s)
{
    size_t used = 0;
    for (;;) {
        struct epmd_entry entry;
        int size = epmd_read_names_line(s->in + used, s->in_len - used, &entry);
        if (size <= 0)
            return size ? size : (int)used;
        used += (size_t)size;
        if (!entry.name)
            s->skipped++;
        else if (s->on_entry(s->user, &entry) != 0)
            return EPMD_ESTOPPED;
    }
}

static const struct awaited awaited[] = {
    [EPMD_STATE_IDLE] = {NULL, EPMD_EINVALID, EPMD_EINVALID, "nothing yet"},
    [EPMD_AWAIT_ALIVE2_RESP] = {take_alive2_resp, EPMD_EREFUSED, EPMD_ECUT,
                                "epmd's answer to the registration"},
    [EPMD_AWAIT_PORT2_RESP] = {take_port2_resp, EPMD_EREFUSED, EPMD_ECUT,
                               "epmd's answer to the look-up"},
    [EPMD_AWAIT_NAMES_PORT] = {take_names_port, EPMD_EREFUSED, EPMD_ECUT, "epmd's list of nodes"},
    [EPMD_AWAIT_NAMES_LINE] = {take_names_lines, EPMD_DONE, EPMD_ECUT,
                               "the rest of epmd's list of nodes"},
    [EPMD_STATE_HELD] = {NULL, EPMD_ELOST, EPMD_ELOST, "nothing: registered"},
    [EPMD_STATE_ANSWERED] = {NULL, EPMD_DONE, EPMD_DONE, "nothing: answered"},
    [EPMD_STATE_FAILED] = {NULL, 0, 0, "nothing: failed"},
};

static int fail(struct epmd_session *s, int error)
{
    if (s->state != EPMD_STATE_FAILED) {
        s->state = EPMD_STATE_FAILED;
        s->error = error;
    }
    return s->error;
}

/* `request` is the length of the request in `out`, or the error that writing it gave. */
static int begin(struct epmd_session *s, enum epmd_state state, int request, uint64_t now_ms,
                 uint64_t timeout_ms)
{
    s->state = state;
    s->error = 0;
    s->deadline = timeout_ms < UINT64_MAX - now_ms ? now_ms + timeout_ms : UINT64_MAX;
    s->on_entry = NULL;
    s->user = NULL;
    s->node = (struct epmd_node){0};
    s->creation = 0;
    s->skipped = 0;
    s->epmd_port = 0;
    s->in_len = 0;
    s->out_len = request < 0 ? 0 : (size_t)request;
    s->out_sent = 0;
    return request < 0 ? fail(s, request) : 0;
}

int epmd_session_lookup(struct epmd_session *s, const char *name, size_t name_len, uint64_t now_ms,
                        uint64_t timeout_ms)
{
    int request = epmd_put_port2_req(s->out, sizeof s->out, name, name_len);
    return begin(s, EPMD_AWAIT_PORT2_RESP, request, now_ms, timeout_ms);
}

int epmd_session_names(struct epmd_session *s, epmd_entry_fn on_entry, void *user, uint64_t now_ms,
                       uint64_t timeout_ms)
{
    int request = epmd_put_names_req(s->out, sizeof s->out);
    int rc =
        begin(s, EPMD_AWAIT_NAMES_PORT, on_entry ? request : EPMD_EINVALID, now_ms, timeout_ms);
    s->on_entry = on_entry;
    s->user = user;
    return rc;
}

int epmd_session_register(struct epmd_session *s, const struct epmd_node *node, uint64_t now_ms,
                          uint64_t timeout_ms)
{
    int request = epmd_put_alive2_req(s->out, sizeof s->out, node);
    return begin(s, EPMD_AWAIT_ALIVE2_RESP, request, now_ms, timeout_ms);
}

/* Every reader takes or refuses what fills `in`, so there is room again whenever one is still
 * awaited. */
static void take(struct epmd_session *s)
{
    int used = 1;
    while (used > 0 && s->in_len && awaited[s->state].take) {
        used = awaited[s->state].take(s);
        if (used < 0) {
            fail(s, used);
        } else if (used > 0) {
            s->in_len -= (size_t)used;
            memmove(s->in, s->in + used, s->in_len);
        }
    }
}

int epmd_session_feed(struct epmd_session *s, const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    while (len && awaited[s->state].take) {
        size_t room = sizeof s->in - s->in_len;
        size_t n = len < room ? len : room;
        memcpy(s->in + s->in_len, p, n);
        s->in_len += n;
        p += n;
        len -= n;
        take(s);
    }
    if (s->state == EPMD_STATE_IDLE)
        return EPMD_EINVALID;
    if (s->state == EPMD_STATE_HELD && len)
        return fail(s, EPMD_EGARBAGE);
    if (s->state == EPMD_STATE_FAILED)
        return s->error;
    return awaited[s->state].take ? EPMD_MORE : EPMD_DONE;
}

int epmd_session_eof(struct epmd_session *s)
{
    const struct awaited *a = &awaited[s->state];
    int rc = s->in_len ? a->eof_partial : a->eof;
    if (s->state == EPMD_STATE_IDLE)
        return rc;
    if (s->state == EPMD_STATE_FAILED || rc < 0)
        return fail(s, rc);
    s->state = EPMD_STATE_ANSWERED;
    return rc;
}

/* Nothing once the answer is there, even if part of the request never went: a byte more would end a
 * registration. */
const uint8_t *epmd_session_out(const struct epmd_session *s, size_t *len)
{
    *len = awaited[s->state].take ? s->out_len - s->out_sent : 0;
    return s->out + (*len ? s->out_sent : 0);
}

void epmd_session_sent(struct epmd_session *s, size_t n)
{
    size_t left = s->out_len - s->out_sent;
    s->out_sent += n < left ? n : left;
}

uint64_t epmd_session_deadline(const struct epmd_session *s)
{
    return awaited[s->state].take ? s->deadline : UINT64_MAX;
}

int epmd_session_timeout(struct epmd_session *s, uint64_t now_ms)
{
    uint64_t deadline = epmd_session_deadline(s);
    return deadline != UINT64_MAX && now_ms >= deadline ? fail(s, EPMD_ETIMEOUT) : 0;
}

const char *epmd_session_awaits(const struct epmd_session *s)
{
    return awaited[s->state].text;
}

const struct epmd_node *epmd_session_node(const struct epmd_session *s)
{
    return &s->node;
}

uint32_t epmd_session_creation(const struct epmd_session *s)
{
    return s->creation;
}

uint16_t epmd_session_epmd_port(const struct epmd_session *s)
{
    return s->epmd_port;
}

uint32_t epmd_session_skipped(const struct epmd_session *s)
{
    return s->skipped;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "node/epmd_query.h"

#include "base/alloc.h"
#include "base/err.h"
#include "epmd_session.h"
#include "node/dial.h"
#include <stdio.h>
#include <string.h>

struct nx_epmd_query {
    const struct noex_allocator *alloc;
    struct nx_loop *loop;
    nx_epmd_done_fn done;
    void *ctx;
    struct nx_epmd_question question; /* its texts are the fields below */
    struct nx_dial *dial;
    struct nx_tcp *tcp;
    struct nx_addrs addrs;
    char alive[256]; /* empty: a listing */
    char host[256];
    struct epmd_session session;
};

static void free_query(struct nx_epmd_query *q)
{
    nx_dial_cancel(q->dial);
    nx_tcp_close(q->tcp);
    nx_free(q->alloc, q);
}

static void finish(struct nx_epmd_query *q, int rc, const struct nx_epmd_answer *answer,
                   const struct noex_error *err)
{
    q->done(q->ctx, rc, answer, err);
    free_query(q);
}

int nx_epmd_ended(const struct nx_epmd_question *q, int end, struct noex_error *err)
{
    switch (end) {
    case EPMD_ENOTFOUND:
        return nx_fail(err, NOEX_ENONODE, "epmd on %s (port %u) knows no node named '%s'", q->host,
                       q->port, q->alive);
    case EPMD_ETAKEN:
        return nx_fail(err, NOEX_ENAMETAKEN,
                       "epmd on %s (port %u) has another node named '%s' already", q->host, q->port,
                       q->alive);
    case EPMD_ETIMEOUT:
        return nx_fail(err, NOEX_EEPMDTIMEOUT, "no answer from epmd on %s (port %u) within %llu ms",
                       q->host, q->port, (unsigned long long)q->step_ms);
    case EPMD_ECUT:
        return nx_fail(err, NOEX_EEPMD,
                       "epmd on %s (port %u) closed the connection in the middle of its answer",
                       q->host, q->port);
    case EPMD_EREFUSED:
        return nx_fail(err, NOEX_EEPMD,
                       "epmd on %s (port %u) closed the connection without an answer", q->host,
                       q->port);
    case EPMD_ELOST:
        return nx_fail(err, NOEX_EEPMD,
                       "epmd on %s (port %u) is gone, and the name '%s' is not registered", q->host,
                       q->port, q->alive);
    case EPMD_EINVALID:
        return nx_fail(err, NOEX_ENODENAME, "'%s' is no name that epmd could know", q->alive);
    default:
        return nx_fail(err, NOEX_EEPMDGARBAGE, "epmd on %s (port %u): %s", q->host, q->port,
                       epmd_error_text(end));
    }
}

int nx_epmd_unreached(const struct nx_epmd_question *q, int rc, const struct noex_error *cause,
                      struct noex_error *err)
{
    if (rc == NOEX_ECONNREFUSED)
        return nx_fail(err, NOEX_EEPMD, "no epmd on %s (port %u): %s", q->host, q->port,
                       cause->text);
    return nx_fail(err, rc, "epmd on %s (port %u): %s", q->host, q->port, cause->text);
}

/* What epmd knows of a node need not be anything that can be dialled. */
static int check_node(struct nx_epmd_query *q, const struct epmd_node *node, struct noex_error *err)
{
    if (node->protocol != EPMD_PROTOCOL_TCP)
        return nx_fail(err, NOEX_EFLAG, "%s@%s is registered with protocol %u, not TCP", q->alive,
                       q->host, node->protocol);
    if (!epmd_node_speaks(node, EPMD_DIST_VERSION))
        return nx_fail(err, NOEX_EFLAG, "%s@%s speaks handshake versions %u to %u only, not %d",
                       q->alive, q->host, node->lowest, node->highest, EPMD_DIST_VERSION);
    if (!node->port)
        return nx_fail(err, NOEX_ECONNREFUSED, "%s@%s is registered without a port to dial",
                       q->alive, q->host);
    return 0;
}

static void settle(struct nx_epmd_query *q, int rc)
{
    struct noex_error err = {0};
    if (rc == EPMD_MORE)
        return;
    if (rc < 0) {
        finish(q, nx_epmd_ended(&q->question, rc, &err), NULL, &err);
        return;
    }
    if (!q->alive[0]) {
        finish(q, 0, NULL, NULL);
        return;
    }
    const struct epmd_node *node = epmd_session_node(&q->session);
    int code = check_node(q, node, &err);
    if (code) {
        finish(q, code, NULL, &err);
        return;
    }
    const struct nx_epmd_answer answer = {&q->addrs, node->port};
    finish(q, 0, &answer, NULL);
}

static void on_lost(struct nx_epmd_query *q, const struct noex_error *cause)
{
    struct noex_error err = {0};
    finish(q, nx_epmd_unreached(&q->question, NOEX_EEPMD, cause, &err), NULL, &err);
}

static void on_readable(void *ctx)
{
    struct nx_epmd_query *q = ctx;
    struct noex_error err = {0};
    uint8_t bytes[4096];
    int64_t n = nx_tcp_read(q->tcp, bytes, sizeof bytes, &err);
    if (n > 0)
        settle(q, epmd_session_feed(&q->session, bytes, (size_t)n));
    else if (n == NOEX_ECLOSED)
        settle(q, epmd_session_eof(&q->session));
    else if (n < 0)
        on_lost(q, &err);
}

static void on_writable(void *ctx)
{
    struct nx_epmd_query *q = ctx;
    struct noex_error err = {0};
    size_t len;
    const uint8_t *bytes = epmd_session_out(&q->session, &len);
    int64_t n = len ? nx_tcp_write(q->tcp, bytes, len, &err) : 0;
    if (n < 0)
        on_lost(q, &err);
    else
        epmd_session_sent(&q->session, (size_t)n);
}

static void on_connected_twice(void *ctx, int rc, const struct noex_error *err)
{
    (void)ctx, (void)rc, (void)err; /* told to the dial already */
}

static const struct nx_tcp_handlers handlers = {on_connected_twice, on_readable, on_writable};

static int on_entry(void *user, const struct epmd_entry *entry)
{
    struct nx_epmd_query *q = user;
    char name[EPMD_NAME_MAX + 1];
    memcpy(name, entry->name, entry->name_len);
    name[entry->name_len] = '\0';
    q->question.each(q->question.user, name, entry->port);
    return 0;
}

static void on_dialled(void *ctx, int rc, struct nx_tcp *tcp, const struct nx_addrs *addrs,
                       const struct noex_error *cause)
{
    struct nx_epmd_query *q = ctx;
    struct noex_error err = {0};
    uint64_t now = nx_loop_now(q->loop), step_ms = q->question.step_ms;
    q->dial = NULL;
    if (rc) {
        finish(q, nx_epmd_unreached(&q->question, rc, cause, &err), NULL, &err);
        return;
    }
    q->tcp = tcp;
    q->addrs = *addrs;
    nx_tcp_set_handlers(tcp, &handlers, q);
    /* Cannot fail: the name was checked when the query began. */
    rc = q->alive[0] ? epmd_session_lookup(&q->session, q->alive, strlen(q->alive), now, step_ms)
                     : epmd_session_names(&q->session, on_entry, q, now, step_ms);
    if (rc)
        settle(q, rc);
    else
        on_writable(q);
}

int nx_epmd_query_start(struct nx_epmd_query **out, const struct noex_allocator *a,
                        struct nx_loop *loop, const struct nx_epmd_question *question,
                        nx_epmd_done_fn done, void *ctx, struct noex_error *err)
{
    const char *alive = question->alive ? question->alive : "";
    if (strlen(alive) > 255 || strlen(question->host) > 255)
        return nx_fail(err, strlen(alive) > 255 ? NOEX_ENODENAME : NOEX_EHOST, NULL);
    struct nx_epmd_query *q = nx_calloc(a, 1, sizeof *q);
    if (!q)
        return nx_fail(err, NOEX_ENOMEM, NULL);
    q->alloc = a;
    q->loop = loop;
    q->done = done;
    q->ctx = ctx;
    snprintf(q->alive, sizeof q->alive, "%s", alive);
    snprintf(q->host, sizeof q->host, "%s", question->host);
    q->question = *question;
    q->question.host = q->host;
    q->question.alive = q->alive;
    const struct nx_dial_target target = {
        .host = q->host, .port = question->port, .step_ms = question->step_ms};
    int rc = nx_dial_start(&q->dial, a, loop, &target, on_dialled, q, err);
    if (rc) {
        free_query(q);
        return rc;
    }
    *out = q;
    return 0;
}

void nx_epmd_query_cancel(struct nx_epmd_query *q)
{
    if (q)
        free_query(q);
}

uint64_t nx_epmd_query_deadline(const struct nx_epmd_query *q)
{
    return q->dial ? nx_dial_deadline(q->dial) : epmd_session_deadline(&q->session);
}

void nx_epmd_query_timeout(struct nx_epmd_query *q, uint64_t now_ms)
{
    if (q->dial)
        nx_dial_timeout(q->dial, now_ms);
    else
        settle(q, epmd_session_timeout(&q->session, now_ms));
}

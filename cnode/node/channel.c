/* SPDX-License-Identifier: Apache-2.0 */
#include "node/channel.h"

#include "base/err.h"
#include <inttypes.h>

/* A BEAM that speaks no TLS closes after a step of its own; its word comes before our clock's. */
static uint64_t secure_ms(uint64_t step_ms)
{
    return step_ms + step_ms / 8;
}

int nx_channel_open(struct nx_channel *ch, struct nx_tcp *tcp,
                    const struct nx_channel_config *config, uint64_t now_ms, struct noex_error *err)
{
    const struct nx_hs_config *hs = &config->conn->hs;
    enum nx_tls_role role = hs->role == NX_HS_DIAL ? NX_TLS_DIAL : NX_TLS_ACCEPT;
    *ch = (struct nx_channel){.tcp = tcp, .step_ms = hs->step_ms, .log = hs->log};
    ch->conn = nx_conn_new(config->conn, now_ms, err);
    if (!ch->conn)
        return err->code;
    if (!config->tls)
        return 0;
    ch->securing = true;
    ch->secure_by_ms = now_ms + secure_ms(hs->step_ms);
    return nx_tls_session_new(&ch->tls, hs->alloc, config->tls, role, config->host, err);
}

/* ---- reading ---- */

static int64_t ended(struct nx_channel *ch, struct noex_error *err)
{
    err->code = 0;
    if (ch->securing)
        return nx_tls_eof(ch->tls, err);
    return nx_conn_eof(ch->conn, err);
}

/* The connection's own clock starts once it can speak. */
static void note_established(struct nx_channel *ch, uint64_t now_ms)
{
    if (!ch->securing || !nx_tls_is_established(ch->tls))
        return;
    if (nx_log_on(ch->log, NOEX_LOG_DEBUG)) {
        char text[200];
        nx_tls_describe(ch->tls, text, sizeof text);
        nx_log(ch->log, NOEX_LOG_DEBUG, "%s: %s", nx_tcp_where(ch->tcp), text);
    }
    ch->securing = false;
    nx_conn_start(ch->conn, now_ms);
}

/* Reads from the socket into the session: 0, or how it ended. */
static int feed(struct nx_channel *ch, uint64_t now_ms, bool *more, struct noex_error *err)
{
    uint8_t *bytes;
    size_t size;
    nx_tls_room(ch->tls, &bytes, &size);
    int64_t n = nx_tcp_read(ch->tcp, bytes, size, err);
    *more = n == (int64_t)size;
    if (n <= 0)
        return (int)n;
    int rc = nx_tls_received(ch->tls, (size_t)n, err);
    note_established(ch, now_ms);
    return rc;
}

/* As nx_tcp_read, of what the session has; what the peer said last counts before its end. */
static int64_t read_secured(struct nx_channel *ch, uint8_t *bytes, size_t size, uint64_t now_ms,
                            bool *more, struct noex_error *err)
{
    struct noex_error cause = {0};
    int end = nx_tls_has_more(ch->tls) ? 0 : feed(ch, now_ms, more, &cause);
    int64_t n = nx_tls_read(ch->tls, bytes, size, err);
    *more = *more || nx_tls_has_more(ch->tls);
    if (n || !end)
        return n;
    *err = cause;
    return end;
}

bool nx_channel_read(struct nx_channel *ch, uint64_t now_ms, struct noex_error *err)
{
    uint8_t *bytes;
    size_t size;
    if (nx_conn_room(ch->conn, &bytes, &size, err))
        return false;
    bool more = false;
    int64_t n = ch->tls ? read_secured(ch, bytes, size, now_ms, &more, err)
                        : nx_tcp_read(ch->tcp, bytes, size, err);
    if (n == NOEX_ECLOSED || (n == NOEX_ELOST && !nx_conn_is_up(ch->conn)))
        n = ended(ch, err);
    if (n < 0 || (n > 0 && nx_conn_received(ch->conn, (size_t)n, now_ms, err)))
        return false;
    /* Else the socket is empty: no need to ask it once more. */
    return more || (size_t)n == size;
}

bool nx_channel_has_more(const struct nx_channel *ch)
{
    return ch->tls && nx_tls_has_more(ch->tls);
}

/* ---- writing ---- */

static struct nx_span waiting(const struct nx_channel *ch)
{
    return ch->tls ? nx_tls_out(ch->tls) : nx_conn_out(ch->conn);
}

/* What waits goes to the kernel; false where that has no room, or takes nothing any more. */
static bool write_out(struct nx_channel *ch, uint64_t now_ms)
{
    struct noex_error ignored = {0};
    struct nx_span out;
    while ((out = waiting(ch)).len) {
        int64_t n = nx_tcp_write(ch->tcp, out.ptr, out.len, &ignored);
        ch->write_failed = n < 0;
        if (n <= 0)
            return false;
        if (ch->tls)
            nx_tls_sent(ch->tls, (size_t)n);
        else
            nx_conn_sent(ch->conn, (size_t)n, now_ms);
    }
    return true;
}

/* Some of what the connection has to say goes into the session. */
static bool encrypt(struct nx_channel *ch, uint64_t now_ms)
{
    struct noex_error ignored = {0};
    struct nx_span out = nx_conn_out(ch->conn);
    int64_t n = out.len ? nx_tls_write(ch->tls, out.ptr, out.len, &ignored) : 0;
    if (n > 0)
        nx_conn_sent(ch->conn, (size_t)n, now_ms);
    return n > 0;
}

void nx_channel_flush(struct nx_channel *ch, uint64_t now_ms)
{
    while (!ch->write_failed && write_out(ch, now_ms) && ch->tls && encrypt(ch, now_ms))
        continue;
}

bool nx_channel_is_flushed(const struct nx_channel *ch)
{
    return !nx_conn_out(ch->conn).len && !waiting(ch).len;
}

/* ---- its end ---- */

static void say_end(struct nx_channel *ch)
{
    if (!ch->tls || ch->write_failed)
        return;
    nx_tls_finish(ch->tls);
    (void)write_out(ch, 0);
}

void nx_channel_finish(struct nx_channel *ch)
{
    if (!ch->tcp || ch->write_failed)
        return;
    say_end(ch);
    nx_tcp_finish(ch->tcp);
    ch->write_failed = true;
}

void nx_channel_close(struct nx_channel *ch)
{
    say_end(ch);
    nx_tcp_close(ch->tcp);
    nx_tls_session_free(ch->tls);
    nx_conn_free(ch->conn);
    *ch = (struct nx_channel){0};
}

/* ---- time ---- */

uint64_t nx_channel_deadline(const struct nx_channel *ch)
{
    return ch->securing ? ch->secure_by_ms : nx_conn_deadline(ch->conn);
}

int nx_channel_timeout(struct nx_channel *ch, uint64_t now_ms, struct noex_error *err)
{
    if (!ch->securing)
        return nx_conn_timeout(ch->conn, now_ms, err);
    if (now_ms < ch->secure_by_ms)
        return 0;
    return nx_fail(err, NOEX_EHANDSHAKETIMEOUT, "no answer within %" PRIu64 " ms in %s%s",
                   secure_ms(ch->step_ms), nx_channel_step(ch),
                   nx_tls_has_heard(ch->tls) ? ""
                                             : ": the peer may speak distribution in the clear");
}

const char *nx_channel_step(const struct nx_channel *ch)
{
    return ch->securing ? "the TLS handshake" : nx_conn_step(ch->conn);
}

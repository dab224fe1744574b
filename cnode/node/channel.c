/* SPDX-License-Identifier: Apache-2.0 */
#include "node/channel.h"

bool nx_channel_read(struct nx_conn *conn, struct nx_tcp *tcp, uint64_t now_ms,
                     struct noex_error *err)
{
    uint8_t *bytes;
    size_t size;
    if (nx_conn_room(conn, &bytes, &size, err))
        return false;
    int64_t n = nx_tcp_read(tcp, bytes, size, err);
    if (n == NOEX_ECLOSED || (n < 0 && !nx_conn_is_up(conn))) {
        err->code = 0;
        n = nx_conn_eof(conn, err);
    }
    if (n <= 0 || nx_conn_received(conn, (size_t)n, now_ms, err))
        return false;
    return (size_t)n == size; /* else the socket is empty: no need to ask it once more */
}

bool nx_channel_flush(struct nx_conn *conn, struct nx_tcp *tcp, uint64_t now_ms)
{
    struct noex_error ignored = {0};
    struct nx_span out;
    while ((out = nx_conn_out(conn)).len) {
        int64_t n = nx_tcp_write(tcp, out.ptr, out.len, &ignored);
        if (n <= 0)
            return n == 0;
        nx_conn_sent(conn, (size_t)n, now_ms);
    }
    return true;
}

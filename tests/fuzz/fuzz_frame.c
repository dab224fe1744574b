/* What a connected peer may send, as a connection takes it: frames, fragments, the atom cache,
 * control messages and payloads. The first byte chooses the mode and how the bytes are cut into
 * pieces. SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "conn/incoming.h"
#include "term/check.h"

#include <stdlib.h>

enum { FRAME_MAX = 1 << 16, KEEP_MAX = 4096, SEQUENCES_MAX = 6 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static size_t on_wanted(void *ctx, const struct nx_ctrl *ctrl)
{
    (void)ctx;
    must(ctrl->op != 0);
    return KEEP_MAX;
}

/* All that is handed on is plain, and whole where it is not said to be cut. */
static int on_signal(void *ctx, const struct nx_signal *s, struct noex_error *err)
{
    size_t used;
    (void)ctx, (void)err;
    must(s->ctrl->has_payload == (s->payload_full != 0) && s->payload.len <= s->payload_full);
    if (s->payload.len == s->payload_full && s->payload.len)
        must(nx_term_check(s->payload, &used, NULL) == 0 && used == s->payload.len);
    for (unsigned role = 0; role < NX_ARG_COUNT; role++)
        if (s->ctrl->arg[role].len)
            must(nx_term_check(s->ctrl->arg[role], &used, NULL) == 0 &&
                 used == s->ctrl->arg[role].len);
    return 0;
}

static void on_unknown(void *ctx, const char *what)
{
    (void)ctx;
    must(what[0] != '\0');
}

/* A copy of exactly its size, so that a read past a frame inside the stream is seen. */
static int frame(struct nx_incoming *in, struct nx_span body, struct noex_error *err)
{
    uint8_t *copy = malloc(body.len ? body.len : 1);
    must(copy != NULL);
    if (body.len)
        memcpy(copy, body.ptr, body.len);
    int rc = body.len ? nx_incoming_frame(in, nx_span(copy, body.len), err) : 0;
    free(copy);
    return rc;
}

static int frames(struct nx_incoming *in, struct nx_buf *bytes, struct noex_error *err)
{
    struct nx_span body;
    size_t used;
    int rc;
    while ((rc = nx_frame_next(nx_buf_span(bytes), 4, FRAME_MAX, &body, &used, err)) == 1) {
        must(used == body.len + 4 && used <= nx_buf_len(bytes));
        rc = frame(in, body, err);
        if (rc)
            return rc;
        nx_buf_consume(bytes, used);
    }
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const bool header = data[0] & 1;
    const struct nx_incoming_config config = {
        .alloc = &nx_alloc_libc,
        .handlers = {NULL, on_wanted, on_signal, on_unknown},
        .mode = header ? NX_FRAME_FRAGMENTS : NX_FRAME_PASS_THROUGH,
        .cache = header,
        .message_max = 2 * KEEP_MAX,
        .fragments_max = SEQUENCES_MAX,
    };
    const size_t piece = data[0] >> 1 ? data[0] >> 1 : size;
    struct nx_incoming *in = nx_incoming_new(&config);
    struct nx_buf bytes;
    struct noex_error err = {0};
    int rc = 0;
    must(in != NULL);
    nx_buf_init(&bytes, &nx_alloc_libc, SIZE_MAX);
    for (size_t at = 1; at < size && !rc; at += piece) {
        must(nx_buf_put(&bytes, data + at, size - at < piece ? size - at : piece) == 0);
        rc = frames(in, &bytes, &err);
        must(rc <= 0 && rc == err.code && (rc == 0 || err.text[0]));
    }
    nx_incoming_free(in);
    nx_buf_free(&bytes);
    return 0;
}

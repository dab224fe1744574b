/* What a connected peer may send, as a connection takes it: frames, fragments, control messages and
 * payloads. The first byte chooses the mode and how the bytes are cut into pieces.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "term/check.h"
#include "wire/ctrl.h"
#include "wire/fragment.h"
#include "wire/frame.h"

#include <stdlib.h>

enum { FRAME_MAX = 1 << 16, KEEP_MAX = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

struct link {
    enum nx_frame_mode mode;
    struct nx_fragments *fragments;
    struct noex_error err;
};

static const struct nx_fragment_limits limits = {.sequences_max = 6, .bytes_max = 2 * KEEP_MAX};

static int message(struct link *l, struct nx_span data)
{
    struct nx_ctrl c;
    struct nx_span payload;
    size_t used, term;
    int rc = nx_ctrl_parse(data, &c, &used, &l->err);
    if (rc == NOEX_EPROTOCOL && used) {
        l->err.code = 0;
        return 0;
    }
    if (!rc)
        rc = nx_frame_payload(data, used, l->mode, &payload, &l->err);
    if (!rc && payload.len)
        must(payload.ptr + payload.len == data.ptr + data.len);
    return rc || !c.has_payload ? rc : nx_term_check(payload, &term, &l->err);
}

/* A copy of exactly its size, so that a read past a frame inside the stream is seen. */
static int frame(struct link *l, struct nx_span body)
{
    struct nx_frame f;
    struct nx_message whole;
    uint8_t *copy = malloc(body.len ? body.len : 1);
    must(copy != NULL);
    if (body.len)
        memcpy(copy, body.ptr, body.len);
    const struct nx_keep keep = {0, KEEP_MAX};
    int rc = nx_frame_parse(nx_span(copy, body.len), l->mode, &f, &l->err);
    if (!rc && f.kind == NX_FRAME_MESSAGE)
        rc = message(l, f.data);
    else if (!rc && f.kind == NX_FRAME_FIRST)
        rc = nx_fragments_first(l->fragments, f.sequence, f.fragment, f.data, &keep, &whole,
                                &l->err);
    else if (!rc && f.kind == NX_FRAME_CONTINUED)
        rc = nx_fragments_next(l->fragments, f.sequence, f.fragment, f.data, &whole, &l->err);
    free(copy);
    must(nx_fragments_count(l->fragments) <= limits.sequences_max);
    must(nx_fragments_bytes(l->fragments) <= limits.bytes_max);
    if (rc != 1)
        return rc;
    must(whole.data.len <= KEEP_MAX && whole.data.len <= whole.full_len);
    return message(l, whole.data);
}

static int frames(struct link *l, struct nx_buf *in)
{
    struct nx_span body;
    size_t used;
    int rc;
    while ((rc = nx_frame_next(nx_buf_span(in), 4, FRAME_MAX, &body, &used, &l->err)) == 1) {
        must(used == body.len + 4 && used <= nx_buf_len(in));
        rc = frame(l, body);
        if (rc)
            return rc;
        nx_buf_consume(in, used);
    }
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct link l = {.mode = data[0] & 1 ? NX_FRAME_DIST_HEADER : NX_FRAME_PASS_THROUGH};
    const size_t piece = data[0] >> 1 ? data[0] >> 1 : size;
    struct nx_buf in;
    int rc = 0;
    nx_buf_init(&in, &nx_alloc_libc, SIZE_MAX);
    l.fragments = nx_fragments_new(&nx_alloc_libc, &limits);
    must(l.fragments != NULL);
    for (size_t at = 1; at < size && !rc; at += piece) {
        must(nx_buf_put(&in, data + at, size - at < piece ? size - at : piece) == 0);
        rc = frames(&l, &in);
        must(rc <= 0 && rc == l.err.code && (rc == 0 || l.err.text[0]));
    }
    nx_fragments_free(l.fragments);
    nx_buf_free(&in);
    return 0;
}

/* What a peer with an atom cache says, twice: at once, where what is like the frame before is not
 * read anew, and with another header before each frame, so that every frame is. Both must be told
 * the same. The input is two bytes of length and a frame's data, again and again; of length 0 is
 * the frame before once more, with other numbers in a DOWN. SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "conn/incoming.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX = 1 << 16 };

/* What was told last, all of it in a row. */
struct told {
    unsigned signals;
    unsigned unknown;
    struct nx_buf bytes;
};

static void must(bool holds)
{
    if (!holds)
        abort();
}

static size_t on_wanted(void *ctx, const struct nx_ctrl *ctrl)
{
    (void)ctx;
    return ctrl->op == NX_OP_PAYLOAD_MONITOR_P_EXIT ? 300 : MAX;
}

static int on_signal(void *ctx, const struct nx_signal *s, struct noex_error *err)
{
    struct told *t = ctx;
    (void)err;
    t->signals++;
    nx_buf_consume(&t->bytes, SIZE_MAX);
    must(nx_buf_put_u8(&t->bytes, (uint8_t)s->ctrl->op) == 0);
    for (unsigned role = 0; role < NX_ARG_COUNT; role++)
        must(nx_buf_put_u32(&t->bytes, (uint32_t)s->ctrl->arg[role].len) == 0 &&
             nx_buf_put_span(&t->bytes, s->ctrl->arg[role]) == 0);
    must(nx_buf_put_u64(&t->bytes, s->payload_full) == 0);
    must(nx_buf_put_u8(&t->bytes, s->too_deep) == 0 &&
         nx_buf_put_u8(&t->bytes, (uint8_t)s->cached) == 0);
    must(nx_buf_put_span(&t->bytes, s->payload) == 0);
    return 0;
}

static void on_unknown(void *ctx, const char *what)
{
    struct told *t = ctx;
    (void)what;
    t->unknown++;
}

static struct nx_incoming *open_one(struct told *t)
{
    const struct nx_incoming_config config = {
        .alloc = &nx_alloc_libc,
        .handlers = {t, on_wanted, on_signal, on_unknown},
        .mode = NX_FRAME_FRAGMENTS,
        .cache = true,
        .message_max = MAX,
        .fragments_max = 4,
    };
    nx_buf_init(&t->bytes, &nx_alloc_libc, SIZE_MAX);
    struct nx_incoming *in = nx_incoming_new(&config);
    must(in != NULL);
    return in;
}

/* SEND of `[]` with a header of its own, of the last slot. */
static void spoil(struct nx_incoming *in)
{
    static const char send[] = "\203D\1\17\377\1xh\3a\2w\0XR\0"
                               "\0\0\0\1\0\0\0\0\0\0\0\1j";
    struct noex_error err = {0};
    must(nx_incoming_frame(in, nx_span(send, sizeof send - 1), &err) == 0);
}

static void change_numbers(uint8_t *frame, size_t len)
{
    const size_t at = 3 + (size_t)frame[2] / 2 + 1 + frame[2] + 7;
    if (len < at + 8)
        return;
    frame[at + 3]++;
    frame[at + 6] ^= frame[at + 3];
    for (size_t i = at + 8; i + 12 <= len; i++)
        if (frame[i] == 90 && frame[i + 1] == 0 && frame[i + 2] == 3 && len >= i + 21)
            frame[i + 12] += 3;
}

static bool both_hear(struct nx_incoming *in, struct nx_incoming *spoiled, struct told *t,
                      struct told *u, struct nx_span frame)
{
    struct noex_error err = {0}, other = {0};
    const unsigned signals = t->signals, unknown = t->unknown;
    spoil(spoiled);
    const unsigned before = u->signals, before_unknown = u->unknown;
    int rc = nx_incoming_frame(in, frame, &err);
    int rc2 = nx_incoming_frame(spoiled, frame, &other);
    if (rc) /* it may be for want of the slot that the other has */
        return false;
    must(!rc2 && t->signals - signals == u->signals - before &&
         t->unknown - unknown == u->unknown - before_unknown);
    must(t->signals == signals || nx_span_eq(nx_buf_span(&t->bytes), nx_buf_span(&u->bytes)));
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t frame[2 + MAX];
    struct told told = {0}, again = {0};
    struct nx_incoming *in = open_one(&told), *spoiled = open_one(&again);
    size_t len = 0;
    while (size >= 2) {
        const size_t n = nx_get_u16(data);
        data += 2;
        size -= 2;
        if (n > size || (!n && len < 3))
            break;
        if (n) {
            frame[0] = 131;
            frame[1] = 68;
            memcpy(frame + 2, data, n);
            len = 2 + n;
            data += n;
            size -= n;
        } else {
            change_numbers(frame, len);
        }
        if (!both_hear(in, spoiled, &told, &again, nx_span(frame, len)))
            break;
    }
    nx_incoming_free(in);
    nx_incoming_free(spoiled);
    nx_buf_free(&told.bytes);
    nx_buf_free(&again.bytes);
    return 0;
}

/* What both handshake targets share: a machine fed whole and in pieces must say the same.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FUZZ_HANDSHAKE_H
#define FUZZ_HANDSHAKE_H

#include "base/alloc.h"
#include "handshake/dflags.h"
#include "handshake/hs.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What became of a handshake. */
struct outcome {
    int rc;
    size_t eaten;
    char text[sizeof((struct noex_error *)0)->text];
    uint8_t out[2048];
    size_t out_len;
};

static inline void must(bool holds)
{
    if (!holds)
        abort();
}

static inline bool printable(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || (unsigned char)*text > '~')
            return false;
    return true;
}

static inline void ended(struct nx_hs *hs, const struct outcome *o, const struct noex_error *err)
{
    if (o->rc == NX_HS_DONE) {
        const struct nx_hs_result *r = nx_hs_result(hs);
        must(strchr(r->peer_name, '@') && strchr(r->self_name, '@'));
        must(printable(r->peer_name) && printable(r->self_name));
        must(nx_dflags_missing(r->peer_flags, NX_DFLAGS_REQUIRED) == 0);
        must(nx_hs_timeout(hs, UINT64_MAX, NULL) == 0);
        return;
    }
    must(o->rc < 0 ? err->code == o->rc : err->code == 0);
    must(o->rc == NX_HS_MORE || (err->text[0] && printable(err->text)));
    struct noex_error late = {0};
    int rc = nx_hs_timeout(hs, UINT64_MAX, &late);
    must(rc < 0 && late.code == rc && (o->rc == NX_HS_MORE || rc == o->rc));
    must(nx_hs_eof(hs, NULL) == rc);
}

/* Feeds `data` in pieces of `chunk` bytes, what is not eaten again with the next piece. */
static inline void run(const struct nx_hs_config *config, const uint8_t *data, size_t size,
                       size_t chunk, struct outcome *o)
{
    struct noex_error err = {0};
    struct nx_hs *hs = nx_hs_new(config, 1, &err);
    must(hs != NULL);
    memset(o, 0, sizeof *o);
    for (size_t there = 0; o->rc == NX_HS_MORE && there < size;) {
        size_t used = 0;
        there = size - there < chunk ? size : there + chunk;
        o->rc = nx_hs_feed(hs, nx_span(data + o->eaten, there - o->eaten), &used, 2, &err);
        must(used <= there - o->eaten);
        o->eaten += used;
    }
    struct nx_span out = nx_hs_out(hs);
    must(out.len <= sizeof o->out);
    if (out.len)
        memcpy(o->out, out.ptr, out.len);
    o->out_len = out.len;
    memcpy(o->text, err.text, sizeof o->text);
    ended(hs, o, &err);
    nx_hs_free(hs);
}

static inline int run_both(const struct nx_hs_config *config, const uint8_t *data, size_t size,
                           size_t chunk)
{
    struct outcome whole, pieces;
    run(config, data, size, SIZE_MAX, &whole);
    run(config, data, size, chunk ? chunk : 1, &pieces);
    must(whole.rc == pieces.rc && whole.eaten == pieces.eaten);
    must(whole.out_len == pieces.out_len && memcmp(whole.out, pieces.out, whole.out_len) == 0);
    return 0;
}

/* The challenge is config->random's context, so that recorded digests fit. */
static inline int fixed_fill(void *ctx, uint8_t *bytes, size_t len)
{
    memcpy(bytes, ctx, len);
    return 0;
}

#endif

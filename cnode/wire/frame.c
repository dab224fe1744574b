/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/frame.h"

#include "base/err.h"

enum {
    PASS_THROUGH = 112,
    VERSION = 131,
    DIST_HEADER = 68,
    FIRST_FRAGMENT = 69,
    NEXT_FRAGMENT = 70,
    LENGTH_SIZE = 4,
    HEADER_MAX = 3
};

int nx_frame_next(struct nx_span in, unsigned header, size_t max, struct nx_span *body,
                  size_t *used, struct noex_error *err)
{
    struct nx_rd r = nx_rd(in);
    uint16_t short_len = 0;
    uint32_t len = 0;
    *used = 0;
    if (header == 2 ? !nx_rd_u16(&r, &short_len) : !nx_rd_u32(&r, &len))
        return 0;
    size_t size = header == 2 ? short_len : len;
    if (size > max || size > SIZE_MAX - header)
        return nx_fail(err, NOEX_ETOOBIG,
                       "the peer announced a frame of %zu bytes, the limit is %zu", size, max);
    *used = header + size;
    return nx_rd_bytes(&r, size, body);
}

/* The cache section, protocol.md section 4. */
static int read_cache_refs(struct nx_rd *r, struct nx_atom_cache *cache, struct nx_frame *out,
                           struct noex_error *err)
{
    uint8_t refs;
    if (!nx_rd_u8(r, &refs))
        return nx_fail(err, NOEX_EPROTOCOL, "a distribution header is cut short");
    if (!refs)
        return 0;
    if (!cache)
        return nx_fail(err, NOEX_EPROTOCOL,
                       "a distribution header with %u atom cache references, though no atom cache "
                       "was negotiated",
                       refs);
    return nx_atom_cache_read(cache, refs, r, &out->refs, err);
}

static int read_fragment_ids(struct nx_rd *r, struct nx_frame *out, struct noex_error *err)
{
    if (!nx_rd_u64(r, &out->sequence) || !nx_rd_u64(r, &out->fragment))
        return nx_fail(err, NOEX_EPROTOCOL, "a fragment header is cut short");
    if (out->fragment == 0)
        return nx_fail(err, NOEX_EPROTOCOL, "a fragment of number 0");
    return 0;
}

static int no_dist_header(uint8_t first, uint8_t second, struct noex_error *err)
{
    return nx_fail(err, NOEX_EPROTOCOL,
                   "a frame begins with %u %u instead of a distribution header", first, second);
}

static int read_dist_header(struct nx_rd *r, uint8_t tag, enum nx_frame_mode mode,
                            struct nx_atom_cache *cache, struct nx_frame *out,
                            struct noex_error *err)
{
    const bool fragment = tag == FIRST_FRAGMENT || tag == NEXT_FRAGMENT;
    int rc = 0;
    if (tag != DIST_HEADER && !(fragment && mode == NX_FRAME_FRAGMENTS))
        return no_dist_header(VERSION, tag, err);
    out->kind = tag == DIST_HEADER      ? NX_FRAME_MESSAGE
                : tag == FIRST_FRAGMENT ? NX_FRAME_FIRST
                                        : NX_FRAME_CONTINUED;
    if (fragment)
        rc = read_fragment_ids(r, out, err);
    if (!rc && tag != NEXT_FRAGMENT)
        rc = read_cache_refs(r, cache, out, err);
    return rc;
}

int nx_frame_parse(struct nx_span body, enum nx_frame_mode mode, struct nx_atom_cache *cache,
                   struct nx_frame *out, struct noex_error *err)
{
    struct nx_rd r = nx_rd(body);
    uint8_t first, second;
    *out = (struct nx_frame){.kind = NX_FRAME_TICK};
    if (body.len == 0)
        return 0;
    if (!nx_rd_u8(&r, &first) || !nx_rd_u8(&r, &second))
        return nx_fail(err, NOEX_EPROTOCOL, "a frame of 1 byte");
    if (mode != NX_FRAME_PASS_THROUGH) {
        if (first != VERSION)
            return no_dist_header(first, second, err);
        int rc = read_dist_header(&r, second, mode, cache, out, err);
        if (rc)
            return rc;
    } else {
        /* The BEAM skips the first byte unseen (protocol.md section 4); any BEAM sends 112 there,
         * so another one says that the two sides do not agree on what was negotiated. */
        if (first != PASS_THROUGH || second != VERSION)
            return nx_fail(err, NOEX_EPROTOCOL, "a frame begins with %u %u instead of %u %u", first,
                           second, PASS_THROUGH, VERSION);
        out->kind = NX_FRAME_MESSAGE;
    }
    out->data = nx_rd_rest(&r);
    return 0;
}

int nx_frame_payload(struct nx_span data, size_t used, enum nx_frame_mode mode,
                     struct nx_span *payload, struct noex_error *err)
{
    struct nx_rd r = nx_rd(data);
    struct nx_span control;
    uint8_t version;
    *payload = nx_span(NULL, 0);
    if (!nx_rd_bytes(&r, used, &control))
        return 0;
    if (mode == NX_FRAME_PASS_THROUGH && nx_rd_u8(&r, &version) && version != VERSION)
        return nx_fail(err, NOEX_EPROTOCOL, "a payload begins with %u instead of %u", version,
                       VERSION);
    *payload = nx_rd_rest(&r);
    return 0;
}

static void put(struct nx_buf *out, const void *bytes, size_t n)
{
    if (n)
        memcpy(out->data + out->end, bytes, n);
    nx_buf_commit(out, n);
}

static void put_header(struct nx_buf *out, enum nx_frame_mode mode, size_t len)
{
    static const uint8_t pass_through[] = {PASS_THROUGH, VERSION};
    static const uint8_t dist_header[] = {VERSION, DIST_HEADER, 0};
    const bool pass = mode == NX_FRAME_PASS_THROUGH;
    const size_t size = pass ? sizeof pass_through : sizeof dist_header;
    len += size;
    uint8_t be[LENGTH_SIZE];
    nx_put_u32(be, (uint32_t)len);
    put(out, be, sizeof be);
    put(out, pass ? pass_through : dist_header, size);
}

int nx_frame_write(struct nx_buf *out, enum nx_frame_mode mode, struct nx_span control,
                   struct nx_span payload)
{
    static const uint8_t version = VERSION;
    const size_t between = payload.len && mode == NX_FRAME_PASS_THROUGH;
    const size_t room = UINT32_MAX - LENGTH_SIZE - HEADER_MAX - 1;
    if (control.len > room || payload.len > room - control.len)
        return NOEX_ELIMIT;
    size_t len = control.len + between + payload.len;
    int rc = nx_buf_reserve(out, LENGTH_SIZE + HEADER_MAX + len);
    if (rc)
        return rc;
    put_header(out, mode, len);
    put(out, control.ptr, control.len);
    put(out, &version, between);
    put(out, payload.ptr, payload.len);
    return 0;
}

int nx_frame_write_short(struct nx_buf *out, const struct nx_known_atoms *known,
                         struct nx_span terms)
{
    uint8_t head[LENGTH_SIZE + 2] = {0, 0, 0, 0, VERSION, DIST_HEADER};
    const size_t len = 2 + nx_known_atoms_refs_size(known) + terms.len;
    int rc = nx_buf_reserve(out, LENGTH_SIZE + len);
    if (rc)
        return rc;
    nx_put_u32(head, (uint32_t)len);
    put(out, head, sizeof head);
    nx_known_atoms_put_refs(known, out);
    put(out, terms.ptr, terms.len);
    return 0;
}

enum { FRAGMENT_HEAD = LENGTH_SIZE + 2 + 8 + 8, NO_REFS = 1 };

static size_t first_fragment(size_t control_len)
{
    return control_len < NX_FRAGMENT ? NX_FRAGMENT : control_len + 1;
}

size_t nx_frame_fragment_count(size_t control_len, size_t payload_len)
{
    const size_t len = control_len + payload_len, first = first_fragment(control_len);
    return len <= first ? 1 : 1 + (len - first + NX_FRAGMENT - 1) / NX_FRAGMENT;
}

size_t nx_frame_fragment_bytes(size_t control_len, size_t payload_len)
{
    return control_len + payload_len + NO_REFS +
           FRAGMENT_HEAD * nx_frame_fragment_count(control_len, payload_len);
}

static void put_fragment_head(struct nx_buf *out, uint8_t tag, uint64_t sequence, uint64_t fragment,
                              size_t len)
{
    uint8_t head[FRAGMENT_HEAD], *p = nx_put_u32(head, (uint32_t)(len + FRAGMENT_HEAD - 4));
    *p++ = VERSION;
    *p++ = tag;
    p = nx_put_u32(p, (uint32_t)(sequence >> 32));
    p = nx_put_u32(p, (uint32_t)sequence);
    p = nx_put_u32(p, (uint32_t)(fragment >> 32));
    nx_put_u32(p, (uint32_t)fragment);
    put(out, head, sizeof head);
}

int nx_frame_write_fragments(struct nx_buf *out, uint64_t sequence, struct nx_span control,
                             struct nx_span payload)
{
    static const uint8_t no_refs = 0;
    int rc = nx_buf_reserve(out, nx_frame_fragment_bytes(control.len, payload.len));
    if (rc)
        return rc;
    uint64_t fragment = nx_frame_fragment_count(control.len, payload.len);
    size_t n = first_fragment(control.len) - control.len;
    n = n < payload.len ? n : payload.len;
    put_fragment_head(out, FIRST_FRAGMENT, sequence, fragment, NO_REFS + control.len + n);
    put(out, &no_refs, NO_REFS);
    put(out, control.ptr, control.len);
    for (;;) {
        put(out, payload.ptr, n);
        payload = nx_span(payload.ptr + n, payload.len - n);
        if (--fragment == 0)
            return 0;
        n = payload.len < NX_FRAGMENT ? payload.len : NX_FRAGMENT;
        put_fragment_head(out, NEXT_FRAGMENT, sequence, fragment, n);
    }
}

int nx_frame_begin(struct nx_buf *out, enum nx_frame_mode mode, size_t *mark)
{
    int rc = nx_buf_reserve(out, LENGTH_SIZE + HEADER_MAX);
    if (rc)
        return rc;
    *mark = nx_buf_len(out);
    put_header(out, mode, 0);
    return 0;
}

int nx_frame_end(struct nx_buf *out, size_t mark)
{
    size_t len = nx_buf_len(out) - mark - LENGTH_SIZE;
    if (len > UINT32_MAX) {
        nx_buf_truncate(out, mark);
        return NOEX_ELIMIT;
    }
    uint8_t *p = out->data + out->start + mark;
    nx_put_u32(p, (uint32_t)len);
    return 0;
}

/* Headers and terms as a peer with an atom cache may send them, against a table of texts and a
 * plain way to put atoms in the place of references; and terms of ours as they arrive at such a
 * peer. The first byte says which; then two bytes of length and a frame, again and again.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "random_term.h"
#include "term/check.h"
#include "wire/expand.h"
#include "wire/frame.h"

#include <stdlib.h>

enum { DEPTH = 900, MAX = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

/* ---- what a peer sends ---- */

struct model {
    uint8_t text[NX_ATOM_CACHE_SLOTS][1020];
    int len[NX_ATOM_CACHE_SLOTS]; /* -1: empty */
};

/* The references of a section, by the letter of protocol.md 4; how long it is, 0 where it is bad.
 */
static size_t read_section(struct model *m, struct nx_span s, size_t count, struct nx_buf *tokens,
                           struct nx_span *refs)
{
    const size_t flags = count / 2 + 1;
    size_t at = flags;
    if (s.len < flags)
        return 0;
    const bool is_long = s.ptr[count / 2] >> (count % 2 * 4) & 1;
    for (size_t i = 0; i < count; i++) {
        const unsigned nibble = s.ptr[i / 2] >> (i % 2 * 4) & 15;
        if (at >= s.len)
            return 0;
        const unsigned slot = (nibble & 7) * 256 + s.ptr[at++];
        if (nibble & 8) {
            if (s.len - at < (is_long ? 2u : 1u))
                return 0;
            const size_t len = is_long ? nx_get_u16(s.ptr + at) : s.ptr[at];
            at += is_long ? 2 : 1;
            if (len > 1020 || len > s.len - at)
                return 0;
            memcpy(m->text[slot], s.ptr + at, len);
            m->len[slot] = (int)len;
            at += len;
        }
        if (m->len[slot] < 0)
            return 0;
        const size_t len = (size_t)m->len[slot];
        uint8_t head[] = {len < 256 ? 119 : 118, (uint8_t)(len >> 8), (uint8_t)len};
        refs[i].len = len + (len < 256 ? 2 : 3);
        if (len < 256)
            head[1] = head[2];
        must(nx_buf_put(tokens, head, len < 256 ? 2 : 3) == 0);
        must(nx_buf_put(tokens, m->text[slot], len) == 0);
    }
    const uint8_t *p = nx_buf_span(tokens).ptr;
    for (size_t i = 0; i < count; i++) {
        refs[i].ptr = p;
        p += refs[i].len;
    }
    return at;
}

static bool all_atoms(const struct nx_span *refs, size_t count)
{
    size_t used;
    for (size_t i = 0; i < count; i++)
        if (nx_term_check(refs[i], &used, NULL))
            return false;
    return true;
}

static void expand_it(const struct nx_frame *f)
{
    struct nx_plain plain, cut;
    struct nx_buf want, out, less;
    struct noex_error err = {0};
    size_t used;
    nx_buf_init(&want, &nx_alloc_libc, SIZE_MAX);
    nx_buf_init(&out, &nx_alloc_libc, SIZE_MAX);
    nx_buf_init(&less, &nx_alloc_libc, SIZE_MAX);
    const size_t naive = naive_expand(&want, f->data, &f->refs, DEPTH);
    int rc = nx_expand(f->data, &f->refs, &out, MAX, &plain, &err);
    must(rc == err.code && (rc == 0 || (rc == NOEX_EPROTOCOL && err.text[0])));
    const bool good = naive && nx_term_check(nx_buf_span(&want), &used, NULL) == 0;
    if (!rc) {
        must(plain.used <= f->data.len && plain.term.len <= plain.full);
        must(nx_buf_len(&out) <= MAX && (plain.why == 0) == (plain.term.len == plain.full));
        must(nx_expand(f->data, &f->refs, &less, plain.term.len / 2, &cut, NULL) == 0);
        must(cut.full == plain.full && cut.term.len <= plain.term.len);
        must(nx_buf_len(&less) <= plain.term.len / 2);
    }
    if (good) {
        must(!rc && plain.used == naive && plain.full == nx_buf_len(&want));
        must(plain.why || nx_span_eq(plain.term, nx_buf_span(&want)));
    } else if (!rc && !plain.why) {
        must(nx_term_check(plain.term, &used, NULL) != 0);
    }
    nx_buf_free(&want);
    nx_buf_free(&out);
    nx_buf_free(&less);
}

static bool receive(struct model *m, struct nx_atom_cache *cache, struct nx_span body)
{
    struct nx_frame f;
    struct noex_error err = {0};
    struct nx_span refs[NX_ATOM_REFS_MAX];
    struct nx_buf tokens;
    nx_buf_init(&tokens, &nx_alloc_libc, SIZE_MAX);
    const bool header = body.len >= 3 && body.ptr[0] == 131 && body.ptr[1] == 68;
    const size_t count = header ? body.ptr[2] : 0;
    size_t section = 0;
    if (count)
        section = read_section(m, nx_span(body.ptr + 3, body.len - 3), count, &tokens, refs);
    int rc = nx_frame_parse(body, NX_FRAME_DIST_HEADER, cache, &f, &err);
    must(rc == err.code && (rc == 0 || err.text[0]));
    /* A text that is no atom is refused when it comes, one that stands in a slot is one. */
    if (header && count)
        must((rc == 0) == (section && all_atoms(refs, count)));
    if (!rc && count) {
        must(f.refs.count == count && f.data.ptr == body.ptr + 3 + section);
        for (size_t i = 0; i < count; i++)
            must(nx_span_eq(f.refs.atom[i], refs[i]));
    }
    nx_buf_free(&tokens);
    if (!rc && f.kind == NX_FRAME_MESSAGE)
        expand_it(&f);
    return rc == 0;
}

/* ---- what we send ---- */

/* What is malformed does no harm, and is not sent. */
static void send(struct nx_known_atoms *known, struct nx_atom_cache *peer, struct nx_span term,
                 bool sent)
{
    struct nx_frame f;
    struct nx_plain plain;
    struct nx_buf terms, frame, out;
    size_t used;
    nx_buf_init(&terms, &nx_alloc_libc, SIZE_MAX);
    nx_buf_init(&frame, &nx_alloc_libc, SIZE_MAX);
    nx_buf_init(&out, &nx_alloc_libc, SIZE_MAX);
    sent = nx_term_check(term, &used, NULL) == 0 && sent;
    must(nx_buf_reserve(&terms, term.len + 1) == 0);
    if (term.len)
        nx_known_atoms_put_all(known, &terms, term);
    must(nx_buf_len(&terms) <= term.len);
    must(nx_frame_write_short(&frame, known, nx_buf_span(&terms)) == 0);
    nx_known_atoms_end(known, sent);
    if (sent) {
        const struct nx_span body = nx_span(frame.data + 4, nx_buf_len(&frame) - 4);
        must(nx_frame_parse(body, NX_FRAME_DIST_HEADER, peer, &f, NULL) == 0);
        must(nx_expand(f.data, &f.refs, &out, SIZE_MAX, &plain, NULL) == 0);
        must(nx_span_eq(plain.term, nx_span(term.ptr, used)));
    }
    nx_buf_free(&terms);
    nx_buf_free(&frame);
    nx_buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct model m;
    struct nx_atom_cache *cache = nx_atom_cache_new(&nx_alloc_libc);
    struct nx_known_atoms *known = nx_known_atoms_new(&nx_alloc_libc, "foo", "me@host");
    must(cache && known);
    for (size_t i = 0; i < NX_ATOM_CACHE_SLOTS; i++)
        m.len[i] = -1;
    bool good = true;
    for (size_t at = 1; good && at + 2 <= size;) {
        size_t len = nx_get_u16(data + at);
        at += 2;
        len = len < size - at ? len : size - at;
        /* A copy of exactly its size, so that a read past it is seen. */
        uint8_t *copy = malloc(len ? len : 1);
        must(copy != NULL);
        memcpy(copy, data + at, len);
        if (data[0] & 1)
            send(known, cache, nx_span(copy, len), at % 3 > 0);
        else
            good = receive(&m, cache, nx_span(copy, len));
        free(copy);
        at += len;
    }
    nx_atom_cache_free(cache);
    nx_known_atoms_free(known);
    return 0;
}

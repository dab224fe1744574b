/* Fragments in any order against a plain model of what must come of them. Four bytes of input are
 * one fragment: sequence and first or further (and what a first one brings along), its number, its
 * length, how much of the message to keep. SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "wire/fragment.h"

#include <stdlib.h>

enum { SEQUENCES = 16, FIRST = 0x80, WITH_CONTROL = 0x40, WITH_REFS = 0x20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

struct model {
    struct {
        bool under_way;
        uint64_t next;
        size_t full_len;
        size_t keep_max;
        size_t keep_min;
        size_t beside; /* control term and atoms */
    } sequence[SEQUENCES];
    size_t count;
    size_t bytes;
};

static const struct nx_fragment_limits limits = {.sequences_max = 9, .bytes_max = 500};

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static uint8_t byte_at(unsigned sequence, size_t offset)
{
    return (uint8_t)(sequence * 41 + offset * 7);
}

/* What the next fragment must lead to: an error, 0, or 1 for a message. */
static int expect(struct model *m, unsigned s, bool first, uint64_t fragment, size_t len,
                  const struct nx_beginning *begin)
{
    if (first ? m->sequence[s].under_way || fragment == 0
              : !m->sequence[s].under_way || fragment != m->sequence[s].next)
        return NOEX_EPROTOCOL;
    if (first && m->count == limits.sequences_max)
        return NOEX_ETOOBIG;
    const size_t before = first ? 0 : m->sequence[s].full_len;
    const size_t keep_min = first ? begin->keep_min : m->sequence[s].keep_min;
    size_t keep_max = first ? begin->keep_max : m->sequence[s].keep_max;
    const size_t have = smaller(before, keep_max);
    const size_t must_keep = keep_min > have ? keep_min - have : 0;
    m->bytes += first ? begin->control.len : 0;
    const size_t left = m->bytes < limits.bytes_max ? limits.bytes_max - m->bytes : 0;
    const size_t budget = left > must_keep ? left : must_keep;
    size_t more = smaller(len, keep_max - have);
    if (more > budget) {
        more = budget;
        keep_max = have + more;
    }
    m->count += first;
    m->bytes += more + (first ? begin->refs_size : 0);
    if (first)
        m->sequence[s].beside = begin->control.len + begin->refs_size;
    m->sequence[s].under_way = fragment > 1;
    m->sequence[s].next = fragment - 1;
    m->sequence[s].full_len = before + len;
    m->sequence[s].keep_max = keep_max;
    m->sequence[s].keep_min = keep_min;
    if (fragment > 1)
        return 0;
    m->count--;
    m->bytes -= smaller(before + len, keep_max) + m->sequence[s].beside;
    return 1;
}

static struct nx_beginning beginning(const uint8_t *step, struct nx_span payload)
{
    struct nx_span atom = nx_span_str("w\3foo");
    const struct nx_atom_refs refs = {1, &atom, 1};
    struct nx_beginning b = {.payload = payload,
                             .payload_full = payload.len,
                             .keep_min = step[3] & 7,
                             .keep_max = step[3] * 2u};
    if (step[0] & WITH_CONTROL)
        b.control = nx_span_str("control");
    if (step[0] & WITH_REFS)
        b.refs = nx_atom_refs_copy(&nx_alloc_libc, &refs, SIZE_MAX, &b.refs_size);
    return b;
}

static void play(struct model *m, struct nx_fragments *f, const uint8_t *step)
{
    const unsigned s = step[0] % SEQUENCES;
    const bool first = step[0] & FIRST;
    /* Spread over all of the numbers, so that their order matters. */
    const uint64_t id = (uint64_t)s * 7 % SEQUENCES << 60 | s;
    const size_t before = first ? 0 : m->sequence[s].full_len;
    uint8_t bytes[255];
    struct nx_message out;
    struct noex_error err = {0};
    for (size_t i = 0; i < step[2]; i++)
        bytes[i] = byte_at(s, before + i);
    const struct nx_span in = nx_span(bytes, step[2]);
    struct nx_beginning begin = {.keep_min = 0};
    if (first)
        begin = beginning(step, in);
    const int want = expect(m, s, first, step[1], step[2], &begin);
    const int rc = first ? nx_fragments_first(f, id, step[1], &begin, &out, &err)
                         : nx_fragments_next(f, id, step[1], in, &out, &err);
    if (rc < 0)
        nx_free(&nx_alloc_libc, begin.refs);
    must(rc == want && err.code == (rc < 0 ? rc : 0));
    must(nx_fragments_count(f) == m->count && nx_fragments_bytes(f) == m->bytes);
    if (rc != 1)
        return;
    must(out.payload_full == m->sequence[s].full_len);
    must(out.payload.len == smaller(m->sequence[s].full_len, m->sequence[s].keep_max));
    for (size_t i = 0; i < out.payload.len; i++)
        must(out.payload.ptr[i] == byte_at(s, i));
    must(out.control.len == 0 || nx_span_is(out.control, "control"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct model m = {.count = 0};
    struct nx_fragments *f = nx_fragments_new(&nx_alloc_libc, &limits);
    must(f != NULL);
    for (size_t at = 0; size - at >= 4; at += 4)
        play(&m, f, data + at);
    nx_fragments_free(f);
    return 0;
}

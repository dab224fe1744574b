/* SPDX-License-Identifier: Apache-2.0 */
#include "conn/stencil.h"

enum { NUMBERS = 3 * 4 };

static void put(uint8_t *to, const uint32_t numbers[3])
{
    nx_put_u32(nx_put_u32(nx_put_u32(to, numbers[0]), numbers[1]), numbers[2]);
}

/* Where numbers stand before `end` that the tag of the next element follows; 0: nowhere. */
static size_t find(struct nx_span frame, size_t end, const uint32_t numbers[3], uint8_t next)
{
    uint8_t want[NUMBERS];
    put(want, numbers);
    for (size_t at = end; at-- > NUMBERS;)
        if (frame.ptr[at] == next && memcmp(frame.ptr + at - NUMBERS, want, NUMBERS) == 0)
            return at - NUMBERS;
    return 0;
}

/* From, target, and the reference, whose words are the end. */
static bool find_pids(struct nx_stencil *s, struct nx_span frame,
                      const struct nx_stencil_numbers *numbers)
{
    enum { PID = 88, REF = 90 };
    s->target_at = find(frame, frame.len - NUMBERS, numbers->target, REF);
    s->from_at = s->target_at ? find(frame, s->target_at, numbers->from, PID) : 0;
    return s->from_at != 0;
}

void nx_stencil_learn(struct nx_stencil *s, struct nx_span frame,
                      const struct nx_stencil_numbers *numbers)
{
    uint8_t words[NUMBERS];
    put(words, numbers->ref);
    bool again = frame.len == s->seen;
    s->seen = frame.len;
    if (!again || frame.len > sizeof s->bytes || frame.len < 2 * NUMBERS ||
        memcmp(frame.ptr + frame.len - NUMBERS, words, NUMBERS) != 0)
        return;
    if (!find_pids(s, frame, numbers))
        return;
    memcpy(s->bytes, frame.ptr, frame.len);
    s->len = frame.len;
}

void nx_stencil_write(const struct nx_stencil *s, const struct nx_stencil_numbers *numbers,
                      uint8_t *to)
{
    memcpy(to, s->bytes, s->len);
    put(to + s->from_at, numbers->from);
    put(to + s->target_at, numbers->target);
    put(to + s->len - NUMBERS, numbers->ref);
}

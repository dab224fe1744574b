/* SPDX-License-Identifier: Apache-2.0 */
#include "conn/stencil.h"

enum { NUMBERS = 3 * 4 };

static void put(uint8_t *to, const uint32_t numbers[3])
{
    nx_put_u32(nx_put_u32(nx_put_u32(to, numbers[0]), numbers[1]), numbers[2]);
}

/* The reference is the last element, its words its end; the target's numbers end where it begins.
 */
static size_t find_target(struct nx_span frame, const struct nx_stencil_numbers *numbers)
{
    uint8_t want[NUMBERS];
    put(want, numbers->target);
    for (size_t at = frame.len - NUMBERS; at-- > NUMBERS;)
        if (memcmp(frame.ptr + at - NUMBERS, want, NUMBERS) == 0 && frame.ptr[at] == 90)
            return at - NUMBERS;
    return 0;
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
    s->target_at = find_target(frame, numbers);
    if (!s->target_at)
        return;
    memcpy(s->bytes, frame.ptr, frame.len);
    s->len = frame.len;
}

void nx_stencil_write(const struct nx_stencil *s, const struct nx_stencil_numbers *numbers,
                      uint8_t *to)
{
    memcpy(to, s->bytes, s->len);
    put(to + s->target_at, numbers->target);
    put(to + s->len - NUMBERS, numbers->ref);
}

/* Any bytes as an exit reason: a type, and a message that is one line of UTF-8 within its ceiling.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "term/reason.h"
#include "term/utf8.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_line(struct nx_span text)
{
    struct nx_rd in = nx_rd(text);
    while (nx_rd_left(&in)) {
        uint32_t c;
        if (!nx_utf8_next(&in, &c) || c < 0x20 || (c >= 0x7f && c < 0xa0))
            abort();
    }
}

static void check_message(struct nx_span term, size_t max)
{
    struct nx_buf out;
    nx_buf_init(&out, &nx_alloc_libc, max);
    if (nx_reason_message(&out, term, nx_span_str("a@b")) || nx_buf_len(&out) > max)
        abort();
    check_line(nx_buf_span(&out));
    nx_buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct nx_span term = nx_span(data, size);
    enum noex_reason_type type = nx_reason_type(term);
    /* A shorter term says the same or nothing. */
    enum noex_reason_type half = nx_reason_type(nx_span(data, size / 2));
    if (half != type && half != NOEX_REASON_EXCEPTION)
        abort();
    check_message(term, 1 << 20);
    check_message(term, size % 64);
    return 0;
}

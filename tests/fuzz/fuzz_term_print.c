/* Any bytes through the printer, with small ceilings and without: the text is always UTF-8 without
 * control characters, within its ceiling, and ends in "..." exactly where it says it was cut.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "term/print.h"
#include "term/utf8.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ensure(bool truth)
{
    if (!truth)
        abort();
}

static void ensure_clean(struct nx_span text)
{
    struct nx_rd in = nx_rd(text);
    for (uint32_t c; nx_rd_left(&in);)
        ensure(nx_utf8_next(&in, &c) && c >= ' ' && (c < 0x7f || c >= 0xa0));
}

static bool print(struct nx_buf *out, struct nx_span term, struct nx_span node, size_t max)
{
    struct nx_print_opts opts = {node};
    bool cut = false;
    nx_buf_init(out, &nx_alloc_libc, max);
    ensure(nx_term_print(out, term, &opts, &cut) == 0);
    struct nx_span text = nx_buf_span(out);
    ensure(text.len <= max);
    ensure_clean(text);
    size_t dots = max < 3 ? max : 3;
    if (cut && dots)
        ensure(text.len >= dots && memcmp(text.ptr + text.len - dots, "...", dots) == 0);
    return cut;
}

/* The first byte is the ceiling of a second run, and whether a local node is known. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct nx_span term = nx_span(data + 1, size - 1);
    struct nx_span node = data[0] & 1 ? nx_span_str("a@b") : nx_span(NULL, 0);
    struct nx_buf small, large;
    bool cut = print(&large, term, node, SIZE_MAX);
    struct nx_span all = nx_buf_span(&large);
    bool cut_small = print(&small, term, node, data[0]);
    struct nx_span some = nx_buf_span(&small);
    if (all.len <= data[0]) {
        ensure(cut_small == cut && nx_span_eq(all, some));
    } else {
        size_t dots = data[0] < 3 ? data[0] : 3;
        ensure(cut_small);
        ensure(some.len == dots || memcmp(all.ptr, some.ptr, some.len - dots) == 0);
    }
    nx_buf_free(&small);
    nx_buf_free(&large);
    return 0;
}

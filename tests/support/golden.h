/* The golden file of terms and what Erlang prints for them, one line at a time; and a copy of bytes
 * on the heap in their exact size, so that the sanitizer sees a read past the end.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef GOLDEN_H
#define GOLDEN_H

#include "base/span.h"
#include "cmocka_all.h"
#include "hex.h"
#include <stdio.h>
#include <stdlib.h>

struct golden {
    FILE *file;
    char *line;
    size_t size;
    uint8_t *bytes;
    struct nx_span term; /* without its version byte */
    const char *text;
    unsigned number;
};

static inline void golden_open(struct golden *g)
{
    *g = (struct golden){.file = fopen(NOEX_TEST_DIR "/vectors/term/print_otp25.tsv", "rb")};
    assert_non_null(g->file);
}

static inline bool golden_next(struct golden *g)
{
    ssize_t n = getline(&g->line, &g->size, g->file);
    if (n <= 0)
        return false;
    g->line[n - 1] = '\0';
    char *tab = strchr(g->line, '\t');
    assert_non_null(tab);
    *tab = '\0';
    g->text = tab + 1;
    g->bytes = realloc(g->bytes, (size_t)n);
    assert_non_null(g->bytes);
    size_t len = hex_decode(g->line, g->bytes, (size_t)n);
    assert_true(len != 0 && len != (size_t)-1);
    g->term = nx_span(g->bytes, len);
    g->number++;
    return true;
}

static inline void golden_close(struct golden *g)
{
    fclose(g->file);
    free(g->line);
    free(g->bytes);
}

static inline uint8_t *exact_copy(struct nx_span s)
{
    uint8_t *copy = malloc(s.len ? s.len : 1);
    assert_non_null(copy);
    if (s.len)
        memcpy(copy, s.ptr, s.len);
    return copy;
}

/* Bytes from hex in a heap copy of their exact size; free its ptr with free(). */
static inline struct nx_span exact_hex(const char *hex)
{
    uint8_t bytes[4096];
    size_t len = hex_decode(hex, bytes, sizeof bytes);
    assert_true(len != (size_t)-1);
    return nx_span(exact_copy(nx_span(bytes, len)), len);
}

static inline void exact_free(struct nx_span s)
{
    free((void *)(uintptr_t)s.ptr);
}

#endif

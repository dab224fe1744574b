/* Entries by their number, zero until they are used. SPDX-License-Identifier: Apache-2.0 */
#ifndef TABLE_H
#define TABLE_H

#include "die.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/** In pages that do not move: an entry may point into itself. */
enum { TABLE_PAGE = 1024 };

struct table {
    uint8_t **page;
    uint64_t pages;
    uint64_t count; /* one more than the largest number */
};

static inline void *table_find(const struct table *t, uint64_t number, size_t size)
{
    return t->page[number / TABLE_PAGE] + number % TABLE_PAGE * size;
}

static inline void *table_at(struct table *t, uint64_t number, size_t size)
{
    while (number / TABLE_PAGE >= t->pages) {
        t->page = realloc(t->page, (t->pages + 1) * sizeof *t->page);
        if (!t->page || !(t->page[t->pages] = calloc(TABLE_PAGE, size)))
            die("no memory");
        t->pages++;
    }
    t->count = number >= t->count ? number + 1 : t->count;
    return table_find(t, number, size);
}

static inline void table_free(struct table *t)
{
    while (t->pages)
        free(t->page[--t->pages]);
    free(t->page);
}

#endif

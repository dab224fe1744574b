/* SPDX-License-Identifier: Apache-2.0 */
#include "schedule.h"

#include <assert.h>
#include <stdlib.h>

bool schedule_init(struct schedule *s, size_t cap)
{
    *s = (struct schedule){.heap = calloc(cap + 1, sizeof *s->heap), .cap = cap};
    return s->heap != NULL;
}

void schedule_free(struct schedule *s)
{
    free(s->heap);
    *s = (struct schedule){0};
}

static void set(struct schedule *s, size_t i, struct scheduled *item)
{
    s->heap[i] = item;
    item->place = i + 1;
}

static void rise(struct schedule *s, size_t i)
{
    struct scheduled *item = s->heap[i];
    for (; i > 0 && item->at_us < s->heap[(i - 1) / 2]->at_us; i = (i - 1) / 2)
        set(s, i, s->heap[(i - 1) / 2]);
    set(s, i, item);
}

static void sink(struct schedule *s, size_t i)
{
    struct scheduled *item = s->heap[i];
    for (size_t child = 2 * i + 1; child < s->count; child = 2 * i + 1) {
        if (child + 1 < s->count && s->heap[child + 1]->at_us < s->heap[child]->at_us)
            child++;
        if (item->at_us <= s->heap[child]->at_us)
            break;
        set(s, i, s->heap[child]);
        i = child;
    }
    set(s, i, item);
}

void schedule_at(struct schedule *s, struct scheduled *item, uint64_t at_us)
{
    schedule_cancel(s, item);
    assert(s->count < s->cap);
    item->at_us = at_us;
    set(s, s->count++, item);
    rise(s, s->count - 1);
}

void schedule_cancel(struct schedule *s, struct scheduled *item)
{
    if (!item->place)
        return;
    size_t hole = item->place - 1;
    item->place = 0;
    s->count--;
    if (hole == s->count)
        return;
    set(s, hole, s->heap[s->count]);
    rise(s, hole);
    sink(s, hole);
}

struct scheduled *schedule_due(struct schedule *s, uint64_t now_us)
{
    if (s->count == 0 || s->heap[0]->at_us > now_us)
        return NULL;
    struct scheduled *item = s->heap[0];
    schedule_cancel(s, item);
    return item;
}

uint64_t schedule_next(const struct schedule *s)
{
    return s->count ? s->heap[0]->at_us : UINT64_MAX;
}

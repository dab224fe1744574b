/* Things that are due at some time, the earliest first: a heap of records that their owners embed.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_SCHEDULE_H
#define CLI_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct scheduled {
    uint64_t at_us;
    size_t place; /* 0: not scheduled, else the index in the heap and one */
};

struct schedule {
    struct scheduled **heap;
    size_t count;
    size_t cap;
};

/** Room for `cap` records, so that scheduling cannot fail. False without memory. */
bool schedule_init(struct schedule *s, size_t cap);
void schedule_free(struct schedule *s);

/** Sets when `item` is due; one that is scheduled already is moved. */
void schedule_at(struct schedule *s, struct scheduled *item, uint64_t at_us);

void schedule_cancel(struct schedule *s, struct scheduled *item);

/** The earliest if it is due at `now_us`, taken out; else NULL. */
struct scheduled *schedule_due(struct schedule *s, uint64_t now_us);

/** When the earliest is due; UINT64_MAX where there is none. */
uint64_t schedule_next(const struct schedule *s);

#endif

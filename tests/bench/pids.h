/* What the benchmark's programs share: the processes to be watched, from a file; clock and output.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PIDS_H
#define PIDS_H

#include "die.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct pid {
    uint32_t id;
    uint32_t serial;
    uint32_t creation;
};

struct pids {
    struct pid *pid;
    size_t count;
};

static inline uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline uint32_t big_endian(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/** "-": those that were read last. */
static inline void read_pids(struct pids *pids, const char *file)
{
    uint8_t bytes[12];
    size_t cap = 0;
    if (*file == '-')
        return;
    FILE *f = fopen(file, "rb");
    if (!f)
        die(file);
    pids->count = 0;
    while (fread(bytes, sizeof bytes, 1, f) == 1) {
        if (pids->count == cap)
            pids->pid = realloc(pids->pid, (cap = cap ? cap * 2 : 1024) * sizeof *pids->pid);
        if (!pids->pid)
            die("no memory");
        pids->pid[pids->count++] =
            (struct pid){big_endian(bytes), big_endian(bytes + 4), big_endian(bytes + 8)};
    }
    fclose(f);
}

static inline int by_value(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/** As microseconds. */
static inline void print_sorted(uint64_t *ns, size_t count)
{
    qsort(ns, count, sizeof *ns, by_value);
    for (size_t i = 0; i < count; i++)
        printf("%s%.2f", i ? " " : "", (double)ns[i] / 1000);
    printf("\n");
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "stepped_clock.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static uint64_t forward_ms;
static int64_t wall_offset_s;

void clock_step(uint64_t ms, int64_t wall_s)
{
    forward_ms += ms;
    wall_offset_s += wall_s;
}

/* In the place of libc's: the dynamic linker finds that of the program first, for libuv too. */
int clock_gettime(clockid_t clock, struct timespec *t)
{
    int rc = (int)syscall(SYS_clock_gettime, clock, t);
    if (rc)
        return rc;
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) {
        t->tv_sec += wall_offset_s;
    } else if (clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_COARSE) {
        const long ns = t->tv_nsec + (long)(forward_ms % 1000) * 1000000;
        t->tv_sec += (time_t)(forward_ms / 1000) + ns / 1000000000;
        t->tv_nsec = ns % 1000000000;
    }
    return 0;
}

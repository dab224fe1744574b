/* SPDX-License-Identifier: Apache-2.0 */
#include "node/options.h"

#include "base/err.h"
#include "base/sized.h"
#include <stddef.h>
#include <string.h>

_Static_assert(sizeof(struct noex_options) ==
                   offsetof(struct noex_options, tls) + sizeof(noex_tls *),
               "struct noex_options has no tail padding");

enum { MONITORS_LIMIT = 1 << 28, PROCESSES_LIMIT = 1 << 28 };

/* The first release of a header asks for that much; a shorter struct is a mistake. */
static const size_t size_min = offsetof(struct noex_options, allocator);

static const struct noex_options defaults = {
    .ticktime_ms = 60000,
    .step_ms = 7000,
    .setup_timeout_ms = 10000,
    .reconnect_min_ms = 500,
    .reconnect_max_ms = 30000,
    .message_max = (size_t)128 << 20,
    .reason_max = (size_t)1 << 20,
    .reason_budget = (size_t)16 << 20,
    .out_high = (size_t)1 << 20,
    .out_max = (size_t)128 << 20,
    .monitors_max = 1 << 24,
    .fragments_max = 65536,
    .epmd_port = 4369,
    .log_level = NOEX_LOG_INFO,
    .mail_max = (size_t)256 << 20,
    .processes_max = 1 << 20,
    .accept_max = 64,
};

void nx_options_init(struct noex_options *options, size_t size)
{
    nx_sized_init(options, size, &defaults, sizeof defaults);
}

struct range {
    const char *name;
    uint64_t value;
    uint64_t min;
    uint64_t max;
};

static int check_ranges(const struct noex_options *o, struct noex_error *err)
{
    enum { DAY_MS = 24 * 3600 * 1000, MIN_FRAME = 64 * 1024 };
    const uint64_t big = SIZE_MAX / 4;
    const struct range ranges[] = {
        {"ticktime_ms", o->ticktime_ms, 1000, DAY_MS},
        {"step_ms", o->step_ms, 1, DAY_MS},
        {"setup_timeout_ms", o->setup_timeout_ms, 1, UINT64_MAX / 4},
        {"reconnect_max_ms", o->reconnect_max_ms, 1, DAY_MS},
        {"reconnect_min_ms", o->reconnect_min_ms, 1, o->reconnect_max_ms},
        {"message_max", o->message_max, MIN_FRAME, UINT32_MAX},
        {"reason_max", o->reason_max, 64, o->message_max},
        {"reason_budget", o->reason_budget, 0, big},
        {"out_max", o->out_max, MIN_FRAME, big},
        {"out_high", o->out_high, 4096, o->out_max / 2},
        {"monitors_max", o->monitors_max, 1, MONITORS_LIMIT},
        {"fragments_max", o->fragments_max, 1, 1 << 20},
        {"epmd_port", o->epmd_port, 1, UINT16_MAX},
        {"mail_max", o->mail_max, MIN_FRAME, big},
        {"processes_max", o->processes_max, 1, PROCESSES_LIMIT},
        {"accept_max", o->accept_max, 1, UINT16_MAX},
        {"log_level", (uint64_t)o->log_level, NOEX_LOG_ERROR, NOEX_LOG_TRACE},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (ranges[i].value < ranges[i].min || ranges[i].value > ranges[i].max)
            return nx_fail(err, NOEX_EINVALID, "option %s is %llu, it must be %llu to %llu",
                           ranges[i].name, (unsigned long long)ranges[i].value,
                           (unsigned long long)ranges[i].min, (unsigned long long)ranges[i].max);
    return 0;
}

/* A dynamic name belongs to one connection: nobody else could find it, and it is never visible. */
static int check_name(const struct noex_options *o, struct noex_error *err)
{
    if (o->name || (!o->listen && !o->visible))
        return 0;
    return nx_fail(err, NOEX_EINVALID, "option %s is for a node of a fixed name: name is NULL",
                   o->listen ? "listen" : "visible");
}

bool nx_options_exceed(const void *options, size_t size, size_t known)
{
    const uint8_t *bytes = options;
    for (size_t i = known; i < size; i++)
        if (bytes[i])
            return true;
    return false;
}

int nx_options_take(struct noex_options *out, const struct noex_options *in, struct noex_error *err)
{
    if (in->size < size_min || in->size > SIZE_MAX / 4)
        return nx_fail(err, NOEX_EINVALID, "options of %zu bytes: noex_options_init fills them in",
                       in->size);
    if (nx_options_exceed(in, in->size, sizeof *in))
        return nx_fail(err, NOEX_EINVALID,
                       "options of %zu bytes use more than this library knows (%zu)", in->size,
                       sizeof *in);
    *out = defaults;
    memcpy(out, in, in->size < sizeof *out ? in->size : sizeof *out);
    const struct noex_allocator *a = out->allocator;
    if (a && (!a->alloc || !a->resize || !a->release))
        return nx_fail(err, NOEX_EINVALID, "option allocator lacks a function");
    int rc = check_ranges(out, err);
    return rc ? rc : check_name(out, err);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Pids as people read and write them: <0.123.0>. The functions are public, see noex/target.h. */
#include <noex/target.h>

#include "term/ident.h"
#include <stdio.h>

static const char *parse_number(const char *p, uint32_t *value)
{
    uint64_t v = 0;
    const char *start = p;
    for (; *p >= '0' && *p <= '9'; p++) {
        v = v * 10 + (uint64_t)(*p - '0');
        if (v >= NX_PID_NUMBER_LIMIT)
            return NULL;
    }
    *value = (uint32_t)v;
    return p == start ? NULL : p;
}

int noex_pid_parse(const char *text, struct noex_pid *pid)
{
    uint32_t number[3];
    const char *p = text;
    if (!p || !pid || *p != '<')
        return NOEX_EINVALID;
    for (int i = 0; i < 3; i++) {
        p = parse_number(p + 1, &number[i]);
        if (!p || *p != (i < 2 ? '.' : '>'))
            return NOEX_EINVALID;
    }
    if (p[1])
        return NOEX_EINVALID;
    *pid = (struct noex_pid){.id = number[1], .serial = number[2]};
    return 0;
}

int noex_pid_text(const struct noex_pid *pid, char *text, size_t size)
{
    if (!pid || (!text && size))
        return NOEX_EINVALID;
    return snprintf(text, size, "<0.%u.%u>", pid->id, pid->serial);
}

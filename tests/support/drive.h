/* Nodes that do what the lines of standard input say. SPDX-License-Identifier: Apache-2.0 */
#ifndef DRIVE_H
#define DRIVE_H

#include <noex/node.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/** Does as a line says, which it may change; false: it is to end. */
typedef bool (*drive_fn)(char *line);

/* False at the end. */
static inline bool drive_read(drive_fn obey)
{
    static char input[1 << 16];
    static size_t len;
    ssize_t n = read(STDIN_FILENO, input + len, sizeof input - len);
    if (n <= 0)
        return false;
    len += (size_t)n;
    char *line = input, *end;
    while ((end = memchr(line, '\n', len - (size_t)(line - input)))) {
        *end = '\0';
        if (!obey(line))
            return false;
        line = end + 1;
    }
    len -= (size_t)(line - input);
    memmove(input, line, len);
    return true;
}

/** Runs the nodes until a line, or the end of standard input, ends it. Once a program. Errors: as
 * noex_node_process; NOEX_ENOMEM. */
static inline int drive(noex_node **nodes, size_t count, drive_fn obey)
{
    struct pollfd *fds = calloc(count + 1, sizeof *fds);
    bool on = true;
    int rc = 0;
    if (!fds)
        return NOEX_ENOMEM;
    fds[0] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
    for (size_t i = 0; i < count; i++)
        fds[i + 1] = (struct pollfd){.fd = noex_node_fd(nodes[i]), .events = POLLIN};
    while (on && !rc) {
        int64_t wait_ms = 1000;
        for (size_t i = 0; i < count; i++) {
            int64_t ms = noex_node_timeout_ms(nodes[i]);
            wait_ms = ms >= 0 && ms < wait_ms ? ms : wait_ms;
        }
        poll(fds, count + 1, (int)wait_ms);
        if (fds[0].revents)
            on = drive_read(obey);
        for (size_t i = 0; i < count && !rc; i++)
            rc = noex_node_process(nodes[i], 0);
        fflush(stdout);
    }
    free(fds);
    return rc;
}

#endif

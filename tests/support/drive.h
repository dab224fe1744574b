/* A node that does what the lines of standard input say. SPDX-License-Identifier: Apache-2.0 */
#ifndef DRIVE_H
#define DRIVE_H

#include <noex/node.h>
#include <poll.h>
#include <stdio.h>
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

/** Runs the node until a line, or the end of standard input, ends it. Once a program. Errors: as
 * noex_node_process. */
static inline int drive(noex_node *node, drive_fn obey)
{
    struct pollfd fds[2] = {{.fd = STDIN_FILENO, .events = POLLIN},
                            {.fd = noex_node_fd(node), .events = POLLIN}};
    bool on = true;
    while (on) {
        int64_t ms = noex_node_timeout_ms(node);
        poll(fds, 2, ms < 0 || ms > 1000 ? 1000 : (int)ms);
        if (fds[0].revents)
            on = drive_read(obey);
        int rc = noex_node_process(node, 0);
        if (rc)
            return rc;
        fflush(stdout);
    }
    return 0;
}

#endif

/* The Monitored Counter of the process monitoring guide: counters on C nodes and BEAMs, watched
 * from each of them. Example of libnoex; SPDX-License-Identifier: Apache-2.0 COOKIE=secret
 * NODE_NAME=node2 SEEDS=node1@127.0.0.1 monitored_counter */
#include "app.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Takes what has come on the standard input, and does each whole line. False: that was all. */
static bool read_lines(struct app *app)
{
    static char text[1024];
    static size_t len;
    ssize_t n = read(STDIN_FILENO, text + len, sizeof text - 1 - len);
    if (n <= 0)
        return false;
    len += (size_t)n;
    text[len] = '\0';
    for (char *end; !app->quit && (end = strchr(text, '\n'));) {
        *end = '\0';
        command(app, text);
        len -= (size_t)(end + 1 - text);
        memmove(text, end + 1, len + 1);
    }
    return len < sizeof text - 1;
}

static bool run_once(struct app *app)
{
    noex_node *node = noex_cluster_node(app->cluster);
    struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                           {.fd = noex_node_fd(node), .events = POLLIN}};
    fflush(stdout);
    poll(fds, 2, (int)noex_node_timeout_ms(node));
    if (noex_cluster_process(app->cluster, 0))
        return false;
    return !fds[0].revents || read_lines(app);
}

int main(void)
{
    static struct app app;
    bool started = start(&app);
    if (started)
        printf("Ready. Commands: create <name>, watch <name>, kill <name>\n");
    while (started && !app.quit && run_once(&app))
        continue;
    if (started && noex_cluster_stop(app.cluster) == 0 &&
        noex_cluster_wait(app.cluster, NOEX_CLUSTER_STOPPED, 5000))
        fprintf(stderr, "%s\n", noex_cluster_error(app.cluster)->text);
    noex_cluster_free(app.cluster);
    noex_builder_free(app.builder);
    return started ? 0 : 1;
}

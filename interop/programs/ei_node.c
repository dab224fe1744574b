/* A node of erl_interface: ei_node NAME EPMD_PORT COOKIE. It takes connections, one after the
 * other, and whatever they send; it prints "ready" once others can reach it.
 * SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <ei.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void die(const char *what)
{
    fprintf(stderr, "%s failed\n", what);
    exit(1);
}

static void publish(ei_cnode *node, char *name, char *cookie, int *listener)
{
    struct in_addr address = {htonl(INADDR_LOOPBACK)};
    char alive[256];
    int port = 0;
    snprintf(alive, sizeof alive, "%.*s", (int)strcspn(name, "@"), name);
    if (ei_init() ||
        ei_connect_xinit(node, strchr(name, '@') + 1, alive, name, &address, cookie, 1))
        die("ei_connect_xinit");
    *listener = ei_xlisten(node, &address, &port, 5);
    if (*listener < 0)
        die("ei_xlisten");
    if (ei_publish(node, port) < 0)
        die("ei_publish");
}

static void receive_all(int fd)
{
    ei_x_buff message;
    erlang_msg head;
    ei_x_new(&message);
    while (ei_xreceive_msg(fd, &head, &message) != ERL_ERROR)
        message.index = 0;
    ei_x_free(&message);
    close(fd);
}

int main(int argc, char **argv)
{
    ei_cnode node;
    ErlConnect peer;
    int listener;
    if (argc != 4 || !strchr(argv[1], '@') || setenv("ERL_EPMD_PORT", argv[2], 1))
        die("its command line, NAME EPMD_PORT COOKIE,");
    publish(&node, argv[1], argv[3], &listener);
    puts("ready");
    fflush(stdout);
    for (;;) {
        int fd = ei_accept(&node, listener, &peer);
        if (fd >= 0)
            receive_all(fd);
    }
}

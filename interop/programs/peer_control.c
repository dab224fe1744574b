/* SPDX-License-Identifier: Apache-2.0 */
#include "peer_control.h"

#include "books.h"
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MESSAGE_MAX = 4096 };

int control_open(const char *port)
{
    const int on = 1;
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)strtoul(port, NULL, 10))};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof at))
        die("no control channel at port %s", port);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

void control_send(int control, const char *expression)
{
    uint8_t message[4 + MESSAGE_MAX];
    size_t len = strlen(expression);
    uint32_t head = htonl((uint32_t)len);
    if (len > MESSAGE_MAX)
        die("an expression of %zu bytes", len);
    memcpy(message, &head, sizeof head);
    memcpy(message + sizeof head, expression, len);
    if (send(control, message, sizeof head + len, MSG_NOSIGNAL) != (ssize_t)(sizeof head + len))
        die("the control channel is closed");
}

static void receive(int control, void *bytes, size_t len)
{
    if (recv(control, bytes, len, MSG_WAITALL) != (ssize_t)len)
        die("the control channel is closed");
}

void control_expect(int control, const char *expected)
{
    char answer[MESSAGE_MAX + 1];
    uint32_t head;
    receive(control, &head, sizeof head);
    size_t len = ntohl(head);
    if (len > MESSAGE_MAX)
        die("an answer of %zu bytes", len);
    receive(control, answer, len);
    answer[len] = '\0';
    if (answer[0] != 'o' || strcmp(answer + 1, expected) != 0)
        die("the node answered %s, not %s", answer, expected);
}

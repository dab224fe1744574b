/* The benchmark's floor: bare NODE HOST PORT COOKIE eager|held
 * Frames that are made by hand, with the flags of libnoex's nodes; what comes is counted by its
 * lengths and thrown away. As watcher.c, it does what its standard input says.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "handshake/dflags.h"
#include "handshake/digest.h"
#include "handshake/hs.h"
#include "pids.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { IN_SIZE = 256 * 1024, NAME_MAX_LEN = 255, HOLD_US = 500 };

static int fd;
static struct nx_hs *hs;
static uint8_t in[IN_SIZE];
static size_t in_len;
static size_t frames; /* so far, ticks left out */
static bool held;     /* reads are held back while a storm lasts */

/* ---- frames: a header without atoms, then the control message ---- */

static uint8_t *put_atom(uint8_t *p, const char *name)
{
    size_t len = strlen(name);
    *p++ = 119;
    *p++ = (uint8_t)len;
    memcpy(p, name, len);
    return p + len;
}

static uint8_t *put_u32(uint8_t *p, uint32_t v)
{
    *p++ = (uint8_t)(v >> 24);
    *p++ = (uint8_t)(v >> 16);
    *p++ = (uint8_t)(v >> 8);
    *p++ = (uint8_t)v;
    return p;
}

static uint8_t *put_pid(uint8_t *p, const char *name, uint32_t id, uint32_t serial,
                        uint32_t creation)
{
    *p++ = 88;
    p = put_atom(p, name);
    return put_u32(put_u32(put_u32(p, id), serial), creation);
}

static uint8_t *begin(uint8_t *p, uint8_t arity, uint8_t op)
{
    static const uint8_t head[] = {131, 68, 0, 104};
    memcpy(p + 4, head, sizeof head);
    p += 4 + sizeof head;
    *p++ = arity;
    *p++ = 97;
    *p++ = op;
    return p;
}

static size_t end(uint8_t *start, const uint8_t *p)
{
    size_t len = (size_t)(p - start);
    put_u32(start, (uint32_t)(len - 4));
    return len;
}

/* A monitor of a pid; NULL: of a name that nobody has, whose answer confirms all before it. */
static size_t put_monitor(uint8_t *start, const struct pid *target, uint32_t number)
{
    const struct nx_hs_result *r = nx_hs_result(hs);
    uint8_t *p = begin(start, 4, 19);
    p = put_pid(p, r->self_name, 1, 1, r->self_creation);
    p = target ? put_pid(p, r->peer_name, target->id, target->serial, target->creation)
               : put_atom(p, "undefined");
    *p++ = 90;
    *p++ = 0;
    *p++ = 3;
    p = put_atom(p, r->self_name);
    p = put_u32(put_u32(put_u32(put_u32(p, r->self_creation), number), 7), 0x42415245);
    return end(start, p);
}

static size_t put_die(uint8_t *start, const struct pid *target)
{
    const struct nx_hs_result *r = nx_hs_result(hs);
    uint8_t *p = begin(start, 3, 22);
    p = put_pid(p, r->self_name, 1, 1, r->self_creation);
    p = put_pid(p, r->peer_name, target->id, target->serial, target->creation);
    return end(start, put_atom(p, "die"));
}

/* ---- bytes ---- */

static void write_all(const uint8_t *bytes, size_t len)
{
    while (len) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
        if (n <= 0)
            die("send");
        bytes += n;
        len -= (size_t)n;
    }
}

static void count_frames(void)
{
    size_t at = 0;
    while (in_len - at >= 4) {
        size_t len = big_endian(in + at);
        if (len > in_len - at - 4)
            break;
        if (!len)
            write_all((const uint8_t *)"\0\0\0\0", 4);
        frames += len != 0;
        at += 4 + len;
    }
    memmove(in, in + at, in_len - at);
    in_len -= at;
}

static void read_some(void)
{
    ssize_t n = recv(fd, in + in_len, IN_SIZE - in_len, 0);
    if (n <= 0)
        die("the node is gone");
    in_len += (size_t)n;
    count_frames();
}

static void read_until(size_t count)
{
    const struct timespec hold = {0, HOLD_US * 1000};
    while (frames < count) {
        read_some();
        if (held && frames < count)
            nanosleep(&hold, NULL);
    }
}

/* ---- connecting ---- */

static void dial(const char *host, const char *port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    const int on = 1;
    inet_pton(AF_INET, host, &to.sin_addr);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to))
        die("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static void shake_hands(const char *peer, const char *cookie)
{
    static const struct nx_log log;
    struct noex_error err = {0};
    const struct nx_hs_config config = {.alloc = &nx_alloc_libc,
                                        .log = &log,
                                        .random = &nx_random_openssl,
                                        .role = NX_HS_DIAL,
                                        .header = 2,
                                        .flags = NX_DFLAGS_OURS,
                                        .required = NX_DFLAGS_REQUIRED,
                                        .dynamic = true,
                                        .self_name = "127.0.0.1",
                                        .peer_name = peer,
                                        .cookie = nx_span_str(cookie),
                                        .step_ms = 7000};
    hs = nx_hs_new(&config, 0, &err);
    int rc = hs ? NX_HS_MORE : -1;
    while (rc == NX_HS_MORE) {
        struct nx_span out = nx_hs_out(hs);
        size_t used;
        write_all(out.ptr, out.len);
        nx_hs_sent(hs, out.len);
        ssize_t n = recv(fd, in + in_len, IN_SIZE - in_len, 0);
        if (n <= 0)
            die("handshake");
        in_len += (size_t)n;
        rc = nx_hs_feed(hs, nx_span(in, in_len), &used, 0, &err);
        memmove(in, in + used, in_len - used);
        in_len -= used;
    }
    if (rc != NX_HS_DONE)
        die(err.text);
}

/* ---- what is measured ---- */

static void setup(const struct pids *pids)
{
    enum { BATCH = 128 * 1024, ROOM = 1024 };
    static uint8_t out[BATCH + ROOM];
    size_t len = 0;
    for (size_t i = 0; i < pids->count; i++) {
        len += put_monitor(out + len, &pids->pid[i], (uint32_t)i);
        if (len > BATCH - ROOM) {
            write_all(out, len);
            len = 0;
        }
    }
    len += put_monitor(out + len, NULL, UINT32_MAX);
    write_all(out, len);
    read_until(1);
    frames = 0;
}

static void latency(const struct pids *pids, unsigned pause_ms)
{
    uint64_t *ns = malloc(pids->count * sizeof *ns);
    held = false;
    for (size_t i = 0; i < pids->count; i++) {
        uint8_t out[1024];
        size_t len = put_die(out, &pids->pid[i]);
        struct timespec pause = {0, (long)pause_ms * 1000000};
        nanosleep(&pause, NULL);
        uint64_t start = now_ns();
        write_all(out, len);
        read_until(i + 1);
        ns[i] = now_ns() - start;
    }
    print_sorted(ns, pids->count);
    free(ns);
}

int main(int argc, char **argv)
{
    struct pids pids = {0};
    char word[16], file[256];
    unsigned number;
    if (argc != 6)
        die("bare NODE HOST PORT COOKIE eager|held");
    held = strcmp(argv[5], "held") == 0;
    dial(argv[2], argv[3]);
    shake_hands(argv[1], argv[4]);
    printf("ready\n");
    fflush(stdout);
    while (scanf("%15s %255s %u", word, file, &number) == 3) {
        uint64_t start;
        read_pids(&pids, file);
        start = now_ns();
        if (strcmp(word, "setup") == 0 || strcmp(word, "latency") == 0)
            setup(&pids);
        if (strcmp(word, "latency") == 0) {
            latency(&pids, number);
        } else {
            if (strcmp(word, "downs") == 0) {
                read_until(1);
                start = now_ns();
                read_until(pids.count);
            }
            printf("%.0f\n", (double)(now_ns() - start) / 1000);
        }
        if (strcmp(word, "downs") == 0)
            frames = 0;
        fflush(stdout);
    }
    nx_hs_free(hs);
    free(pids.pid);
    return 0;
}

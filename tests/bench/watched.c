/* The benchmark's C nodes whose processes are watched: watched HOST EPMD_PORT COOKIE NODES
 * They do what the lines of standard input say, each answered with "0": start FILE N makes
 * processes, one node after another, and writes their pids as noex_bench:start does; finish ends
 * them all.
 * SPDX-License-Identifier: Apache-2.0 */
#include "die.h"
#include "drive.h"
#include "tls_environment.h"

#include <noex/noex.h>
#include <stdlib.h>
#include <string.h>

enum { PROCESSES_MAX = 1 << 22, AT_ONCE = 1024 };

static noex_node **nodes;
static size_t node_count;
static struct noex_pid *pids; /* the one at i is of the node i % node_count */
static size_t count;

static void put_u32(FILE *f, uint64_t value)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        putc((int)(value >> shift & 0xff), f);
}

static noex_node *node_of(size_t i)
{
    return nodes[i % node_count];
}

static FILE *open_to_write(const char *file, const char *ending)
{
    char name[300];
    snprintf(name, sizeof name, "%s%s", file, ending);
    FILE *f = fopen(name, "wb");
    if (!f)
        die(name);
    return f;
}

static void write_numbers(FILE *f, const struct noex_pid *pid)
{
    put_u32(f, pid->id);
    put_u32(f, pid->serial);
    put_u32(f, pid->creation);
}

static void write_pids(const char *file)
{
    FILE *term = open_to_write(file, ""), *raw = open_to_write(file, ".raw");
    fputs("\203l", term);
    put_u32(term, count);
    for (size_t i = 0; i < count; i++) {
        const char *name = noex_node_name(node_of(i));
        fprintf(term, "Xw%c%s", (int)strlen(name), name);
        write_numbers(term, &pids[i]);
        write_numbers(raw, &pids[i]);
    }
    putc('j', term);
    if (fclose(term) | fclose(raw))
        die(file);
}

static void start(const char *file, size_t n)
{
    pids = realloc(pids, n * sizeof *pids);
    if (!pids)
        die("no memory");
    for (count = 0; count < n; count++)
        if (noex_process_new(node_of(count), NULL, &pids[count]))
            die(noex_node_error(node_of(count))->text);
    write_pids(file);
}

static void process_all(void)
{
    for (size_t i = 0; i < node_count; i++)
        if (noex_node_process(nodes[i], 0))
            die("noex_node_process");
}

static void finish(void)
{
    static const uint8_t killed[] = {119, 6, 'k', 'i', 'l', 'l', 'e', 'd'};
    const struct noex_term reason = {killed, sizeof killed};
    for (size_t i = 0; i < count; i++) {
        if (noex_process_exit(node_of(i), &pids[i], reason))
            die(noex_node_error(node_of(i))->text);
        if (i % AT_ONCE == AT_ONCE - 1)
            process_all();
    }
}

static bool obey(char *line)
{
    char word[16], file[256];
    unsigned n;
    if (sscanf(line, "%15s %255s %u", word, file, &n) != 3)
        die(line);
    if (strcmp(word, "start") == 0)
        start(file, n);
    else if (strcmp(word, "finish") == 0)
        finish();
    else
        die(word);
    printf("0\n");
    return true;
}

static void on_event(void *user, const struct noex_event *e)
{
    (void)user;
    if (e->type == NOEX_EVENT_LISTEN_FAILED || e->type == NOEX_EVENT_UNREGISTERED)
        die(e->error->text);
}

/* One that listens under a name of its own. */
static noex_node *make(const struct noex_options *shared, const char *host, size_t number)
{
    char name[256];
    struct noex_options options = *shared;
    struct noex_error err;
    noex_node *node;
    snprintf(name, sizeof name, "watched%zu@%s", number, host);
    options.name = name;
    if (noex_node_new(&node, &options, &err))
        die(err.text);
    return node;
}

int main(int argc, char **argv)
{
    struct noex_options options;
    struct noex_error err;
    if (argc != 5)
        die("watched HOST EPMD_PORT COOKIE NODES");
    noex_options_init(&options);
    options.epmd_port = (uint16_t)atoi(argv[2]);
    options.cookie = argv[3];
    options.listen = true;
    options.on_event = on_event;
    options.processes_max = PROCESSES_MAX;
    options.out_max = (size_t)1 << 30;
    node_count = (size_t)atoi(argv[4]);
    nodes = calloc(node_count, sizeof(noex_node *));
    if (!nodes || tls_of_environment(&options.tls, &err))
        die("no memory, or no TLS");
    for (size_t i = 0; i < node_count; i++)
        nodes[i] = make(&options, argv[1], i);
    for (size_t i = 0; i < node_count; i++)
        if (noex_wait_registered(nodes[i], 10000))
            die(noex_node_error(nodes[i])->text);
    printf("ready\n");
    fflush(stdout);
    if (drive(nodes, node_count, obey))
        die("noex_node_process");
    for (size_t i = 0; i < node_count; i++)
        noex_node_free(nodes[i]);
    noex_tls_free(options.tls);
    free(nodes);
    free(pids);
    return 0;
}

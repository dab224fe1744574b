/* The benchmark's node whose processes a BEAM monitors: watched NAME EPMD_PORT COOKIE
 * It does what the lines of its standard input say, each answered with "0": start FILE N makes
 * processes and writes their pids as an Erlang term; finish ends them all.
 * SPDX-License-Identifier: Apache-2.0 */
#include "die.h"
#include "drive.h"
#include "tls_environment.h"

#include <noex/noex.h>
#include <stdlib.h>
#include <string.h>

enum { PROCESSES_MAX = 1 << 22, AT_ONCE = 1024 };

static noex_node *node;
static struct noex_pid *pids;
static size_t count;

static void put_u32(FILE *f, uint64_t value)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        putc((int)(value >> shift & 0xff), f);
}

/* As noex_bench:start writes it. */
static void write_pids(const char *file)
{
    const char *name = noex_node_name(node);
    FILE *f = fopen(file, "wb");
    if (!f)
        die(file);
    fputs("\203l", f);
    put_u32(f, count);
    for (size_t i = 0; i < count; i++) {
        fprintf(f, "Xw%c%s", (int)strlen(name), name);
        put_u32(f, pids[i].id);
        put_u32(f, pids[i].serial);
        put_u32(f, pids[i].creation);
    }
    putc('j', f);
    if (fclose(f))
        die(file);
}

static void start(const char *file, size_t n)
{
    pids = realloc(pids, n * sizeof *pids);
    if (!pids)
        die("no memory");
    for (count = 0; count < n; count++)
        if (noex_process_new(node, NULL, &pids[count]))
            die(noex_node_error(node)->text);
    write_pids(file);
}

static void finish(void)
{
    static const uint8_t killed[] = {119, 6, 'k', 'i', 'l', 'l', 'e', 'd'};
    const struct noex_term reason = {killed, sizeof killed};
    for (size_t i = 0; i < count; i++)
        if (noex_process_exit(node, &pids[i], reason) ||
            (i % AT_ONCE == AT_ONCE - 1 && noex_node_process(node, 0)))
            die(noex_node_error(node)->text);
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

int main(int argc, char **argv)
{
    struct noex_options options;
    struct noex_error err;
    if (argc != 4)
        die("watched NAME EPMD_PORT COOKIE");
    noex_options_init(&options);
    options.name = argv[1];
    options.epmd_port = (uint16_t)atoi(argv[2]);
    options.cookie = argv[3];
    options.listen = true;
    options.on_event = on_event;
    options.processes_max = PROCESSES_MAX;
    options.out_max = (size_t)1 << 30;
    if (tls_of_environment(&options.tls, &err) || noex_node_new(&node, &options, &err))
        die(err.text);
    if (noex_wait_registered(node, 10000))
        die(noex_node_error(node)->text);
    printf("ready\n");
    fflush(stdout);
    if (drive(node, obey))
        die("noex_node_process");
    noex_node_free(node);
    noex_tls_free(options.tls);
    free(pids);
    return 0;
}

/* A node that others connect to: listen NAME EPMD_PORT COOKIE [OPTION=VALUE...]
 * It prints each event and each log line of interest as a line, and does what it reads, a line
 * each: connect NODE | keep NODE | disconnect NODE | monitor NODE NAME | cookie NODE COOKIE | quit.
 * SPDX-License-Identifier: Apache-2.0 */
#include "books.h"
#include "drive.h"

#include <stdlib.h>
#include <string.h>

static noex_node *node;

static const char *name_of(enum noex_event_type type)
{
    switch ((int)type) {
    case NOEX_EVENT_NODE_UP:
        return "up";
    case NOEX_EVENT_NODE_DOWN:
        return "down";
    case NOEX_EVENT_CONNECT_FAILED:
        return "failed";
    case NOEX_EVENT_RECONNECT:
        return "reconnect";
    case NOEX_EVENT_TICK_MISSED:
        return "tick_missed";
    case NOEX_EVENT_MONITOR_UP:
        return "monitor_up";
    case NOEX_EVENT_MONITOR_DOWN:
        return "monitor_down";
    case NOEX_EVENT_MONITOR_FAILED:
        return "monitor_failed";
    case NOEX_EVENT_REGISTERED:
        return "registered";
    case NOEX_EVENT_UNREGISTERED:
        return "unregistered";
    case NOEX_EVENT_LISTEN_FAILED:
        return "listen_failed";
    }
    return "unknown";
}

/* KIND NODE [NAME] [CODE|PORT|REASON] */
static void on_event(void *user, const struct noex_event *e)
{
    char term[256];
    (void)user;
    printf("%s %s", name_of(e->type), e->node);
    if (e->target && e->target->name)
        printf(" %s", e->target->name);
    if (e->error)
        printf(" %s", noex_error_name(e->error->code));
    if (e->type == NOEX_EVENT_REGISTERED)
        printf(" %u", e->port);
    if (e->type == NOEX_EVENT_MONITOR_DOWN && noex_event_print_term(e, term, sizeof term, NULL) > 0)
        printf(" %s", term);
    putchar('\n');
}

static void on_log(void *user, enum noex_log_level level, const char *line)
{
    (void)user, (void)level;
    printf("log %s\n", line);
}

static bool is(const char *text, const char *name)
{
    size_t len = strlen(name);
    return strncmp(text, name, len) == 0 && text[len] == '=';
}

static void set_option(struct noex_options *o, const char *text)
{
    const char *value = strchr(text, '=');
    unsigned long number = value ? strtoul(++value, NULL, 10) : 0;
    if (is(text, "listen_address"))
        o->listen_address = value;
    else if (is(text, "listen_port"))
        o->listen_port = (uint16_t)number;
    else if (is(text, "no_epmd"))
        o->no_epmd = number;
    else if (is(text, "visible"))
        o->visible = number;
    else if (is(text, "reconnect_min_ms"))
        o->reconnect_min_ms = number;
    else
        die("unknown option %s", text);
}

/* False where it is to end. */
static bool obey(char *line)
{
    char *words[3] = {NULL};
    int n = 0, rc = 0;
    for (char *rest = NULL, *word = strtok_r(line, " \n", &rest); word && n < 3;
         word = strtok_r(NULL, " \n", &rest))
        words[n++] = word;
    struct noex_target target = {.kind = NOEX_TARGET_NAME, .node = words[1], .name = words[2]};
    noex_monitor_id id;
    if (n == 0 || strcmp(words[0], "quit") == 0)
        return false;
    if (n == 2 && strcmp(words[0], "connect") == 0)
        rc = noex_connect(node, words[1], NOEX_CONNECT_ONCE);
    else if (n == 2 && strcmp(words[0], "keep") == 0)
        rc = noex_connect(node, words[1], NOEX_CONNECT_KEEP);
    else if (n == 2 && strcmp(words[0], "disconnect") == 0)
        rc = noex_disconnect(node, words[1]);
    else if (n == 3 && strcmp(words[0], "monitor") == 0)
        rc = noex_monitor(node, &target, 0, NULL, &id);
    else if (n >= 2 && strcmp(words[0], "cookie") == 0)
        rc = noex_set_cookie(node, words[1], words[2]);
    else
        die("what is %s?", words[0]);
    printf("did %s %s\n", words[0], rc ? noex_error_name(rc) : "ok");
    return true;
}

int main(int argc, char **argv)
{
    struct noex_options o;
    struct noex_error err;
    if (argc < 4)
        die("listen NAME EPMD_PORT COOKIE [OPTION=VALUE...]");
    noex_options_init(&o);
    o.name = argv[1];
    o.epmd_port = (uint16_t)strtoul(argv[2], NULL, 10);
    o.cookie = argv[3];
    o.listen = true;
    o.on_event = on_event;
    o.tls = program_tls();
    o.on_log = on_log;
    for (int i = 4; i < argc; i++)
        set_option(&o, argv[i]);
    if (noex_node_new(&node, &o, &err))
        die("noex_node_new: %s", err.text);
    noex_tls_free(o.tls);
    if (drive(&node, 1, obey))
        die("noex_node_process");
    noex_node_free(node);
    printf("ok\n");
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <noex/noex.h>

#include "base/err.h"
#include "node/peer.h"
#include <stdio.h>

int noex_node_new(noex_node **out, const struct noex_options *options, struct noex_error *err)
{
    struct noex_error ignored;
    if (!err)
        err = &ignored;
    *err = (struct noex_error){0};
    if (!out || !options)
        return nx_fail(err, NOEX_EINVALID, "noex_node_new: an argument is NULL");
    if (options->size != sizeof *options)
        return nx_fail(err, NOEX_EINVALID,
                       "options of %zu bytes, this library has %zu: use noex_options_init",
                       options->size, sizeof *options);
    return nx_node_new(out, options, err);
}

void noex_node_free(noex_node *node)
{
    nx_node_free(node);
}

int noex_node_process(noex_node *node, uint64_t max_wait_ms)
{
    if (!node)
        return NOEX_EINVALID;
    return nx_node_process(node, max_wait_ms);
}

int noex_node_fd(const noex_node *node)
{
    return nx_loop_fd(node->loop);
}

int64_t noex_node_timeout_ms(noex_node *node)
{
    return nx_node_timeout_ms(node);
}

void noex_node_wakeup(noex_node *node)
{
    nx_loop_wakeup(node->loop);
}

bool noex_node_next_event(noex_node *node, struct noex_event *event)
{
    return nx_node_next_event(node, event);
}

uint64_t noex_node_now_ms(noex_node *node)
{
    nx_loop_update(node->loop);
    return nx_loop_now(node->loop);
}

int noex_connect(noex_node *node, const char *peer, enum noex_connect_flags flags)
{
    struct nx_node_name name;
    struct nx_peer *p;
    if (!node || (flags != NOEX_CONNECT_ONCE && flags != NOEX_CONNECT_KEEP))
        return NOEX_EINVALID;
    int rc = nx_node_name_parse(peer, &name, NULL);
    rc = rc ? rc : nx_node_peer(node, &name, &p);
    if (rc)
        return rc;
    nx_loop_update(node->loop);
    p->policy = flags;
    rc = nx_peer_connect(p);
    nx_loop_kick(node->loop);
    return rc;
}

int noex_disconnect(noex_node *node, const char *peer)
{
    struct nx_node_name name;
    int rc = node ? nx_node_name_parse(peer, &name, NULL) : NOEX_EINVALID;
    if (rc)
        return rc;
    struct nx_peer *p = nx_node_find_peer(node, &name);
    nx_loop_kick(node->loop);
    return p && nx_peer_disconnect(p) ? 0 : NOEX_ENOTREACHABLE;
}

enum noex_connection_state noex_connection(noex_node *node, const char *peer, char *text,
                                           size_t size)
{
    struct nx_node_name name;
    char unwanted[1];
    if (!text || !size) {
        text = unwanted;
        size = sizeof unwanted;
    }
    text[0] = '\0';
    if (nx_node_name_parse(peer, &name, NULL))
        return NOEX_CONNECTION_NONE;
    const struct nx_peer *p = nx_node_find_peer(node, &name);
    return p ? nx_peer_connection(p, text, size) : NOEX_CONNECTION_NONE;
}

void noex_node_stats(const noex_node *node, struct noex_stats *stats, size_t size)
{
    struct noex_stats all;
    nx_node_stats(node, &all);
    memset(stats, 0, size);
    memcpy(stats, &all, size < sizeof all ? size : sizeof all);
}

int noex_node_name_check(const char *name, struct noex_error *err)
{
    struct nx_node_name parsed;
    if (err)
        *err = (struct noex_error){0};
    return nx_node_name_parse(name, &parsed, err);
}

const char *noex_version(void)
{
#define TEXT_OF(x) #x
#define VERSION_TEXT(major, minor, patch) TEXT_OF(major) "." TEXT_OF(minor) "." TEXT_OF(patch)
    return VERSION_TEXT(NOEX_VERSION_MAJOR, NOEX_VERSION_MINOR, NOEX_VERSION_PATCH);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <noex/noex.h>

#include "api/api.h"
#include "handshake/dflags.h"
#include "node/delivery.h"
#include "node/listener.h"
#include "node/options.h"
#include "node/peer.h"
#include "node/shutdown.h"

/* ---- life ---- */

void noex_options_init_size(struct noex_options *options, size_t size)
{
    nx_options_init(options, size);
}

int nx_api_new(noex_node **out, const struct noex_options *options, void *uv,
               struct noex_error *err)
{
    struct noex_error ignored;
    if (!err)
        err = &ignored;
    *err = (struct noex_error){0};
    if (!out || !options)
        return nx_fail(err, NOEX_EINVALID, "noex_node_new: an argument is NULL");
    return nx_node_new(out, options, uv, err);
}

int noex_node_new(noex_node **out, const struct noex_options *options, struct noex_error *err)
{
    return nx_api_new(out, options, NULL, err);
}

void noex_node_close(noex_node *node, noex_closed_fn closed, void *user)
{
    if (node)
        nx_node_close(node, closed, user);
}

int noex_node_shutdown(noex_node *node, uint64_t linger_ms)
{
    if (!node)
        return NOEX_EINVALID;
    struct noex_error *err = nx_api_begin(node);
    return nx_fail(err, nx_shutdown_begin(node, linger_ms), NULL);
}

void noex_node_free(noex_node *node)
{
    noex_node_close(node, NULL, NULL);
}

const struct noex_error *noex_node_error(const noex_node *node)
{
    return node ? &node->last_error : NULL;
}

/* ---- driving ---- */

int noex_node_process(noex_node *node, uint64_t max_wait_ms)
{
    int rc = nx_api_may_wait(node);
    if (rc)
        return rc;
    bool was = nx_node_enter(node);
    rc = nx_node_process(node, max_wait_ms);
    /* What is called in callbacks records there too. */
    nx_fail(nx_api_begin(node), rc, NULL);
    atomic_store(&node->woken, false);
    if (node->closing)
        rc = NOEX_ESTATE;
    nx_node_leave(node, was);
    return rc;
}

int noex_node_fd(noex_node *node)
{
    if (!node)
        return NOEX_EINVALID;
    if (node->foreign)
        return nx_fail(nx_api_begin(node), NOEX_ESTATE,
                       "the program's own uv_loop_t drives the node");
    return nx_loop_fd(node->loop);
}

int64_t noex_node_timeout_ms(noex_node *node)
{
    return node && !node->foreign ? nx_node_timeout_ms(node) : -1;
}

void noex_node_wakeup(noex_node *node)
{
    if (!node)
        return;
    atomic_store(&node->woken, true);
    nx_loop_wakeup(node->loop);
}

const struct noex_event *noex_node_next_event(noex_node *node)
{
    return node ? nx_delivery_next(node) : NULL;
}

uint64_t noex_node_now_ms(noex_node *node)
{
    if (!node)
        return 0;
    nx_loop_update(node->loop);
    return nx_loop_now(node->loop);
}

/* ---- being connected to ---- */

uint16_t noex_node_listen_port(const noex_node *node)
{
    const struct nx_listener *l = node ? node->listener : NULL;
    return l && l->count ? l->port : 0;
}

int noex_set_cookie(noex_node *node, const char *peer, const char *cookie)
{
    struct nx_node_name name;
    if (!node)
        return NOEX_EINVALID;
    struct noex_error *err = nx_api_begin(node);
    int rc = nx_node_name_parse(peer, &name, err);
    return rc ? rc : nx_node_set_cookie(node, &name, cookie, err);
}

/* ---- connections ---- */

int noex_connect(noex_node *node, const char *peer, enum noex_connect_flags flags)
{
    struct nx_node_name name;
    struct nx_peer *p;
    if (!node)
        return NOEX_EINVALID;
    struct noex_error *err = nx_api_begin(node);
    if (flags != NOEX_CONNECT_ONCE && flags != NOEX_CONNECT_KEEP)
        return nx_fail(err, NOEX_EINVALID, "noex_connect: unknown flags %d", (int)flags);
    int rc = nx_node_name_parse(peer, &name, err);
    rc = rc ? rc : nx_node_peer(node, &name, &p, err);
    if (rc)
        return rc;
    nx_loop_update(node->loop);
    rc = nx_peer_connect(p);
    if (rc)
        return nx_fail(err, rc, NULL);
    p->policy = flags;
    nx_loop_kick(node->loop);
    return 0;
}

int noex_disconnect(noex_node *node, const char *peer)
{
    struct nx_node_name name;
    if (!node)
        return NOEX_EINVALID;
    struct noex_error *err = nx_api_begin(node);
    int rc = nx_node_name_parse(peer, &name, err);
    if (rc)
        return rc;
    struct nx_peer *p = nx_node_find_peer(node, &name);
    nx_loop_kick(node->loop);
    if (!p || !nx_peer_disconnect(p))
        return nx_fail(err, NOEX_ENOTREACHABLE, "no connection to %s, and no attempt", name.full);
    return 0;
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
    if (!node || nx_node_name_parse(peer, &name, NULL))
        return NOEX_CONNECTION_NONE;
    const struct nx_peer *p = nx_node_find_peer(node, &name);
    return p ? nx_peer_connection(p, text, size) : NOEX_CONNECTION_NONE;
}

static void describe_peer(const struct nx_peer *p, uint64_t now_ms, struct noex_peer_info *info)
{
    char unwanted[1];
    info->state = nx_peer_connection(p, unwanted, sizeof unwanted);
    info->port = p->name.port;
    if (!nx_peer_is_up(p))
        return;
    const struct nx_hs_result *r = nx_conn_peer(p->ch.conn);
    info->flags = r->flags;
    info->visible = (r->peer_flags & NX_DFLAG_PUBLISHED) != 0;
    info->creation = r->peer_creation;
    info->up_ms = now_ms - p->up_ms;
    info->heard_ms = now_ms - nx_conn_heard_ms(p->ch.conn);
}

void noex_peer_get_info(noex_node *node, const char *peer, struct noex_peer_info *info, size_t size)
{
    struct noex_peer_info all = {0};
    struct nx_node_name name;
    if (!info)
        return;
    const struct nx_peer *p =
        node && nx_node_name_parse(peer, &name, NULL) == 0 ? nx_node_find_peer(node, &name) : NULL;
    if (p) {
        nx_loop_update(node->loop);
        describe_peer(p, nx_loop_now(node->loop), &all);
    }
    memset(info, 0, size);
    memcpy(info, &all, size < sizeof all ? size : sizeof all);
}

void noex_node_stats(const noex_node *node, struct noex_stats *stats, size_t size)
{
    struct noex_stats all = {0};
    if (!stats)
        return;
    if (node)
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

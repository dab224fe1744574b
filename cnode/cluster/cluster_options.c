/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/cluster_options.h"

#include "base/sized.h"
#include "cluster/cluster.h"
#include <inttypes.h>
#include <stdio.h>

enum { NAME_MAX_LEN = 64, COOKIE_MAX = 255 };
#define DAY_MS (UINT64_C(24) * 3600 * 1000)

void noex_cluster_options_init_size(struct noex_cluster_options *options, size_t size)
{
    const struct noex_cluster_options defaults = {
        .ticktime_ms = 60000, .reconnect_min_ms = 500, .reconnect_max_ms = 30000, .stop_ms = 1000};
    nx_sized_init(options, size, &defaults, sizeof defaults);
}

/* ---- the name ---- */

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_name(const char *name, size_t len)
{
    if (len < 1 || len > NAME_MAX_LEN || !is_letter(*name))
        return false;
    for (size_t i = 1; i < len; i++)
        if (!is_letter(name[i]) && !(name[i] >= '0' && name[i] <= '9') && name[i] != '_' &&
            name[i] != '-')
            return false;
    return true;
}

static int take_name(noex_cluster *cluster, const struct noex_cluster_options *o,
                     struct noex_error *err)
{
    const char *host = o->host ? o->host : "127.0.0.1";
    const char *at = o->name ? strchr(o->name, '@') : NULL;
    if (!o->name)
        return nx_fail(err, NOEX_EINVALID, "option name is missing");
    size_t len = at ? (size_t)(at - o->name) : strlen(o->name);
    if (!is_name(o->name, len))
        return nx_fail(err, NOEX_EINVALID,
                       "option name is \"%.80s\": a letter, then letters, digits, '_' and '-', %d "
                       "at most",
                       o->name, NAME_MAX_LEN);
    if (at && o->host && strcmp(at + 1, o->host) != 0)
        return nx_fail(err, NOEX_EINVALID, "option name says another host than option host");
    int n =
        snprintf(cluster->id, sizeof cluster->id, "%.*s@%s", (int)len, o->name, at ? at + 1 : host);
    if (n >= (int)sizeof cluster->id)
        return nx_fail(err, NOEX_ENODENAME, "option host is too long");
    if (strchr(strchr(cluster->id, '@'), ':') && !strchr(cluster->id, '['))
        return nx_fail(err, NOEX_ENODENAME, "option host holds a port: that is option port");
    return noex_node_name_check(cluster->id, err);
}

/* ---- numbers ---- */

struct range {
    const char *name;
    uint64_t value, min, max;
};

static int check_ranges(const struct noex_cluster_options *o, struct noex_error *err)
{
    const struct range ranges[] = {
        {"port", o->port, 0, UINT16_MAX},
        {"ticktime_ms", o->ticktime_ms, 1000, DAY_MS},
        {"reconnect_max_ms", o->reconnect_max_ms, 1, DAY_MS},
        {"reconnect_min_ms", o->reconnect_min_ms, 1, o->reconnect_max_ms},
        {"stop_ms", o->stop_ms, 0, DAY_MS},
        {"join", o->join, NOEX_JOIN_SEEDS, NOEX_JOIN_KNOWN},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (ranges[i].value < ranges[i].min || ranges[i].value > ranges[i].max)
            return nx_fail(err, NOEX_EINVALID,
                           "option %s is %" PRIu64 ", it must be %" PRIu64 " to %" PRIu64,
                           ranges[i].name, ranges[i].value, ranges[i].min, ranges[i].max);
    return 0;
}

/* ---- strings ---- */

static int copy(noex_cluster *cluster, char **out, const char *text, struct noex_error *err)
{
    *out = text ? nx_strndup(&cluster->alloc, text, strlen(text)) : NULL;
    return text && !*out ? nx_fail(err, NOEX_ENOMEM, NULL) : 0;
}

static int take_seeds(noex_cluster *cluster, const char *const *seeds, struct noex_error *err)
{
    size_t count = 0;
    int rc = 0;
    while (seeds && seeds[count])
        count++;
    cluster->seeds = nx_calloc(&cluster->alloc, count + 1, sizeof *cluster->seeds);
    if (!cluster->seeds)
        return nx_fail(err, NOEX_ENOMEM, NULL);
    for (size_t i = 0; i < count && !rc; i++) {
        rc = noex_node_name_check(seeds[i], err);
        rc = rc ? rc : copy(cluster, &cluster->seeds[i], seeds[i], err);
    }
    return rc;
}

static int check_cookie(const char *cookie, struct noex_error *err)
{
    if (!cookie)
        return nx_fail(err, NOEX_EINVALID, "option cookie is missing");
    size_t len = strlen(cookie);
    bool good = len >= 1 && len <= COOKIE_MAX;
    for (size_t i = 0; i < len; i++)
        good = good && cookie[i] >= 0x20 && cookie[i] <= 0x7e;
    return good ? 0 : nx_fail(err, NOEX_ECOOKIE_FORM, NULL);
}

/* ---- all of it ---- */

static void fill_node_options(noex_cluster *cluster)
{
    const struct noex_cluster_options *o = &cluster->options;
    struct noex_options *n = &cluster->node_options;
    n->name = cluster->id;
    n->cookie = cluster->cookie;
    n->listen = true;
    n->listen_port = (uint16_t)o->port;
    n->listen_address = cluster->listen_address;
    n->on_ready = NULL;
    n->ticktime_ms = o->ticktime_ms;
    n->reconnect_min_ms = o->reconnect_min_ms;
    n->reconnect_max_ms = o->reconnect_max_ms;
    n->allocator = &cluster->alloc;
}

int nx_cluster_options_take(noex_cluster *cluster, const struct noex_cluster_options *options,
                            struct noex_error *err)
{
    struct noex_cluster_options *o = &cluster->options;
    struct noex_options *n = &cluster->node_options;
    if (options->size < sizeof options->size || options->size > sizeof *o ||
        (options->node && options->node->size > sizeof *n))
        return nx_fail(err, NOEX_EINVALID,
                       "options of %zu bytes: noex_cluster_options_init fills them in",
                       options->size);
    noex_cluster_options_init(o);
    memcpy(o, options, options->size < sizeof *o ? options->size : sizeof *o);
    noex_options_init(n);
    if (o->node)
        memcpy(n, o->node, o->node->size < sizeof *n ? o->node->size : sizeof *n);
    noex_tls_hold(n->tls);
    int rc = take_name(cluster, o, err);
    rc = rc ? rc : check_ranges(o, err);
    rc = rc ? rc : check_cookie(o->cookie, err);
    rc = rc ? rc : take_seeds(cluster, o->seeds, err);
    rc = rc ? rc : copy(cluster, &cluster->cookie, o->cookie, err);
    rc = rc ? rc : copy(cluster, &cluster->listen_address, n->listen_address, err);
    if (!rc)
        fill_node_options(cluster);
    return rc;
}

static void wipe(char *secret)
{
    volatile char *at = secret;
    while (at && *at)
        *at++ = '\0';
}

void nx_cluster_options_free(noex_cluster *cluster)
{
    for (char **seed = cluster->seeds; seed && *seed; seed++)
        nx_free(&cluster->alloc, *seed);
    nx_free(&cluster->alloc, cluster->seeds);
    wipe(cluster->cookie);
    nx_free(&cluster->alloc, cluster->cookie);
    nx_free(&cluster->alloc, cluster->listen_address);
    noex_tls_free(cluster->node_options.tls);
}

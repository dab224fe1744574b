/* SPDX-License-Identifier: Apache-2.0 */
#include "node/address.h"

#include "base/err.h"
#include "term/ident.h"
#include "term/utf8.h"
#include <inttypes.h>

bool nx_name_is_valid(const char *name)
{
    uint32_t c, chars = 0;
    if (!name || !*name || strcmp(name, "undefined") == 0)
        return false;
    struct nx_rd in = nx_rd(nx_span_str(name));
    while (chars < NX_ATOM_CHARS_MAX && nx_utf8_next(&in, &c))
        chars++;
    return nx_rd_left(&in) == 0;
}

/* A pid as it was printed, without its creation: the present one is meant, and must be known. */
static int complete_pid(const noex_node *node, struct nx_address *a, struct noex_error *err)
{
    struct noex_pid *pid = &a->pid;
    if (pid->id >= NX_PID_NUMBER_LIMIT)
        return nx_fail(err, NOEX_ETARGET, "no pid has the number %" PRIu32, pid->id);
    if (pid->creation)
        return 0;
    if (!a->peer)
        pid->creation = node->creation;
    else if (nx_peer_is_up(a->peer) && nx_pid_is_safe(pid->id, pid->serial))
        pid->creation = nx_conn_peer(a->peer->ch.conn)->peer_creation;
    else
        return nx_fail(err, NOEX_ETARGET,
                       "a pid without its creation: %s is to be up, or the pid one that it sent",
                       a->peer->name.full);
    return 0;
}

static int check_kind(const struct noex_target *target, struct noex_error *err)
{
    if (target->kind == NOEX_TARGET_PID ||
        (target->kind == NOEX_TARGET_NAME && nx_name_is_valid(target->name)))
        return 0;
    return nx_fail(err, NOEX_ETARGET,
                   "not a process, and not a name that one can be registered under");
}

int nx_address_of(noex_node *node, const struct noex_target *target, struct nx_address *out,
                  struct noex_error *err)
{
    struct nx_node_name name;
    *out = (struct nx_address){.pid = target->pid};
    int rc = check_kind(target, err);
    rc = rc ? rc : nx_node_name_parse(target->node, &name, err);
    if (rc)
        return rc;
    if (node->dynamic || strcmp(name.full, node->self.full) != 0)
        rc = nx_node_peer(node, &name, &out->peer, err);
    if (target->kind == NOEX_TARGET_NAME)
        out->name = target->name;
    return rc || out->name ? rc : complete_pid(node, out, err);
}

int nx_address_peer(noex_node *node, struct nx_span name, struct nx_peer **out,
                    struct noex_error *err)
{
    char text[NX_NAME_MAX + 1];
    struct nx_node_name parsed;
    if (name.len >= sizeof text)
        return nx_fail(err, NOEX_ENODENAME, "a node's name of %zu bytes", name.len);
    memcpy(text, name.ptr, name.len);
    text[name.len] = '\0';
    int rc = nx_node_name_parse(text, &parsed, err);
    return rc ? rc : nx_node_peer(node, &parsed, out, err);
}

struct nx_proc *nx_address_proc(const noex_node *node, const struct nx_address *a)
{
    if (a->name)
        return nx_proc_named(node->procs, nx_span_str(a->name));
    bool present = a->pid.creation == node->creation;
    return present ? nx_proc_find(node->procs, a->pid.id, a->pid.serial) : NULL;
}

struct nx_span nx_address_raw(const struct nx_address *a, uint8_t bytes[NX_RAW_ADDRESS_SIZE])
{
    struct nx_buf b;
    nx_buf_fixed(&b, bytes, NX_RAW_ADDRESS_SIZE);
    const struct nx_pid pid = {.node = nx_span_str(a->peer->name.full),
                               .id = a->pid.id,
                               .serial = a->pid.serial,
                               .creation = a->pid.creation};
    /* Cannot fail: names were checked and the room is enough for any. */
    int rc = a->name ? nx_atom_write(&b, nx_span_str(a->name)) : nx_pid_write(&b, &pid);
    return rc ? nx_span(NULL, 0) : nx_buf_span(&b);
}

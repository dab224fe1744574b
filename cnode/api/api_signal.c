/* SPDX-License-Identifier: Apache-2.0 */
#include <noex/noex.h>

#include "api/api.h"
#include "node/address.h"
#include "node/exits.h"
#include "node/mail.h"
#include "node/signals.h"

/* Whose signal it is and where it goes: what each function here begins with. */
struct call {
    noex_node *node;
    struct noex_error *err;
    struct nx_proc *from; /* NULL: of no process */
    struct nx_address to;
    uint8_t from_raw[NX_RAW_PID_SIZE];
    uint8_t to_raw[NX_RAW_ADDRESS_SIZE];
    struct nx_ctrl ctrl; /* of a signal elsewhere: who and to whom */
};

static int begin(struct call *c, noex_node *node, const struct noex_pid *from,
                 const struct noex_target *to, const char *what)
{
    if (!node)
        return NOEX_EINVALID;
    c->node = node;
    c->err = nx_api_begin(node);
    c->from = NULL;
    if (!to)
        return nx_fail(c->err, NOEX_EINVALID, "%s: an argument is NULL", what);
    if (from && !(c->from = nx_api_process(node, from)))
        return nx_api_no_process(c->err, from);
    int rc = nx_address_of(node, to, &c->to, c->err);
    if (rc || !c->to.peer)
        return rc;
    c->ctrl = (struct nx_ctrl){.op = NX_OP_SEND_SENDER};
    if (c->from)
        c->ctrl.arg[NX_ARG_FROM] =
            nx_signal_pid(c->to.peer, c->from->number, c->from->slot.generation, c->from_raw);
    c->ctrl.arg[NX_ARG_TO] = nx_address_raw(&c->to, c->to_raw);
    return 0;
}

/* For signals between processes. */
static int begin_pids(struct call *c, noex_node *node, const struct noex_pid *from,
                      const struct noex_target *to, const char *what)
{
    if (node && (!from || !to))
        return nx_fail(nx_api_begin(node), NOEX_EINVALID, "%s: an argument is NULL", what);
    if (node && to->kind != NOEX_TARGET_PID)
        return nx_fail(nx_api_begin(node), NOEX_ETARGET, "%s: the target is no process", what);
    return begin(c, node, from, to, what);
}

static int send_away(struct call *c, struct nx_span payload)
{
    nx_loop_update(c->node->loop);
    nx_loop_kick(c->node->loop);
    int rc = nx_signal_send(c->to.peer, c->from ? c->from->number : 0, &c->ctrl, payload);
    if (rc == NOEX_EUNREAD)
        return nx_peer_unread(c->to.peer, c->err);
    if (rc == NOEX_ELIMIT)
        return nx_fail(c->err, rc, "a signal of %zu bytes is more than out_max", payload.len);
    return nx_fail(c->err, rc, NULL);
}

/* ---- messages ---- */

static int send_here(struct call *c, struct nx_proc *proc, struct nx_span term)
{
    struct nx_pid self;
    if (!proc || !proc->end_letter)
        return 0; /* as in Erlang */
    if (c->from)
        self = (struct nx_pid){.id = c->from->number,
                               .serial = c->from->slot.generation,
                               .creation = c->node->creation};
    const struct nx_message m = {
        .peer = NX_PEER_HERE, .from = c->from ? &self : NULL, .term = term};
    nx_loop_kick(c->node->loop);
    int rc = nx_mail_message(c->node, proc, &m);
    if (rc == NOEX_ELIMIT)
        return nx_fail(c->err, rc, "mail_max: %zu bytes of messages wait already",
                       c->node->letters.bytes);
    return nx_fail(c->err, rc, NULL);
}

int noex_send(noex_node *node, const struct noex_pid *from, const struct noex_target *to,
              struct noex_term message)
{
    struct call c;
    int rc = begin(&c, node, from, to, "noex_send");
    rc = rc ? rc : nx_api_check_term(message, c.err);
    if (rc)
        return rc;
    struct nx_span term = nx_span(message.bytes, message.len);
    if (!c.to.peer)
        return send_here(&c, nx_address_proc(node, &c.to), term);
    if (c.to.name) {
        c.ctrl.op = NX_OP_REG_SEND;
        c.ctrl.arg[NX_ARG_NAME] = c.ctrl.arg[NX_ARG_TO];
        c.ctrl.arg[NX_ARG_TO] = nx_span(NULL, 0);
    }
    return send_away(&c, term);
}

/* Whose it is, NULL: of nobody any more. */
static struct nx_proc *alias_here(const noex_node *node, const struct nx_ref *ref)
{
    bool ours = ref->creation == node->creation && ref->count == 3 && ref->word[2] == NX_REF_ALIAS;
    return ours ? nx_alias_find(node->procs, ref->word[0], ref->word[1]) : NULL;
}

/* What of a send to an alias does not depend on where that is. */
static int begin_alias(struct call *c, noex_node *node, const struct noex_pid *from,
                       struct noex_term alias, struct nx_ref *ref)
{
    *c = (struct call){.node = node, .err = nx_api_begin(node)};
    if (from && !(c->from = nx_api_process(node, from)))
        return nx_api_no_process(c->err, from);
    if (!nx_ref_parse(nx_span(alias.bytes, alias.len), ref))
        return nx_fail(c->err, NOEX_ETARGET, "the alias is no reference");
    if (!node->dynamic && nx_span_is(ref->node, node->self.full))
        return 0;
    int rc = nx_address_peer(node, ref->node, &c->to.peer, c->err);
    if (rc)
        return rc;
    c->ctrl = (struct nx_ctrl){.op = NX_OP_ALIAS_SEND};
    c->ctrl.arg[NX_ARG_REF] = nx_span(alias.bytes, alias.len);
    if (c->from)
        c->ctrl.arg[NX_ARG_FROM] =
            nx_signal_pid(c->to.peer, c->from->number, c->from->slot.generation, c->from_raw);
    return 0;
}

int noex_send_alias(noex_node *node, const struct noex_pid *from, struct noex_term alias,
                    struct noex_term message)
{
    struct call c;
    struct nx_ref ref;
    if (!node)
        return NOEX_EINVALID;
    int rc = begin_alias(&c, node, from, alias, &ref);
    rc = rc ? rc : nx_api_check_term(message, c.err);
    if (rc)
        return rc;
    struct nx_span term = nx_span(message.bytes, message.len);
    return c.to.peer ? send_away(&c, term) : send_here(&c, alias_here(node, &ref), term);
}

/* ---- exit signals and links ---- */

static int exit_here(struct call *c, struct nx_proc *proc, struct nx_span reason)
{
    if (!nx_letters_fit(&c->node->letters, 0))
        return nx_fail(c->err, NOEX_ELIMIT, "mail_max: %zu bytes of messages wait already",
                       c->node->letters.bytes);
    const struct nx_exit exit = {
        .peer = NX_PEER_HERE,
        .from = {c->from->number, c->from->slot.generation, c->node->creation},
        .reason = reason,
        .full_len = reason.len,
    };
    nx_loop_kick(c->node->loop);
    nx_exit_signal(c->node, proc, &exit);
    return 0;
}

int noex_exit(noex_node *node, const struct noex_pid *from, const struct noex_target *to,
              struct noex_term reason)
{
    struct call c;
    int rc = begin_pids(&c, node, from, to, "noex_exit");
    rc = rc ? rc : nx_api_check_term(reason, c.err);
    if (rc)
        return rc;
    struct nx_span term = nx_span(reason.bytes, reason.len);
    if (c.to.peer) {
        c.ctrl.op = NX_OP_PAYLOAD_EXIT2;
        return send_away(&c, term);
    }
    struct nx_proc *proc = nx_address_proc(node, &c.to);
    return proc ? exit_here(&c, proc, term) : 0;
}

/* Between two processes of this node: an entry for each side. */
static int link_here(struct call *c, const struct nx_link_key *key)
{
    static const uint8_t noproc[] = {119, 6, 'n', 'o', 'p', 'r', 'o', 'c'};
    struct nx_proc *other = nx_address_proc(c->node, &c->to);
    bool new_link;
    if (other == c->from)
        return 0;
    if (!other || !other->end_letter) {
        const struct nx_exit exit = {.by_link = true,
                                     .peer = NX_PEER_HERE,
                                     .from = c->to.pid,
                                     .reason = nx_span(noproc, sizeof noproc),
                                     .full_len = sizeof noproc};
        nx_loop_kick(c->node->loop);
        nx_exit_signal(c->node, c->from, &exit);
        return 0;
    }
    const struct noex_pid self = {c->from->number, c->from->slot.generation, c->node->creation};
    const struct nx_link_key back = nx_link_key_of(other, NX_PEER_HERE, &self);
    int rc = nx_link_out(&c->node->links, key, &new_link);
    if (!rc && new_link && (rc = nx_link_in(&c->node->links, &back)))
        nx_link_out_undo(&c->node->links, key, 0);
    return nx_fail(c->err, rc, NULL);
}

int noex_link(noex_node *node, const struct noex_pid *process, const struct noex_target *to)
{
    struct call c;
    bool new_link;
    int rc = begin_pids(&c, node, process, to, "noex_link");
    if (rc)
        return rc;
    uint32_t peer = c.to.peer ? c.to.peer->index : NX_PEER_HERE;
    const struct nx_link_key key = nx_link_key_of(c.from, peer, &c.to.pid);
    if (!c.to.peer)
        return link_here(&c, &key);
    uint64_t before = nx_link_unlinking(&node->links, &key);
    rc = nx_link_out(&node->links, &key, &new_link);
    if (rc || !new_link)
        return nx_fail(c.err, rc, NULL);
    c.ctrl.op = NX_OP_LINK;
    rc = send_away(&c, nx_span(NULL, 0));
    if (rc)
        nx_link_out_undo(&node->links, &key, before);
    return rc;
}

static void unlink_here(struct call *c, const struct nx_link_key *key)
{
    const struct noex_pid self = {c->from->number, c->from->slot.generation, c->node->creation};
    const struct nx_proc *other = nx_address_proc(c->node, &c->to);
    if (!other || !nx_link_exit_in(&c->node->links, key))
        return;
    const struct nx_link_key back = nx_link_key_of(other, NX_PEER_HERE, &self);
    nx_link_exit_in(&c->node->links, &back);
}

int noex_unlink(noex_node *node, const struct noex_pid *process, const struct noex_target *to)
{
    struct call c;
    uint8_t id[16];
    struct nx_buf b;
    int rc = begin_pids(&c, node, process, to, "noex_unlink");
    if (rc)
        return rc;
    uint32_t peer = c.to.peer ? c.to.peer->index : NX_PEER_HERE;
    const struct nx_link_key key = nx_link_key_of(c.from, peer, &c.to.pid);
    if (!c.to.peer) {
        unlink_here(&c, &key);
        return 0;
    }
    uint64_t unlink_id = nx_link_unlink_out(&node->links, &key);
    nx_buf_fixed(&b, id, sizeof id);
    if (!unlink_id || nx_u64_write(&b, unlink_id)) /* which cannot fail: there is room for any */
        return 0;
    c.ctrl.op = NX_OP_UNLINK_ID;
    c.ctrl.arg[NX_ARG_ID] = nx_buf_span(&b);
    nx_loop_kick(node->loop);
    /* It must be told, or it would go on believing in the link. */
    nx_signal_tell(c.to.peer, c.from->number, &c.ctrl, nx_span(NULL, 0));
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <noex/noex.h>

#include "api/api.h"
#include "base/sized.h"
#include "node/address.h"
#include "node/exits.h"
#include "node/mail.h"
#include "node/options.h"
#include "term/ident.h"
#include <stddef.h>

static const struct noex_process_options defaults = {0};

void noex_process_options_init_size(struct noex_process_options *options, size_t size)
{
    nx_sized_init(options, size, &defaults, sizeof defaults);
}

const char *noex_node_name(const noex_node *node)
{
    return node && !node->dynamic ? node->self.full : NULL;
}

struct nx_proc *nx_api_process(noex_node *node, const struct noex_pid *process)
{
    if (process->creation && process->creation != node->creation)
        return NULL;
    struct nx_proc *proc = nx_proc_find(node->procs, process->id, process->serial);
    return proc && proc->end_letter ? proc : NULL;
}

int nx_api_no_process(struct noex_error *err, const struct noex_pid *process)
{
    char text[64];
    noex_pid_text(process, text, sizeof text);
    return nx_fail(err, NOEX_ENOPROC, "there is no process %s on this node", text);
}

int nx_api_check_term(struct noex_term term, struct noex_error *err)
{
    struct noex_error cause = {0};
    return noex_term_check(term, &cause) ? nx_fail(err, NOEX_ETERM, "%s", cause.text) : 0;
}

/* ---- making ---- */

static int check_name(const char *name, struct noex_error *err)
{
    if (nx_name_is_valid(name))
        return 0;
    return nx_fail(err, NOEX_EINVALID, "not a name that a process can be registered under");
}

static int take_options(const struct noex_process_options *in, struct noex_process_options *out,
                        struct noex_error *err)
{
    const size_t known = in && in->size < sizeof *out ? in->size : sizeof *out;
    *out = defaults;
    if (!in)
        return 0;
    if (in->size < offsetof(struct noex_process_options, on_event) || in->size > SIZE_MAX / 4)
        return nx_fail(err, NOEX_EINVALID,
                       "options of %zu bytes: noex_process_options_init fills them in", in->size);
    if (nx_options_exceed(in, in->size, sizeof *in))
        return nx_fail(err, NOEX_EINVALID,
                       "options of %zu bytes use more than this library knows (%zu)", in->size,
                       sizeof *in);
    memcpy(out, in, known);
    return out->name ? check_name(out->name, err) : 0;
}

static int name_free(noex_node *node, const char *name, struct noex_error *err)
{
    if (!nx_proc_named(node->procs, nx_span_str(name)))
        return 0;
    return nx_fail(err, NOEX_ENAMETAKEN, "another process is registered as %.200s", name);
}

int noex_process_new(noex_node *node, const struct noex_process_options *options,
                     struct noex_pid *process)
{
    struct noex_process_options o;
    struct nx_proc *proc;
    if (!node)
        return NOEX_EINVALID;
    struct noex_error *err = nx_api_begin(node);
    if (!process)
        return nx_fail(err, NOEX_EINVALID, "noex_process_new: an argument is NULL");
    int rc = take_options(options, &o, err);
    if (!rc && node->dynamic)
        rc = nx_fail(err, NOEX_ESTATE, "a node without a name of its own has no processes");
    if (!rc && o.name)
        rc = name_free(node, o.name, err);
    if (rc)
        return rc;
    rc = nx_process_make(node, &o, &proc);
    if (rc == NOEX_ELIMIT)
        return nx_fail(err, rc, "processes_max: %u processes are there already",
                       (unsigned)node->options.processes_max);
    if (rc)
        return nx_fail(err, rc, NULL);
    *process = (struct noex_pid){proc->number, proc->slot.generation, node->creation};
    return 0;
}

/* ---- what one does with a process ---- */

int noex_process_exit(noex_node *node, const struct noex_pid *process, struct noex_term reason)
{
    struct nx_proc *proc;
    struct noex_error *err;
    int rc = nx_api_process_call(node, process, "noex_process_exit", &proc, &err);
    rc = rc ? rc : nx_api_check_term(reason, err);
    if (rc)
        return rc;
    nx_loop_kick(node->loop);
    return nx_fail(err, nx_process_exit(node, proc, nx_span(reason.bytes, reason.len)), NULL);
}

int noex_process_trap_exit(noex_node *node, const struct noex_pid *process, bool trap)
{
    struct nx_proc *proc;
    struct noex_error *err;
    int rc = nx_api_process_call(node, process, "noex_process_trap_exit", &proc, &err);
    if (!rc)
        proc->trap_exit = trap;
    return rc;
}

int noex_process_hold(noex_node *node, const struct noex_pid *process, bool hold)
{
    struct nx_proc *proc;
    struct noex_error *err;
    int rc = nx_api_process_call(node, process, "noex_process_hold", &proc, &err);
    if (rc)
        return rc;
    if (hold)
        proc->suspended = true;
    else if (proc->suspended)
        nx_mail_resume(node, proc);
    nx_loop_kick(node->loop);
    return 0;
}

bool noex_process_is_alive(const noex_node *node, const struct noex_pid *process)
{
    if (!node || !process || (process->creation && process->creation != node->creation))
        return false;
    return nx_proc_find(node->procs, process->id, process->serial) != NULL;
}

/* ---- names ---- */

int noex_register(noex_node *node, const char *name, const struct noex_pid *process)
{
    struct nx_proc *proc;
    struct noex_error *err;
    int rc = nx_api_process_call(node, process, "noex_register", &proc, &err);
    rc = rc ? rc : check_name(name, err);
    rc = rc ? rc : name_free(node, name, err);
    if (!rc && proc->name)
        rc = nx_fail(err, NOEX_EINVALID, "the process is registered as %.200s already", proc->name);
    return rc ? rc : nx_fail(err, nx_proc_set_name(node->procs, proc, name), NULL);
}

static struct nx_proc *named(noex_node *node, const char *name, struct noex_error *err)
{
    struct nx_proc *proc = name ? nx_proc_named(node->procs, nx_span_str(name)) : NULL;
    if (!name)
        nx_fail(err, NOEX_EINVALID, "the name is NULL");
    else if (!proc || !proc->end_letter)
        nx_fail(err, NOEX_ENOPROC, "no process is registered as %.200s", name);
    return proc && proc->end_letter ? proc : NULL;
}

int noex_unregister(noex_node *node, const char *name)
{
    if (!node)
        return NOEX_EINVALID;
    struct noex_error *err = nx_api_begin(node);
    struct nx_proc *proc = named(node, name, err);
    if (!proc)
        return err->code;
    nx_proc_drop_name(node->procs, proc);
    return 0;
}

int noex_whereis(noex_node *node, const char *name, struct noex_pid *process)
{
    if (!node)
        return NOEX_EINVALID;
    struct noex_error *err = nx_api_begin(node);
    if (!process)
        return nx_fail(err, NOEX_EINVALID, "noex_whereis: an argument is NULL");
    const struct nx_proc *proc = named(node, name, err);
    if (!proc)
        return err->code;
    *process = (struct noex_pid){proc->number, proc->slot.generation, node->creation};
    return 0;
}

/* ---- aliases, group leader ---- */

int noex_alias(noex_node *node, const struct noex_pid *process, noex_builder *builder,
               noex_alias_id *alias)
{
    struct nx_proc *proc;
    struct noex_error *err;
    uint32_t slot, generation;
    uint8_t bytes[NX_CONN_REF_SIZE];
    int rc = nx_api_process_call(node, process, "noex_alias", &proc, &err);
    if (rc)
        return rc;
    if (!builder || !alias)
        return nx_fail(err, NOEX_EINVALID, "noex_alias: an argument is NULL");
    rc = nx_alias_add(node->procs, proc, &slot, &generation);
    if (rc)
        return nx_fail(err, rc, NULL);
    struct nx_span ref = nx_own_ref(node, NULL, NX_REF_ALIAS, slot, generation, bytes);
    rc = noex_build_term(builder, (struct noex_term){ref.ptr, ref.len});
    if (rc) {
        nx_alias_remove(node->procs, slot, generation);
        return nx_fail(err, rc, NULL);
    }
    *alias = (uint64_t)generation << 32 | slot;
    return 0;
}

int noex_alias_priority(noex_node *node, noex_alias_id alias)
{
    if (!node)
        return NOEX_EINVALID;
    nx_alias_set_priority(node->procs, (uint32_t)alias, (uint32_t)(alias >> 32));
    return 0;
}

int noex_unalias(noex_node *node, noex_alias_id alias)
{
    if (!node)
        return NOEX_EINVALID;
    nx_alias_remove(node->procs, (uint32_t)alias, (uint32_t)(alias >> 32));
    return 0;
}

int noex_group_leader(noex_node *node, const struct noex_pid *process, noex_builder *builder)
{
    struct nx_proc *proc;
    struct noex_error *err;
    int rc = nx_api_process_call(node, process, "noex_group_leader", &proc, &err);
    if (rc)
        return rc;
    if (!builder)
        return nx_fail(err, NOEX_EINVALID, "noex_group_leader: an argument is NULL");
    struct noex_term leader = {proc->leader, proc->leader_len};
    rc = proc->leader ? noex_build_term(builder, leader) : noex_build_atom(builder, "undefined");
    return nx_fail(err, rc, NULL);
}

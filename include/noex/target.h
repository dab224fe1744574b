/* What can be monitored. Part of libnoex; SPDX-License-Identifier: Apache-2.0 */
#ifndef NOEX_TARGET_H
#define NOEX_TARGET_H

#include <noex/error.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A process of another node. `creation` 0 means "as printed on that node now": the first number of
 * the printed form is left out, the incarnation is the one the connection reaches, and a number
 * that not every release can take is first looked up there, so that no text can harm the
 * connection. Any other creation names that incarnation for good: once the node has restarted the
 * process counts as absent.
 */
struct noex_pid {
    uint32_t id;       /**< the second number of the printed form */
    uint32_t serial;   /**< the third */
    uint32_t creation; /**< which incarnation of its node, or 0 */
};

/** What kind of target it is. */
enum noex_target_kind {
    NOEX_TARGET_NODE = 0, /**< the node itself: established when it answers, down when it is lost */
    NOEX_TARGET_NAME = 1, /**< whoever is registered under `name` when the monitor arrives there */
    NOEX_TARGET_PID = 2,  /**< the process `pid` */
    /** Whoever has the name `name` in Erlang's `global` when it is looked up; `node` is not read.
     * For the functions of a cluster (noex/cluster.h); the others refuse it with NOEX_ETARGET. */
    NOEX_TARGET_GLOBAL = 3
};

/** A target. Strings are borrowed for the call that takes it. Only the fields that belong to the
 * kind are read, so later kinds do not change the struct. */
struct noex_target {
    enum noex_target_kind kind; /**< says which of the fields below count */
    struct noex_pid pid;        /**< NOEX_TARGET_PID: the process; else ignored */
    /** "name@host", or "name@host:port" where the port is epmd's (4369 or the configured one) or
     * else the distribution port itself, which skips epmd. A port once given holds for the node
     * until another is given. */
    const char *node;
    /** The registered name, UTF-8, at most 255 characters; NULL for the other kinds. */
    const char *name;
};

/** The longest "name@host", its NUL included. */
enum { NOEX_NODE_NAME_SIZE = 256 };

/** A process to be kept: nothing in it is borrowed. */
struct noex_ref {
    struct noex_pid pid;            /**< which one, of that node */
    char node[NOEX_NODE_NAME_SIZE]; /**< "name@host" */
};

/** The process as a target, which borrows the node's name from `ref`. */
static inline struct noex_target noex_ref_target(const struct noex_ref *ref)
{
    struct noex_target target = {NOEX_TARGET_PID, {0, 0, 0}, NULL, NULL};

    target.pid = ref->pid;
    target.node = ref->node;
    return target;
}

/** Whoever is registered under `name` on `node`, as a target; both are borrowed. */
static inline struct noex_target noex_name_target(const char *name, const char *node)
{
    struct noex_target target = {NOEX_TARGET_NAME, {0, 0, 0}, NULL, NULL};

    target.name = name;
    target.node = node;
    return target;
}

/** Whoever has `name` in `global`, as a target; borrowed. */
static inline struct noex_target noex_global_target(const char *name)
{
    struct noex_target target = {NOEX_TARGET_GLOBAL, {0, 0, 0}, NULL, NULL};

    target.name = name;
    return target;
}

/**
 * Reads a printed pid, "<0.123.0>" (the first number is ignored), into `pid` with creation 0.
 * Errors: NOEX_EINVALID for other text, or a number of 2^28 or more.
 */
NOEX_API NOEX_MUST_USE int noex_pid_parse(const char *text, struct noex_pid *pid);

/** Writes "<0.123.0>" and a NUL; cut at `size`. Returns the whole text's length, as snprintf(3).
 * Errors: NOEX_EINVALID (a NULL; `text` may be one where `size` is 0). */
NOEX_API int noex_pid_text(const struct noex_pid *pid, char *text, size_t size);

/** 0 where `name` is "name@host" or "name@host:port": both parts present, exactly one '@',
 * printable ASCII without blanks and '/', 255 characters at most, IPv6 hosts in brackets where a
 * port follows. Errors: NOEX_ENODENAME, with what is wrong in `err` (may be NULL). */
NOEX_API NOEX_MUST_USE int noex_node_name_check(const char *name, struct noex_error *err);

#ifdef __cplusplus
}
#endif
#endif

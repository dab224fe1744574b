/* The noex API: GlobalRegistry, which is Erlang's `global`. Part of libnoex;
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NOEX_GLOBAL_H
#define NOEX_GLOBAL_H

#include <noex/cluster.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Names are those of Erlang's `global`, so every BEAM of the cluster and every C node that is
 * connected to one sees them. A name in UTF-8 is the binary <<"name">> there. They are asked of a
 * BEAM that is connected; where none is, the result is NOEX_ENOGLOBAL: C nodes alone have no
 * `global`. A process that ends loses its name; a name that a BEAM has lost with the connection to
 * this node is registered there again when that is up.
 *
 * Each result may also be: NOEX_ENOGLOBAL, NOEX_ECALLTIMEOUT (5000 ms), NOEX_ENOTREACHABLE,
 * NOEX_ENOTSTARTED, NOEX_ENOMEM, NOEX_EEXCEPTION. `done` NULL: for noex_await, unless `op` is NULL,
 * too.
 */

/** Registers a process of this node under a name. Result: nothing, also where it had the name
 * already; NOEX_ENAMETAKEN (node and process are the holder's), NOEX_ENOPROC (it ended meanwhile).
 * Errors: NOEX_EINVALID (a NULL, an empty name, one longer than 255 bytes), NOEX_ENOTSTARTED,
 * NOEX_ENOPROC (no such process runs here), NOEX_ENOMEM. */
NOEX_API NOEX_MUST_USE int noex_global_register(noex_cluster *cluster, const char *name,
                                                const struct noex_ref *process, noex_done_fn done,
                                                void *user, noex_op *op);

/** As noex_global_register, under any term: what Erlang code has registered by atoms and tuples.
 * Errors: as there, and NOEX_ETERM (`name` is no whole term), NOEX_EINVALID (a NULL),
 * NOEX_ENOTSTARTED, NOEX_ENOPROC, NOEX_ENOMEM. */
NOEX_API NOEX_MUST_USE int noex_global_register_term(noex_cluster *cluster, struct noex_term name,
                                                     const struct noex_ref *process,
                                                     noex_done_fn done, void *user, noex_op *op);

/** Takes a name away that noex_global_register gave, everywhere; one of another node is left alone.
 * Result: nothing. Errors: NOEX_EINVALID (a NULL), NOEX_ENOTSTARTED, NOEX_ENOMEM. */
NOEX_API NOEX_MUST_USE int noex_global_unregister(noex_cluster *cluster, const char *name,
                                                  noex_done_fn done, void *user, noex_op *op);

/** Looks a name up. Result: process; NULL where nobody has it. Errors: NOEX_EINVALID (a NULL, no
 * name), NOEX_ENOTSTARTED, NOEX_ENOMEM. */
NOEX_API NOEX_MUST_USE int noex_global_whereis(noex_cluster *cluster, const char *name,
                                               noex_done_fn done, void *user, noex_op *op);

/** As noex_global_whereis, of any term. Errors: NOEX_ETERM, NOEX_EINVALID (NULL),
 * NOEX_ENOTSTARTED, NOEX_ENOMEM. */
NOEX_API NOEX_MUST_USE int noex_global_whereis_term(noex_cluster *cluster, struct noex_term name,
                                                    noex_done_fn done, void *user, noex_op *op);

/** As noex_global_whereis, but that nobody has it is an error of the result: NOEX_ENONAME. Errors:
 * NOEX_EINVALID, NOEX_ENOTSTARTED, NOEX_ENOMEM. */
NOEX_API NOEX_MUST_USE int noex_global_lookup(noex_cluster *cluster, const char *name,
                                              noex_done_fn done, void *user, noex_op *op);

/** All names. Result: term, their list; those that were registered as here are binaries. Errors:
 * NOEX_EINVALID (NULL), NOEX_ENOTSTARTED, NOEX_ENOMEM. */
NOEX_API NOEX_MUST_USE int noex_global_names(noex_cluster *cluster, noex_done_fn done, void *user,
                                             noex_op *op);

/** Whether this node has registered the name itself, and still has it: known without asking. False
 * for NULLs. */
NOEX_API bool noex_global_is_mine(const noex_cluster *cluster, const char *name);

/** Counters of names that this node registered, from the cluster's birth. */
struct noex_global_stats {
    uint64_t local_registrations; /**< gauge: names it has now */
    uint64_t total_registrations; /**< names it got */
    uint64_t conflicts;           /**< names that others had */
    uint64_t healed; /**< names that were registered again after a connection was lost */
    uint64_t lost;   /**< names that others got meanwhile */
};

/** In any status. `size` is sizeof(struct noex_global_stats). NULLs give nothing. */
NOEX_API void noex_global_get_stats(const noex_cluster *cluster, struct noex_global_stats *stats,
                                    size_t size);

#ifdef __cplusplus
}
#endif
#endif

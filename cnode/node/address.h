/* Where a signal of this node goes: to a process or a name, here or on another node.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_NODE_ADDRESS_H
#define NX_NODE_ADDRESS_H

#include "node/peer.h"

struct nx_address {
    struct nx_peer *peer; /* NULL: here */
    const char *name;     /* NULL: by pid */
    struct noex_pid pid;
};

/** True for what can stand on the wire as an atom, and be registered. */
bool nx_name_is_valid(const char *name);

/**
 * Makes an address of a target, and the peer where there is none yet. Errors: NOEX_ETARGET (no
 * process and no name; no name that can be; a printed pid that only its own node could tell),
 * NOEX_ENODENAME, NOEX_ENOMEM, NOEX_EINVALID.
 */
NOEX_MUST_USE int nx_address_of(noex_node *node, const struct noex_target *target,
                                struct nx_address *out, struct noex_error *err);

/** The peer of this name, as it stands in a term, made where there is none yet. Errors:
 * NOEX_ENODENAME, NOEX_ENOMEM. */
NOEX_MUST_USE int nx_address_peer(noex_node *node, struct nx_span name, struct nx_peer **out,
                                  struct noex_error *err);

/** The process of an address that is here; NULL: there is none. */
struct nx_proc *nx_address_proc(const noex_node *node, const struct nx_address *a);

/** The pid or name of an address elsewhere, as a raw term written to `bytes`. */
enum { NX_RAW_ADDRESS_SIZE = 1 + 3 + 255 * 4 + 12 };
struct nx_span nx_address_raw(const struct nx_address *a, uint8_t bytes[NX_RAW_ADDRESS_SIZE]);

#endif

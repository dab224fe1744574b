/* The monitors that processes of this node hold: which process, and all of one. Kept apart from
 * their records, so that those of the node itself stay one cache line. No wire, no I/O.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_PROCESS_HOLDERS_H
#define NX_PROCESS_HOLDERS_H

#include "base/slab.h"
#include "process/bonds.h"
#include <noex/error.h>

struct nx_holder {
    struct nx_slot slot;
    struct nx_ring_link of_process;
    uint32_t monitor; /* its slot */
    uint32_t process; /* the slot and serial of the one that monitors */
    uint32_t serial;
    uint32_t over; /* that one has ended */
};

struct nx_holders {
    struct nx_slab slab;
    uint32_t **index; /* by the monitor's slot, in pieces that are made when they are needed */
    uint32_t pieces;
    struct nx_bond_owners owners;
};

/** An empty table. Allocates nothing; must not move. */
void nx_holders_init(struct nx_holders *t, const struct noex_allocator *a,
                     const struct nx_bond_owners *owners);
void nx_holders_free(struct nx_holders *t);

/** The monitor in slot `monitor` is held by this process. Errors: NOEX_ENOMEM. */
NOEX_MUST_USE int nx_holder_add(struct nx_holders *t, uint32_t monitor, uint32_t process,
                                uint32_t serial);
/** NULL: the node itself holds it. */
const struct nx_holder *nx_holder_of(const struct nx_holders *t, uint32_t monitor);
/** The monitor is no more. One that no process held is ignored. */
void nx_holder_remove(struct nx_holders *t, uint32_t monitor);
/** The first monitor that a process holds, 0: none; nx_holder_leave takes it from the process. */
uint32_t nx_holder_first(const struct nx_holders *t, const struct nx_bonds *process);
void nx_holder_leave(struct nx_holders *t, uint32_t monitor);

#endif

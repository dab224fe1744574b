/* Control messages: parsed and built from one table. Protocol.md section 6.1.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_WIRE_CTRL_H
#define NX_WIRE_CTRL_H

#include "base/buf.h"
#include "wire/atom_cache.h"
#include "wire/known_atoms.h"

/** The opcodes, as on the wire. */
enum nx_op {
    NX_OP_LINK = 1,
    NX_OP_SEND = 2,
    NX_OP_EXIT = 3,
    NX_OP_UNLINK = 4,
    NX_OP_REG_SEND = 6,
    NX_OP_GROUP_LEADER = 7,
    NX_OP_EXIT2 = 8,
    NX_OP_SEND_TT = 12,
    NX_OP_EXIT_TT = 13,
    NX_OP_REG_SEND_TT = 16,
    NX_OP_EXIT2_TT = 18,
    NX_OP_MONITOR_P = 19,
    NX_OP_DEMONITOR_P = 20,
    NX_OP_MONITOR_P_EXIT = 21,
    NX_OP_SEND_SENDER = 22,
    NX_OP_SEND_SENDER_TT = 23,
    NX_OP_PAYLOAD_EXIT = 24,
    NX_OP_PAYLOAD_EXIT_TT = 25,
    NX_OP_PAYLOAD_EXIT2 = 26,
    NX_OP_PAYLOAD_EXIT2_TT = 27,
    NX_OP_PAYLOAD_MONITOR_P_EXIT = 28,
    NX_OP_SPAWN_REQUEST = 29,
    NX_OP_SPAWN_REQUEST_TT = 30,
    NX_OP_SPAWN_REPLY = 31,
    NX_OP_SPAWN_REPLY_TT = 32,
    NX_OP_ALIAS_SEND = 33,
    NX_OP_ALIAS_SEND_TT = 34,
    NX_OP_UNLINK_ID = 35,
    NX_OP_UNLINK_ID_ACK = 36,
    NX_OP_ALTACT_SIG_SEND = 37
};

/** The bits of ALTACT_SIG_SEND's flags; others are ignored. */
enum nx_altact {
    NX_ALTACT_PRIORITY = 1,
    NX_ALTACT_TOKEN = 2, /* a token is there */
    NX_ALTACT_ALIAS = 4, /* TO is an alias */
    NX_ALTACT_NAME = 8,  /* TO is a registered name */
    NX_ALTACT_EXIT = 16  /* the payload is an exit reason, the signal that of exit/2 */
};

/** What an element of a control tuple is. */
enum nx_arg {
    NX_ARG_NONE = 0,
    NX_ARG_FROM,   /* pid: the sender or watcher */
    NX_ARG_TO,     /* pid: the receiver (37: pid, alias reference or name) */
    NX_ARG_TARGET, /* pid or registered name (atom) that is monitored */
    NX_ARG_NAME,   /* atom: registered name of the receiver */
    NX_ARG_REF,    /* reference: monitor, spawn request or alias */
    NX_ARG_ID,     /* unsigned integer 1..2^64-1: unlink id */
    NX_ARG_REASON, /* any term */
    NX_ARG_TOKEN,  /* any term: seq_trace token */
    NX_ARG_UNUSED, /* any term, written as '' */
    NX_ARG_LEADER, /* pid: group leader */
    NX_ARG_MFA,    /* {Module, Function, Arity} */
    NX_ARG_OPTS,   /* list */
    NX_ARG_FLAGS,  /* unsigned integer */
    NX_ARG_RESULT, /* pid or atom: of a spawn reply */
    NX_ARG_COUNT
};

/** Flags of a SPAWN_REPLY: what was set up. */
enum { NX_SPAWN_LINK = 1, NX_SPAWN_MONITOR = 2 };

/** A control message: its opcode and the raw terms of its elements, borrowed from the bytes parsed.
 */
struct nx_ctrl {
    enum nx_op op;
    bool has_payload;                 /* a payload term belongs to this opcode */
    struct nx_span arg[NX_ARG_COUNT]; /* by role; empty where the opcode has no such element */
};

/** "MONITOR_P", for the log; "?" for a number that is no opcode. */
const char *nx_op_name(int op);

/**
 * Parses the control tuple at the head of `in` (no version byte) and sets `*used` to its length.
 * Every element is checked to be of the kind its role demands. The arity must be exact, except for
 * ALTACT_SIG_SEND, which may have grown. Bytes behind the tuple are not looked at.
 * Errors: NOEX_EPROTOCOL with the opcode and the element in `err`: not a tuple, wrong arity, wrong
 * kind; an unknown opcode gives NOEX_EPROTOCOL with out->op = 0 and `*used` set where the tuple
 * itself is well formed, so that a caller may count and skip it; NOEX_ETERM for a term that is
 * malformed.
 */
NOEX_MUST_USE int nx_ctrl_parse(struct nx_span in, struct nx_ctrl *out, size_t *used,
                                struct noex_error *err);

/**
 * The same for what nearly all control tuples with references to the atom cache are: pids,
 * references and atoms in the forms that every BEAM writes. What has to be made plain is appended
 * to `plain`, a few kilobytes at most. False for anything else, good or bad, which is for nx_expand
 * and nx_ctrl_parse.
 */
bool nx_ctrl_parse_usual(struct nx_span in, const struct nx_atom_refs *refs, struct nx_buf *plain,
                         struct nx_ctrl *out, size_t *used);

/** How long it will be; 0 where it cannot be built. */
size_t nx_ctrl_size(const struct nx_ctrl *msg);

/**
 * Appends the control tuple of `msg` (no version byte): the raw terms in the table's order, '' for
 * NX_ARG_UNUSED. Errors: NOEX_EINVALID for an unknown opcode, an empty element, flags of
 * ALTACT_SIG_SEND that announce another receiver or token than there is; as nx_buf_put.
 */
NOEX_MUST_USE int nx_ctrl_build(struct nx_buf *out, const struct nx_ctrl *msg);
/** The same with references to the atoms that `known` has a place for, NULL: none. */
NOEX_MUST_USE int nx_ctrl_build_short(struct nx_buf *out, const struct nx_ctrl *msg,
                                      struct nx_known_atoms *known);

#endif

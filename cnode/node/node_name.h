/* Node names: name@host and name@host:port taken apart. SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_NODE_NODE_NAME_H
#define NX_NODE_NODE_NAME_H

#include <noex/error.h>
#include <stdint.h>

enum { NX_NAME_MAX = 255 };

/** A node name taken apart. `port` 0: none was given. */
struct nx_node_name {
    char full[NX_NAME_MAX + 1];  /* "name@host", without the port */
    char alive[NX_NAME_MAX + 1]; /* "name" */
    char host[NX_NAME_MAX + 1];  /* "host", an IPv6 address without brackets */
    uint16_t port;
};

/** Errors: NOEX_ENODENAME with what is wrong with it in `err` (may be NULL). */
NOEX_MUST_USE int nx_node_name_parse(const char *text, struct nx_node_name *out,
                                     struct noex_error *err);

#endif

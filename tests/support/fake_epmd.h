/* An epmd on the loopback for one name, driven by the test, step by step.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FAKE_EPMD_H
#define FAKE_EPMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What comes of a registration. */
enum fake_epmd_mode {
    FAKE_EPMD_HOLDS,
    FAKE_EPMD_TAKEN,
    FAKE_EPMD_SILENT,
    FAKE_EPMD_CLOSES,
    FAKE_EPMD_CUTS, /* closes in the middle of the answer */
    FAKE_EPMD_GARBAGE
};

struct fake_epmd {
    int listener; /* -1: it is not there */
    uint16_t port;
    int fd; /* of whoever came last; -1: nobody */
    enum fake_epmd_mode mode;
    uint8_t request[600];
    size_t len;
    bool answered;

    /* What was seen. */
    unsigned registrations; /* that were asked for */
    uint8_t nodetype;
    uint16_t node_port;
    uint16_t highest;
    uint16_t lowest;
    char name[256];
    bool holds; /* the name, at this moment */
};

/** Listens at 127.0.0.1, on a port of its own, or (`port`) on that one. */
void fake_epmd_start(struct fake_epmd *e, uint16_t port);
/** Gone, with all it held; fake_epmd_start brings it back. */
void fake_epmd_stop(struct fake_epmd *e);

/** True where anything moved. */
bool fake_epmd_step(struct fake_epmd *e);

/** Sends a byte where none is due. */
void fake_epmd_disturb(struct fake_epmd *e);

#endif

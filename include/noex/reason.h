/* Why a process ended. Part of libnoex; SPDX-License-Identifier: Apache-2.0 */
#ifndef NOEX_REASON_H
#define NOEX_REASON_H

#include <noex/export.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The type of an ending: the seven of the process monitoring guide. */
enum noex_reason_type {
    NOEX_REASON_NORMAL = 0,      /**< the process returned or exited normally */
    NOEX_REASON_SHUTDOWN = 1,    /**< `shutdown` or `{shutdown, _}`: stopped in order */
    NOEX_REASON_KILLED = 2,      /**< forcibly killed */
    NOEX_REASON_TIMEOUT = 3,     /**< a call it made was not answered in time */
    NOEX_REASON_EXCEPTION = 4,   /**< it crashed, or ended with any other reason */
    NOEX_REASON_NOPROC = 5,      /**< there was no such process */
    NOEX_REASON_NOCONNECTION = 6 /**< the connection to its node was lost */
};

/**
 * Where an ending comes from. A process may itself end with the reason noproc or noconnection, so
 * decisions go by the origin, never by the type.
 */
enum noex_origin {
    NOEX_ORIGIN_PEER = 0, /**< the process's own node said so: it is gone */
    NOEX_ORIGIN_LOCAL =
        1 /**< made here when the connection was lost: the process's state is unknown */
};

/** "normal", "shutdown", "killed", "timeout", "exception", "noproc", "noconnection". Never fails.
 */
NOEX_API const char *noex_reason_type_name(enum noex_reason_type type);

#ifdef __cplusplus
}
#endif
#endif

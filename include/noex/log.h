/* Log lines of a node. Part of libnoex; SPDX-License-Identifier: Apache-2.0 */
#ifndef NOEX_LOG_H
#define NOEX_LOG_H

#ifdef __cplusplus
extern "C" {
#endif

/** How much a node says: each level includes those before it. */
enum noex_log_level {
    NOEX_LOG_ERROR = 0, /**< something failed that the program will not otherwise hear of */
    NOEX_LOG_INFO = 1,  /**< connections come and go */
    NOEX_LOG_DEBUG = 2, /**< every step of a connection */
    NOEX_LOG_TRACE = 3  /**< every frame, in words */
};

/**
 * Receives one line without a newline, borrowed for the call. Runs where the line arises, so it
 * must not call into the node. Lines never hold the cookie.
 */
typedef void (*noex_log_fn)(void *user, enum noex_log_level level, const char *line);

#ifdef __cplusplus
}
#endif
#endif

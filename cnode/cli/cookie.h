/* Finding the cookie as erl does; protocol.md 2.8. SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_COOKIE_H
#define CLI_COOKIE_H

#include "exitcode.h"

enum { COOKIE_MAX = 255 };

/** Where to look; each may be NULL. */
struct cookie_places {
    const char *value;       /* NOEX_COOKIE: the cookie itself; wins */
    const char *file;        /* --cookie-file */
    const char *home;        /* HOME */
    const char *config_home; /* XDG_CONFIG_HOME */
};

/**
 * Finds the cookie; no file is ever made. A file that its group or others can read is refused.
 * Returns 0, or CODE_USAGE with the cause in `why`. Wipe `cookie` after use.
 */
enum exit_code cookie_find(const struct cookie_places *places, char cookie[COOKIE_MAX + 1],
                           struct failure *why);

/** Overwrites with zeros, whatever the optimiser thinks of it. */
void cookie_wipe(void *bytes, size_t len);

#endif

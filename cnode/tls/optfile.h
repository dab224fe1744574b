/* The file that -ssl_dist_optfile names. SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_TLS_OPTFILE_H
#define NX_TLS_OPTFILE_H

#include "tls/settings.h"

enum { NX_OPTFILE_STRINGS = 32 };

struct nx_tls_optfile {
    struct nx_tls_settings dial;       /* its client list */
    struct nx_tls_settings accept;     /* its server list */
    char *strings[NX_OPTFILE_STRINGS]; /* what the settings point to; wiped with it */
    unsigned count;
};

/** Reads one; to be given to nx_tls_optfile_free, also where this failed. Errors: NOEX_ETLSOPTION
 * (with the file and the option in `err`), NOEX_ENOMEM. */
NOEX_MUST_USE int nx_tls_optfile_read(struct nx_tls_optfile *out, const char *path,
                                      struct noex_error *err);
void nx_tls_optfile_free(struct nx_tls_optfile *o);

#endif

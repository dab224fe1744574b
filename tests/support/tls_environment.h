/* TLS for the programs of tests, by the file that NOEX_TLS_OPTFILE names.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TLS_ENVIRONMENT_H
#define TLS_ENVIRONMENT_H

#include <noex/tls.h>
#include <stdlib.h>

/** `*out` is NULL where the environment names none: in the clear. Errors: as noex_tls_new. */
static inline int tls_of_environment(noex_tls **out, struct noex_error *err)
{
    struct noex_tls_options options;
    noex_tls_options_init(&options);
    options.optfile = getenv("NOEX_TLS_OPTFILE");
    *out = NULL;
    return options.optfile ? noex_tls_new(out, &options, err) : 0;
}

#endif

/* TLS as the command line asks for it. SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_TLS_H
#define CLI_TLS_H

#include "options.h"

#include <noex/tls.h>

enum { TLS_PASSWORD_MAX = 255 };

/** Certificates and keys, and what is needed to read them anew. */
struct tls_files {
    noex_tls *tls; /* NULL: in the clear */
    const struct options *options;
    bool has_password;
    char password[TLS_PASSWORD_MAX + 1];
};

/** Reads what the options ask for. The key's password is taken out of the environment
 * (NOEX_TLS_KEY_PASSWORD). Returns 0 or CODE_USAGE with the cause in `why`. */
enum exit_code tls_open(struct tls_files *t, const struct options *o, struct failure *why);
/** Reads the same files anew, for the connections that come. Errors: as tls_open. */
enum exit_code tls_reload(struct tls_files *t, struct failure *why);
/** Wipes the password. */
void tls_close(struct tls_files *t);

#endif

/* The challenge digest, random numbers and the wiping of secrets, through OpenSSL.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_HANDSHAKE_DIGEST_H
#define NX_HANDSHAKE_DIGEST_H

#include "base/random.h"
#include "base/span.h"
#include <noex/error.h>

enum { NX_DIGEST_LEN = 16 };

/** MD5(cookie ++ decimal text of the challenge), protocol.md 2.2. Errors: NOEX_ESYSTEM (no MD5
 * here). */
NOEX_MUST_USE int nx_digest(struct nx_span cookie, uint32_t challenge, uint8_t out[NX_DIGEST_LEN],
                            struct noex_error *err);

/** Constant-time comparison. */
bool nx_digest_equal(const uint8_t a[NX_DIGEST_LEN], const uint8_t b[NX_DIGEST_LEN]);

/** Overwrites a secret so that the compiler cannot leave it out. */
void nx_wipe(void *bytes, size_t len);

/** Random numbers of OpenSSL. */
extern const struct nx_random nx_random_openssl;

#endif

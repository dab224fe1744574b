/* The accepting role. Byte 0: 1 header of 4 bytes, 2 gives dynamic names, the bits above (modulo 5)
 * the status that is decided, 128 admits nobody. Byte 1: size of the pieces. The names, cookie and
 * challenge are those of tests/vectors/handshake. SPDX-License-Identifier: Apache-2.0 */
#include "fuzz_handshake.h"
#include <stdio.h>

static enum nx_hs_status status(void *ctx, struct nx_span peer_name)
{
    must(memchr(peer_name.ptr, '@', peer_name.len) != NULL);
    return (enum nx_hs_status)((*(const uint8_t *)ctx >> 2) % 5);
}

static int name_peer(void *ctx, struct nx_span host, char *name, size_t size, uint32_t *creation)
{
    *creation = 0x6b8b4567;
    snprintf(name, size, "noex7K@%.*s", (int)host.len, (const char *)host.ptr);
    return *(const uint8_t *)ctx & 2 ? 0 : -1;
}

static int admit(void *ctx, struct nx_span peer_name, struct noex_error *err)
{
    (void)err;
    must(memchr(peer_name.ptr, '@', peer_name.len) != NULL);
    return *(const uint8_t *)ctx & 128 ? NOEX_ENAMECLASH : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t challenge[4] = {0x01, 0x23, 0x45, 0x67};
    static const struct nx_random random = {fixed_fill, challenge};
    if (size < 2)
        return 0;
    uint8_t options = data[0];
    const struct nx_hs_config config = {
        .alloc = &nx_alloc_libc,
        .random = &random,
        .decide = {.ctx = &options, .status = status, .name_peer = name_peer, .admit = admit},
        .role = NX_HS_ACCEPT,
        .header = options & 1 ? 4 : 2,
        .flags = NX_DFLAGS_OURS,
        .required = NX_DFLAGS_REQUIRED,
        .creation = 0x5f3759df,
        .self_name = "vec_s@127.0.0.1",
        .cookie = nx_span_str("libnoex-vector cookie"),
        .step_ms = 7000,
    };
    return run_both(&config, data + 2, size - 2, data[1]);
}

/* The dialling role. Byte 0: 1 header of 4 bytes, 2 dynamic, 4 the older connection is gone. Byte
 * 1: size of the pieces. The names, cookie and challenge are those of tests/vectors/handshake.
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz_handshake.h"

static bool gone(void *ctx)
{
    return *(const bool *)ctx;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t challenge[4] = {0x89, 0xab, 0xcd, 0xef};
    static const struct nx_random random = {fixed_fill, challenge};
    if (size < 2)
        return 0;
    bool is_gone = data[0] & 4, dynamic = data[0] & 2;
    const struct nx_hs_config config = {
        .alloc = &nx_alloc_libc,
        .random = &random,
        .decide = {.ctx = &is_gone, .older_is_gone = gone},
        .role = NX_HS_DIAL,
        .header = data[0] & 1 ? 4 : 2,
        .flags = NX_DFLAGS_OURS,
        .required = NX_DFLAGS_REQUIRED,
        .creation = 0x5f3759df,
        .dynamic = dynamic,
        .self_name = dynamic ? "127.0.0.1" : "vec_c@127.0.0.1",
        .peer_name = "vec_b@127.0.0.1",
        .cookie = nx_span_str("libnoex-vector cookie"),
        .step_ms = 7000,
    };
    return run_both(&config, data + 2, size - 2, data[1]);
}

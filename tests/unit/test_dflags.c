/* SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_all.h"
#include "handshake/dflags.h"
#include <stdio.h>

/* Written out from protocol.md section 3, not from the header: two peers shipped wrong bits
 * unnoticed. */
static const struct bit {
    const char *name;
    uint64_t defined;
    uint64_t value;
} bits[] = {
#define BIT(name, value)                                                                           \
    {                                                                                              \
#name, NX_DFLAG_##name, UINT64_C(value)                                                    \
    }
    BIT(PUBLISHED, 0x1),
    BIT(EXTENDED_REFERENCES, 0x4),
    BIT(DIST_MONITOR, 0x8),
    BIT(FUN_TAGS, 0x10),
    BIT(DIST_MONITOR_NAME, 0x20),
    BIT(NEW_FUN_TAGS, 0x80),
    BIT(EXTENDED_PIDS_PORTS, 0x100),
    BIT(EXPORT_PTR_TAG, 0x200),
    BIT(BIT_BINARIES, 0x400),
    BIT(NEW_FLOATS, 0x800),
    BIT(UNICODE_IO, 0x1000),
    BIT(DIST_HDR_ATOM_CACHE, 0x2000),
    BIT(SMALL_ATOM_TAGS, 0x4000),
    BIT(UTF8_ATOMS, 0x10000),
    BIT(MAP_TAG, 0x20000),
    BIT(BIG_CREATION, 0x40000),
    BIT(SEND_SENDER, 0x80000),
    BIT(BIG_SEQTRACE_LABELS, 0x100000),
    BIT(EXIT_PAYLOAD, 0x400000),
    BIT(FRAGMENTS, 0x800000),
    BIT(HANDSHAKE_23, 0x1000000),
    BIT(UNLINK_ID, 0x2000000),
    BIT(MANDATORY_25_DIGEST, 0x4000000),
    BIT(SPAWN, 0x100000000),
    BIT(NAME_ME, 0x200000000),
    BIT(V4_NC, 0x400000000),
    BIT(ALIAS, 0x800000000),
    BIT(ALTACT_SIG, 0x2000000000),
    BIT(NATIVE_RECORDS, 0x4000000000),
};

enum { BITS = sizeof bits / sizeof *bits };

static void a_bit_has_the_value_and_name_of_the_protocol(void **state)
{
    const struct bit *b = *state;
    char text[64];
    assert_true(b->defined == b->value);
    assert_string_equal(nx_dflag_name(b->value), b->name);
    nx_dflags_text(b->value, text, sizeof text);
    assert_string_equal(text, b->name);
}

static void bits_without_a_name_have_none(void **state)
{
    (void)state;
    uint64_t named = 0;
    for (size_t i = 0; i < BITS; i++)
        named |= bits[i].value;
    for (unsigned i = 0; i < 64; i++)
        if (!(named >> i & 1))
            assert_null(nx_dflag_name(UINT64_C(1) << i));
    assert_null(nx_dflag_name(0));
    assert_null(nx_dflag_name(0x5));
    /* Bit 36 belongs to the emulator and is refused as a digest (protocol.md section 0). */
    assert_null(nx_dflag_name(UINT64_C(1) << 36));
}

static void we_offer_exactly_these(void **state)
{
    (void)state;
    assert_true(NX_DFLAGS_OURS ==
                (NX_DFLAG_EXTENDED_REFERENCES | NX_DFLAG_DIST_MONITOR | NX_DFLAG_FUN_TAGS |
                 NX_DFLAG_DIST_MONITOR_NAME | NX_DFLAG_NEW_FUN_TAGS | NX_DFLAG_EXTENDED_PIDS_PORTS |
                 NX_DFLAG_EXPORT_PTR_TAG | NX_DFLAG_BIT_BINARIES | NX_DFLAG_NEW_FLOATS |
                 NX_DFLAG_DIST_HDR_ATOM_CACHE | NX_DFLAG_UTF8_ATOMS | NX_DFLAG_MAP_TAG |
                 NX_DFLAG_BIG_CREATION | NX_DFLAG_SEND_SENDER | NX_DFLAG_BIG_SEQTRACE_LABELS |
                 NX_DFLAG_EXIT_PAYLOAD | NX_DFLAG_FRAGMENTS | NX_DFLAG_HANDSHAKE_23 |
                 NX_DFLAG_UNLINK_ID | NX_DFLAG_MANDATORY_25_DIGEST | NX_DFLAG_SPAWN |
                 NX_DFLAG_V4_NC | NX_DFLAG_ALIAS | NX_DFLAG_ALTACT_SIG));
    assert_true(NX_DFLAGS_OURS == UINT64_C(0x2d07df2fbc));
}

static void L1_we_offer_both_monitor_flags(void **state)
{
    (void)state;
    assert_true(NX_DFLAGS_MONITOR == 0x28);
    assert_true((NX_DFLAGS_OURS & NX_DFLAGS_MONITOR) == NX_DFLAGS_MONITOR);
}

static void what_we_offer_satisfies_every_known_release(void **state)
{
    (void)state;
    assert_true(nx_dflags_missing(NX_DFLAGS_OURS, NX_DFLAGS_MANDATORY_25) == 0);
    assert_true(nx_dflags_missing(NX_DFLAGS_OURS, NX_DFLAG_V4_NC | NX_DFLAG_UNLINK_ID) == 0);
}

static void the_digest_stands_for_the_mandatory_flags_of_25(void **state)
{
    (void)state;
    uint64_t all = NX_DFLAG_EXTENDED_REFERENCES | NX_DFLAG_FUN_TAGS | NX_DFLAG_NEW_FUN_TAGS |
                   NX_DFLAG_EXTENDED_PIDS_PORTS | NX_DFLAG_EXPORT_PTR_TAG | NX_DFLAG_BIT_BINARIES |
                   NX_DFLAG_NEW_FLOATS | NX_DFLAG_UTF8_ATOMS | NX_DFLAG_MAP_TAG |
                   NX_DFLAG_BIG_CREATION | NX_DFLAG_HANDSHAKE_23;
    assert_true(NX_DFLAGS_MANDATORY_25 == all);
    assert_true(nx_dflags_expand(0x4000000) == (all | 0x4000000));
    assert_true(nx_dflags_expand(0x4000001) == (all | 0x4000001));
    assert_true(nx_dflags_expand(all) == all);
    assert_true(nx_dflags_expand(0) == 0);
    assert_true(nx_dflags_expand(UINT64_C(1) << 36) == UINT64_C(1) << 36);
}

static void what_a_peer_lacks_is_found_behind_the_digest(void **state)
{
    (void)state;
    uint64_t v4 = NX_DFLAG_V4_NC;
    assert_true(nx_dflags_missing(0x4000000 | v4, NX_DFLAGS_REQUIRED) == 0);
    assert_true(nx_dflags_missing(0x4000000, NX_DFLAGS_REQUIRED) == v4);
    assert_true(nx_dflags_missing(0, NX_DFLAGS_REQUIRED) == NX_DFLAGS_REQUIRED);
    assert_true(nx_dflags_missing(NX_DFLAGS_REQUIRED, 0x4000000 | v4) == 0);
    assert_true(nx_dflags_missing(v4, 0x4000000 | v4) == NX_DFLAGS_MANDATORY_25);
    assert_true(nx_dflags_missing(UINT64_MAX, UINT64_MAX) == 0);
}

static void negotiation_is_the_and_of_both_expanded(void **state)
{
    (void)state;
    uint64_t digest = NX_DFLAG_MANDATORY_25_DIGEST;
    assert_true(nx_dflags_negotiate(digest, NX_DFLAGS_MANDATORY_25) == NX_DFLAGS_MANDATORY_25);
    const uint64_t otp_25 = UINT64_C(0xd07df7fbd), otp_29 = UINT64_C(0x6d07df7fbd);
    assert_true(nx_dflags_negotiate(NX_DFLAGS_OURS, otp_25) ==
                (NX_DFLAGS_OURS & ~NX_DFLAG_ALTACT_SIG));
    assert_true(nx_dflags_negotiate(NX_DFLAGS_OURS, otp_29) == NX_DFLAGS_OURS);
    assert_true(nx_dflags_negotiate(NX_DFLAGS_OURS | 1, otp_29 - 1) == NX_DFLAGS_OURS);
    assert_true(nx_dflags_negotiate(0x28, 0x8) == 0x8);
}

static void the_text_names_each_flag_and_shows_unnamed_ones_in_hexadecimal(void **state)
{
    (void)state;
    char text[256];
    nx_dflags_text(NX_DFLAG_V4_NC | NX_DFLAG_UNLINK_ID | UINT64_C(1) << 36 | 2, text, sizeof text);
    assert_string_equal(text, "0x2 UNLINK_ID V4_NC 0x1000000000");
    nx_dflags_text(UINT64_C(1) << 63, text, sizeof text);
    assert_string_equal(text, "0x8000000000000000");
    nx_dflags_text(0, text, sizeof text);
    assert_string_equal(text, "");
}

static void the_text_is_cut_at_any_size(void **state)
{
    (void)state;
    char whole[2048];
    nx_dflags_text(UINT64_MAX, whole, sizeof whole);
    assert_non_null(strstr(whole, "NATIVE_RECORDS 0x8000000000"));
    for (size_t size = 1; size <= strlen(whole) + 2; size++) {
        char *cut = test_malloc(size);
        nx_dflags_text(UINT64_MAX, cut, size);
        size_t want = size - 1 < strlen(whole) ? size - 1 : strlen(whole);
        assert_int_equal(strlen(cut), want);
        assert_memory_equal(cut, whole, want);
        test_free(cut);
    }
    nx_dflags_text(UINT64_MAX, NULL, 0);
}

int main(void)
{
    const struct CMUnitTest others[] = {
        cmocka_unit_test(bits_without_a_name_have_none),
        cmocka_unit_test(we_offer_exactly_these),
        cmocka_unit_test(L1_we_offer_both_monitor_flags),
        cmocka_unit_test(what_we_offer_satisfies_every_known_release),
        cmocka_unit_test(the_digest_stands_for_the_mandatory_flags_of_25),
        cmocka_unit_test(what_a_peer_lacks_is_found_behind_the_digest),
        cmocka_unit_test(negotiation_is_the_and_of_both_expanded),
        cmocka_unit_test(the_text_names_each_flag_and_shows_unnamed_ones_in_hexadecimal),
        cmocka_unit_test(the_text_is_cut_at_any_size),
    };
    static char names[BITS][96];
    struct CMUnitTest tests[BITS + sizeof others / sizeof *others];
    for (size_t i = 0; i < BITS; i++) {
        snprintf(names[i], sizeof names[i], "%s_has_the_value_and_name_of_the_protocol",
                 bits[i].name);
        tests[i] = (struct CMUnitTest){names[i], a_bit_has_the_value_and_name_of_the_protocol, NULL,
                                       NULL, (void *)(uintptr_t)&bits[i]};
    }
    memcpy(tests + BITS, others, sizeof others);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Any term as a request of OTP's module sys: the answer is one message, and what is to be done with
 * the process comes out of the request. SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "process/sys.h"
#include "term/check.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t pid[] = {88, 119, 3, 'a', '@', 'b', 0, 0, 0, 80, 0, 0, 0, 0, 0, 0, 0, 5};
/* [alias|Ref], Ref of five words; {x, Ref} of three */
static const uint8_t alias[] = {108, 0, 0,   0,   1,   119, 5, 'a', 'l', 'i', 'a', 's', 90, 0, 5,
                                119, 3, 'a', '@', 'b', 0,   0, 0,   5,   0,   0,   0,   1,  0, 0,
                                0,   2, 0,   0,   0,   3,   0, 0,   0,   4,   0,   0,   0,  5};
static const uint8_t tagged[] = {104, 2, 119, 1, 'x', 90, 0, 3, 119, 3, 'a', '@', 'b', 0, 0,
                                 0,   5, 0,   0, 0,   1,  0, 0, 0,   2, 0,   0,   0,   3};
static const uint8_t nil[] = {106};

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* A request of the greatest depth makes an answer that is deeper. */
static bool is_message(struct nx_span s, struct nx_span request)
{
    size_t used;
    int rc = nx_term_check(s, &used, NULL);
    return rc == NOEX_ELIMIT || (rc == 0 && used == s.len && s.len < request.len + 512);
}

static void check_answer(struct nx_span request, struct nx_span tag, size_t max)
{
    const struct nx_sys_process process = {nx_span(pid, sizeof pid), nx_span_str("name"),
                                           nx_span(nil, sizeof nil), max % 2 != 0};
    struct nx_sys_result result;
    struct nx_buf out;
    nx_buf_init(&out, &nx_alloc_libc, max);
    int rc = nx_sys_answer(&out, tag, request, &process, &result);
    require(rc ? rc == NOEX_ELIMIT && nx_buf_len(&out) == 0 && result.action == NX_SYS_NONE
               : is_message(nx_buf_span(&out), request));
    require((result.action == NX_SYS_TERMINATE) == (result.reason.len != 0));
    if (result.reason.len)
        require(result.reason.ptr + result.reason.len == request.ptr + request.len);
    nx_buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct nx_span request = nx_span(data, size);
    size_t used;
    if (nx_term_check(request, &used, NULL) || used != size)
        return 0;
    (void)nx_sys_shows_state(request);
    check_answer(request, nx_span(alias, sizeof alias), SIZE_MAX);
    check_answer(request, nx_span(tagged, sizeof tagged), SIZE_MAX);
    check_answer(request, nx_span(alias, sizeof alias), size % 97);
    return 0;
}

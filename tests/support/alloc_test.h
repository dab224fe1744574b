/* An allocator that counts, checks that all is given back, and fails when told to.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ALLOC_TEST_H
#define ALLOC_TEST_H

#include <noex/alloc.h>
#include <stdbool.h>

struct alloc_test {
    struct noex_allocator a; /* hand this to the code under test */
    size_t calls;            /* alloc and resize calls so far */
    size_t live;             /* blocks not given back, */
    size_t bytes;            /* their size, */
    size_t peak;             /* and the most that it was */
    size_t fail_at;          /* the call (counted from 1) that fails; 0: none */
    bool fail_on;            /* and all after it */
    size_t failed;           /* calls that failed */
};

void alloc_test_init(struct alloc_test *t);

#endif

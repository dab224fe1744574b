/* The end of a program that cannot go on. SPDX-License-Identifier: Apache-2.0 */
#ifndef DIE_H
#define DIE_H

#include <stdio.h>
#include <stdlib.h>

static inline _Noreturn void die(const char *why)
{
    fprintf(stderr, "%s\n", why);
    exit(1);
}

#endif

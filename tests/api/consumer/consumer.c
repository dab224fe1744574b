/* The least program that uses an installed libnoex. SPDX-License-Identifier: Apache-2.0 */
#include <noex/noex.h>
#include <stdio.h>

int main(void)
{
    struct noex_options options;
    struct noex_error error;
    noex_node *node = NULL;
    noex_options_init(&options);
    options.cookie = "secret";
    if (noex_node_new(&node, &options, &error) < 0) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    printf("libnoex %s\n", noex_version());
    noex_node_free(node);
    return 0;
}

/* Runs a fuzz target over a committed corpus, without libFuzzer: what plain ctest does.
 * SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return perror(path), 1;
    size_t cap = 1 << 20, len = 0;
    uint8_t *bytes = malloc(cap);
    if (bytes)
        len = fread(bytes, 1, cap, f);
    /* A copy of exactly this size, so that a read past the end is seen. */
    uint8_t *exact = malloc(len ? len : 1);
    if (!bytes || !exact || ferror(f))
        return perror(path), 1;
    memcpy(exact, bytes, len);
    LLVMFuzzerTestOneInput(exact, len);
    free(exact);
    free(bytes);
    return fclose(f);
}

int main(int argc, char **argv)
{
    unsigned files = 0;
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] == '-')
            continue; /* libFuzzer's options */
        DIR *dir = opendir(argv[i]);
        if (!dir)
            return perror(argv[i]), 1;
        for (struct dirent *e; (e = readdir(dir));) {
            char path[4096];
            if (e->d_name[0] == '.')
                continue;
            snprintf(path, sizeof path, "%s/%s", argv[i], e->d_name);
            if (replay_file(path))
                return 1;
            files++;
        }
        closedir(dir);
    }
    printf("%u inputs replayed\n", files);
    return files ? 0 : 1;
}

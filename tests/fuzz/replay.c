/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include <dirent.h>
#include <errno.h>

/* A target without libFuzzer: replay PLACE… gives it each file, and each file of each directory, once. */

static unsigned replayed;

static void replay_file(const char *path)
{
    static uint8_t bytes[1 << 20];
    FILE *file = fopen(path, "rb");

    fuzz_need(file);
    size_t len = fread(bytes, 1, sizeof bytes, file);
    fuzz_need(feof(file));
    fclose(file);
    /* Memory of its own, so that a read behind its end is seen. */
    uint8_t *data = malloc(len ? len : 1);
    fuzz_need(data);
    memcpy(data, bytes, len);
    fprintf(stderr, "%s\n", path);
    fuzz_need(LLVMFuzzerTestOneInput(data, len) == 0);
    free(data);
    replayed++;
}

static void replay_place(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    char name[4096];

    if (!dir) {
        fuzz_need(errno == ENOTDIR);
        replay_file(path);
        return;
    }
    while ((entry = readdir(dir)))
        if (entry->d_name[0] != '.') {
            snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
            replay_file(name);
        }
    closedir(dir);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        replay_place(argv[i]);
    fprintf(stderr, "%u inputs\n", replayed);
    return replayed == 0;
}

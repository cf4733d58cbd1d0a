/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Compression alone: bench_deflate [-n RUNS] FILE…
 *
 * Each FILE is compressed by lade's encoder, by zlib, and by libdeflate if it was there at the build, in this
 * process: the size, and megabytes (10^6) of input for each second of processor time in user mode, the best
 * of RUNS (default 3). lade and libdeflate get chunks of 1 MiB, zlib one stream as gzip makes it. The columns
 * behind compare with zlib -6 of the same file in the same run.
 */

#include "base/mem.h"
#include "layers/deflate.h"

#ifdef HAVE_LIBDEFLATE
#include <libdeflate.h>
#endif
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <zlib.h>

#define ZLIB_WINDOW (-15)
#define ZLIB_MEMORY 8
#define MEGA 1e6
#define RUNS 3

struct input {
    uint8_t *data;
    size_t len;
    uint8_t *out;
    size_t room;
};

static double cpu_seconds(void)
{
    struct rusage use;

    getrusage(RUSAGE_SELF, &use);
    return (double)use.ru_utime.tv_sec + (double)use.ru_utime.tv_usec / MEGA;
}

static size_t chunk_size(const struct input *in, size_t at)
{
    return in->len - at < DEFLATE_CHUNK_MAX ? in->len - at : DEFLATE_CHUNK_MAX;
}

static size_t run_lade(const struct input *in, int level)
{
    AUTO(deflate_free) struct deflate *d = deflate_new();
    size_t sum = 0;

    for (size_t at = 0; at < in->len; at += DEFLATE_CHUNK_MAX)
        sum += deflate_chunk(d, (enum deflate_level)level, in->data + at, chunk_size(in, at), in->out,
                             in->room, false);
    return sum;
}

static size_t run_zlib(const struct input *in, int level)
{
    z_stream z = {.next_in = in->data};
    size_t left = in->len;
    int result;

    deflateInit2(&z, level, Z_DEFLATED, ZLIB_WINDOW, ZLIB_MEMORY, Z_DEFAULT_STRATEGY);
    do {
        if (z.avail_in == 0) {
            z.avail_in = (uInt)(left < DEFLATE_CHUNK_MAX ? left : DEFLATE_CHUNK_MAX);
            left -= z.avail_in;
        }
        z.next_out = in->out;
        z.avail_out = (uInt)in->room;
        result = deflate(&z, left == 0 ? Z_FINISH : Z_NO_FLUSH);
    } while (result == Z_OK);
    size_t sum = z.total_out;
    deflateEnd(&z);
    return sum;
}

#ifdef HAVE_LIBDEFLATE
static size_t run_libdeflate(const struct input *in, int level)
{
    struct libdeflate_compressor *c = libdeflate_alloc_compressor(level);
    size_t sum = 0;

    for (size_t at = 0; at < in->len; at += DEFLATE_CHUNK_MAX)
        sum += libdeflate_deflate_compress(c, in->data + at, chunk_size(in, at), in->out, in->room);
    libdeflate_free_compressor(c);
    return sum;
}
#endif

static const struct {
    const char *name;
    size_t (*run)(const struct input *in, int level);
    int level;
} candidates[] = {
    {"zlib -6", run_zlib, 6}, /* first: the others are compared with it */
    {"zlib -1", run_zlib, 1},
    {"zlib -9", run_zlib, 9},
#ifdef HAVE_LIBDEFLATE
    {"libdeflate -1", run_libdeflate, 1},
    {"libdeflate -3", run_libdeflate, 3},
    {"libdeflate -6", run_libdeflate, 6},
    {"libdeflate -9", run_libdeflate, 9},
#endif
    {"lade fast", run_lade, DEFLATE_FAST},
    {"lade default", run_lade, DEFLATE_DEFAULT},
    {"lade best", run_lade, DEFLATE_BEST},
};

static bool read_input(struct input *in, const char *path)
{
    FILE *file = fopen(path, "rb");

    if (!file || fseek(file, 0, SEEK_END) != 0)
        return false;
    in->len = (size_t)ftell(file);
    in->data = mem_alloc(in->len);
    in->room = 2 * deflate_bound(DEFLATE_CHUNK_MAX);
    in->out = mem_zero(1, in->room);
    rewind(file);
    bool all = fread(in->data, 1, in->len, file) == in->len;
    fclose(file);
    return all;
}

static void compare(const struct input *in, const char *path, unsigned runs)
{
    double zlib_speed = 0;
    size_t zlib_size = 0;

    printf("%s: %.1f MB\n%-14s %12s %8s %8s %8s\n", path, (double)in->len / MEGA, "", "bytes", "MB/s", "size",
           "speed");
    for (size_t i = 0; i < ARRAY_LEN(candidates); i++) {
        double best = 0;
        size_t size = 0;
        for (unsigned run = 0; run < runs; run++) {
            double start = cpu_seconds();
            size = candidates[i].run(in, candidates[i].level);
            double speed = (double)in->len / MEGA / (cpu_seconds() - start);
            best = speed > best ? speed : best;
        }
        if (i == 0) {
            zlib_speed = best;
            zlib_size = size;
        }
        printf("%-14s %12zu %8.1f %8.3f %8.2f\n", candidates[i].name, size, best,
               (double)size / (double)zlib_size, best / zlib_speed);
        fflush(stdout);
    }
}

int main(int argc, char **argv)
{
    unsigned runs = RUNS;
    int first = 1;

    if (argc > 2 && strcmp(argv[1], "-n") == 0) {
        runs = argv[2][0] >= '1' && argv[2][0] <= '9' ? (unsigned)(argv[2][0] - '0') : RUNS;
        first = 3;
    }
    for (int i = first; i < argc; i++) {
        struct input in = {0};
        if (!read_input(&in, argv[i])) {
            perror(argv[i]);
            return 1;
        }
        compare(&in, argv[i], runs);
        mem_free(in.data);
        mem_free(in.out);
    }
    return 0;
}

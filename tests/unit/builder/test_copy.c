/* SPDX-License-Identifier: Apache-2.0 */
#include "copy_help.h"

/* A context as a user has it. */
#define FILES                            \
    "f 644 1000:1000 a.txt A\n"          \
    "f 755 1000:1000 b.sh B\n"           \
    "d 700 1000:1000 dir\n"              \
    "f 600 1000:1000 dir/one 1\n"        \
    "d 750 1000:1000 dir/sub\n"          \
    "f 640 1000:1000 dir/sub/two 2\n"    \
    "d 755 1000:1000 empty\n"            \
    "l 777 1000:1000 to-a a.txt\n"       \
    "l 777 1000:1000 to-dir dir\n"       \
    "l 777 1000:1000 out ../../etc\n"    \
    "l 777 1000:1000 dangling nowhere\n" \
    "l 777 1000:1000 loop loop\n"

static void destinations(void **state)
{
    static const struct help_row rows[] = {
        {"file to a name", NULL, FILES, "a.txt", "/x", "f 644 0:0 x A\n"},
        {"file into a new directory", NULL, FILES, "a.txt", "/d/", "d 755 0:0 d\nf 644 0:0 d/a.txt A\n"},
        {"slash and dot", NULL, FILES, "a.txt", "/d/.", "d 755 0:0 d\nf 644 0:0 d/a.txt A\n"},
        {"new parents", NULL, FILES, "a.txt", "/d/e/x", "d 755 0:0 d\nd 755 0:0 d/e\nf 644 0:0 d/e/x A\n"},
        {"file into the root", NULL, FILES, "a.txt", "/", "f 644 0:0 a.txt A\n"},
        {"relative", "d 755 0:0 w\n", FILES, "a.txt", "x", "f 644 0:0 w/x A\n", .workdir = "/w"},
        {"empty is the work directory", NULL, FILES, "a.txt", "", "d 755 0:0 w\nf 644 0:0 w/a.txt A\n",
         .workdir = "/w"},
        {"dot", "d 755 0:0 w\n", FILES, "a.txt", ".", "f 644 0:0 w/a.txt A\n", .workdir = "/w"},
        {"dot dot", NULL, FILES, "a.txt", "../", "d 755 0:0 w\nf 644 0:0 w/a.txt A\n", .workdir = "/w/v"},
        {"dot dot above the root", NULL, FILES, "a.txt", "../../../x", "f 644 0:0 x A\n", .workdir = "/w"},
        {"file into an existing directory", "d 711 5:6 d\n", FILES, "a.txt", "/d", "f 644 0:0 d/a.txt A\n"},
        {"file over a file", "f 600 5:6 x old\n", FILES, "a.txt", "/x", "f 644 0:0 x A\n"},
        {"several", NULL, FILES, "a.txt b.sh", "/d/",
         "d 755 0:0 d\nf 644 0:0 d/a.txt A\nf 755 0:0 d/b.sh B\n"},
        {"several to one name: the last stays", NULL, FILES, "a.txt b.sh", "/d", "f 755 0:0 d B\n"},
        {"contents of a directory", NULL, FILES, "dir", "/d",
         "d 755 0:0 d\nf 600 0:0 d/one 1\nd 750 0:0 d/sub\nf 640 0:0 d/sub/two 2\n"},
        {"with slashes it is the same", NULL, FILES, "dir/", "/d/",
         "d 755 0:0 d\nf 600 0:0 d/one 1\nd 750 0:0 d/sub\nf 640 0:0 d/sub/two 2\n"},
        {"into an existing directory", "d 711 5:6 d\nd 700 7:8 d/sub\nf 600 1:1 d/one old\n", FILES, "dir/.",
         "/d", "f 600 0:0 d/one 1\nd 750 0:0 d/sub\nf 640 0:0 d/sub/two 2\n"},
        {"into the root", NULL, FILES, "dir", "/", "f 600 0:0 one 1\nd 750 0:0 sub\nf 640 0:0 sub/two 2\n"},
        {"empty directory", NULL, FILES, "empty", "/e", "d 755 0:0 e\n"},
        {"directory and file", NULL, FILES, "empty a.txt", "/e", "d 755 0:0 e\nf 644 0:0 e/a.txt A\n"},
        {"a trailing slash on a file source", NULL, FILES, "a.txt/", "/x", "f 644 0:0 x A\n"},
        {"nothing changes in a directory that is the same", "d 750 0:0 d/sub @1000\n", FILES, "dir/sub",
         "/d/sub", "f 640 0:0 d/sub/two 2\n"},
        {"twice the same", NULL, FILES, "dir/sub dir/sub", "/d", "d 755 0:0 d\nf 640 0:0 d/two 2\n"},
    };
    (void)state;
    help_check(rows, ARRAY_LEN(rows));
}

static void everything(void **state)
{
    static const struct help_row rows[] = {
        {"the whole context", NULL, FILES, ".", "/all",
         "d 755 0:0 all\n"
         "f 644 0:0 all/a.txt A\n"
         "f 755 0:0 all/b.sh B\n"
         "l 777 0:0 all/dangling nowhere\n"
         "d 700 0:0 all/dir\n"
         "f 600 0:0 all/dir/one 1\n"
         "d 750 0:0 all/dir/sub\n"
         "f 640 0:0 all/dir/sub/two 2\n"
         "d 755 0:0 all/empty\n"
         "l 777 0:0 all/loop loop\n"
         "l 777 0:0 all/out ../../etc\n"
         "l 777 0:0 all/to-a a.txt\n"
         "l 777 0:0 all/to-dir dir\n"},
        {"special files", NULL, "p 600 1:1 x/fifo\nc 600 1:1 x/dev\n", "x", "/x",
         "d 755 0:0 x\nc 600 0:0 x/dev\np 600 0:0 x/fifo\n"},
        {"set-id and sticky", NULL, "f 6755 1:1 x/f x\nd 1777 1:1 x/d\n", "x", "/",
         "d 1777 0:0 d\nf 6755 0:0 f x\n"},
        {"names that are not UTF-8", NULL, "f 644 1:1 x/\xff\xfe z\n", "x", "/", "f 644 0:0 \xff\xfe z\n"},
        {"hard links", NULL, "f 644 1:1 x/a z\nh 644 1:1 x/b x/a\nf 644 1:1 x/c q\n", "x", "/",
         "f 644 0:0 a z =1\nf 644 0:0 b z =1\nf 644 0:0 c q\n"},
        {"hard links of two sources are two files", NULL, "f 644 1:1 a z\nh 644 1:1 b a\n", "a b", "/d/",
         "d 755 0:0 d\nf 644 0:0 d/a z =1\nf 644 0:0 d/b z =2\n"},
    };
    (void)state;
    help_check(rows, ARRAY_LEN(rows));
}

static void links_in_the_destination(void **state)
{
    static const struct help_row rows[] = {
        {"parent", "d 755 0:0 usr/lib\nl 777 0:0 lib usr/lib\n", FILES, "a.txt", "/lib/x",
         "f 644 0:0 usr/lib/x A\n"},
        {"absolute", "d 755 0:0 usr/lib\nl 777 0:0 lib /usr/lib\n", FILES, "dir/sub", "/lib/",
         "f 640 0:0 usr/lib/two 2\n"},
        {"the destination itself, a directory", "d 755 0:0 real\nl 777 0:0 d real\n", FILES, "a.txt", "/d",
         "f 644 0:0 real/a.txt A\n"},
        {"the destination itself, a file", "f 755 0:0 real old\nl 777 0:0 x real\n", FILES, "a.txt", "/x",
         "f 644 0:0 real A\n"},
        {"a link into nothing becomes what it says", "l 777 0:0 x new/place\n", FILES, "a.txt", "/x",
         "d 755 0:0 new\nf 644 0:0 new/place A\n"},
        {"a link in the directory is replaced",
         "d 755 0:0 d\nf 755 0:0 real old\nl 777 0:0 d/a.txt ../real\n", FILES, "a.txt", "/d/",
         "f 644 0:0 d/a.txt A\n"},
        {"links that leave the root stay below it", "l 777 0:0 d ../../up\n", FILES, "a.txt", "/d/x",
         "d 755 0:0 up\nf 644 0:0 up/x A\n"},
        {"a chain", "l 777 0:0 a b/../c\nl 777 0:0 b d\nl 777 0:0 c /e/f\nd 755 0:0 d\nd 755 0:0 e/f\n",
         FILES, "a.txt", "/a/x", "f 644 0:0 e/f/x A\n"},
        {"a circle", "l 777 0:0 a b\nl 777 0:0 b a\n", FILES, "a.txt", "/a/x", NULL,
         "too many symbolic links", ERR_INPUT},
        {"not through a link to a directory inside of the source's tree",
         "d 755 0:0 d\nl 777 0:0 d/sub /real\n", FILES, "dir", "/d", NULL,
         "/d/sub is not a directory and cannot be replaced", ERR_INPUT},
    };
    (void)state;
    help_check(rows, ARRAY_LEN(rows));
}

static void sources(void **state)
{
    static const struct help_row rows[] = {
        {"a link is followed", NULL, FILES, "to-a", "/d/", "d 755 0:0 d\nf 644 0:0 d/to-a A\n"},
        {"a link to a directory", NULL, FILES, "to-dir/sub", "/d", "d 755 0:0 d\nf 640 0:0 d/two 2\n"},
        {"its contents", NULL, FILES, "to-dir", "/d",
         "d 755 0:0 d\nf 600 0:0 d/one 1\nd 750 0:0 d/sub\nf 640 0:0 d/sub/two 2\n"},
        {"absolute", NULL, FILES, "/dir/one", "/x", "f 600 0:0 x 1\n"},
        {"above the context is the context", NULL, FILES, "../../a.txt", "/x", "f 644 0:0 x A\n"},
        {"absent", NULL, FILES, "dir/nix", "/x", NULL, "\"dir/nix\" is not in the build context",
         ERR_NOT_FOUND},
        {"absent in a stage", NULL, FILES, "dir/nix", "/x", NULL, "\"/dir/nix\" does not exist",
         ERR_NOT_FOUND, .from_stage = true},
        {"absent above the context", NULL, FILES, "../nix", "/x", NULL, "\"nix\" is not in", ERR_NOT_FOUND},
        {"a link into nothing", NULL, FILES, "dangling", "/x", NULL, "\"dangling\" is not in", ERR_NOT_FOUND},
        {"a link over what is absent", NULL, "l 777 0:0 l nix/../a\nf 644 0:0 a x\n", "l", "/x",
         "f 644 0:0 x x\n"},
        {"a link out of the context stays in it", NULL, FILES, "out/passwd", "/x", NULL,
         "is not in the build", ERR_NOT_FOUND},
        {"a circle", NULL, FILES, "loop", "/x", NULL, "loop", ERR_INPUT},
        {"below a file", NULL, FILES, "a.txt/b", "/x", NULL, "is not in the build", ERR_NOT_FOUND},
        {"wildcards", NULL, FILES, "*.txt b*", "/d/",
         "d 755 0:0 d\nf 644 0:0 d/a.txt A\nf 755 0:0 d/b.sh B\n"},
        {"wildcard that matches a directory", NULL, FILES, "d*r", "/d",
         "d 755 0:0 d\nf 600 0:0 d/one 1\nd 750 0:0 d/sub\nf 640 0:0 d/sub/two 2\n"},
        {"wildcard in a parent", NULL, FILES, "*/sub/t?o", "/d/", "d 755 0:0 d\nf 640 0:0 d/two 2\n"},
        {"wildcard behind a link", NULL, FILES, "to-dir/s*", "/d", "d 755 0:0 d\nf 640 0:0 d/two 2\n"},
        {"wildcards do not go through links", NULL, FILES, "to-d*/sub", "/d", ""},
        {"a link that a wildcard matches is followed", NULL, FILES, "to-[a]", "/d/",
         "d 755 0:0 d\nf 644 0:0 d/to-a A\n"},
        {"a wildcard that matches nothing", NULL, FILES, "*.nix", "/d/", ""},
        {"nothing and something", NULL, FILES, "a.txt *.nix", "/d/", "d 755 0:0 d\nf 644 0:0 d/a.txt A\n"},
        {"wildcards below what is absent", NULL, FILES, "nix/*", "/d/", NULL, "\"nix\" is not in",
         ERR_NOT_FOUND},
        {"wildcards below a file", NULL, FILES, "a.txt/*", "/d/", ""},
        {"a bad pattern", NULL, FILES, "a[", "/d/", NULL, "\"a[\" is not a valid pattern", ERR_INPUT},
        {"an escaped bracket", NULL, "f 644 0:0 a[0] x\nf 644 0:0 a0 y\n", "a[[]0]", "/x", "f 644 0:0 x x\n"},
        {"a URL", NULL, FILES, "https://example.org/x", "/x", NULL, "https://example.org/x is not a path",
         ERR_INPUT},
        {"ADD of a URL", NULL, FILES, "https://example.org/x", "/x", NULL, "not supported", ERR_UNSUPPORTED,
         .add = true},
        {"ADD of a repository", NULL, FILES, "git@example.org:a/b.git", "/x", NULL, "not supported",
         ERR_UNSUPPORTED, .add = true},
        {"a name with an at sign", NULL, "f 644 0:0 a@b x\n", "a@b", "/x", "f 644 0:0 x x\n"},
    };
    (void)state;
    help_check(rows, ARRAY_LEN(rows));
}

static void refusals(void **state)
{
    static const struct help_row rows[] = {
        {"file over a directory", "d 755 0:0 d/a.txt\n", FILES, "a.txt", "/d/", NULL,
         "/d/a.txt is a directory and cannot be replaced with a file", ERR_INPUT},
        {"directory over a file", "f 644 0:0 d x\n", FILES, "dir", "/d", NULL, "/d is not a directory",
         ERR_INPUT},
        {"nested directory over a file", "f 644 0:0 d/sub x\n", FILES, "dir", "/d", NULL,
         "/d/sub is not a directory", ERR_INPUT},
        {"a file above the destination", "f 644 0:0 d x\n", FILES, "a.txt", "/d/x", NULL,
         "/d is not a directory", ERR_INPUT},
        {"a file with a slash behind", "f 644 0:0 d x\n", FILES, "a.txt", "/d/", NULL,
         "/d is not a directory", ERR_INPUT},
        {"nested file over a directory", "d 755 0:0 d/one\n", FILES, "dir", "/d", NULL,
         "/d/one is a directory", ERR_INPUT},
        {"mode", NULL, FILES, "a.txt", "/x", NULL, "--chmod=8 is not valid", ERR_INPUT, .chmod = "8"},
        {"owner", NULL, FILES, "a.txt", "/x", NULL, "--chown=nix: the image has no such user", ERR_NOT_FOUND,
         .chown = "nix"},
        {"owner's number", NULL, FILES, "a.txt", "/x", NULL, "--chown=0:-1: the number -1", ERR_INPUT,
         .chown = "0:-1"},
        {"exclude", NULL, FILES, "dir", "/x", NULL, "--exclude: pattern \"[\" is not valid", ERR_INPUT,
         .excludes = "["},
        {"the step is named", NULL, FILES, "nix", "/x", NULL, "COPY: \"nix\"", ERR_NOT_FOUND},
    };
    (void)state;
    help_check(rows, ARRAY_LEN(rows));
}

#define ACCOUNTS "f 644 0:0 etc/passwd app:x:7:8::/:\nf 644 0:0 etc/group web:x:9:\n"

static void owners_and_modes(void **state)
{
    static const struct help_row rows[] = {
        {"owners of a stage stay", NULL, FILES, "dir", "/d",
         "d 755 0:0 d\nf 600 1000:1000 d/one 1\nd 750 1000:1000 d/sub\nf 640 1000:1000 d/sub/two 2\n",
         .from_stage = true},
        {"chown counts for new parents", NULL, FILES, "a.txt", "/d/x", "d 755 3:4 d\nf 644 3:4 d/x A\n",
         .chown = "3:4"},
        {"not for those that are there", "d 711 5:6 d\n", FILES, "a.txt", "/d/x", "f 644 3:4 d/x A\n",
         .chown = "3:4"},
        {"but for nested directories", "d 711 5:6 d\nd 755 5:6 d/sub\n", FILES, "dir", "/d",
         "f 600 3:4 d/one 1\nd 750 3:4 d/sub\nf 640 3:4 d/sub/two 2\n", .chown = "3:4"},
        {"a number is its own group", NULL, FILES, "a.txt", "/x", "f 644 3:3 x A\n", .chown = "3"},
        {"the group of a set-group-ID directory", "d 2775 0:50 var/local\n", FILES, "a.txt",
         "/var/local/d/e/x",
         "d 755 0:50 var/local/d\nd 755 0:0 var/local/d/e\nf 644 0:0 var/local/d/e/x A\n"},
        {"unless an owner is given", "d 2775 0:50 var/local\n", FILES, "a.txt", "/var/local/d/x",
         "d 755 3:4 var/local/d\nf 644 3:4 var/local/d/x A\n", .chown = "3:4"},
        {"names", ACCOUNTS, FILES, "a.txt", "/x", "f 644 7:8 x A\n", .chown = "app"},
        {"names of groups", ACCOUNTS, FILES, "a.txt", "/x", "f 644 7:9 x A\n", .chown = "app:web"},
        {"names with link", ACCOUNTS, FILES, "a.txt", "/x", "f 644 7:9 x A\n", .chown = "app:web",
         .link = true},
        {"links too", NULL, "l 777 1:1 d/l x\n", "d", "/", "l 777 3:3 l x\n", .chown = "3"},
        {"empty is not given", NULL, FILES, "a.txt", "/x", "f 644 0:0 x A\n", .chown = "", .chmod = ""},
        {"octal mode counts for new parents", NULL, FILES, "dir", "/d",
         "d 711 0:0 d\nf 4711 0:0 d/one 1\nd 4711 0:0 d/sub\nf 4711 0:0 d/sub/two 2\n", .chmod = "4711"},
        {"symbolic does not", NULL, FILES, "dir", "/d/e",
         "d 755 0:0 d\nd 755 0:0 d/e\nf 644 0:0 d/e/one 1\nd 755 0:0 d/e/sub\nf 644 0:0 d/e/sub/two 2\n",
         .chmod = "u+rw,go+rX"},
        {"links have no mode", NULL, "l 777 1:1 d/l x\n", "d", "/", "l 777 0:0 l x\n", .chmod = "600"},
        {"symbolic by what the file is", NULL, FILES, "a.txt b.sh", "/",
         "f 644 0:0 a.txt A\nf 755 0:0 b.sh B\n", .chmod = "+X"},
    };
    (void)state;
    help_check(rows, ARRAY_LEN(rows));
}

static void times(void **state)
{
    static const struct help_row rows[] = {
        {"of the context: the epoch", NULL, FILES, "dir", "/p/d",
         "d 755 0:0 p @1000\nd 755 0:0 p/d @1000\nf 600 0:0 p/d/one 1 @1000\nd 750 0:0 p/d/sub @1000\n"
         "f 640 0:0 p/d/sub/two 2 @1000\n",
         .times = true},
        {"of a stage: theirs, but not later", NULL,
         "d 755 1:1 dir @700\nf 644 1:1 dir/a x @2000\nf 644 1:1 dir/b y @1000\nf 644 1:1 dir/c z @3\n",
         "dir", "/p/d",
         "d 755 0:0 p @1000\nd 755 0:0 p/d @700\nf 644 1:1 p/d/a x @1000\nf 644 1:1 p/d/b y @1000\n"
         "f 644 1:1 p/d/c z @3\n",
         .times = true, .from_stage = true},
        {"real ones", NULL, "d 755 1:1 dir @700\nf 644 1:1 dir/a x @2000\n", "dir", "/p/d",
         "d 755 0:0 p @1000\nd 755 0:0 p/d @700\nf 644 0:0 p/d/a x @2000\n", .times = true,
         .keep_times = true},
    };
    (void)state;
    help_check(rows, ARRAY_LEN(rows));
}

static void linked(void **state)
{
    static const struct help_row rows[] = {
        {"the stage is not looked at", "d 1777 0:0 tmp\nl 777 0:0 lib usr/lib\n", FILES, "a.txt", "/tmp/lib/",
         "d 755 0:0 tmp\nd 755 0:0 tmp/lib\nf 644 0:0 tmp/lib/a.txt A\n", .link = true},
        {"links are not followed", "d 755 0:0 usr/lib\nl 777 0:0 lib usr/lib\n", FILES, "a.txt", "/lib/x",
         "d 755 0:0 lib\nf 644 0:0 lib/x A\n", .link = true},
        {"with a mode it is no link", "d 755 0:0 usr/lib\nl 777 0:0 lib usr/lib\n", FILES, "a.txt", "/lib/x",
         "f 600 0:0 usr/lib/x A\n", .link = true, .chmod = "600"},
    };
    (void)state;
    help_check(rows, ARRAY_LEN(rows));
}

static void excludes(void **state)
{
    static const struct help_row rows[] = {
        {"files", NULL, FILES, "dir", "/d", "d 755 0:0 d\nd 750 0:0 d/sub\nf 640 0:0 d/sub/two 2\n",
         .excludes = "one"},
        {"relative to the source", NULL, FILES, "dir", "/d",
         "d 755 0:0 d\nf 600 0:0 d/one 1\nd 750 0:0 d/sub\nf 640 0:0 d/sub/two 2\n",
         .excludes = "dir/one two"},
        {"deeper", NULL, FILES, "dir", "/d", "d 755 0:0 d\nf 600 0:0 d/one 1\nd 750 0:0 d/sub\n",
         .excludes = "**/two"},
        {"directories", NULL, FILES, "dir", "/d", "d 755 0:0 d\nf 600 0:0 d/one 1\n", .excludes = "sub"},
        {"exceptions", NULL, FILES, "dir", "/d", "d 755 0:0 d\nd 750 0:0 d/sub\nf 640 0:0 d/sub/two 2\n",
         .excludes = "* !sub/two"},
        {"everything", NULL, FILES, "dir", "/d", "d 755 0:0 d\n", .excludes = "*"},
        {"a source that is a file stays, as BuildKit has it", NULL, FILES, "a.txt b.sh", "/d/",
         "d 755 0:0 d\nf 644 0:0 d/a.txt A\nf 755 0:0 d/b.sh B\n", .excludes = "*.txt"},
    };
    (void)state;
    help_check(rows, ARRAY_LEN(rows));
}

#define DEEP                                                                                               \
    "d 711 1:1 test\nd 700 1:1 test/a\nd 701 1:1 test/a/b\nd 702 1:1 test/a/b/c\nd 703 1:1 test/a/b/c/d\n" \
    "f 600 1:1 test/a/b/c/d/foo F\nd 704 1:1 test/a/b/c/d/e\nf 601 1:1 test/a/b/c/d/e/bay Y\n"             \
    "d 705 1:1 test/a/b2\nd 706 1:1 test/a/b2/c\nf 602 1:1 test/a/b2/c/bar R\n"

static void parents(void **state)
{
    static const struct help_row rows[] = {
        {"one file", NULL, FILES, "dir/sub/two", "/",
         "d 700 0:0 dir\nd 750 0:0 dir/sub\nf 640 0:0 dir/sub/two 2\n", .parents = true},
        {"into a directory", NULL, FILES, "dir/sub/t*", "/w/",
         "d 755 0:0 w\nd 700 0:0 w/dir\nd 750 0:0 w/dir/sub\nf 640 0:0 w/dir/sub/two 2\n", .parents = true},
        {"a directory", NULL, DEEP, "/test/a/b2", "/out/",
         "d 755 0:0 out\nd 711 1:1 out/test\nd 700 1:1 out/test/a\nd 705 1:1 out/test/a/b2\n"
         "d 706 1:1 out/test/a/b2/c\nf 602 1:1 out/test/a/b2/c/bar R\n",
         .parents = true, .from_stage = true},
        {"pivot", NULL, DEEP, "/test/a/b/./c/d", "/out/",
         "d 755 0:0 out\nd 702 1:1 out/c\nd 703 1:1 out/c/d\nd 704 1:1 out/c/d/e\nf 601 1:1 out/c/d/e/bay Y\n"
         "f 600 1:1 out/c/d/foo F\n",
         .parents = true, .from_stage = true},
        {"two pivots: the first counts", NULL, DEEP, "/test/a/b2/./c/./bar", "/out/",
         "d 755 0:0 out\nd 706 1:1 out/c\nf 602 1:1 out/c/bar R\n", .parents = true, .from_stage = true},
        {"wildcard behind the pivot", NULL, DEEP, "/test/a/./*/c/bar", "/out/",
         "d 755 0:0 out\nd 705 1:1 out/b2\nd 706 1:1 out/b2/c\nf 602 1:1 out/b2/c/bar R\n", .parents = true,
         .from_stage = true},
        {"wildcards on both sides", NULL, DEEP, "/test/a/b*/./c/**/ba?", "/out/",
         "d 755 0:0 out\nd 706 1:1 out/c\nf 602 1:1 out/c/bar R\nd 703 1:1 out/c/d\nd 704 1:1 out/c/d/e\n"
         "f 601 1:1 out/c/d/e/bay Y\n",
         .parents = true, .from_stage = true},
        {"existing directories get the source's mode only", "d 755 9:9 dir\nd 750 9:9 dir/sub\n", FILES,
         "dir/sub/two", "/", "d 700 9:9 dir\nf 640 0:0 dir/sub/two 2\n", .parents = true},
        {"nothing matches", NULL, DEEP, "/test/a/b3*/c", "/out/", "d 755 0:0 out\n", .parents = true},
        {"absent", NULL, DEEP, "/test/nix", "/out/", NULL, "\"test/nix\" is not in", ERR_NOT_FOUND,
         .parents = true},
        {"the pivot is a file", NULL, FILES, "a.txt/./b", "/out/", NULL, "\"a.txt/b\" is not in",
         ERR_NOT_FOUND, .parents = true},
        {"absent pivot", NULL, DEEP, "/nix/./a", "/out/", NULL, "\"nix\" is not in", ERR_NOT_FOUND,
         .parents = true},
        {"with excludes", NULL, DEEP, "test/a/b", "/",
         "d 711 1:1 test\nd 700 1:1 test/a\nd 701 1:1 test/a/b\n"
         "d 702 1:1 test/a/b/c\nd 703 1:1 test/a/b/c/d\nd 704 1:1 test/a/b/c/d/e\nf 601 1:1 "
         "test/a/b/c/d/e/bay Y\n",
         .parents = true, .from_stage = true, .excludes = "**/foo"},
        {"the whole", NULL, "f 644 1:1 a x\n", ".", "/d/", "d 755 0:0 d\nf 644 0:0 d/a x\n", .parents = true},
    };
    (void)state;
    help_check(rows, ARRAY_LEN(rows));
}

static void xattrs(void **state)
{
    AUTO(tree_free) struct tree *from = help_tree("f 755 1:1 bin/ping P\nd 700 1:1 bin/d\n");
    AUTO(tree_free) struct tree *stage = help_tree("d 755 0:0 d\n");
    AUTO(tree_free) struct tree *layer = tree_new();
    AUTO_VALUE(buf_wipe) struct buf got = BUF(1 << 16);
    struct node *n = NULL;
    (void)state;
    check_ok(tree_lookup(from, "bin/ping", false, &n));
    node_set_xattr(from, n, "security.capability", "cap", 3);
    check_ok(tree_lookup(from, "bin/d", false, &n));
    node_set_xattr(from, n, "user.b", "1", 1);
    check_ok(tree_lookup(stage, "d", false, &n));
    node_set_xattr(stage, n, "user.a", "2", 1);
    struct help_row row = {.sources = "bin", .dest = "/", .chown = "5:5"};
    check_ok(help_run(&row, from, stage, layer, NULL));
    help_dump(layer, tree_root(layer), &got, false);
    assert_string_equal(buf_text(&got),
                        "d 700 5:5 d user.a=2 user.b=1\nf 755 5:5 ping P security.capability=cap\n");
}

static void documents(void **state)
{
    static const struct copy_document docs[] = {{"one.sh", "echo\n", 5}, {"sub/two", "", 0}};
    AUTO(tree_free) struct tree *layer = tree_new();
    AUTO_VALUE(buf_wipe) struct buf got = BUF(1 << 16);
    struct copy_step step = {.documents = docs,
                             .document_count = 2,
                             .dest = "bin/",
                             .workdir = "/app",
                             .chmod = "u+x",
                             .from_context = true,
                             .epoch = HELP_EPOCH,
                             .what = "COPY"};
    (void)state;
    check_ok(copy_plan(&step, layer));
    help_dump(layer, tree_root(layer), &got, true);
    assert_string_equal(buf_text(&got),
                        "d 755 0:0 app @1000\nd 755 0:0 app/bin @1000\n"
                        "f 744 0:0 app/bin/one.sh echo\n @1000\nf 744 0:0 app/bin/two @1000\n");
}

static void ignored_sources(void **state)
{
    static const char text[] = "*.txt\n\nsecret\n";
    AUTO(ignore_free) struct ignore *ignore = NULL;
    AUTO(tree_free) struct tree *from = tree_new();
    AUTO(tree_free) struct tree *layer = tree_new();
    AUTO_VALUE(strlist_wipe) struct strlist sources = {0};
    (void)state;
    check_ok(ignore_parse(&ignore, text, strlen(text), "app/.dockerignore"));
    strlist_add(&sources, "./secret/key");
    struct copy_step step = {.from = from,
                             .sources = &sources,
                             .dest = "/",
                             .from_context = true,
                             .ignore = ignore,
                             .what = "COPY"};
    AUTO(err_free) struct err *e = copy_plan(&step, layer);
    assert_int_equal(err_kind_of(e), ERR_NOT_FOUND);
    assert_string_equal(err_message(e), "COPY: \"secret/key\" is not in the build context");
    assert_string_equal(err_hint_of(e),
                        "the pattern \"secret\" in line 3 of app/.dockerignore leaves it out");
}

static void deep_trees(void **state)
{
    AUTO(tree_free) struct tree *from = tree_new();
    AUTO(tree_free) struct tree *layer = tree_new();
    struct node *at = tree_root(from);
    (void)state;
    for (int i = 0; i < 5000; i++)
        at = tree_add(from, at, "d", 1, NODE_DIR);
    struct help_row row = {.sources = "d", .dest = "/"};
    check_error(help_run(&row, from, NULL, layer, NULL), ERR_RESOURCE, "directories below each other");
}

static void remote(void **state)
{
    static const struct {
        const char *text;
        bool is;
    } rows[] = {
        {"http://a", true},      {"https://a/b", true}, {"git://a", true},       {"ssh://git@a/b", true},
        {"git@host:path", true}, {"a_b@h.o-s:t", true}, {"github.com/a", false}, {"./git@host:path", false},
        {"ftp://a", false},      {"a:b", false},        {"@a:b", false},         {"a@:b", false},
        {"a b@c:d", false},      {"", false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(copy_is_remote(rows[i].text), rows[i].is);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(destinations),
        cmocka_unit_test(everything),
        cmocka_unit_test(links_in_the_destination),
        cmocka_unit_test(sources),
        cmocka_unit_test(refusals),
        cmocka_unit_test(owners_and_modes),
        cmocka_unit_test(times),
        cmocka_unit_test(linked),
        cmocka_unit_test(excludes),
        cmocka_unit_test(parents),
        cmocka_unit_test(xattrs),
        cmocka_unit_test(documents),
        cmocka_unit_test(ignored_sources),
        cmocka_unit_test(deep_trees),
        cmocka_unit_test(remote),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

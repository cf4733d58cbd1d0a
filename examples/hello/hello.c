/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Greets, and says what it sees of its container. */
int main(int argc, char **argv)
{
    char greeting[64] = "?";
    char directory[256] = "?";
    FILE *file = fopen("/etc/hello/greeting", "r");
    if (file) {
        if (fgets(greeting, sizeof greeting, file))
            greeting[strcspn(greeting, "\n")] = '\0';
        (void)fclose(file);
    }
    const char *version = getenv("HELLO_VERSION");
    printf("%s, %s! This is hello %s, user %u in %s.\n", greeting, argc > 1 ? argv[1] : "nobody",
           version ? version : "?", (unsigned)getuid(),
           getcwd(directory, sizeof directory) ? directory : "?");
    return file ? 0 : 1;
}

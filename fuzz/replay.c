/*
 * replay.c - a main() for a fuzz target: runs every file of its corpus once, as an ordinary test.
 *
 * Usage: replay FILE-OR-FOLDER...   A folder without a file is a failure: nothing was tested.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static int
replay_file(const char *path)
{
    struct stat st;
    FILE *f = fopen(path, "rb");
    /* A block of exactly the file's size, so that a sanitizer sees the first byte behind it. */
    uint8_t *bytes =
        f != NULL && fstat(fileno(f), &st) == 0 ? malloc((size_t)st.st_size + 1) : NULL;
    uint8_t *exact = NULL;
    size_t n = bytes != NULL ? fread(bytes, 1, (size_t)st.st_size, f) : 0;

    if (bytes == NULL || n != (size_t)st.st_size ||
        (exact = realloc(bytes, n > 0 ? n : 1)) == NULL) {
        (void)fprintf(stderr, "%s: cannot be read\n", path);
        exit(1);
    }
    (void)fclose(f);
    (void)LLVMFuzzerTestOneInput(exact, n);
    free(exact);
    return 1;
}

static int
replay(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    int count = 0;

    if (dir == NULL)
        return replay_file(path);
    while ((entry = readdir(dir)) != NULL) {
        char inner[4096];

        if (entry->d_name[0] == '.')
            continue;
        (void)snprintf(inner, sizeof(inner), "%s/%s", path, entry->d_name);
        count += replay_file(inner);
    }
    (void)closedir(dir);
    return count;
}

int
main(int argc, char **argv)
{
    int count = 0;

    for (int i = 1; i < argc; i++)
        count += replay(argv[i]);
    (void)printf("%d inputs\n", count);
    return count > 0 ? 0 : 1;
}

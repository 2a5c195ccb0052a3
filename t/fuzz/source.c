/*
 * The reader of list sources over any bytes (libFuzzer): they are the file of
 * one vendor, between a list and channels that are right.  Either all of it is
 * whole, or every error says where.
 */

#include "source.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>


#define claim(c)  do { if (!(c)) { abort(); } } while (0)

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static const char  list_yaml[] =
    "title: Fuzz\n"
    "publisher: Tests\n"
    "serial: 1\n"
    "channels: none\n"
    "authorities:\n"
    "  a:\n"
    "    title: A\n"
    "    phases: [{from: 2000-01-01, browse: log, acquire: block}]\n";

static char  folder[] = "/tmp/debar-fuzz-XXXXXX";


static void
put(const char *name, const void *data, size_t len)
{
    char   path[64];
    FILE  *f;

    snprintf(path, sizeof(path), "%s/%s", folder, name);

    f = fopen(path, "w");
    claim(f != NULL);
    claim(fwrite(data, 1, len, f) == len);
    claim(fclose(f) == 0);
}


static void
clean(void)
{
    char    path[64];
    size_t  i;

    static const char  *made[] = { "list.yaml", "vendors/v.yaml", "vendors",
                                   "" };

    for (i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, made[i]);
        (void) remove(path);
    }
}


int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    char  path[64];

    claim(mkdtemp(folder) != NULL);
    claim(atexit(clean) == 0);

    snprintf(path, sizeof(path), "%s/vendors", folder);
    claim(mkdir(path, 0755) == 0);
    put("list.yaml", list_yaml, sizeof(list_yaml) - 1);

    return 0;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int             rc;
    size_t          i;
    debar_source_t  src;
    debar_errors_t  errors;

    put("vendors/v.yaml", data, size);

    memset(&errors, 0, sizeof(errors));

    rc = debar_source_read(&src, folder, &errors, NULL, NULL);

    claim((rc == DEBAR_OK) == (errors.n == 0));
    claim(errors.n <= DEBAR_MAX_ERRORS);

    for (i = 0; i < errors.n; i++) {
        claim(errors.list[i].file != NULL && errors.list[i].file[0]);
        claim(errors.list[i].text != NULL && errors.list[i].text[0]);
    }

    if (rc == DEBAR_OK) {
        claim(src.tables[DEBAR_T_ENTRIES].n == 1);
    }

    debar_source_free(&src);
    debar_errors_free(&errors);

    return 0;
}

/*
 * A list made for a test: files put into a folder of its own, built and opened
 * as the command and the gateway do it.  What goes wrong ends the test.
 */

#ifndef FIXTURE_H
#define FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/stat.h>

#include "judge.h"


/* name may lie in a folder, which is made. */

static void
fixture_put(const char *folder, const char *name, const char *text)
{
    char         path[256];
    FILE        *f;
    const char  *slash;

    slash = strchr(name, '/');

    if (slash != NULL) {
        snprintf(path, sizeof(path), "%s/%.*s", folder, (int) (slash - name),
                 name);
        (void) mkdir(path, 0755);
    }

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    f = fopen(path, "w");

    if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0) {
        perror(path);
        exit(1);
    }
}


/* The list of a folder, built to path. */

static debar_list_t *
fixture_list(const char *folder, const char *path)
{
    size_t              i;
    debar_list_t       *list;
    debar_fault_t       fault;
    debar_source_t      src;
    debar_errors_t      errors;
    debar_open_opts_t   open;
    debar_build_info_t  info;
    debar_build_opts_t  opts;

    memset(&errors, 0, sizeof(errors));
    memset(&opts, 0, sizeof(opts));
    memset(&open, 0, sizeof(open));
    open.uid = DEBAR_ANY_OWNER;

    if (debar_source_read(&src, folder, &errors, NULL, NULL) != DEBAR_OK) {
        for (i = 0; i < errors.n; i++) {
            printf("# %s:%u:%u: %s\n", errors.list[i].file,
                   errors.list[i].line, errors.list[i].col,
                   errors.list[i].text);
        }

        exit(1);
    }

    if (debar_snapshot_build(&src, path, &opts, &info, &fault) != DEBAR_OK
        || (list = debar_list_open(path, &open, &fault)) == NULL)
    {
        printf("# %s\n", fault.text);
        exit(1);
    }

    debar_source_free(&src);

    return list;
}


static debar_list_t *
fixture_open(const char *folder)
{
    char  path[256];

    snprintf(path, sizeof(path), "%s/list.mdb", folder);

    return fixture_list(folder, path);
}


#endif /* FIXTURE_H */

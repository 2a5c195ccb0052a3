/*
 * Lists for the sub-commands: where they are, and a source or a snapshot
 * opened for judging.
 */

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools.h"


static debar_list_t *debar_open_source(const char *path);
static int debar_error_cmp(const void *one, const void *two);
static void debar_errors_json(debar_buf_t *b, const debar_errors_t *e);


int
debar_binary_folder(char *path, size_t size, debar_fault_t *fault)
{
    char     *slash;
    ssize_t   n;

    n = readlink("/proc/self/exe", path, size - 1);

    if (n < 0) {
        debar_fault(fault, "cannot find the folder of this program: "
                    "/proc/self/exe: %s; name the paths on the command line",
                    strerror(errno));
        return DEBAR_ERROR;
    }

    path[n] = '\0';
    slash = strrchr(path, '/');

    if (slash) {
        *slash = '\0';
    }

    return DEBAR_OK;
}


int
debar_shipped_list(char *path, size_t size, debar_fault_t *fault)
{
    char                      folder[PATH_MAX], try[PATH_MAX + 128];
    size_t                    i;
    struct stat               st;
    static const char *const  places[] = {
        "../blocklist/lists/federal",            /* as built */
        "../../blocklist/lists/federal",
        "../share/debar/lists/federal",          /* as installed */
    };

    if (debar_binary_folder(folder, sizeof(folder), fault) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        snprintf(try, sizeof(try), "%s/%s", folder, places[i]);

        if (stat(try, &st) == 0 && S_ISDIR(st.st_mode)) {
            snprintf(path, size, "%s", try);
            return DEBAR_OK;
        }
    }

    debar_fault(fault, "the shipped list is not where %s would have it "
                "(../blocklist/lists/federal, ../share/debar/lists/federal): "
                "name a list with --list", folder);
    return DEBAR_ERROR;
}


int
debar_read_source(debar_source_t *src, const char *path, int quiet,
    debar_buf_t *errors_json)
{
    int             rc;
    size_t          i;
    debar_error_t  *e;
    debar_errors_t  errors;

    memset(&errors, 0, sizeof(errors));
    memset(src, 0, sizeof(*src));

    rc = debar_source_read_guarded(src, path, (int64_t) time(NULL), NULL, 0,
                                   &errors, quiet ? NULL : debar_progress,
                                   NULL);
    debar_progress_end();

    if (rc == DEBAR_OK) {
        debar_errors_free(&errors);
        return DEBAR_OK;
    }

    qsort(errors.list, errors.n, sizeof(*errors.list), debar_error_cmp);

    if (errors_json) {
        debar_errors_json(errors_json, &errors);
    }

    for (i = 0; errors_json == NULL && i < errors.n; i++) {
        e = &errors.list[i];

        debar_put(stderr, e->file, strlen(e->file));
        fprintf(stderr, ":%u:%u: ", e->line ? e->line : 1, e->col ? e->col : 1);
        debar_put(stderr, e->text, strlen(e->text));
        fputc('\n', stderr);
    }

    if (errors.dropped) {
        debar_say("%zu more errors are not shown", errors.dropped);
    }

    debar_say("%s: %zu error%s; nothing was built", path,
              errors.n + errors.dropped,
              errors.n + errors.dropped == 1 ? "" : "s");

    debar_errors_free(&errors);
    debar_source_free(src);

    return DEBAR_ERROR;
}


static int
debar_error_cmp(const void *one, const void *two)
{
    int                   rc;
    const debar_error_t  *a = one, *b = two;

    rc = strcmp(a->file, b->file);
    if (rc) {
        return rc;
    }

    if (a->line != b->line) {
        return a->line < b->line ? -1 : 1;
    }

    if (a->col != b->col) {
        return a->col < b->col ? -1 : 1;
    }

    return strcmp(a->text, b->text);
}


static void
debar_errors_json(debar_buf_t *b, const debar_errors_t *e)
{
    size_t  i;

    debar_buf_printf(b, "{\"ok\":false,\"errors\":[");

    for (i = 0; i < e->n; i++) {
        debar_buf_printf(b, "%s{", i ? "," : "");
        debar_json_text(b, "file", e->list[i].file, strlen(e->list[i].file));
        debar_json_number(b, "line", e->list[i].line ? e->list[i].line : 1);
        debar_json_number(b, "col", e->list[i].col ? e->list[i].col : 1);
        debar_json_text(b, "message", e->list[i].text,
                        strlen(e->list[i].text));
        debar_buf_printf(b, "}");
    }

    debar_buf_printf(b, "]}\n");
}


debar_list_t *
debar_open_list(const char *path)
{
    char               shipped[PATH_MAX + 128];
    struct stat        st;
    debar_list_t      *list;
    debar_fault_t      fault;
    debar_open_opts_t  opts;

    if (path == NULL) {
        if (debar_shipped_list(shipped, sizeof(shipped), &fault) != DEBAR_OK) {
            debar_say("%s", fault.text);
            return NULL;
        }

        path = shipped;
    }

    if (stat(path, &st) != 0) {
        debar_say("%s: %s; a list is a FILE.mdb of `debar list build`, or a "
                  "source folder", path, strerror(errno));
        return NULL;
    }

    if (S_ISDIR(st.st_mode)) {
        return debar_open_source(path);
    }

    /* explaining is no act of trust: the list may be anyone's */

    memset(&opts, 0, sizeof(opts));
    opts.uid = st.st_uid;

    list = debar_list_open(path, &opts, &fault);

    if (list == NULL) {
        debar_say("%s", fault.text);
    }

    return list;
}


static debar_list_t *
debar_open_source(const char *path)
{
    int                 rc;
    char                folder[PATH_MAX], file[PATH_MAX + 16],
                        floor[PATH_MAX + 32];
    const char         *tmp;
    debar_list_t       *list;
    debar_fault_t       fault;
    debar_source_t      src;
    debar_open_opts_t   opts;
    debar_build_info_t  info;
    debar_build_opts_t  build;

    if (debar_read_source(&src, path, 0, NULL) != DEBAR_OK) {
        return NULL;
    }

    tmp = getenv("TMPDIR");
    snprintf(folder, sizeof(folder), "%s/debar.XXXXXX",
             tmp && *tmp ? tmp : "/tmp");

    if (mkdtemp(folder) == NULL) {
        debar_say("%s: %s; TMPDIR names another place for the list", folder,
                  strerror(errno));
        debar_source_free(&src);
        return NULL;
    }

    snprintf(file, sizeof(file), "%s/list.mdb", folder);
    snprintf(floor, sizeof(floor), "%s.serial", file);

    memset(&build, 0, sizeof(build));
    build.replace = 1;
    build.progress = debar_progress;

    list = NULL;
    rc = debar_snapshot_build(&src, file, &build, &info, &fault);

    debar_progress_end();
    debar_source_free(&src);

    if (rc == DEBAR_OK) {
        memset(&opts, 0, sizeof(opts));
        opts.uid = DEBAR_ANY_OWNER;

        list = debar_list_open(file, &opts, &fault);
    }

    if (list == NULL) {
        debar_say("%s", fault.text);
    }

    (void) unlink(file);
    (void) unlink(floor);
    (void) rmdir(folder);

    return list;
}

/*
 * Of debar list csv import: a source tried, and put in place.
 */

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sheet_import.h"


static int debar_intake_write(debar_intake_t *im, const char *folder);
static void debar_intake_tell(debar_intake_t *im, const char *folder,
    const debar_error_t *e);


/* The texts, and the list's own channels, to a folder. */

static int
debar_intake_write(debar_intake_t *im, const char *folder)
{
    int              rc;
    char           **names;
    size_t           i;
    debar_buf_t      b;
    debar_change_t  *f;
    debar_changes_t  to, from;

    memset(&to, 0, sizeof(to));
    memset(&from, 0, sizeof(from));
    to.source = folder;
    from.source = im->dir;

    for (i = 0; i < im->nfiles; i++) {
        memset(&b, 0, sizeof(b));
        debar_buf_add(&b, im->files[i].text.data, im->files[i].text.len);
        debar_changes_put(&to, im->files[i].name, &b);
    }

    names = debar_changes_names(&from, "channels");

    for (i = 0; names[i]; i++) {
        f = debar_changes_file(&from, names[i], 0);

        if (f) {
            memset(&b, 0, sizeof(b));
            debar_buf_add(&b, f->text.data, f->text.len);
            debar_changes_put(&to, names[i], &b);
        }
    }

    debar_changes_names_free(names);
    debar_changes_free(&from);
    rc = debar_changes_write(&to);
    debar_changes_free(&to);

    return rc;
}


static void
debar_intake_remove(const char *folder)
{
    DIR            *dir;
    char            path[2 * PATH_MAX];
    struct dirent  *e;

    dir = opendir(folder);

    while (dir && (e = readdir(dir)) != NULL) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) {
            continue;
        }

        snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);

        if (unlink(path) != 0 && errno == EISDIR) {
            debar_intake_remove(path);        /* two levels: vendors/ */
        }
    }

    if (dir) {
        closedir(dir);
    }

    (void) rmdir(folder);
}


int
debar_intake_try(debar_intake_t *im, const char *folder, char *digest)
{
    int              rc;
    size_t           i;
    debar_source_t   src;
    debar_errors_t   errors;
    debar_changes_t  c;

    rc = debar_intake_write(im, folder);
    memset(&errors, 0, sizeof(errors));

    if (rc == DEBAR_OK) {
        rc = debar_source_read_guarded(&src, folder, (int64_t) time(NULL), NULL,
                                       0, &errors, debar_progress, NULL);
        debar_progress_end();
        debar_source_free(&src);
    }

    for (i = 0; i < errors.n; i++) {
        debar_intake_tell(im, folder, &errors.list[i]);
    }

    if (rc == DEBAR_OK && im->nerrors == 0) {
        memset(&c, 0, sizeof(c));
        c.source = folder;
        rc = debar_changes_digest(&c, digest, 1);
    }

    debar_errors_free(&errors);
    debar_intake_remove(folder);

    return rc;
}


/* The column whose value stands at a place of a line: the key before it. */

static unsigned
debar_intake_column(const debar_intake_t *im, const debar_made_t *f,
    unsigned sheet, const debar_error_t *e)
{
    size_t              i, k, n, end;
    char                key[64];
    const char         *line, *needs;
    const char *const  *names = debar_sheet_kinds[sheet].columns;

    key[0] = '\0';
    needs = strstr(e->text, " needs \"");

    if (needs) {
        snprintf(key, sizeof(key), "%.*s", (int) strcspn(needs + 8, "\""),
                 needs + 8);

    } else {
        line = f->text.data + f->lines[e->line - 1].start;

        for (i = 0, n = 1; n < e->col && line[i] != '\n'; n++) {
            i += debar_utf8_len(line + i, 4);
        }

        for (end = i; end >= 2 && !(line[end - 1] == ' '
                                    && line[end - 2] == ':'); end--)
        {
            /* void */
        }

        if (end >= 2) {
            for (k = end - 2; k && (isalnum((unsigned char) line[k - 1])
                                    || line[k - 1] == '-'); k--)
            {
                /* void */
            }

            snprintf(key, sizeof(key), "%.*s", (int) (end - 2 - k), line + k);
        }

        /* an unknown key is there because of its own cell */

        if (strncmp(e->text, "unknown key \"", 13) == 0) {
            snprintf(key, sizeof(key), "%.*s",
                     (int) strcspn(e->text + 13, "\""), e->text + 13);
        }
    }

    for (i = 0; names[i]; i++) {
        if (strcmp(names[i], key) == 0) {
            return (unsigned) i;
        }
    }

    return sheet == DEBAR_SHEET_ROWS ? DEBAR_ROW_VALUE
           : sheet == DEBAR_SHEET_PERMITS ? DEBAR_PERMIT_VALUE
           : sheet == DEBAR_SHEET_LIST ? 1 : 0;
}


static void
debar_intake_tell(debar_intake_t *im, const char *folder,
    const debar_error_t *e)
{
    size_t         i;
    unsigned       sheet;
    const char    *name;
    debar_made_t  *f;

    name = e->file;

    if (strncmp(name, folder, strlen(folder)) == 0) {
        name += strlen(folder);
        name += *name == '/';
    }

    for (i = 0; i < im->nfiles; i++) {
        f = &im->files[i];

        if (strcmp(f->name, name) == 0 && e->line && e->line <= f->n) {
            sheet = f->lines[e->line - 1].sheet;

            if (f->lines[e->line - 1].row < im->sheets.sheets[sheet].n) {
                debar_intake_cell(im, sheet,
                                  debar_intake_column(im, f, sheet, e),
                                  f->lines[e->line - 1].row, e->text);
                return;
            }
        }
    }

    im->nerrors++;

    if (*name == '\0' || strcmp(name, "list.yaml") == 0) {
        fprintf(stderr, "%s/%s: ", im->dir, *name ? "list.csv" : "vendors.csv");
    } else {
        fprintf(stderr, "%s/%s:%u:%u: ", im->dir, name, e->line, e->col);
    }

    debar_put(stderr, e->text, strlen(e->text));
    fputc('\n', stderr);
}


/* The text that a file of the source would have by its own sheets. */

static const debar_made_t *
debar_intake_same(const debar_intake_t *im, const char *name)
{
    size_t  i;

    for (i = 0; i < im->nfiles; i++) {
        if (strcmp(im->files[i].name, name) == 0) {
            return &im->files[i];
        }
    }

    return NULL;
}


int
debar_intake_into(debar_intake_t *im, const char *into, const char *digest,
    unsigned replace, unsigned dry_run)
{
    int                  rc;
    char                 path[PATH_MAX], is[65], **names;
    size_t               i;
    debar_buf_t          b;
    debar_intake_t       was;
    debar_change_t      *f;
    debar_changes_t      c;
    const debar_made_t  *same;

    memset(&was, 0, sizeof(was));
    memset(&c, 0, sizeof(c));
    c.source = into;
    rc = DEBAR_OK;

    snprintf(path, sizeof(path), "%s/list.yaml", into);

    if (access(path, F_OK) != 0) {

        if (dry_run) {
            printf("%s: a new source\n", into);
            return DEBAR_OK;
        }

        if (mkdir(into, 0777) != 0 && errno != EEXIST) {
            debar_say("%s: %s; name a folder that can be made", into,
                      strerror(errno));
            return DEBAR_ERROR;
        }

        return debar_intake_write(im, into);
    }

    /* what the sheets of the source that is there would make */

    was.dir = into;

    if (debar_sheets_of(&c, &was.sheets) != DEBAR_OK) {
        rc = DEBAR_ERROR;
        goto done;
    }

    debar_intake_make(&was);

    for (i = 0; i < im->nfiles; i++) {
        same = debar_intake_same(&was, im->files[i].name);

        if (same && same->text.len == im->files[i].text.len
            && memcmp(same->text.data, im->files[i].text.data, same->text.len)
               == 0)
        {
            continue;
        }

        f = debar_changes_file(&c, im->files[i].name, 1);

        if (f && !replace && f->text.len
            && memchr(f->text.data, '#', f->text.len))
        {
            debar_say("%s/%s: the sheets say otherwise, and it has comments "
                      "that would be gone: --replace writes it anew, debar "
                      "list add and remove keep them", into,
                      im->files[i].name);
            rc = DEBAR_ERROR;
            continue;
        }

        memset(&b, 0, sizeof(b));
        debar_buf_add(&b, im->files[i].text.data, im->files[i].text.len);
        debar_changes_put(&c, im->files[i].name, &b);
    }

    names = debar_changes_names(&c, "vendors");

    for (i = 0; names[i]; i++) {
        if (debar_intake_same(im, names[i]) == NULL) {
            debar_say("%s/%s: vendors.csv has no such vendor: remove the file, "
                      "or add a row", into, names[i]);
            rc = DEBAR_ERROR;
        }
    }

    debar_changes_names_free(names);

    if (rc == DEBAR_OK
        && (debar_changes_check(&c, is, 1) != DEBAR_OK
            || strcmp(is, digest) != 0))
    {
        debar_say("%s: with these sheets it would not be the list that they "
                  "say: import into a new folder, and compare", into);
        rc = DEBAR_ERROR;
    }

    if (rc == DEBAR_OK) {
        rc = dry_run ? (debar_changes_diff(&c) == 0 ? DEBAR_OK : DEBAR_ERROR)
                     : debar_changes_write(&c);
    }

done:

    debar_intake_free(&was);
    debar_sheets_free(&was.sheets);
    debar_changes_free(&c);

    return rc;
}

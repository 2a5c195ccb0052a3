/*
 * The source of a list: its folder and the order in which all of it is read.
 * Files are read in sorted order, so that the same folder gives the same
 * records everywhere.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <unicode/ucal.h>

#include "guard.h"


#define DEBAR_MAX_FILES  100000       /* of a folder */

typedef struct {
    char    **list;               /* "vendors/acme.yaml" */
    size_t    n;
    size_t    size;
} debar_names_t;


static int debar_source_run(debar_source_t *src, const char *path,
    debar_guard_t *guard, const debar_overlay_t *over, size_t n,
    debar_errors_t *errors, debar_progress_pt progress, void *data);
static void debar_source_folder(debar_reader_t *r);
static int debar_source_load(debar_reader_t *r, debar_doc_t *doc,
    const char *name, int optional);
static void debar_source_names(debar_reader_t *r, const char *folder,
    debar_names_t *names);
static int debar_source_compare(const void *a, const void *b);
static void debar_source_stray(debar_reader_t *r, const char *folder,
    const char *name);
static void debar_source_names_free(debar_names_t *names);
static void debar_source_channel_files(debar_reader_t *r);
static int debar_source_over(debar_reader_t *r, const char *name, size_t len,
    char **path, debar_fault_t *why);
static void debar_source_over_names(debar_reader_t *r, const char *folder,
    debar_names_t *names);
static void debar_source_name(debar_names_t *names, const char *folder,
    const char *name);


int
debar_source_read(debar_source_t *src, const char *path,
    debar_errors_t *errors, debar_progress_pt progress, void *data)
{
    return debar_source_run(src, path, NULL, NULL, 0, errors, progress, data);
}


int
debar_source_read_over(debar_source_t *src, const char *path,
    const debar_overlay_t *over, size_t n, debar_errors_t *errors,
    debar_progress_pt progress, void *data)
{
    return debar_source_run(src, path, NULL, over, n, errors, progress, data);
}


int
debar_source_read_guarded(debar_source_t *src, const char *path, int64_t now,
    const debar_overlay_t *over, size_t n, debar_errors_t *errors,
    debar_progress_pt progress, void *data)
{
    int             rc;
    debar_guard_t  *guard;

    guard = debar_guard_new(now);
    rc = debar_source_run(src, path, guard, over, n, errors, progress, data);
    debar_guard_free(guard);

    return rc;
}


static int
debar_source_run(debar_source_t *src, const char *path, debar_guard_t *guard,
    const debar_overlay_t *over, size_t n, debar_errors_t *errors,
    debar_progress_pt progress, void *data)
{
    char            *root;
    size_t           before, len;
    debar_reader_t   r;

    memset(src, 0, sizeof(debar_source_t));
    memset(&r, 0, sizeof(debar_reader_t));

    before = errors->n + errors->dropped;

    len = strlen(path);

    while (len > 1 && path[len - 1] == '/') {
        len--;
    }

    root = strndup(path, len);
    if (root == NULL) {
        abort();
    }

    r.src = src;
    r.guard = guard;
    r.errors = errors;
    r.progress = progress;
    r.data = data;
    r.over = over;
    r.nover = n;
    r.root = root;
    r.real = realpath(root, NULL);

    if (r.real == NULL) {
        debar_errors_add(errors, root, 0, 0, "cannot be read: %s",
                         strerror(errno));
    } else {
        debar_source_folder(&r);
    }

    if (r.calendar) {
        ucal_close(r.calendar);
    }

    debar_set_free(&r.texts);
    debar_set_free(&r.rules);
    debar_set_free(&r.authorities);
    debar_set_free(&r.vendors);
    debar_set_free(&r.products);

    free(r.real);
    free(root);

    return errors->n + errors->dropped == before ? DEBAR_OK : DEBAR_ERROR;
}


static void
debar_source_folder(debar_reader_t *r)
{
    size_t         i;
    debar_doc_t    doc;
    debar_names_t  vendors;

    debar_source_stray(r, "", "list.yml");
    debar_source_stray(r, "", "waivers.yml");

    if (debar_source_load(r, &doc, "list.yaml", 0) == DEBAR_OK) {
        debar_source_list(r, &doc);
    } else {
        r->no_authorities = 1;
    }

    debar_yaml_free(&doc);

    memset(&vendors, 0, sizeof(debar_names_t));
    debar_source_names(r, "vendors", &vendors);

    if (vendors.n == 0) {
        debar_errors_add(r->errors, r->root, 0, 0, "there is no vendor: a list "
                         "has vendors/NAME.yaml");
    }

    for (i = 0; i < vendors.n; i++) {
        if (debar_source_load(r, &doc, vendors.list[i], 0) == DEBAR_OK) {
            debar_source_vendor(r, &doc);
        } else {
            r->no_vendors = 1;
        }

        debar_yaml_free(&doc);
    }

    debar_source_names_free(&vendors);

    debar_source_channel_files(r);

    if (debar_source_load(r, &doc, "waivers.yaml", 1) == DEBAR_OK) {
        debar_source_waivers(r, &doc);
    }

    debar_yaml_free(&doc);
}


static void
debar_source_channel_files(debar_reader_t *r)
{
    char           *path;
    size_t          i, n, shipped;
    debar_doc_t    *docs;
    debar_names_t   names;

    memset(&names, 0, sizeof(debar_names_t));
    debar_source_names(r, "channels", &names);

    for (n = 0; debar_shipped_channels[n].name; n++) {
        /* void */
    }

    shipped = r->no_shipped ? 0 : n;

    docs = calloc(shipped + names.n + 1, sizeof(debar_doc_t));
    if (docs == NULL) {
        abort();
    }

    for (n = 0; n < shipped; n++) {
        if (asprintf(&path, "shipped %s", debar_shipped_channels[n].name)
            == -1)
        {
            abort();
        }

        debar_yaml_load(&docs[n], r, path, debar_shipped_channels[n].data,
                        debar_shipped_channels[n].len);
        docs[n].shipped = 1;
        free(path);
    }

    for (i = 0; i < names.n; i++) {
        debar_source_load(r, &docs[n++], names.list[i], 0);
    }

    debar_source_channels(r, docs, n);

    for (i = 0; i < n; i++) {
        debar_yaml_free(&docs[i]);
    }

    free(docs);
    debar_source_names_free(&names);
}


/* DEBAR_DECLINED: an optional file is not there. */

static int
debar_source_load(debar_reader_t *r, debar_doc_t *doc, const char *name,
    int optional)
{
    int            fd, rc;
    char          *path, *data;
    size_t         len;
    ssize_t        n;
    struct stat    st;
    debar_fault_t  why;

    memset(doc, 0, sizeof(debar_doc_t));

    fd = debar_source_open(r, name, strlen(name), &path, &why);

    if (fd == -1) {
        if (optional && errno == ENOENT) {
            return DEBAR_DECLINED;
        }

        if (asprintf(&path, "%s/%s", r->root, name) == -1) {
            abort();
        }

        debar_errors_add(r->errors, path, 0, 0, "%s", why.text);
        free(path);

        return DEBAR_ERROR;
    }

    rc = DEBAR_ERROR;
    data = NULL;
    len = 0;

    if (fstat(fd, &st) == -1 || st.st_size > DEBAR_MAX_YAML) {
        debar_errors_add(r->errors, path, 0, 0, "larger than %d MiB: put long "
                         "lists in a plain file (hosts-from, ...)",
                         DEBAR_MAX_YAML >> 20);
        goto done;
    }

    data = malloc((size_t) st.st_size + 1);
    if (data == NULL) {
        abort();
    }

    while (len < (size_t) st.st_size) {
        n = read(fd, data + len, (size_t) st.st_size - len);

        if (n == -1 && errno == EINTR) {
            continue;
        }

        if (n == -1) {
            debar_errors_add(r->errors, path, 0, 0, "cannot be read: %s",
                             strerror(errno));
            goto done;
        }

        if (n == 0) {
            break;
        }

        len += (size_t) n;
    }

    rc = debar_yaml_load(doc, r, path, data, len);

done:

    free(data);
    free(path);
    close(fd);

    return rc;
}


/* A text in place of a file, as a file of its own.  DEBAR_DECLINED: there is
 * none. */

static int
debar_source_over(debar_reader_t *r, const char *name, size_t len, char **path,
    debar_fault_t *why)
{
    int                     fd;
    size_t                  i, done;
    ssize_t                 n;
    const debar_overlay_t  *o;

    for (i = 0; i < r->nover; i++) {
        o = &r->over[i];

        if (strlen(o->name) != len || memcmp(o->name, name, len) != 0) {
            continue;
        }

        if (o->data == NULL) {
            debar_fault(why, "%.*s is taken away by this change", (int) len,
                        name);
            errno = ENOENT;
            return -1;
        }

        fd = memfd_create("debar", MFD_CLOEXEC);

        for (done = 0; fd != -1 && done < o->len; done += (size_t) n) {
            n = write(fd, o->data + done, o->len - done);

            if (n == -1) {
                close(fd);
                fd = -1;
            }
        }

        if (fd == -1 || asprintf(path, "%s/%.*s", r->root, (int) len, name)
                        == -1)
        {
            debar_fault(why, "%.*s: no room for the changed text: %s",
                        (int) len, name, strerror(errno));
            errno = ENOSPC;
            return -1;
        }

        (void) lseek(fd, 0, SEEK_SET);

        return fd;
    }

    return DEBAR_DECLINED;
}


int
debar_source_open(debar_reader_t *r, const char *name, size_t len, char **path,
    debar_fault_t *why)
{
    int          fd, err;
    char        *full, *real, shown[96];
    size_t       n;
    struct stat  st;

    debar_shown(shown, name, len);

    fd = debar_source_over(r, name, len, path, why);

    if (fd != DEBAR_DECLINED) {
        return fd;
    }

    if (len && name[0] == '/') {
        debar_fault(why, "%s: a file is named from the list's folder on",
                    shown);
        errno = EINVAL;
        return -1;
    }

    if (asprintf(&full, "%s/%.*s", r->root, (int) len, name) == -1) {
        abort();
    }

    real = realpath(full, NULL);

    if (real == NULL) {
        err = errno;
        debar_fault(why, "%s cannot be read: %s", shown, strerror(err));
        free(full);
        errno = err;
        return -1;
    }

    n = strcmp(r->real, "/") == 0 ? 0 : strlen(r->real);

    if (strncmp(real, r->real, n) != 0 || real[n] != '/') {
        debar_fault(why, "%s is outside the list's folder", shown);
        free(real);
        free(full);
        errno = EINVAL;
        return -1;
    }

    /* O_NONBLOCK: a pipe in the folder is an error, not a wait. */

    fd = open(real, O_RDONLY|O_CLOEXEC|O_NONBLOCK);
    err = errno;
    free(real);

    if (fd == -1) {
        debar_fault(why, "%s cannot be read: %s", shown, strerror(err));
        free(full);
        errno = EIO;
        return -1;
    }

    if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
        debar_fault(why, "%s is not a regular file", shown);
        close(fd);
        free(full);
        errno = EINVAL;
        return -1;
    }

    *path = full;

    return fd;
}


/* The .yaml files of a folder, sorted; nothing where there is no folder. */

static void
debar_source_names(debar_reader_t *r, const char *folder, debar_names_t *names)
{
    DIR            *dir;
    char           *path;
    size_t          len;
    struct dirent  *e;

    if (asprintf(&path, "%s/%s", r->root, folder) == -1) {
        abort();
    }

    dir = opendir(path);

    if (dir == NULL) {
        if (errno != ENOENT) {
            debar_errors_add(r->errors, path, 0, 0, "cannot be read: %s",
                             strerror(errno));
        }

        free(path);
        debar_source_over_names(r, folder, names);

        if (names->n) {
            qsort(names->list, names->n, sizeof(char *),
                  debar_source_compare);
        }

        return;
    }

    while ((e = readdir(dir)) != NULL) {
        len = strlen(e->d_name);

        if (e->d_name[0] == '.') {
            continue;
        }

        if (len > 4 && strcmp(e->d_name + len - 4, ".yml") == 0) {
            debar_source_stray(r, folder, e->d_name);
            continue;
        }

        if (len <= 5 || strcmp(e->d_name + len - 5, ".yaml") != 0) {
            continue;
        }

        if (names->n == DEBAR_MAX_FILES) {
            debar_errors_add(r->errors, path, 0, 0, "more than %d files",
                             DEBAR_MAX_FILES);
            break;
        }

        debar_source_name(names, folder, e->d_name);
    }

    closedir(dir);
    free(path);

    debar_source_over_names(r, folder, names);

    if (names->n) {
        qsort(names->list, names->n, sizeof(char *), debar_source_compare);
    }
}


static void
debar_source_name(debar_names_t *names, const char *folder, const char *name)
{
    if (names->n == names->size) {
        names->size = names->size ? names->size * 2 : 64;
        names->list = reallocarray(names->list, names->size, sizeof(char *));

        if (names->list == NULL) {
            abort();
        }
    }

    if (asprintf(&names->list[names->n++], "%s/%s", folder, name) == -1) {
        abort();
    }
}


/* Files that come with the change, and those that go. */

static void
debar_source_over_names(debar_reader_t *r, const char *folder,
    debar_names_t *names)
{
    size_t       i, k, n, len;
    debar_set_t  known;
    uint64_t    *at;

    if (r->nover == 0) {
        return;
    }

    memset(&known, 0, sizeof(known));
    len = strlen(folder);

    for (i = 0; i < names->n; i++) {
        debar_set_add(&known, names->list[i], strlen(names->list[i]), i + 1);
    }

    for (i = 0; i < r->nover; i++) {
        n = strlen(r->over[i].name);

        if (n <= len + 6 || strncmp(r->over[i].name, folder, len) != 0
            || r->over[i].name[len] != '/'
            || strchr(r->over[i].name + len + 1, '/')
            || strcmp(r->over[i].name + n - 5, ".yaml") != 0)
        {
            continue;
        }

        at = debar_set_find(&known, r->over[i].name, n);

        if (at == NULL && r->over[i].data) {
            debar_source_name(names, folder, r->over[i].name + len + 1);

        } else if (at && *at && r->over[i].data == NULL) {
            free(names->list[*at - 1]);
            names->list[*at - 1] = NULL;
        }
    }

    for (i = 0, k = 0; i < names->n; i++) {
        if (names->list[i]) {
            names->list[k++] = names->list[i];
        }
    }

    names->n = k;
    debar_set_free(&known);
}


static int
debar_source_compare(const void *a, const void *b)
{
    return strcmp(*(char *const *) a, *(char *const *) b);
}


/* What would be overlooked silently: a waiver, a whole vendor. */

static void
debar_source_stray(debar_reader_t *r, const char *folder, const char *name)
{
    char  *path;

    if (asprintf(&path, "%s/%s%s%s", r->root, folder, folder[0] ? "/" : "",
                 name)
        == -1)
    {
        abort();
    }

    if (access(path, F_OK) == 0) {
        debar_errors_add(r->errors, path, 0, 0, "is not read: its name must "
                         "end in .yaml");
    }

    free(path);
}


static void
debar_source_names_free(debar_names_t *names)
{
    size_t  i;

    for (i = 0; i < names->n; i++) {
        free(names->list[i]);
    }

    free(names->list);
}


debar_ref_t
debar_reader_text(debar_reader_t *r, const char *data, size_t len)
{
    uint64_t       *off;
    debar_ref_t     ref;
    debar_table_t  *t;

    ref.off = 0;
    ref.len = (uint32_t) len;

    if (len == 0) {
        return ref;
    }

    t = &r->src->tables[DEBAR_T_STRINGS];
    off = debar_set_add(&r->texts, data, len, t->n);

    if (off == NULL) {
        return debar_table_text(r->src->tables, data, len);
    }

    ref.off = (uint32_t) *off;

    return ref;
}


uint32_t
debar_reader_rule(debar_reader_t *r, const debar_rule_t *rule)
{
    uint64_t       *known;
    uint32_t        i;
    debar_table_t  *t;

    t = &r->src->tables[DEBAR_T_RULES];
    known = debar_set_add(&r->rules, rule, sizeof(debar_rule_t), t->n);

    if (known) {
        return (uint32_t) *known;
    }

    memcpy(debar_table_add(r->src->tables, DEBAR_T_RULES, &i), rule,
           sizeof(debar_rule_t));

    return i;
}


void
debar_source_free(debar_source_t *src)
{
    size_t  i;

    for (i = 0; i < DEBAR_TABLES; i++) {
        free(src->tables[i].data);
    }

    for (i = 0; i < DEBAR_DBS; i++) {
        debar_rowset_free(&src->rows[i]);
    }

    free(src->title);
    free(src->publisher);
    free(src->timezone);

    memset(src, 0, sizeof(debar_source_t));
}

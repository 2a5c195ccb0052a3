/*
 * Changes to the files of a source: read, held, checked as a whole, written.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "change.h"


#define DEBAR_MAX_CHANGE  (1u << 30)  /* bytes of a file */

static int debar_change_load(debar_change_t *f, const char *path);
static int debar_change_write(const debar_changes_t *c,
    const debar_change_t *f);
static int debar_change_memory(const debar_buf_t *text);
static int debar_changes_read(debar_changes_t *c, debar_source_t *src,
    debar_errors_t *errors, int quiet);
static int debar_changes_new_errors(debar_changes_t *c,
    debar_errors_t *errors);
static int debar_source_digest(debar_source_t *src, char *digest);


int
debar_changes_open(debar_changes_t *c, const char *source)
{
    char         path[PATH_MAX];
    struct stat  st;

    memset(c, 0, sizeof(*c));
    c->source = source;

    snprintf(path, sizeof(path), "%s/list.yaml", source);

    if (stat(source, &st) != 0) {
        debar_say("%s: %s; name the folder of a list, which has list.yaml",
                  source, strerror(errno));
        return DEBAR_ERROR;
    }

    if (!S_ISDIR(st.st_mode)) {
        debar_say("%s: is a file: what is edited is a source, a folder with "
                  "list.yaml and vendors/", source);
        return DEBAR_ERROR;
    }

    if (stat(path, &st) != 0) {
        debar_say("%s: there is no list.yaml in it: name the folder of a list",
                  source);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


void
debar_changes_free(debar_changes_t *c)
{
    size_t  i;

    for (i = 0; i < c->n; i++) {
        free(c->list[i].name);
        debar_buf_free(&c->list[i].was);
        debar_buf_free(&c->list[i].text);
    }

    free(c->list);
    memset(c, 0, sizeof(*c));
}


static debar_change_t *
debar_changes_slot(debar_changes_t *c, const char *name)
{
    size_t           i;
    debar_change_t  *f;

    for (i = 0; i < c->n; i++) {
        if (strcmp(c->list[i].name, name) == 0) {
            return &c->list[i];
        }
    }

    if (c->n == c->size) {
        c->size = c->size ? c->size * 2 : 8;
        c->list = reallocarray(c->list, c->size, sizeof(*c->list));
    }

    if (c->list == NULL) {
        abort();
    }

    f = &c->list[c->n++];
    memset(f, 0, sizeof(*f));
    f->name = strdup(name);

    if (f->name == NULL) {
        abort();
    }

    return f;
}


debar_change_t *
debar_changes_file(debar_changes_t *c, const char *name, int optional)
{
    char             path[PATH_MAX];
    size_t           before;
    debar_change_t  *f;

    before = c->n;
    f = debar_changes_slot(c, name);

    if (c->n == before) {
        return f;
    }

    snprintf(path, sizeof(path), "%s/%s", c->source, name);

    if (debar_change_load(f, path) == DEBAR_OK) {
        f->there = 1;
        debar_buf_add(&f->text, f->was.data, f->was.len);
        return f;
    }

    if (!optional || errno != ENOENT) {
        debar_say("%s: %s", path, errno == EFBIG ? "larger than 1 GiB"
                                                 : strerror(errno));
    }

    free(f->name);
    debar_buf_free(&f->was);
    c->n--;

    return NULL;
}


static int
debar_change_load(debar_change_t *f, const char *path)
{
    int          fd, err;
    char        *block;
    ssize_t      n;
    struct stat  st;

    fd = open(path, O_RDONLY|O_CLOEXEC|O_NONBLOCK);

    if (fd == -1) {
        return DEBAR_ERROR;
    }

    if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)
        || st.st_size > DEBAR_MAX_CHANGE)
    {
        err = S_ISREG(st.st_mode) ? EFBIG : EINVAL;
        close(fd);
        errno = err;
        return DEBAR_ERROR;
    }

    block = malloc(65536);
    if (block == NULL) {
        abort();
    }

    while ((n = read(fd, block, 65536)) > 0
           && f->was.len + (size_t) n <= DEBAR_MAX_CHANGE)
    {
        debar_buf_add(&f->was, block, (size_t) n);
    }

    err = errno;
    free(block);
    close(fd);
    errno = n == -1 ? err : EFBIG;

    return n == 0 ? DEBAR_OK : DEBAR_ERROR;
}


void
debar_changes_put(debar_changes_t *c, const char *name, debar_buf_t *text)
{
    debar_change_t  *f;

    f = debar_changes_slot(c, name);

    debar_buf_free(&f->text);
    f->text = *text;
    memset(text, 0, sizeof(*text));

    f->changed = !f->there || f->was.len != f->text.len
                 || (f->was.len
                     && memcmp(f->was.data, f->text.data, f->was.len) != 0);
}


static int
debar_changes_name_cmp(const void *one, const void *two)
{
    return strcmp(*(char *const *) one, *(char *const *) two);
}


char **
debar_changes_names(debar_changes_t *c, const char *folder)
{
    DIR            *dir;
    char            path[PATH_MAX], **names;
    size_t          n, size, len;
    struct dirent  *e;

    n = 0;
    size = 16;
    names = calloc(size, sizeof(char *));
    snprintf(path, sizeof(path), "%s/%s", c->source, folder);
    dir = opendir(path);

    while (names && dir && (e = readdir(dir)) != NULL) {
        len = strlen(e->d_name);

        if (e->d_name[0] == '.' || len <= 5
            || strcmp(e->d_name + len - 5, ".yaml") != 0)
        {
            continue;
        }

        if (n + 2 > size) {
            size *= 2;
            names = reallocarray(names, size, sizeof(char *));
        }

        if (names == NULL
            || asprintf(&names[n++], "%s/%s", folder, e->d_name) == -1)
        {
            abort();
        }

        names[n] = NULL;
    }

    if (names == NULL) {
        abort();
    }

    if (dir) {
        closedir(dir);
    }

    qsort(names, n, sizeof(char *), debar_changes_name_cmp);

    return names;
}


void
debar_changes_names_free(char **names)
{
    size_t  i;

    for (i = 0; names[i]; i++) {
        free(names[i]);
    }

    free(names);
}


/* --- as a whole ----------------------------------------------------------- */

static int
debar_changes_read(debar_changes_t *c, debar_source_t *src,
    debar_errors_t *errors, int quiet)
{
    int               rc;
    size_t            i, n;
    debar_overlay_t  *over;

    over = calloc(c->n + 1, sizeof(*over));
    if (over == NULL) {
        abort();
    }

    for (i = 0, n = 0; i < c->n; i++) {
        if (c->list[i].changed) {
            over[n].name = c->list[i].name;
            over[n].data = c->list[i].text.data ? c->list[i].text.data : "";
            over[n++].len = c->list[i].text.len;
        }
    }

    rc = debar_source_read_guarded(src, c->source, (int64_t) time(NULL), over,
                                   n, errors, quiet ? NULL : debar_progress,
                                   NULL);
    debar_progress_end();
    free(over);

    return rc;
}


int
debar_changes_check(debar_changes_t *c, char *digest, int quiet)
{
    int             rc;
    debar_source_t  src;
    debar_errors_t  errors;

    memset(&errors, 0, sizeof(errors));

    if (digest) {
        digest[0] = '\0';
    }

    if (debar_changes_read(c, &src, &errors, quiet) == DEBAR_OK) {
        rc = digest ? debar_source_digest(&src, digest) : DEBAR_OK;
        debar_source_free(&src);
        return rc;
    }

    debar_source_free(&src);
    rc = debar_changes_new_errors(c, &errors);
    debar_errors_free(&errors);

    return rc;
}


/* Errors that were there before are not this change's: a list with errors may
 * be mended step by step. */

static int
debar_changes_new_errors(debar_changes_t *c, debar_errors_t *errors)
{
    size_t          i, k, n;
    unsigned        guarded;
    debar_error_t  *e;
    debar_source_t  src;
    debar_errors_t  before;

    guarded = 0;
    memset(&before, 0, sizeof(before));

    (void) debar_source_read_guarded(&src, c->source, (int64_t) time(NULL),
                                     NULL, 0, &before, NULL, NULL);
    debar_source_free(&src);

    /* at most 10,000 each, and few in all but a ruined list */

    for (i = 0, n = 0; i < errors->n; i++) {
        e = &errors->list[i];

        for (k = 0; k < before.n; k++) {
            if (before.list[k].text
                && strcmp(before.list[k].text, e->text) == 0
                && strcmp(before.list[k].file, e->file) == 0)
            {
                free(before.list[k].text);
                before.list[k].text = NULL;
                break;
            }
        }

        if (k < before.n) {
            continue;
        }

        debar_put(stderr, e->file, strlen(e->file));
        fprintf(stderr, ":%u:%u: ", e->line ? e->line : 1, e->col ? e->col : 1);
        debar_put(stderr, e->text, strlen(e->text));
        fputc('\n', stderr);
        guarded |= strstr(e->text, "forced: \"") != NULL;
        n++;
    }

    debar_errors_free(&before);

    if (n) {
        debar_say("%s: with this change there would be %zu error%s; nothing "
                  "was written%s", c->source, n, n == 1 ? "" : "s",
                  guarded ? " (debar list add --force \"REASON\" lists what "
                            "a guard rail refuses)" : "");
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


int
debar_changes_digest(debar_changes_t *c, char *digest, int quiet)
{
    int             rc;
    debar_source_t  src;
    debar_errors_t  errors;

    memset(&errors, 0, sizeof(errors));
    digest[0] = '\0';

    if (!quiet) {
        if (debar_read_source(&src, c->source, 0, NULL) != DEBAR_OK) {
            return DEBAR_ERROR;
        }

        rc = debar_source_digest(&src, digest);
        debar_source_free(&src);

        return rc;
    }

    rc = debar_source_read_guarded(&src, c->source, (int64_t) time(NULL), NULL,
                                   0, &errors, NULL, NULL);

    if (rc == DEBAR_OK) {
        rc = debar_source_digest(&src, digest);
    }

    debar_source_free(&src);
    debar_errors_free(&errors);

    return rc;
}


/* The digest of the rows, by a snapshot that nobody sees. */

static int
debar_source_digest(debar_source_t *src, char *digest)
{
    int                 rc;
    char                folder[PATH_MAX], file[PATH_MAX + 16],
                        floor[PATH_MAX + 32];
    const char         *tmp;
    debar_fault_t       fault;
    debar_build_info_t  info;
    debar_build_opts_t  build;

    tmp = getenv("TMPDIR");
    snprintf(folder, sizeof(folder), "%s/debar.XXXXXX",
             tmp && *tmp ? tmp : "/tmp");

    if (mkdtemp(folder) == NULL) {
        debar_say("%s: %s; TMPDIR names another place", folder,
                  strerror(errno));
        return DEBAR_ERROR;
    }

    snprintf(file, sizeof(file), "%s/list.mdb", folder);
    snprintf(floor, sizeof(floor), "%s.serial", file);

    memset(&build, 0, sizeof(build));
    build.replace = 1;

    rc = debar_snapshot_build(src, file, &build, &info, &fault);

    if (rc == DEBAR_OK) {
        memcpy(digest, info.digest, sizeof(info.digest));
    } else {
        debar_say("%s", fault.text);
    }

    (void) unlink(file);
    (void) unlink(floor);
    (void) rmdir(folder);

    return rc;
}


/* --- out ------------------------------------------------------------------ */

static int
debar_change_memory(const debar_buf_t *text)
{
    int      fd;
    size_t   done;
    ssize_t  n;

    fd = memfd_create("debar", 0);

    for (done = 0; fd != -1 && done < text->len; done += (size_t) n) {
        n = write(fd, text->data + done, text->len - done);

        if (n <= 0) {
            close(fd);
            return -1;
        }
    }

    return fd;
}


int
debar_changes_diff(debar_changes_t *c)
{
    int              was, now, status;
    char             a[64], b[64], la[PATH_MAX], lb[PATH_MAX];
    pid_t            pid;
    size_t           i;
    debar_change_t  *f;

    for (i = 0; i < c->n; i++) {
        f = &c->list[i];

        if (!f->changed) {
            continue;
        }

        was = debar_change_memory(&f->was);
        now = debar_change_memory(&f->text);

        snprintf(a, sizeof(a), "/dev/fd/%d", was);
        snprintf(b, sizeof(b), "/dev/fd/%d", now);
        snprintf(la, sizeof(la), "%s%s", f->there ? "a/" : "/dev/null",
                 f->there ? f->name : "");
        snprintf(lb, sizeof(lb), "b/%s", f->name);

        fflush(stdout);
        pid = was == -1 || now == -1 ? -1 : fork();

        if (pid == 0) {
            execlp("diff", "diff", "-u", debar_colour(stdout) ? "--color=always"
                                                              : "--color=never",
                   "--label", la, "--label", lb, a, b, (char *) NULL);
            _exit(127);
        }

        status = -1;

        while (pid > 0 && waitpid(pid, &status, 0) == -1 && errno == EINTR) {
            /* void */
        }

        if (was != -1) {
            close(was);
        }

        if (now != -1) {
            close(now);
        }

        if (pid == -1 || !WIFEXITED(status) || WEXITSTATUS(status) > 1) {
            return debar_say("cannot run diff, which --dry-run asks: install "
                             "diffutils");
        }
    }

    return 0;
}


int
debar_changes_write(debar_changes_t *c)
{
    size_t  i;

    for (i = 0; i < c->n; i++) {
        if (c->list[i].changed
            && debar_change_write(c, &c->list[i]) != DEBAR_OK)
        {
            return DEBAR_ERROR;
        }
    }

    return DEBAR_OK;
}


/* Beside the file that the name leads to, then in its place. */

static int
debar_change_write(const debar_changes_t *c, const debar_change_t *f)
{
    int          fd, err, dir;
    char         path[PATH_MAX], real[PATH_MAX], tmp[PATH_MAX + 16], *slash;
    size_t       done;
    ssize_t      n;
    mode_t       mode;
    struct stat  st;

    snprintf(path, sizeof(path), "%s/%s", c->source, f->name);
    mode = 0666 & ~umask(0);
    umask(0666 & ~mode);

    if (realpath(path, real) == NULL) {
        snprintf(real, sizeof(real), "%s", path);
        slash = strrchr(real, '/');
        *slash = '\0';
        (void) mkdir(real, 0777);
        *slash = '/';

    } else if (stat(real, &st) == 0) {
        mode = st.st_mode & 07777;
    }

    snprintf(tmp, sizeof(tmp), "%s.XXXXXX", real);
    fd = mkstemp(tmp);
    err = errno;

    for (done = 0; fd != -1 && done < f->text.len; done += (size_t) n) {
        n = write(fd, f->text.data + done, f->text.len - done);

        if (n <= 0) {
            err = n == 0 ? ENOSPC : errno;
            close(fd);
            (void) unlink(tmp);
            fd = -1;
            break;
        }
    }

    if (fd == -1) {
        debar_say("%s: %s; nothing was written to it", path, strerror(err));
        return DEBAR_ERROR;
    }

    if (f->there && fchown(fd, st.st_uid, st.st_gid) != 0 && geteuid() == 0) {
        debar_say("%s: its owner could not be kept: %s", path, strerror(errno));
    }

    if (fchmod(fd, mode) != 0 || fsync(fd) != 0 || close(fd) != 0
        || rename(tmp, real) != 0)
    {
        debar_say("%s: %s; nothing was written to it", path, strerror(errno));
        (void) unlink(tmp);
        return DEBAR_ERROR;
    }

    slash = strrchr(real, '/');
    *slash = '\0';
    dir = open(real, O_RDONLY|O_DIRECTORY|O_CLOEXEC);

    if (dir != -1) {
        (void) fsync(dir);
        close(dir);
    }

    return DEBAR_OK;
}

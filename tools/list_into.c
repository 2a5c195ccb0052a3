/*
 * The source that imported rows go into: read, and written at once.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

#include "list_import.h"
#include "csv.h"


#define DEBAR_INTO_NEW  ".vendors.import"

/* A row of imports/aside.csv that is there already. */

typedef struct {
    char   *key;                  /* "sam S4MR": first */
    char   *raw;
    int     gone;
    void   *next;                 /* another of the same key */
} debar_into_old_t;


static int debar_into_authorities(debar_into_t *into, const char *wanted);
static int debar_into_has(yaml_document_t *doc, yaml_node_t *map,
    const char *id, size_t len);
static int debar_into_read(int dir, const char *name, char **data,
    size_t *len);
static void debar_into_old(debar_into_t *into);
static int debar_into_compare(const void *a, const void *b);
static void debar_into_plain(char *out, size_t size,
    const debar_store_vendor_t *v, const char *list);
static int debar_into_put(int dir, const char *name, const debar_buf_t *b);
static int debar_into_vendors(debar_into_t *into, debar_store_t *store,
    int from, int to, uint64_t *created, uint64_t *changed, uint64_t *gone,
    int quiet);
static int debar_into_keep(debar_into_t *into, int from, int to);
static int debar_into_swap(debar_into_t *into, int dir);
static int debar_into_imports(debar_into_t *into, int dir, int commit);
static int debar_into_asides(debar_into_t *into, int dir);
static int debar_into_others(debar_into_t *into, int dir, const char *name,
    const char *head, const debar_buf_t *rows);
static int debar_into_files(debar_into_t *into, int dir);
static void debar_into_clean(int dir, const char *name);


int
debar_into_open(debar_into_t *into, const char *path, const char *authorities)
{
    char         file[4096];
    struct stat  st;

    memset(into, 0, sizeof(*into));
    into->path = path;
    into->lock = -1;

    if (stat(path, &st) == -1 || !S_ISDIR(st.st_mode)) {
        debar_say("%s: %s; --into names the folder of a list's source, with "
                  "list.yaml", path, errno && !S_ISDIR(st.st_mode)
                  ? "it is no folder" : strerror(errno));
        return DEBAR_ERROR;
    }

    snprintf(file, sizeof(file), "%s/list.yaml", path);
    into->lock = open(file, O_RDONLY|O_CLOEXEC);

    if (into->lock == -1) {
        debar_say("%s: %s; a list's source has this file (see "
                  "blocklist/README.md)", file, strerror(errno));
        return DEBAR_ERROR;
    }

    if (flock(into->lock, LOCK_EX|LOCK_NB) == -1) {
        debar_say("%s: another import is writing to it; wait for its end",
                  path);
        return DEBAR_ERROR;
    }

    return authorities ? debar_into_authorities(into, authorities) : DEBAR_OK;
}


void
debar_into_close(debar_into_t *into)
{
    if (into->lock != -1) {
        close(into->lock);
    }

    free(into->authorities);
    debar_buf_free(&into->aside);
    debar_buf_free(&into->malformed);
}


/* Those that are wanted must stand in list.yaml. */

static int
debar_into_authorities(debar_into_t *into, const char *wanted)
{
    int               rc;
    FILE             *f;
    debar_buf_t       b;
    const char       *p, *end;
    yaml_node_t      *root, *map, *k;
    yaml_parser_t     parser;
    yaml_document_t   doc;
    yaml_node_pair_t *pair;

    f = fdopen(dup(into->lock), "r");

    if (f == NULL || !yaml_parser_initialize(&parser)) {
        abort();
    }

    yaml_parser_set_input_file(&parser, f);
    memset(&b, 0, sizeof(b));
    map = NULL;
    rc = DEBAR_OK;

    if (!yaml_parser_load(&parser, &doc)) {
        debar_say("%s/list.yaml:%zu: it is no YAML: `debar list check %s` says "
                  "more", into->path, parser.problem_mark.line + 1, into->path);
        yaml_parser_delete(&parser);
        fclose(f);
        return DEBAR_ERROR;
    }

    root = yaml_document_get_root_node(&doc);

    if (root && root->type == YAML_MAPPING_NODE) {
        for (pair = root->data.mapping.pairs.start;
             pair < root->data.mapping.pairs.top; pair++)
        {
            k = yaml_document_get_node(&doc, pair->key);

            if (k->type == YAML_SCALAR_NODE
                && strcmp((char *) k->data.scalar.value, "authorities") == 0)
            {
                map = yaml_document_get_node(&doc, pair->value);
            }
        }
    }

    for (p = wanted; rc == DEBAR_OK && *p; p = *end ? end + 1 : end) {
        end = strchr(p, ',');
        end = end ? end : p + strlen(p);

        if (debar_into_has(&doc, map, p, (size_t) (end - p))) {
            debar_buf_printf(&b, "%s%.*s", b.len ? ", " : "", (int) (end - p),
                             p);
            continue;
        }

        b.len = 0;

        for (pair = map && map->type == YAML_MAPPING_NODE
                    ? map->data.mapping.pairs.start : NULL;
             pair && pair < map->data.mapping.pairs.top && b.len < 300; pair++)
        {
            k = yaml_document_get_node(&doc, pair->key);
            debar_buf_printf(&b, "%s%s", b.len ? ", " : "",
                             k->type == YAML_SCALAR_NODE
                             ? (char *) k->data.scalar.value : "?");
        }

        debar_say("%s/list.yaml has no authority \"%.*s\": it has %.*s",
                  into->path, (int) (end - p), p, b.len ? (int) b.len : 4,
                  b.len ? b.data : "none");
        rc = DEBAR_ERROR;
    }

    if (rc == DEBAR_OK) {
        debar_buf_add(&b, "", 1);
        into->authorities = b.data;
    } else {
        debar_buf_free(&b);
    }

    yaml_document_delete(&doc);
    yaml_parser_delete(&parser);
    fclose(f);

    return rc;
}


static int
debar_into_has(yaml_document_t *doc, yaml_node_t *map, const char *id,
    size_t len)
{
    yaml_node_t       *k;
    yaml_node_pair_t  *pair;

    if (map == NULL || map->type != YAML_MAPPING_NODE) {
        return 0;
    }

    for (pair = map->data.mapping.pairs.start;
         pair < map->data.mapping.pairs.top; pair++)
    {
        k = yaml_document_get_node(doc, pair->key);

        if (k->type == YAML_SCALAR_NODE && k->data.scalar.length == len
            && memcmp(k->data.scalar.value, id, len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


static int
debar_into_read(int dir, const char *name, char **data, size_t *len)
{
    int          fd;
    ssize_t      n;
    struct stat  st;

    *data = NULL;
    *len = 0;

    fd = openat(dir, name, O_RDONLY|O_CLOEXEC|O_NONBLOCK);

    if (fd == -1 || fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
        if (fd != -1) {
            close(fd);
        }

        return DEBAR_ERROR;
    }

    *data = malloc((size_t) st.st_size + 1);
    if (*data == NULL) {
        abort();
    }

    while (*len < (size_t) st.st_size) {
        n = read(fd, *data + *len, (size_t) st.st_size - *len);

        if (n <= 0) {
            break;
        }

        *len += (size_t) n;
    }

    close(fd);

    return DEBAR_OK;
}


int
debar_into_scan(debar_into_t *into, debar_store_t *store, int quiet)
{
    int              rc;
    char             path[4096], *data;
    DIR             *dir;
    size_t           len, n;
    uint64_t         seen;
    debar_fault_t    why;
    struct dirent   *e;

    debar_into_old(into);
    snprintf(path, sizeof(path), "%s/vendors", into->path);
    dir = opendir(path);

    if (dir == NULL) {
        if (errno == ENOENT) {
            return DEBAR_OK;
        }

        debar_say("%s: %s", path, strerror(errno));
        return DEBAR_ERROR;
    }

    rc = DEBAR_OK;
    seen = 0;

    while (rc == DEBAR_OK && (e = readdir(dir)) != NULL) {
        n = strlen(e->d_name);

        if (e->d_name[0] == '.' || n < 6
            || (strcmp(e->d_name + n - 5, ".yaml") != 0
                && strcmp(e->d_name + n - 4, ".txt") != 0)
            || debar_into_read(dirfd(dir), e->d_name, &data, &len) != DEBAR_OK)
        {
            continue;
        }

        if (!quiet && (++seen & 0xff) == 0) {
            debar_progress(NULL, path, seen);
        }

        rc = debar_store_file(store, e->d_name, data, len, &why);
        free(data);

        if (rc != DEBAR_OK) {
            debar_say("%s/%s: %s", path, e->d_name, why.text);
        }
    }

    closedir(dir);

    return rc;
}


/* --- what is kept aside -------------------------------------------------- */

static const char  debar_aside_head[] =
    "kind,key,name,value,reason,list,program,agency,active,ends,file,row,"
    "sha256,read\n";

static const char  debar_malformed_head[] =
    "kind,file,line,column,message,row,sha256,read\n";


static int
debar_into_compare(const void *a, const void *b)
{
    const debar_into_old_t  *one = a, *two = b;

    return strcmp(one->key, two->key);
}


static void
debar_into_old(debar_into_t *into)
{
    char              *data;
    size_t             len;
    char               path[4096];
    debar_csv_t       *csv;
    debar_fault_t      why;
    debar_into_old_t  *old, **at;

    snprintf(path, sizeof(path), "%s/imports/aside.csv", into->path);

    if (debar_into_read(AT_FDCWD, path, &data, &len) != DEBAR_OK) {
        return;
    }

    csv = malloc(sizeof(debar_csv_t));
    if (csv == NULL) {
        abort();
    }

    if (debar_csv_open(csv, data, len, ',', &why) == DEBAR_OK
        && debar_csv_next(csv, &why) == DEBAR_OK)
    {
        while (debar_csv_next(csv, &why) != DEBAR_DECLINED) {
            if (csv->n < 2) {
                continue;
            }

            old = calloc(1, sizeof(debar_into_old_t));

            if (old == NULL
                || asprintf(&old->key, "%.*s %.*s", (int) csv->fields[0].len,
                            csv->fields[0].data, (int) csv->fields[1].len,
                            csv->fields[1].data)
                   == -1
                || asprintf(&old->raw, "%.*s\n", (int) csv->raw.len,
                            csv->raw.data)
                   == -1)
            {
                abort();
            }

            at = tsearch(old, &into->seen, debar_into_compare);

            if (*at != old) {
                old->next = (*at)->next;
                (*at)->next = old;
            }
        }
    }

    debar_csv_free(csv);
    free(csv);
    free(data);
}


void
debar_into_seen(debar_into_t *into, const debar_import_row_t *row)
{
    char               key[512];
    debar_into_old_t   want, **at;

    if (into->seen == NULL) {
        return;
    }

    snprintf(key, sizeof(key), "%s %.*s", into->kind, (int) row->key.len,
             row->key.data);
    want.key = key;
    at = tfind(&want, &into->seen, debar_into_compare);

    if (at) {
        (*at)->gone = 1;
    }
}


void
debar_into_aside(debar_into_t *into, const debar_input_t *in,
    const debar_import_row_t *row, debar_str_t value, const char *why)
{
    char         number[32];
    debar_str_t  fields[14];

    snprintf(number, sizeof(number), "%llu", (unsigned long long) row->row);

    fields[0] = debar_str(into->kind, strlen(into->kind));
    fields[1] = row->key;
    fields[2] = row->name;
    fields[3] = value;
    fields[4] = debar_str(why, strlen(why));
    fields[5] = row->list;
    fields[6] = row->program;
    fields[7] = row->agency;
    fields[8] = debar_str(row->active, strlen(row->active));
    fields[9] = debar_str(row->ends, strlen(row->ends));
    fields[10] = debar_str(in->origin.file, strlen(in->origin.file));
    fields[11] = debar_str(number, strlen(number));
    fields[12] = debar_str(in->origin.sha256, 64);
    fields[13] = debar_str(in->origin.today, strlen(in->origin.today));

    debar_csv_put(&into->aside, ',', fields, 14);
}


void
debar_into_malformed(debar_into_t *into, const debar_input_t *in,
    unsigned line, unsigned col, const char *text, debar_str_t raw)
{
    char         at[2][16];
    debar_str_t  fields[8];

    snprintf(at[0], sizeof(at[0]), "%u", line);
    snprintf(at[1], sizeof(at[1]), "%u", col);

    fields[0] = debar_str(into->kind, strlen(into->kind));
    fields[1] = debar_str(in->origin.file, strlen(in->origin.file));
    fields[2] = debar_str(at[0], strlen(at[0]));
    fields[3] = debar_str(at[1], strlen(at[1]));
    fields[4] = debar_str(text, strlen(text));
    fields[5] = debar_str(raw.data, raw.len > 65536 ? 65536 : raw.len);
    fields[6] = debar_str(in->origin.sha256, 64);
    fields[7] = debar_str(in->origin.today, strlen(in->origin.today));

    debar_csv_put(&into->malformed, ',', fields, 8);
}


/* --- writing ------------------------------------------------------------- */

int
debar_into_write(debar_into_t *into, debar_store_t *store, int dry, int quiet,
    uint64_t *created, uint64_t *changed, uint64_t *gone)
{
    int          dir, from, to, rc;
    struct stat  st;

    dir = open(into->path, O_RDONLY|O_DIRECTORY|O_CLOEXEC);

    if (dir == -1) {
        debar_say("%s: %s", into->path, strerror(errno));
        return DEBAR_ERROR;
    }

    from = openat(dir, "vendors", O_RDONLY|O_DIRECTORY|O_CLOEXEC);
    to = -1;
    rc = DEBAR_OK;

    if (!dry) {
        debar_into_clean(dir, DEBAR_INTO_NEW);

        if (mkdirat(dir, DEBAR_INTO_NEW, 0755) == -1
            || (to = openat(dir, DEBAR_INTO_NEW, O_RDONLY|O_DIRECTORY
                                                 |O_CLOEXEC)) == -1
            || (from != -1 && (fstat(from, &st) == -1
                               || fchmod(to, st.st_mode & 07777) == -1)))
        {
            debar_say("%s: %s; nothing was imported", into->path,
                      strerror(errno));
            rc = DEBAR_ERROR;
        }
    }

    if (rc == DEBAR_OK && !dry) {
        rc = debar_into_keep(into, from, to);
    }

    if (rc == DEBAR_OK) {
        rc = debar_into_vendors(into, store, from, to, created, changed, gone,
                                quiet);
    }

    if (rc == DEBAR_OK && !dry) {
        rc = debar_into_imports(into, dir, 0);
    }

    if (rc == DEBAR_OK && !dry) {
        (void) syncfs(dir);
        rc = debar_into_swap(into, dir);
    }

    if (rc == DEBAR_OK && !dry) {
        rc = debar_into_imports(into, dir, 1);
    }

    if (to != -1) {
        debar_into_clean(dir, DEBAR_INTO_NEW);
        close(to);
    }

    if (from != -1) {
        close(from);
    }

    close(dir);

    return rc;
}


/* Those that change.  to -1: only counted. */

static int
debar_into_vendors(debar_into_t *into, debar_store_t *store, int from, int to,
    uint64_t *created, uint64_t *changed, uint64_t *gone, int quiet)
{
    int                    rc;
    char                   name[256], plainname[256], *old;
    size_t                 i, n, len;
    uint32_t               plain, k;
    debar_buf_t            b;
    debar_fault_t          why;
    debar_store_vendor_t   v;

    memset(&b, 0, sizeof(b));
    n = debar_store_vendors(store);
    rc = DEBAR_OK;

    for (i = 0; i < n && rc == DEBAR_OK; i++) {
        debar_store_vendor(store, i, &v);

        if (!v.touched) {
            continue;
        }

        if (!quiet && (i & 0xff) == 0) {
            debar_progress(NULL, "vendors written", i);
        }

        old = NULL;
        len = 0;

        if (v.exists) {
            snprintf(name, sizeof(name), "%.*s", (int) v.file.len,
                     v.file.data);

            if (debar_into_read(from, name, &old, &len) != DEBAR_OK) {
                debar_say("%s/vendors/%s: it was there and cannot be read any "
                          "more; nothing was imported", into->path, name);
                rc = DEBAR_ERROR;
                break;
            }

        } else {
            snprintf(name, sizeof(name), "%.*s.yaml", (int) v.id.len,
                     v.id.data);
        }

        b.len = 0;
        rc = debar_store_render(store, i, old, len, &b, &plain, &why);

        if (rc == DEBAR_ERROR) {
            debar_say("%s/vendors/%s: %s; nothing was imported", into->path,
                      name, why.text);
            free(old);
            break;
        }

        for (k = 0; k < 32 && to != -1; k++) {
            if (v.plain & (1u << k)) {
                debar_into_plain(plainname, sizeof(plainname), &v,
                                 debar_store_kind(k));
                (void) unlinkat(to, plainname, 0);
            }
        }

        if (rc == DEBAR_DECLINED) {
            *gone += v.exists;
            rc = DEBAR_OK;

            if (to != -1) {
                (void) unlinkat(to, name, 0);
            }

        } else {
            *created += !v.exists;
            *changed += v.exists && !(len == b.len
                                      && memcmp(old, b.data, len) == 0);

            if (to != -1) {
                rc = debar_into_put(to, name, &b);
            }

            for (k = 0; k < 32 && rc == DEBAR_OK && to != -1; k++) {
                if (plain & (1u << k)) {
                    b.len = 0;
                    debar_store_plain(store, i, k, &b);
                    debar_into_plain(plainname, sizeof(plainname), &v,
                                     debar_store_kind(k));
                    rc = debar_into_put(to, plainname, &b);
                }
            }
        }

        free(old);
    }

    debar_buf_free(&b);

    return rc;
}


static int
debar_into_put(int dir, const char *name, const debar_buf_t *b)
{
    int      fd;
    size_t   done;
    ssize_t  n;

    /* what is there may be the old file itself, by another name */

    (void) unlinkat(dir, name, 0);
    fd = openat(dir, name, O_WRONLY|O_CREAT|O_EXCL|O_CLOEXEC, 0644);

    for (done = 0; fd != -1 && done < b->len; done += (size_t) n) {
        n = write(fd, b->data + done, b->len - done);

        if (n <= 0) {
            close(fd);
            fd = -1;
        }
    }

    if (fd == -1 || close(fd) == -1) {
        debar_say("%s: %s; nothing was imported", name, strerror(errno));
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


static void
debar_into_plain(char *out, size_t size, const debar_store_vendor_t *v,
    const char *list)
{
    snprintf(out, size, "%.*s.%s.txt", (int) v->id.len, v->id.data, list);
}


/* The new folder begins with all files of the old one, by links where the file
 * system has them. */

static int
debar_into_keep(debar_into_t *into, int from, int to)
{
    int             rc, fd;
    DIR            *d;
    char           *data, target[4096];
    size_t          len;
    ssize_t         n;
    debar_buf_t     b;
    struct stat     st;
    struct dirent  *e;

    fd = from == -1 ? -1 : openat(from, ".", O_RDONLY|O_DIRECTORY|O_CLOEXEC);
    d = fd == -1 ? NULL : fdopendir(fd);
    rc = DEBAR_OK;

    while (d && rc == DEBAR_OK && (e = readdir(d)) != NULL) {

        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0
            || fstatat(from, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == -1)
        {
            continue;
        }

        if (S_ISREG(st.st_mode)) {
            if (linkat(from, e->d_name, to, e->d_name, 0) == 0) {
                continue;
            }

            rc = debar_into_read(from, e->d_name, &data, &len);

            if (rc == DEBAR_OK) {
                b.data = data;
                b.len = len;
                rc = debar_into_put(to, e->d_name, &b);
                free(data);
            }

        } else if (S_ISLNK(st.st_mode)) {
            n = readlinkat(from, e->d_name, target, sizeof(target) - 1);
            target[n > 0 ? n : 0] = '\0';
            rc = n > 0 && symlinkat(target, to, e->d_name) == 0 ? DEBAR_OK
                                                                : DEBAR_ERROR;

        } else {
            rc = DEBAR_ERROR;
        }

        if (rc != DEBAR_OK) {
            debar_say("%s/vendors/%s: only files and links belong there; move "
                      "it away; nothing was imported", into->path, e->d_name);
        }
    }

    if (d) {
        closedir(d);
    }

    return rc;
}


/* The new vendors/ in the place of the old one, in one step. */

static int
debar_into_swap(debar_into_t *into, int dir)
{
    int  rc;

    rc = renameat2(dir, DEBAR_INTO_NEW, dir, "vendors", RENAME_EXCHANGE);

    if (rc == -1 && errno == ENOENT) {
        rc = renameat(dir, DEBAR_INTO_NEW, dir, "vendors");
    }

    if (rc == -1) {
        debar_say("%s/vendors: %s; nothing was imported: the file system must "
                  "be one that can exchange two folders (ext4, xfs, btrfs, "
                  "tmpfs)", into->path, strerror(errno));
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


/* What was kept aside: written beside the old, then renamed (commit). */

static int
debar_into_imports(debar_into_t *into, int dir, int commit)
{
    int          fd, rc;

    fd = -1;

    if ((mkdirat(dir, "imports", 0755) == -1 && errno != EEXIST)
        || (fd = openat(dir, "imports", O_RDONLY|O_DIRECTORY|O_CLOEXEC)) == -1)
    {
        debar_say("%s/imports: %s; nothing was imported", into->path,
                  strerror(errno));
        return DEBAR_ERROR;
    }

    rc = DEBAR_OK;

    if (commit) {
        if (renameat(fd, ".aside.csv", fd, "aside.csv") == -1
            || renameat(fd, ".malformed.csv", fd, "malformed.csv") == -1
            || renameat(fd, ".files.csv", fd, "files.csv") == -1)
        {
            debar_say("%s/imports: %s; the rows are imported", into->path,
                      strerror(errno));
            rc = DEBAR_ERROR;
        }

    } else {
        rc = debar_into_asides(into, fd);

        if (rc == DEBAR_OK) {
            rc = debar_into_others(into, fd, "malformed.csv",
                                   debar_malformed_head, &into->malformed);
        }

        if (rc == DEBAR_OK) {
            rc = debar_into_files(into, fd);
        }
    }

    close(fd);

    return rc;
}


static void
debar_into_old_row(const void *node, VISIT visit, void *data)
{
    const debar_into_old_t  *old;

    if (visit != preorder && visit != leaf) {
        return;
    }

    old = *(debar_into_old_t *const *) node;

    if (old->gone) {
        return;
    }

    for (/* void */; old; old = old->next) {
        debar_buf_add(data, old->raw, strlen(old->raw));
    }
}


static int
debar_into_asides(debar_into_t *into, int dir)
{
    int          rc;
    debar_buf_t  b;

    memset(&b, 0, sizeof(b));
    debar_buf_add(&b, debar_aside_head, sizeof(debar_aside_head) - 1);
    twalk_r(into->seen, debar_into_old_row, &b);
    debar_buf_add(&b, into->aside.data, into->aside.len);

    rc = debar_into_put(dir, ".aside.csv", &b);
    debar_buf_free(&b);

    return rc;
}


/* Rows of other files, and those of the files that are imported now anew. */

static int
debar_into_others(debar_into_t *into, int dir, const char *name,
    const char *head, const debar_buf_t *rows)
{
    int             rc;
    char           *data, aside[64];
    size_t          len, i;
    debar_buf_t     b;
    debar_csv_t    *csv;
    debar_fault_t   why;

    memset(&b, 0, sizeof(b));
    debar_buf_add(&b, head, strlen(head));

    csv = malloc(sizeof(debar_csv_t));
    if (csv == NULL) {
        abort();
    }

    if (debar_into_read(dir, name, &data, &len) == DEBAR_OK) {

        rc = debar_csv_open(csv, data, len, ',', &why);

        if (rc == DEBAR_OK) {
            rc = debar_csv_next(csv, &why);   /* the header */
        }

        while (rc == DEBAR_OK
               && (rc = debar_csv_next(csv, &why)) == DEBAR_OK)
        {
            for (i = 0; i < into->nfiles && csv->n > 2; i++) {
                if (csv->fields[0].len == strlen(into->kind)
                    && memcmp(csv->fields[0].data, into->kind,
                              csv->fields[0].len) == 0
                    && csv->fields[1].len == strlen(into->files[i]->origin.file)
                    && memcmp(csv->fields[1].data, into->files[i]->origin.file,
                              csv->fields[1].len) == 0)
                {
                    break;
                }
            }

            if (i == into->nfiles) {
                debar_buf_add(&b, csv->raw.data, csv->raw.len);
                debar_buf_add(&b, "\n", 1);
            }
        }

        debar_csv_free(csv);
        free(data);
    }

    free(csv);

    debar_buf_add(&b, rows->data, rows->len);
    snprintf(aside, sizeof(aside), ".%s", name);
    rc = debar_into_put(dir, aside, &b);
    debar_buf_free(&b);

    return rc;
}


/* What was imported, with its digest and day. */

static int
debar_into_files(debar_into_t *into, int dir)
{
    int          rc;
    size_t       i;
    debar_buf_t  b;
    debar_str_t  fields[4];

    memset(&b, 0, sizeof(b));

    for (i = 0; i < into->nfiles; i++) {
        fields[0] = debar_str(into->kind, strlen(into->kind));
        fields[1] = debar_str(into->files[i]->origin.file,
                              strlen(into->files[i]->origin.file));
        fields[2] = debar_str(into->files[i]->origin.sha256, 64);
        fields[3] = debar_str(into->files[i]->origin.today, 10);
        debar_csv_put(&b, ',', fields, 4);
    }

    rc = debar_into_others(into, dir, "files.csv", "kind,file,sha256,read\n",
                           &b);
    debar_buf_free(&b);

    return rc;
}


/* A folder of files only, with what is in it. */

static void
debar_into_clean(int dir, const char *name)
{
    int             fd;
    DIR            *d;
    struct dirent  *e;

    fd = openat(dir, name, O_RDONLY|O_DIRECTORY|O_NOFOLLOW|O_CLOEXEC);
    d = fd == -1 ? NULL : fdopendir(fd);

    if (d == NULL) {
        return;
    }

    while ((e = readdir(d)) != NULL) {
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
            (void) unlinkat(fd, e->d_name, 0);
        }
    }

    closedir(d);
    (void) unlinkat(dir, name, AT_REMOVEDIR);
}

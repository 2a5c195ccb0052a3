/*
 * The log as it is shipped: its files one behind the other, where shipping
 * stopped, what is left.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <openssl/sha.h>

#include "audit_ship.h"


#define DEBAR_SHIP_BLOCK  131072
#define DEBAR_SHIP_LINE   65536              /* longer ones are not ours */
#define DEBAR_SHIP_BEFORE 4096               /* bytes that a mark is of */
#define DEBAR_SHIP_STATE  4096               /* bytes of a state file */
#define DEBAR_SHIP_FORMAT "debar-ship/1"


static int debar_ship_find(const debar_audit_t *a,
    const debar_ship_entry_t *list, size_t n, const debar_ship_state_t *state,
    size_t *at);
static int debar_ship_open(debar_ship_log_t *log, const debar_ship_entry_t *e,
    debar_fault_t *fault);
static int debar_ship_next(debar_ship_log_t *log, size_t torn,
    debar_fault_t *fault);
static int debar_ship_whole(debar_ship_log_t *log, const debar_ship_file_t *f,
    size_t torn);
static size_t debar_ship_lines(debar_ship_log_t *log, size_t len,
    debar_ship_line_pt line, void *data);


/* --- what is there --------------------------------------------------------- */

static int
debar_ship_stat(debar_ship_entry_t *e, const debar_audit_t *a, const char *name)
{
    char         path[DEBAR_MAX_DIR + 300];
    struct stat  st;

    debar_audit_path(a, name, path, sizeof(path));

    if (lstat(path, &st) == -1 || !S_ISREG(st.st_mode)) {
        return DEBAR_DECLINED;
    }

    memset(e, 0, sizeof(*e));
    e->inode = st.st_ino;
    e->size = (uint64_t) st.st_size;
    snprintf(e->name, sizeof(e->name), "%s", name);

    return DEBAR_OK;
}


/* The live file is looked at first: renamed meanwhile, it is there once. */

int
debar_ship_list(const debar_audit_t *a, debar_ship_entry_t **list, size_t *n,
    debar_fault_t *fault)
{
    int                   i, count, has_live;
    struct dirent       **names;
    debar_ship_entry_t    live, *e;

    *n = 0;
    has_live = debar_ship_stat(&live, a, DEBAR_SEALED_LIVE) == DEBAR_OK;
    count = scandir(a->path, &names, debar_audit_numbered, debar_audit_order);

    if (count == -1) {
        debar_fault(fault, "%s: %s; be a user who may read the audit log",
                    a->path, strerror(errno));
        return DEBAR_ERROR;
    }

    *list = calloc((size_t) count + 1, sizeof(**list));

    for (i = 0; i < count; i++) {
        e = *list ? *list + *n : NULL;

        if (e && debar_ship_stat(e, a, names[i]->d_name) == DEBAR_OK) {
            e->number = debar_sealed_number(e->name, strlen(e->name));
            has_live &= e->inode != live.inode;
            (*n)++;
        }

        free(names[i]);
    }

    free(names);

    if (*list == NULL) {
        debar_fault(fault, "%s: no memory to list it", a->path);
        return DEBAR_ERROR;
    }

    if (has_live) {
        live.live = 1;
        live.number = *n ? (*list)[*n - 1].number + 1 : 1;
        (*list)[(*n)++] = live;
    }

    return DEBAR_OK;
}


static int
debar_ship_entry_open(const debar_audit_t *a, const char *name)
{
    char  path[DEBAR_MAX_DIR + 300];

    debar_audit_path(a, name, path, sizeof(path));

    return open(path, O_RDONLY|O_CLOEXEC|O_NOFOLLOW|O_NONBLOCK);
}


/* --- the state ------------------------------------------------------------- */

/* Of the bytes before offset; "" for none. */

static int
debar_ship_mark(char out[DEBAR_SHIP_MARK], int fd, uint64_t offset)
{
    size_t         i, len;
    uint8_t        digest[SHA256_DIGEST_LENGTH];
    unsigned char  data[DEBAR_SHIP_BEFORE];

    out[0] = '\0';
    len = offset < sizeof(data) ? (size_t) offset : sizeof(data);

    if (pread(fd, data, len, (off_t) (offset - len)) != (ssize_t) len) {
        return DEBAR_ERROR;
    }

    if (len) {
        SHA256(data, len, digest);

        for (i = 0; i < sizeof(digest); i++) {
            snprintf(out + 2 * i, 3, "%02x", digest[i]);
        }
    }

    return DEBAR_OK;
}


int
debar_ship_state_read(debar_ship_state_t *s, const char *path,
    debar_fault_t *fault)
{
    int           fd;
    char          data[DEBAR_SHIP_STATE];
    json_t       *o;
    ssize_t       n;
    int64_t       number, inode, offset, shipped;
    debar_str_t   file, mark, format;

    memset(s, 0, sizeof(*s));
    fd = open(path, O_RDONLY|O_CLOEXEC|O_NONBLOCK);

    if (fd == -1 && errno == ENOENT) {
        return DEBAR_DECLINED;
    }

    n = fd == -1 ? -1 : read(fd, data, sizeof(data));

    if (n == -1) {
        debar_fault(fault, "%s: %s", path, strerror(errno));

        if (fd != -1) {
            close(fd);
        }

        return DEBAR_ERROR;
    }

    close(fd);
    o = json_loadb(data, (size_t) n, 0, NULL);
    format = debar_export_str(o, "format");
    file = debar_export_str(o, "file");
    mark = debar_export_str(o, "mark");
    number = debar_export_number(o, "number");
    inode = debar_export_number(o, "inode");
    offset = debar_export_number(o, "offset");
    shipped = debar_export_number(o, "shipped");

    if (format.len != strlen(DEBAR_SHIP_FORMAT)
        || memcmp(format.data, DEBAR_SHIP_FORMAT, format.len) != 0
        || file.len == 0 || file.len >= sizeof(s->file)
        || mark.len != (offset > 0 ? sizeof(s->mark) - 1 : 0)
        || number < 0 || inode < 0 || offset < 0 || shipped < 0)
    {
        json_decref(o);
        debar_fault(fault, "%s: is no position of `debar audit export`: name "
                    "another --state, or remove it to ship the log from its "
                    "beginning", path);
        return DEBAR_ERROR;
    }

    memcpy(s->file, file.data, file.len);
    memcpy(s->mark, mark.data, mark.len);
    s->number = (uint64_t) number;
    s->inode = (uint64_t) inode;
    s->offset = (uint64_t) offset;
    s->shipped = (uint64_t) shipped;
    json_decref(o);

    return DEBAR_OK;
}


/* A crash leaves the one before, or this one. */

int
debar_ship_state_write(const debar_ship_state_t *s, const char *path,
    debar_fault_t *fault)
{
    int          fd, dir;
    char         made[PATH_MAX], copy[PATH_MAX];
    debar_buf_t  b;

    if (snprintf(made, sizeof(made), "%s.new", path) >= (int) sizeof(made)) {
        debar_fault(fault, "%s: the path is too long", path);
        return DEBAR_ERROR;
    }

    memset(&b, 0, sizeof(b));
    debar_buf_printf(&b, "{\"format\":\"" DEBAR_SHIP_FORMAT "\",\"file\":\"%s\","
                     "\"number\":%llu,\"inode\":%llu,\"offset\":%llu,"
                     "\"mark\":\"%s\",\"shipped\":%llu}\n", s->file,
                     (unsigned long long) s->number,
                     (unsigned long long) s->inode,
                     (unsigned long long) s->offset, s->mark,
                     (unsigned long long) s->shipped);

    fd = open(made, O_WRONLY|O_CREAT|O_TRUNC|O_CLOEXEC|O_NOFOLLOW, 0640);

    if (fd == -1 || write(fd, b.data, b.len) != (ssize_t) b.len
        || fsync(fd) == -1 || rename(made, path) == -1)
    {
        debar_fault(fault, "%s: %s; --state names a file in a folder that you "
                    "may write to", path, strerror(errno));

        if (fd != -1) {
            close(fd);
        }

        debar_buf_free(&b);
        return DEBAR_ERROR;
    }

    close(fd);
    debar_buf_free(&b);
    snprintf(copy, sizeof(copy), "%s", path);
    dir = open(dirname(copy), O_RDONLY|O_DIRECTORY|O_CLOEXEC);

    if (dir != -1) {
        (void) fsync(dir);
        close(dir);
    }

    return DEBAR_OK;
}


static int
debar_ship_is(const debar_audit_t *a, const debar_ship_entry_t *e,
    const debar_ship_state_t *s)
{
    int   fd, rc;
    char  mark[DEBAR_SHIP_MARK];

    if (e->size < s->offset) {
        return 0;
    }

    fd = debar_ship_entry_open(a, e->name);

    if (fd == -1) {
        return 0;
    }

    rc = debar_ship_mark(mark, fd, s->offset);
    close(fd);

    return rc == DEBAR_OK && strcmp(mark, s->mark) == 0;
}


/* By its inode, by its number, by what it says.  DEBAR_DECLINED: it is gone; *at
 * is the first one behind it. */

static int
debar_ship_find(const debar_audit_t *a, const debar_ship_entry_t *list,
    size_t n, const debar_ship_state_t *s, size_t *at)
{
    size_t  i, k;

    for (k = 0; k < 3; k++) {
        for (i = 0; i < n; i++) {
            if ((k == 0 ? list[i].inode == s->inode
                 : k == 1 ? list[i].number == s->number : s->offset > 0)
                && debar_ship_is(a, &list[i], s))
            {
                *at = i;
                return DEBAR_OK;
            }
        }
    }

    for (i = 0; i + 1 < n && list[i].number < s->number; i++) { /* void */ }

    *at = i;

    return DEBAR_DECLINED;
}


/* --- reading --------------------------------------------------------------- */

int
debar_ship_log_open(debar_ship_log_t *log, const debar_ship_state_t *state,
    debar_fault_t *fault)
{
    int                  rc, found;
    size_t               n, at;
    debar_ship_entry_t  *list;

    if (debar_ship_list(log->audit, &list, &n, fault) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    if (n == 0) {
        free(list);
        return DEBAR_DECLINED;
    }

    at = 0;
    found = state ? debar_ship_find(log->audit, list, n, state, &at)
                  : DEBAR_OK;

    if (found != DEBAR_OK) {
        debar_say("%s, of which %llu bytes were shipped, is not there any more: "
                  "what else it had was not shipped; going on at the begin of "
                  "%s", state->file, (unsigned long long) state->offset,
                  list[at].name);
    }

    if (log->block == NULL) {
        log->block = malloc(DEBAR_SHIP_BLOCK);
    }

    if (log->block == NULL) {
        debar_fault(fault, "no memory to read the log");
        free(list);
        return DEBAR_ERROR;
    }

    rc = debar_ship_open(log, &list[at], fault);
    log->offset = state && found == DEBAR_OK ? state->offset : 0;
    free(list);

    return rc;
}


static int
debar_ship_open(debar_ship_log_t *log, const debar_ship_entry_t *e,
    debar_fault_t *fault)
{
    struct stat         st;
    debar_ship_file_t  *f;

    f = &log->files[log->next % DEBAR_SHIP_OPEN];
    f->number = e->number;
    f->fd = debar_ship_entry_open(log->audit, e->name);

    /* renamed meanwhile: it is listed again at the next turn */

    if (f->fd == -1 && errno == ENOENT) {
        return DEBAR_DECLINED;
    }

    if (f->fd == -1 || fstat(f->fd, &st) == -1) {
        debar_fault(fault, "%s/%s: %s; be a user who may read the audit log",
                    log->audit->path, e->name, strerror(errno));

        if (f->fd != -1) {
            close(f->fd);
        }

        return DEBAR_ERROR;
    }

    f->inode = st.st_ino;

    if (f->inode != e->inode) {
        close(f->fd);
        return DEBAR_DECLINED;
    }

    log->next++;
    log->offset = 0;
    log->over = 0;

    return DEBAR_OK;
}


debar_place_t
debar_ship_log_place(const debar_ship_log_t *log)
{
    debar_place_t  place;

    place.file = log->next - 1;
    place.offset = log->offset;

    return place;
}


int
debar_ship_log_read(debar_ship_log_t *log, debar_ship_line_pt line, void *data,
    debar_fault_t *fault)
{
    size_t              used;
    ssize_t             n;
    debar_ship_file_t  *f;

    f = &log->files[(log->next - 1) % DEBAR_SHIP_OPEN];
    n = pread(f->fd, log->block, DEBAR_SHIP_BLOCK, (off_t) log->offset);

    if (n == -1) {
        debar_fault(fault, "%s: file %llu: %s", log->audit->path,
                    (unsigned long long) f->number, strerror(errno));
        return DEBAR_ERROR;
    }

    used = debar_ship_lines(log, (size_t) n, line, data);

    if (used) {
        return DEBAR_OK;
    }

    /* what has no newline is being written, if this is the last file */

    if (n > DEBAR_SHIP_LINE) {
        log->unreadable += !log->over;
        log->over = 1;
        log->offset += (uint64_t) n;
        return DEBAR_OK;
    }

    return debar_ship_next(log, (size_t) n, fault);
}


static size_t
debar_ship_lines(debar_ship_log_t *log, size_t len, debar_ship_line_pt line,
    void *data)
{
    size_t         from;
    const char    *end;
    debar_place_t  place;

    from = 0;

    while ((end = memchr(log->block + from, '\n', len - from))) {

        place = debar_ship_log_place(log);

        if ((size_t) (end - log->block) - from > DEBAR_SHIP_LINE) {
            log->unreadable++;

        } else if (!log->over && end != log->block + from) {
            line(data, log->block + from, (size_t) (end - log->block) - from,
                 &place);
        }

        log->over = 0;
        log->offset += (uint64_t) (end - log->block) + 1 - from;
        from = (size_t) (end - log->block) + 1;
    }

    return from;
}


/* The file behind the one that is read, if nothing more can come to that but
 * the torn bytes at its end. */

static int
debar_ship_next(debar_ship_log_t *log, size_t torn, debar_fault_t *fault)
{
    int                  rc;
    size_t               i, n, at;
    debar_ship_entry_t  *list;
    debar_ship_entry_t   live;
    debar_ship_file_t   *f;

    f = &log->files[(log->next - 1) % DEBAR_SHIP_OPEN];

    /* the usual case costs one stat() */

    if (debar_ship_stat(&live, log->audit, DEBAR_SEALED_LIVE) == DEBAR_OK
        && live.inode == f->inode)
    {
        if (live.size < log->offset) {
            debar_say("%s/%s was cut short: shipping it from its begin",
                      log->audit->path, DEBAR_SEALED_LIVE);
            log->offset = 0;
            return DEBAR_OK;
        }

        return DEBAR_DECLINED;
    }

    if (log->next - log->first == DEBAR_SHIP_OPEN) {
        return DEBAR_DECLINED;               /* when some are shipped */
    }

    if (debar_ship_list(log->audit, &list, &n, fault) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    for (i = 0; i < n; i++) {
        if (list[i].inode == f->inode) {
            f->number = list[i].number;
        }
    }

    for (at = 0; at < n && list[at].number <= f->number; at++) { /* void */ }

    /* the log may begin anew, by other names */

    if (at == n && n && list[n - 1].live && list[n - 1].inode != f->inode) {
        at = n - 1;
    }

    rc = at < n && debar_ship_whole(log, f, torn)
         ? debar_ship_open(log, &list[at], fault) : DEBAR_DECLINED;
    free(list);

    return rc;
}


/* The sealer closes a file when nobody has it open for writing. */

static int
debar_ship_whole(debar_ship_log_t *log, const debar_ship_file_t *f, size_t torn)
{
    int                  whole;
    size_t               i;
    struct stat          st;
    debar_fault_t        fault;
    debar_audit_files_t  files;

    if (fstat(f->fd, &st) == -1
        || (uint64_t) st.st_size != log->offset + torn)
    {
        return 0;                            /* more came: it is read first */
    }

    whole = st.st_nlink == 0
            || st.st_mtime + DEBAR_SHIP_QUIET < time(NULL);

    if (!whole && debar_audit_files(&files, log->audit, &fault) == DEBAR_OK) {

        for (i = 0; i < files.n; i++) {
            whole |= files.list[i].number == f->number
                     && files.list[i].bytes == (uint64_t) st.st_size;
        }

        debar_audit_files_free(&files);
    }

    log->unreadable += whole && torn && !log->over;

    return whole;
}


void
debar_ship_log_passed(debar_ship_log_t *log, const debar_place_t *place)
{
    for ( /* void */ ; log->first < place->file; log->first++) {
        close(log->files[log->first % DEBAR_SHIP_OPEN].fd);
    }
}


void
debar_ship_log_back(debar_ship_log_t *log, const debar_place_t *place)
{
    for ( /* void */ ; log->next > place->file + 1; log->next--) {
        close(log->files[(log->next - 1) % DEBAR_SHIP_OPEN].fd);
    }

    log->offset = place->offset;
    log->over = 0;
}


int
debar_ship_log_state(debar_ship_state_t *s, const debar_ship_log_t *log,
    const debar_place_t *place, debar_fault_t *fault)
{
    size_t                    i, n;
    debar_ship_entry_t       *list;
    const debar_ship_file_t  *f;

    f = &log->files[place->file % DEBAR_SHIP_OPEN];
    s->number = f->number;
    s->inode = f->inode;
    s->offset = place->offset;
    debar_sealed_file_name(s->file, f->number);

    if (debar_ship_mark(s->mark, f->fd, place->offset) != DEBAR_OK) {
        debar_fault(fault, "%s: file %llu is shorter than what was shipped of "
                    "it", log->audit->path, (unsigned long long) f->number);
        return DEBAR_ERROR;
    }

    if (debar_ship_list(log->audit, &list, &n, fault) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    for (i = 0; i < n; i++) {
        if (list[i].inode == s->inode) {
            s->number = list[i].number;
            snprintf(s->file, sizeof(s->file), "%s", list[i].name);
        }
    }

    free(list);

    return DEBAR_OK;
}


void
debar_ship_log_close(debar_ship_log_t *log)
{
    for ( /* void */ ; log->first < log->next; log->first++) {
        close(log->files[log->first % DEBAR_SHIP_OPEN].fd);
    }

    free(log->block);
    log->block = NULL;
}


/* --- what is left ---------------------------------------------------------- */

/* Of the line that begins there. */

static void
debar_ship_lag_time(debar_ship_lag_t *lag, const debar_audit_t *a,
    const char *name, uint64_t offset)
{
    int          fd;
    char         text[128], *p;
    ssize_t      n;
    struct tm    tm;

    fd = debar_ship_entry_open(a, name);
    n = fd == -1 ? -1 : pread(fd, text, sizeof(text) - 1, (off_t) offset);

    if (fd != -1) {
        close(fd);
    }

    text[n > 0 ? n : 0] = '\0';
    p = strstr(text, "\"time\":\"");

    if (p == NULL || strlen(p) < 8 + 24 || p[8 + 24] != '"') {
        return;
    }

    memcpy(lag->since, p + 8, 24);
    lag->since[24] = '\0';
    memset(&tm, 0, sizeof(tm));

    if (strptime(lag->since, "%Y-%m-%dT%H:%M:%S", &tm) == NULL) {
        lag->since[0] = '\0';
        return;
    }

    lag->seconds = difftime(time(NULL), timegm(&tm));
    lag->seconds = lag->seconds > 0 ? lag->seconds : 0;
}


int
debar_ship_lag(debar_ship_lag_t *lag, const debar_audit_t *a, uint64_t number,
    uint64_t inode, uint64_t offset, debar_fault_t *fault)
{
    size_t               i, n;
    uint64_t             from;
    debar_ship_entry_t  *list;

    memset(lag, 0, sizeof(*lag));

    if (debar_ship_list(a, &list, &n, fault) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    for (i = 0; i < n; i++) {
        number = inode && list[i].inode == inode ? list[i].number : number;
    }

    for (i = 0; i < n; i++) {
        from = list[i].number == number
               && (inode == 0 || list[i].inode == inode) ? offset : 0;

        if ((inode && list[i].number < number) || list[i].size <= from) {
            continue;
        }

        if (lag->files++ == 0) {
            debar_ship_lag_time(lag, a, list[i].name, from);
        }

        lag->bytes += list[i].size - from;
    }

    free(list);

    return DEBAR_OK;
}


int
debar_ship_lag_command(const debar_audit_t *audit, const char *path,
    unsigned json)
{
    int                 rc;
    debar_buf_t         b;
    debar_fault_t       fault;
    debar_ship_lag_t    lag;
    debar_ship_state_t  s;

    rc = debar_ship_state_read(&s, path, &fault);

    if (rc == DEBAR_ERROR
        || debar_ship_lag(&lag, audit, s.number, s.inode, s.offset, &fault)
           != DEBAR_OK)
    {
        return debar_say("%s", fault.text);
    }

    if (json) {
        memset(&b, 0, sizeof(b));
        debar_buf_printf(&b, "{");
        debar_json_number(&b, "bytes", lag.bytes);
        debar_json_number(&b, "files", lag.files);
        debar_json_text(&b, "oldest", lag.since, strlen(lag.since));
        debar_json_number(&b, "seconds", (uint64_t) lag.seconds);
        debar_json_number(&b, "shipped", s.shipped);
        debar_buf_printf(&b, "}\n");
        debar_flush(&b);
        return 0;
    }

    printf("%llu bytes in %llu files are not shipped",
           (unsigned long long) lag.bytes, (unsigned long long) lag.files);

    if (lag.since[0]) {
        printf(", the oldest line of %s, %.0f s ago", lag.since, lag.seconds);
    }

    printf("; %llu records were\n", (unsigned long long) s.shipped);

    return 0;
}

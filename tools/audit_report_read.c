/*
 * The lines of an audit log, file by file, oldest first.  Lines outside of the
 * period are known by their first bytes and are not parsed.
 */

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <jansson.h>

#include "audit_report.h"


typedef struct {
    debar_report_read_t        *rd;
    const debar_report_args_t  *args;
    debar_report_pt             take;
    void                       *data;
} debar_reading_t;


static debar_str_t
debar_json_str(const json_t *object, const char *key)
{
    json_t  *value;

    value = json_object_get(object, key);

    return json_is_string(value) ? debar_str(json_string_value(value),
                                             json_string_length(value))
                                 : debar_str("", 0);
}


/* The address of "addr:port", "[addr]:port"; another client as it stands. */

static void
debar_row_addr(debar_audit_row_t *row, debar_str_t client)
{
    size_t       i, len;
    const char  *from;

    from = client.data;
    len = client.len;

    if (len && from[0] == '[') {
        from++;
        len--;

        for (i = 0; i < len && from[i] != ']'; i++) { /* void */ }
        len = i;

    } else {
        for (i = len; i && from[i - 1] != ':'; i--) { /* void */ }

        if (i && memchr(from, ':', i - 1) == NULL) {
            len = i - 1;
        }
    }

    len = len < sizeof(row->addr) - 1 ? len : sizeof(row->addr) - 1;
    memcpy(row->addr, from, len);
    row->addr[len] = '\0';
}


/* Of "http://user@host:port/", of "host:port" as a CONNECT has it. */

static void
debar_row_host(debar_audit_row_t *row)
{
    size_t       i, len;
    const char  *p, *end, *at;

    p = row->url.data;
    end = p + row->url.len;
    at = row->url.len ? memmem(p, row->url.len, "://", 3) : NULL;
    p = at ? at + 3 : p;

    for (at = p; at < end && strchr("/?#", *at) == NULL; at++) {
        if (*at == '@') {
            p = at + 1;
        }
    }

    end = at;

    if (p < end && *p == '[') {
        at = memchr(p, ']', (size_t) (end - p));
        end = at ? at + 1 : end;

    } else {
        at = p < end ? memchr(p, ':', (size_t) (end - p)) : NULL;
        end = at ? at : end;
    }

    len = (size_t) (end - p);
    len = len < sizeof(row->host_room) ? len : sizeof(row->host_room);

    for (i = 0; i < len; i++) {
        row->host_room[i] = (char) tolower((unsigned char) p[i]);
    }

    row->host = debar_str(row->host_room, len);
}


static int
debar_row_event(debar_audit_row_t *row, const json_t *line)
{
    row->type = DEBAR_ROW_EVENT;
    row->event = debar_json_str(line, "event");
    row->state = debar_json_str(line, "state");
    row->by = debar_json_str(line, "by");
    row->reason = debar_json_str(line, "reason");

    return row->event.len ? DEBAR_OK : DEBAR_DECLINED;
}


/* DEBAR_DECLINED: neither decision nor event (an outcome). */

static int
debar_row_parse(debar_audit_row_t *row, const json_t *line,
    const debar_report_args_t *args)
{
    json_t        *list, *serial;
    unsigned       k;
    debar_str_t    verdict;

    row->gateway = debar_json_str(line, "gateway");
    verdict = debar_json_str(line, "verdict");

    if (verdict.len == 0) {
        return debar_row_event(row, line);
    }

    for (k = DEBAR_PASS; k <= DEBAR_BLOCK; k++) {
        if (strlen(debar_action_name(k)) == verdict.len
            && memcmp(debar_action_name(k), verdict.data, verdict.len) == 0)
        {
            break;
        }
    }

    if (k > DEBAR_BLOCK) {
        return DEBAR_ERROR;
    }

    row->type = DEBAR_ROW_DECISION;
    row->verdict = k;
    row->incident = debar_json_str(line, "incident");
    row->surface = debar_json_str(line, "surface");
    row->user = debar_json_str(line, "user");
    row->url = debar_json_str(line, "url");
    row->activity = debar_json_str(line, "activity");
    row->mode = debar_json_str(line, "mode");
    row->fault = debar_json_str(line, "fault");
    row->vendor = debar_json_str(line, "vendor");
    row->product = debar_json_str(line, "product");
    row->permit = debar_json_str(line, "permit");
    row->waiver = debar_json_str(line, "waiver");
    row->authorities = json_object_get(line, "authorities");
    row->evidence = json_object_get(line, "evidence");

    list = json_object_get(line, "list");
    serial = json_object_get(list, "serial");
    row->serial = json_is_integer(serial) && json_integer_value(serial) > 0
                  ? (uint64_t) json_integer_value(serial) : 0;
    row->digest = debar_json_str(list, "digest");

    debar_row_addr(row, debar_json_str(line, "client"));
    debar_row_host(row);
    row->bureau = debar_bureau(args->bureaus, row->user, row->addr);

    return DEBAR_OK;
}


static int
debar_row_same(debar_str_t s, const char *want)
{
    return want == NULL
           || (s.len == strlen(want) && memcmp(s.data, want, s.len) == 0);
}


static int
debar_row_wanted(const debar_audit_row_t *row, const debar_report_args_t *args)
{
    if (row->type == DEBAR_ROW_EVENT) {
        return 1;
    }

    return debar_row_same(row->incident, args->incident)
           && debar_row_same(row->vendor, args->vendor)
           && (args->authority == NULL
               || debar_row_authority(row, args->authority));
}


/* Where every line of ours has it: {"time":"2026-01-02T03:04:05.678Z" */

static int
debar_line_time(char out[25], const char *line, size_t len)
{
    size_t             i;
    static const char  form[] = "{\"time\":\"dddd-dd-ddTdd:dd:dd.dddZ\"";

    if (len < sizeof(form) - 1) {
        return DEBAR_ERROR;
    }

    for (i = 0; i < sizeof(form) - 1; i++) {
        if (i >= 9 && form[i] == 'd' ? !isdigit((unsigned char) line[i])
                                     : line[i] != form[i])
        {
            return DEBAR_ERROR;
        }
    }

    memcpy(out, line + 9, 24);
    out[24] = '\0';

    return DEBAR_OK;
}


static void
debar_reading_line(debar_reading_t *r, const char *line, size_t len)
{
    int            rc;
    json_t        *json;
    debar_audit_row_t    row;
    json_error_t   error;

    r->rd->lines++;
    memset(&row, 0, sizeof(row));

    if (debar_line_time(row.time, line, len) != DEBAR_OK) {
        r->rd->unreadable++;
        return;
    }

    if ((r->args->since[0] && strcmp(row.time, r->args->since) < 0)
        || (r->args->until[0] && strcmp(row.time, r->args->until) >= 0))
    {
        return;
    }

    json = json_loadb(line, len, JSON_ALLOW_NUL, &error);
    rc = json_is_object(json) ? debar_row_parse(&row, json, r->args)
                              : DEBAR_ERROR;

    if (rc == DEBAR_ERROR) {
        r->rd->unreadable++;

    } else if (rc == DEBAR_OK && debar_row_wanted(&row, r->args)) {

        if (row.type == DEBAR_ROW_DECISION) {
            r->rd->decisions++;

            if (r->rd->first[0] == '\0'
                || strcmp(row.time, r->rd->first) < 0)
            {
                memcpy(r->rd->first, row.time, 25);
            }

            if (strcmp(row.time, r->rd->last) > 0) {
                memcpy(r->rd->last, row.time, 25);
            }
        }

        r->take(r->data, &row);
    }

    json_decref(json);
}


/* Whole lines of the first len bytes of block; returns how many bytes they
 * have.  over: the line began in a block before and is too long. */

static size_t
debar_reading_block(debar_reading_t *r, const char *block, size_t len,
    int *over)
{
    size_t       from;
    const char  *end;

    from = 0;

    while ((end = memchr(block + from, '\n', len - from))) {

        if (!*over && end != block + from) {
            debar_reading_line(r, block + from, (size_t) (end - block) - from);

            if (r->rd->lines % 4096 == 0) {
                debar_progress(NULL, "lines", r->rd->lines);
            }
        }

        *over = 0;
        from = (size_t) (end - block) + 1;
    }

    return from;
}


/* What stands behind the last newline of the live file is being written; of
 * another it is torn.  A line over the bound is passed over. */

static int
debar_reading_file(debar_reading_t *r, const char *path, int live,
    debar_fault_t *fault)
{
    int          fd, over;
    char         block[DEBAR_REPORT_LINE];
    size_t       have, used;
    ssize_t      n;
    struct stat  st;

    fd = open(path, O_RDONLY|O_CLOEXEC|O_NOFOLLOW|O_NONBLOCK);

    if (fd == -1 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        debar_fault(fault, "%s: %s; be a user who may read the audit log",
                    path, fd == -1 ? strerror(errno) : "is no regular file");
        if (fd != -1) {
            close(fd);
        }

        return DEBAR_ERROR;
    }

    have = 0;
    over = 0;

    while ((n = read(fd, block + have, sizeof(block) - have)) > 0) {
        have += (size_t) n;
        used = debar_reading_block(r, block, have, &over);
        have -= used;

        if (have == sizeof(block)) {
            r->rd->lines += !over;
            r->rd->unreadable += !over;
            over = 1;
            have = 0;
        }

        memmove(block, block + used, have);
    }

    if (!live && have && !over) {
        r->rd->lines++;
        r->rd->unreadable++;
    }

    if (n == -1) {
        debar_fault(fault, "%s: %s; read it again, or a copy of it", path,
                    strerror(errno));
    }

    close(fd);

    return n == -1 ? DEBAR_ERROR : DEBAR_OK;
}


static void
debar_reading_deleted(debar_report_read_t *rd, const debar_audit_t *a)
{
    size_t               i;
    debar_fault_t        ignored;
    debar_audit_files_t  files;

    memset(&files, 0, sizeof(files));

    if (debar_audit_files(&files, a, &ignored) == DEBAR_OK) {
        for (i = 0; i < files.n; i++) {
            rd->deleted += files.list[i].deleted != 0;
        }

        debar_audit_files_free(&files);
    }
}


int
debar_report_read(debar_report_read_t *rd, const debar_audit_t *a,
    const debar_report_args_t *args, debar_report_pt take, void *data,
    debar_fault_t *fault)
{
    int               i, n, rc;
    char              path[DEBAR_MAX_DIR + 300];
    struct dirent   **names;
    debar_reading_t   r = { rd, args, take, data };

    memset(rd, 0, sizeof(*rd));
    debar_reading_deleted(rd, a);

    n = scandir(a->path, &names, debar_audit_numbered, debar_audit_order);

    if (n == -1) {
        debar_fault(fault, "%s: %s; be a user who may read the audit log",
                    a->path, strerror(errno));
        return DEBAR_ERROR;
    }

    rc = DEBAR_OK;

    for (i = 0; i < n; i++) {
        debar_audit_path(a, names[i]->d_name, path, sizeof(path));

        if (rc == DEBAR_OK) {
            rc = debar_reading_file(&r, path, 0, fault);
            rd->files++;
        }

        free(names[i]);
    }

    free(names);
    debar_audit_path(a, "audit.jsonl", path, sizeof(path));

    if (rc == DEBAR_OK && access(path, F_OK) == 0) {
        rc = debar_reading_file(&r, path, 1, fault);
        rd->files++;
    }

    if (rc == DEBAR_OK && rd->files == 0) {
        debar_fault(fault, "%s: has no audit-*.jsonl nor audit.jsonl: name the "
                    "DIR/audit of a gateway", a->path);
        rc = DEBAR_ERROR;
    }

    debar_progress_end();

    return rc;
}


static int
debar_word_of(const char *words, debar_str_t s)
{
    size_t  n;

    for ( ;; ) {
        words += strspn(words, " ");
        n = strcspn(words, " ");

        if (n == 0) {
            return 0;
        }

        if (n == s.len && memcmp(words, s.data, n) == 0) {
            return 1;
        }

        words += n;
    }
}


void
debar_row_evidence(debar_buf_t *b, const debar_audit_row_t *row, const char *kinds,
    int bare)
{
    size_t         i;
    json_t        *one;
    debar_str_t    kind, value, where;

    json_array_foreach((const json_t *) row->evidence, i, one) {
        kind = debar_json_str(one, "kind");
        value = debar_json_str(one, "value");
        where = debar_json_str(one, "where");

        if (kinds && !debar_word_of(kinds, kind)) {
            continue;
        }

        if (bare) {
            debar_buf_add(b, value.data, value.len);
            return;
        }

        debar_buf_printf(b, "%.*s %.*s", (int) kind.len, kind.data,
                         (int) value.len, value.data);

        if (where.len) {
            debar_buf_printf(b, " (%.*s)", (int) where.len, where.data);
        }

        return;
    }
}


int
debar_row_authority(const debar_audit_row_t *row, const char *words)
{
    size_t       i, n;
    json_t      *one;
    const char  *word;

    json_array_foreach((const json_t *) row->authorities, i, one) {

        for (word = words; word && *word; word += n + strspn(word + n, " ")) {
            n = strcspn(word, " ");

            if (json_is_string(one) && n
                && memmem(json_string_value(one), json_string_length(one),
                          word, n))
            {
                return 1;
            }
        }
    }

    return 0;
}

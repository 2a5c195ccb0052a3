/*
 * Lines that were found, read from the log: a table for people, CSV for
 * spreadsheets, JSON for machines.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include "audit_search.h"
#include "csv.h"


#define DEBAR_SHOW_COLUMNS  17
#define DEBAR_SHOW_WIDE     10000


typedef struct {
    debar_index_t       *x;
    const debar_audit_t *audit;
    const debar_search_t *q;
    sqlite3_stmt        *row;
    sqlite3_stmt        *name;
    debar_index_line_t   line;
    int64_t              file;    /* that is open */
    int                  fd;
    char                 path[DEBAR_SEALED_NAME];
    char                *data;
    size_t               size;
    int64_t              offset;
    int64_t              status;
    int64_t              bytes;
    unsigned             width;
    int                  colour;
    debar_buf_t          out;
} debar_show_t;

typedef struct {
    debar_str_t  text;
    unsigned     width;
} debar_cell_t;


static int debar_show_line(debar_show_t *s, uint64_t id, debar_fault_t *fault);
static int debar_show_read(debar_show_t *s, int64_t file, int64_t len);
static void debar_show_head(debar_show_t *s);
static void debar_show_row(debar_show_t *s);
static void debar_show_cell(debar_show_t *s, debar_str_t text, unsigned width,
    const char *colour);
static void debar_show_csv(debar_show_t *s);
static void debar_show_json(debar_show_t *s);


static const char *const  debar_show_columns[DEBAR_SHOW_COLUMNS] = {
    "time", "incident", "gateway", "surface", "client", "user", "method",
    "url", "activity", "verdict", "mode", "vendor", "product", "authorities",
    "evidence", "status", "bytes"
};


int
debar_search_show(debar_index_t *x, const debar_audit_t *a,
    const debar_search_t *q, const debar_search_found_t *f, uint64_t *shown,
    debar_fault_t *fault)
{
    int             rc;
    uint64_t        id;
    debar_show_t    s;
    struct winsize  w;

    memset(&s, 0, sizeof(s));
    s.x = x;
    s.audit = a;
    s.q = q;
    s.fd = -1;
    s.colour = debar_colour(stdout);
    s.width = DEBAR_SHOW_WIDE;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col) {
        s.width = w.ws_col < 60 ? 60 : w.ws_col;
    }

    if (sqlite3_prepare_v2(x->db, "SELECT file, offset, len, status, bytes, "
                           "time FROM line WHERE id = ?", -1, &s.row, NULL)
        != SQLITE_OK
        || sqlite3_prepare_v2(x->db, "SELECT name FROM file WHERE id = ?", -1,
                              &s.name, NULL) != SQLITE_OK)
    {
        sqlite3_finalize(s.row);
        return debar_index_wrong(x, fault);
    }

    rc = DEBAR_OK;
    *shown = 0;

    for (id = f->set.size; rc == DEBAR_OK && id-- > 0; /* void */ ) {

        if (f->set.bits[id / 8] == 0) {
            id &= ~7ull;
            continue;
        }

        if (!(f->set.bits[id / 8] >> id % 8 & 1)) {
            continue;
        }

        if (q->limit && *shown == q->limit) {
            break;
        }

        if (*shown == 0 || q->format == DEBAR_SHOW_JSON) {
            if (*shown == 0) {
                debar_show_head(&s);
            }
        }

        rc = debar_show_line(&s, id, fault);
        *shown += rc == DEBAR_OK;

        if (s.out.len > (64 << 10)) {
            fwrite(s.out.data, 1, s.out.len, stdout);
            s.out.len = 0;
        }
    }

    debar_flush(&s.out);
    debar_index_line_free(&s.line);
    sqlite3_finalize(s.row);
    sqlite3_finalize(s.name);
    free(s.data);

    if (s.fd != -1) {
        close(s.fd);
    }

    return rc;
}


static int
debar_show_line(debar_show_t *s, uint64_t id, debar_fault_t *fault)
{
    int      rc;
    int64_t  file, len, time;

    sqlite3_bind_int64(s->row, 1, (int64_t) id);
    rc = sqlite3_step(s->row);

    if (rc != SQLITE_ROW) {
        sqlite3_reset(s->row);
        s->x->damaged = 1;
        debar_fault(fault, "%s: has no line %llu: make it again by `debar "
                    "audit index --rebuild`", s->x->path,
                    (unsigned long long) id);
        return DEBAR_ERROR;
    }

    file = sqlite3_column_int64(s->row, 0);
    s->offset = sqlite3_column_int64(s->row, 1);
    len = sqlite3_column_int64(s->row, 2);
    s->status = sqlite3_column_type(s->row, 3) == SQLITE_NULL
                ? -1 : sqlite3_column_int64(s->row, 3);
    s->bytes = sqlite3_column_type(s->row, 4) == SQLITE_NULL
               ? -1 : sqlite3_column_int64(s->row, 4);
    time = sqlite3_column_int64(s->row, 5);
    sqlite3_reset(s->row);

    if (debar_show_read(s, file, len) != DEBAR_OK
        || debar_index_line(&s->line, s->data, (size_t) len) != DEBAR_OK
        || s->line.time != time)
    {
        debar_fault(fault, "%s/%s: has not the line at %lld any more that was "
                    "indexed: bring the index up to date", s->audit->path,
                    s->path, (long long) s->offset);
        return DEBAR_ERROR;
    }

    if (s->q->format == DEBAR_SHOW_JSON) {
        debar_show_json(s);

    } else if (s->q->format == DEBAR_SHOW_CSV) {
        debar_show_csv(s);

    } else {
        debar_show_row(s);
    }

    return DEBAR_OK;
}


static int
debar_show_read(debar_show_t *s, int64_t file, int64_t len)
{
    int    rc;
    char   path[DEBAR_MAX_DIR + 64];
    void  *data;

    if (s->fd == -1 || s->file != file) {

        if (s->fd != -1) {
            close(s->fd);
        }

        sqlite3_bind_int64(s->name, 1, file);
        rc = sqlite3_step(s->name);
        snprintf(s->path, sizeof(s->path), "%s",
                 rc == SQLITE_ROW ? (const char *) sqlite3_column_text(s->name, 0)
                                  : "?");
        sqlite3_reset(s->name);

        /* a name of the index is none of this program's */

        if (strcmp(s->path, DEBAR_SEALED_LIVE) != 0
            && debar_sealed_number(s->path, strlen(s->path)) == 0)
        {
            s->fd = -1;
            return DEBAR_ERROR;
        }

        debar_audit_path(s->audit, s->path, path, sizeof(path));
        s->fd = open(path, O_RDONLY|O_CLOEXEC|O_NOFOLLOW|O_NONBLOCK);
        s->file = file;
    }

    if (s->fd == -1 || len <= 0 || len > DEBAR_INDEX_LINE) {
        return DEBAR_ERROR;
    }

    if ((size_t) len > s->size) {
        data = realloc(s->data, (size_t) len);

        if (data == NULL) {
            return DEBAR_ERROR;
        }

        s->data = data;
        s->size = (size_t) len;
    }

    return pread(s->fd, s->data, (size_t) len, (off_t) s->offset) == len
           ? DEBAR_OK : DEBAR_ERROR;
}


static debar_str_t
debar_show_string(const json_t *v)
{
    const char  *p;

    p = json_string_value(v);

    return debar_str(p ? p : "", p ? json_string_length(v) : 0);
}


/* A member as one text: lists joined. */

static debar_str_t
debar_show_member(debar_show_t *s, const char *name, debar_buf_t *room)
{
    size_t        i;
    json_t       *v, *e;
    debar_str_t   t;

    room->len = 0;

    if (strcmp(name, "status") == 0 || strcmp(name, "bytes") == 0) {
        if ((name[0] == 's' ? s->status : s->bytes) >= 0) {
            debar_buf_printf(room, "%lld", (long long)
                             (name[0] == 's' ? s->status : s->bytes));
        }

        return debar_str(room->data, room->len);
    }

    v = json_object_get(s->line.json, name);

    if (json_is_string(v)) {
        return debar_show_string(v);
    }

    json_array_foreach(v, i, e) {

        if (i) {
            debar_buf_printf(room, "; ");
        }

        if (json_is_string(e)) {
            t = debar_show_string(e);
            debar_buf_add(room, t.data, t.len);
            continue;
        }

        t = debar_show_string(json_object_get(e, "kind"));
        debar_buf_add(room, t.data, t.len);
        debar_buf_printf(room, " ");
        t = debar_show_string(json_object_get(e, "value"));
        debar_buf_add(room, t.data, t.len);
        debar_buf_printf(room, " in ");
        t = debar_show_string(json_object_get(e, "where"));
        debar_buf_add(room, t.data, t.len);
    }

    return debar_str(room->data, room->len);
}


static void
debar_show_head(debar_show_t *s)
{
    size_t       i;
    debar_str_t  cells[DEBAR_SHOW_COLUMNS];

    if (s->q->format == DEBAR_SHOW_CSV) {
        for (i = 0; i < DEBAR_SHOW_COLUMNS; i++) {
            cells[i] = debar_str(debar_show_columns[i],
                                 strlen(debar_show_columns[i]));
        }

        debar_csv_put(&s->out, ',', cells, DEBAR_SHOW_COLUMNS);
    }

    if (s->q->format == DEBAR_SHOW_TABLE) {
        if (s->colour) {
            debar_buf_printf(&s->out, "\033[1m");
        }

        debar_buf_printf(&s->out, "%-19s  %-7s %-8s  %-22s  %-14s  ", "TIME",
                         "VERDICT", "ACTIVITY", "WHO", "VENDOR");

        if (s->width >= 140) {
            debar_buf_printf(&s->out, "%-6s  %-32s  ", "STATUS", "INCIDENT");

        } else {
            debar_buf_printf(&s->out, "%-10s  ", "INCIDENT");
        }

        debar_buf_printf(&s->out, s->colour ? "WHAT\033[0m\n" : "WHAT\n");
    }
}


/* Time in UTC; who is the user, else the client; the incident's first digits,
 * by which --incident finds it, where there is no room for all. */

static void
debar_show_row(debar_show_t *s)
{
    unsigned      used;
    const char   *colour;
    debar_buf_t   room;
    debar_str_t   t, v;

    memset(&room, 0, sizeof(room));

    t = debar_show_member(s, "time", &room);
    t.len = t.len > 19 ? 19 : t.len;
    debar_show_cell(s, t, 19, NULL);

    v = debar_show_member(s, "verdict", &room);
    colour = v.len == 5 && memcmp(v.data, "block", 5) == 0 ? "31"
             : v.len == 6 && memcmp(v.data, "reject", 6) == 0 ? "35"
             : v.len == 3 && memcmp(v.data, "log", 3) == 0 ? "33" : NULL;

    if (s->line.kind == DEBAR_LINE_EVENT) {
        debar_show_cell(s, debar_str("event", 5), 7, "36");
        s->out.len--;
        debar_show_cell(s, debar_show_member(s, "state", &room), 8, NULL);
        debar_show_cell(s, debar_show_member(s, "by", &room), 22, NULL);

    } else {
        debar_show_cell(s, v, 7, colour);
        s->out.len--;
        debar_show_cell(s, debar_show_member(s, "activity", &room), 8, NULL);
        t = debar_show_member(s, "user", &room);
        debar_show_cell(s, t.len ? t : debar_show_member(s, "client", &room),
                        22, NULL);
    }

    debar_show_cell(s, debar_show_member(s, "vendor", &room), 14, NULL);
    used = 19 + 2 + 7 + 1 + 8 + 2 + 22 + 2 + 14 + 2;
    t = debar_show_member(s, "incident", &room);

    if (s->width >= 140) {
        v = debar_show_member(s, "status", &room);
        debar_show_cell(s, v, 6, NULL);
        debar_show_cell(s, debar_show_member(s, "incident", &room), 32, "2");
        used += 42;

    } else {
        t.len = t.len > 10 ? 10 : t.len;
        debar_show_cell(s, t, 10, "2");
        used += 12;
    }

    if (s->line.kind == DEBAR_LINE_EVENT) {
        t = debar_show_member(s, "event", &room);
        debar_show_cell(s, t, (unsigned) t.len, NULL);
        t = debar_show_member(s, "reason", &room);
        used += 16;

    } else {
        t = debar_show_member(s, "url", &room);
    }

    debar_show_cell(s, t, s->width > used + 12 ? s->width - used : 12, NULL);

    while (s->out.len && s->out.data[s->out.len - 1] == ' ') {
        s->out.len--;
    }

    debar_buf_printf(&s->out, "\n");
    debar_buf_free(&room);
}


/* Text of others in a column: nothing in it moves the cursor, hides, or turns
 * the direction; what is longer ends in "~". */

static void
debar_show_cell(debar_show_t *s, debar_str_t text, unsigned width,
    const char *colour)
{
    char         shown[16];
    int          wide, kind;
    UChar32      c;
    unsigned     used, w;
    int32_t      i, from, len;

    if (s->colour && colour) {
        debar_buf_printf(&s->out, "\033[%sm", colour);
    }

    used = 0;
    len = (int32_t) (text.len < (1 << 16) ? text.len : 1 << 16);

    for (i = 0; i < len; /* void */ ) {

        from = i;
        U8_NEXT(text.data, i, len, c);
        kind = c < 0 ? U_CONTROL_CHAR : u_charType(c);

        if (kind == U_CONTROL_CHAR || kind == U_FORMAT_CHAR
            || kind == U_UNASSIGNED || kind == U_SURROGATE
            || kind == U_PRIVATE_USE_CHAR || kind == U_LINE_SEPARATOR
            || kind == U_PARAGRAPH_SEPARATOR)
        {
            snprintf(shown, sizeof(shown), c > 0xff ? "\\u{%x}" : "\\x%02x",
                     c < 0 ? (unsigned char) text.data[from] : (unsigned) c);
            w = (unsigned) strlen(shown);

        } else {
            wide = u_getIntPropertyValue(c, UCHAR_EAST_ASIAN_WIDTH);
            w = kind == U_NON_SPACING_MARK || kind == U_ENCLOSING_MARK ? 0
                : wide == U_EA_WIDE || wide == U_EA_FULLWIDTH ? 2 : 1;
            snprintf(shown, sizeof(shown), "%.*s", (int) (i - from),
                     text.data + from);
        }

        if (used + w > width - (i < len)) {
            debar_buf_printf(&s->out, "~");
            used++;
            break;
        }

        debar_buf_printf(&s->out, "%s", shown);
        used += w;
    }

    if (s->colour && colour) {
        debar_buf_printf(&s->out, "\033[0m");
    }

    if (width != DEBAR_SHOW_WIDE) {
        debar_buf_printf(&s->out, "%*s", used < width && width < 64
                         ? (int) (width - used) + 2 : 2, "");
    }
}


/* No cell is a formula, and none has control characters. */

static void
debar_show_csv(debar_show_t *s)
{
    size_t        i, j;
    debar_buf_t   room, rows[DEBAR_SHOW_COLUMNS];
    debar_str_t   t, cells[DEBAR_SHOW_COLUMNS];

    memset(&room, 0, sizeof(room));
    memset(rows, 0, sizeof(rows));

    for (i = 0; i < DEBAR_SHOW_COLUMNS; i++) {

        t = debar_show_member(s, debar_show_columns[i], &room);

        /* also the full-width forms, which some take for the same */

        if (t.len && (strchr("=+-@\t\r\n|%", t.data[0])
                      || (t.len > 2 && memcmp(t.data, "\xef\xbc", 2) == 0
                          && strchr("\x9d\x8b\x8d\xa0", t.data[2]))))
        {
            debar_buf_add(&rows[i], "'", 1);
        }

        for (j = 0; j < t.len; j++) {
            if ((unsigned char) t.data[j] < 0x20 || t.data[j] == 0x7f) {
                debar_buf_printf(&rows[i], "\\x%02x",
                                 (unsigned char) t.data[j]);

            } else {
                debar_buf_add(&rows[i], t.data + j, 1);
            }
        }

        cells[i] = debar_str(rows[i].data, rows[i].len);
    }

    debar_csv_put(&s->out, ',', cells, DEBAR_SHOW_COLUMNS);

    for (i = 0; i < DEBAR_SHOW_COLUMNS; i++) {
        debar_buf_free(&rows[i]);
    }

    debar_buf_free(&room);
}


/* The line with its outcome, and where it is. */

static void
debar_show_json(debar_show_t *s)
{
    char    *text;
    json_t  *at, *o;

    o = s->line.json;

    if (s->status >= 0) {
        at = json_object();
        json_object_set_new(at, "status", json_integer(s->status));

        if (s->bytes >= 0) {
            json_object_set_new(at, "bytes", json_integer(s->bytes));
        }

        json_object_set_new(o, "outcome", at);
    }

    at = json_object();
    json_object_set_new(at, "file", json_string(s->path));
    json_object_set_new(at, "offset", json_integer(s->offset));
    json_object_set_new(o, "at", at);

    text = json_dumps(o, JSON_COMPACT|JSON_ENSURE_ASCII);

    if (text) {
        debar_buf_printf(&s->out, "%s\n", text);
        free(text);
    }
}

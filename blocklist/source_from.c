/*
 * Plain files beside the YAML: one value a line.  Ten million lines are
 * ordinary here, so blocks of them are read by two threads, and nothing is
 * allocated for a line.
 */

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "guard.h"


#define DEBAR_FROM_PARTS  2
#define DEBAR_FROM_BLOCK  (2 << 20)       /* about 100,000 lines */

typedef struct {
    debar_reader_t   *r;          /* where values need tables: one thread */
    debar_reader_t   *reader;
    const char       *file;
    const char       *data;
    size_t            len;
    uint64_t          lines;
    unsigned          ascii;
    debar_value_t     value;
    debar_rowset_t    rows[DEBAR_DBS];
    debar_errors_t    errors;     /* lines from 1 of this part */
} debar_part_t;


static void debar_from_read(debar_reader_t *r, int fd, const char *path,
    debar_part_t *parts);
static void debar_from_parts(debar_reader_t *r, debar_part_t *parts,
    const char *data, size_t len, uint64_t *lines);
static void *debar_from_part(void *data);
static void debar_from_line(debar_part_t *part, const char *p,
    const char *end);
static int debar_from_utf8(const char *p, size_t len);
static int debar_from_ascii(const char *p, size_t len);
static void debar_from_gather(debar_reader_t *r, debar_part_t *part,
    uint64_t lines);
static void debar_from_join(debar_rowset_t *to, debar_rowset_t *from);


void
debar_source_from(debar_reader_t *r, debar_doc_t *doc,
    const debar_node_t *node, const debar_value_t *v)
{
    int             fd;
    char           *path;
    size_t          i, n;
    debar_str_t     name;
    debar_part_t   *parts;
    debar_fault_t   why;

    if (debar_yaml_text(doc, node, v->kind->from, &name) != DEBAR_OK) {
        return;
    }

    fd = debar_source_open(r, name.data, name.len, &path, &why);

    if (fd == -1) {
        debar_yaml_error(doc, node, "%s", why.text);
        return;
    }

    parts = calloc(DEBAR_FROM_PARTS, sizeof(debar_part_t));
    if (parts == NULL) {
        abort();
    }

    for (i = 0; i < DEBAR_FROM_PARTS; i++) {
        parts[i].r = (v->kind->flags & DEBAR_KIND_TABLES) ? r : NULL;
        parts[i].reader = r;
        parts[i].file = path;
        parts[i].value = *v;
    }

    debar_from_read(r, fd, path, parts);

    for (i = 0; i < DEBAR_FROM_PARTS; i++) {
        for (n = 0; n < DEBAR_DBS; n++) {
            debar_rowset_free(&parts[i].rows[n]);
        }
    }

    free(parts);
    free(path);
    close(fd);
}


/* Whole lines of each block; what is behind the last of them waits. */

static void
debar_from_read(debar_reader_t *r, int fd, const char *path,
    debar_part_t *parts)
{
    char      *buf;
    size_t     len, done, size;
    ssize_t    n;
    uint64_t   lines;

    size = DEBAR_FROM_PARTS * DEBAR_FROM_BLOCK;
    lines = 0;
    len = 0;

    buf = malloc(size);
    if (buf == NULL) {
        abort();
    }

    for ( ;; ) {
        n = read(fd, buf + len, size - len);

        if (n == -1 && errno == EINTR) {
            continue;
        }

        if (n == -1) {
            debar_errors_add(r->errors, path, 0, 0, "cannot be read: %s",
                             strerror(errno));
            break;
        }

        if (n == 0) {
            if (len) {
                debar_from_parts(r, parts, buf, len, &lines);
            }

            break;
        }

        len += (size_t) n;

        if (len < size) {
            continue;
        }

        for (done = len; done && buf[done - 1] != '\n'; done--) {
            /* void */
        }

        if (done == 0) {
            debar_errors_add(r->errors, path, (unsigned) lines + 1, 1,
                             "a line longer than %d bytes", DEBAR_MAX_LINE);
            break;
        }

        debar_from_parts(r, parts, buf, done, &lines);

        len -= done;
        memmove(buf, buf + done, len);

        if (r->progress) {
            r->progress(r->data, path, lines);
        }
    }

    if (r->progress) {
        r->progress(r->data, path, lines);
    }

    free(buf);
}


static void
debar_from_parts(debar_reader_t *r, debar_part_t *parts, const char *data,
    size_t len, uint64_t *lines)
{
    size_t        half;
    const char   *nl;
    pthread_t     tid;

    half = len;

    if (parts[0].r == NULL && len > DEBAR_FROM_BLOCK / 8) {
        nl = memchr(data + len / 2, '\n', len - len / 2);
        half = nl ? (size_t) (nl - data) + 1 : len;
    }

    parts[0].data = data;
    parts[0].len = half;
    parts[1].data = data + half;
    parts[1].len = len - half;

    if (half == len || pthread_create(&tid, NULL, debar_from_part, &parts[1])) {
        debar_from_part(&parts[0]);
        debar_from_part(&parts[1]);

    } else {
        debar_from_part(&parts[0]);
        pthread_join(tid, NULL);
    }

    debar_from_gather(r, &parts[0], *lines);
    *lines += parts[0].lines;

    debar_from_gather(r, &parts[1], *lines);
    *lines += parts[1].lines;
}


static void *
debar_from_part(void *data)
{
    const char    *p, *end, *nl;
    debar_part_t  *part;

    part = data;
    part->lines = 0;
    part->ascii = debar_from_ascii(part->data, part->len);

    end = part->data + part->len;

    for (p = part->data; p < end; p = nl + 1) {
        nl = memchr(p, '\n', (size_t) (end - p));

        if (nl == NULL) {
            nl = end;
        }

        part->lines++;
        debar_from_line(part, p, nl);
    }

    return NULL;
}


static void
debar_from_line(debar_part_t *part, const char *p, const char *end)
{
    int            rc;
    unsigned       col;
    const char    *start, *hash;
    debar_fault_t  why;

    start = p;

    if (end - p > DEBAR_MAX_LINE) {
        debar_errors_add(&part->errors, part->file, (unsigned) part->lines, 1,
                         "a line longer than %d bytes", DEBAR_MAX_LINE);
        return;
    }

    if (!part->ascii) {
        if (end - p >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0) {
            p += 3;               /* an editor's mark before the first line */
            start = p;
        }

        rc = debar_from_utf8(p, (size_t) (end - p));

        if (rc >= 0) {
            debar_errors_add(&part->errors, part->file,
                             (unsigned) part->lines, (unsigned) rc + 1,
                             "byte 0x%02x is not UTF-8: save the file as UTF-8",
                             (unsigned char) p[rc]);
            return;
        }
    }

    while (p < end && (*p == ' ' || *p == '\t')) {
        p++;
    }

    for (hash = p; (hash = memchr(hash, '#', (size_t) (end - hash))); hash++) {
        if (hash == p || hash[-1] == ' ' || hash[-1] == '\t') {
            end = hash;
            break;
        }
    }

    while (end > p && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r')) {
        end--;
    }

    if (p == end) {
        return;
    }

    col = (unsigned) (p - start) + 1;
    rc = debar_value_read(&part->value, p, (size_t) (end - p), &why);

    if (part->reader->guard
        && (rc == DEBAR_OK
            ? debar_guard_value(part->reader->guard, part->reader->src,
                                &part->value, p, (size_t) (end - p), &why)
              != DEBAR_OK
            : part->value.suffix))
    {
        debar_errors_add(&part->errors, part->file, (unsigned) part->lines,
                         col, "%s; if it is meant, list it as a row in the "
                         "vendor's YAML with forced: \"the reason\"", why.text);
        return;
    }

    if (rc == DEBAR_OK && part->r) {
        rc = debar_value_add(part->r, &part->value, p, (size_t) (end - p),
                             &why);

    } else if (rc == DEBAR_OK) {
        debar_value_row(&part->value, part->rows);
    }

    if (rc != DEBAR_OK) {
        debar_errors_add(&part->errors, part->file, (unsigned) part->lines,
                         col, "%s", why.text);
    }
}


/* Where it stops to be UTF-8, or -1. */

static int
debar_from_utf8(const char *p, size_t len)
{
    size_t  i, n;

    for (i = 0; i < len; i += n) {
        n = debar_utf8_len(p + i, len - i);

        if (n == 0) {
            return (int) i;
        }
    }

    return -1;
}


static int
debar_from_ascii(const char *p, size_t len)
{
    uint64_t  word, all;

    all = 0;

    for (/* void */; len >= 8; p += 8, len -= 8) {
        memcpy(&word, p, 8);
        all |= word;
    }

    for (/* void */; len; p++, len--) {
        all |= (unsigned char) *p;
    }

    return (all & 0x8080808080808080ull) == 0;
}


/* Rows and errors of a part, behind those before it. */

static void
debar_from_gather(debar_reader_t *r, debar_part_t *part, uint64_t lines)
{
    size_t          i;
    debar_error_t  *err;

    for (i = 0; i < DEBAR_DBS; i++) {
        debar_from_join(&r->src->rows[i], &part->rows[i]);
    }

    for (i = 0; i < part->errors.n; i++) {
        err = &part->errors.list[i];
        debar_errors_add(r->errors, err->file, err->line + (unsigned) lines,
                         err->col, "%s", err->text);
    }

    r->errors->dropped += part->errors.dropped;
    debar_errors_free(&part->errors);
}


/* Moves all rows; `from` keeps its room for the next block. */

static void
debar_from_join(debar_rowset_t *to, debar_rowset_t *from)
{
    size_t    i, n;
    uint64_t  base;

    if (from->n == 0) {
        return;
    }

    base = to->bytes.len;
    debar_buf_add(&to->bytes, from->bytes.data, from->bytes.len);

    n = to->n + from->n;

    if (n > to->size) {
        to->size = n > to->size * 2 ? n : to->size * 2;
        to->rows = reallocarray(to->rows, to->size, sizeof(debar_row_t));

        if (to->rows == NULL) {
            abort();
        }
    }

    for (i = 0; i < from->n; i++) {
        to->rows[to->n] = from->rows[i];
        to->rows[to->n++].off += base;
    }

    from->n = 0;
    from->bytes.len = 0;
}

/*
 * Rows of CSV and TSV, read and written: see csv.h.
 */

#include <stdlib.h>

#include "csv.h"


static int debar_csv_row(debar_csv_t *csv, debar_fault_t *why);
static int debar_csv_quoted(debar_csv_t *csv, debar_str_t *out,
    debar_fault_t *why);
static int debar_csv_plain(debar_csv_t *csv, debar_str_t *out,
    debar_fault_t *why);
static int debar_csv_fault(debar_csv_t *csv, const char *at,
    debar_fault_t *why, const char *text);
static void debar_csv_resync(debar_csv_t *csv, const char *from);
static void debar_csv_place(const char *from, const char *at, unsigned *line,
    unsigned *col);
static const char *debar_csv_eol(const char *p, const char *end);
static char debar_csv_guess(const char *p, const char *end);


int
debar_csv_open(debar_csv_t *csv, const char *data, size_t len,
    char separator, debar_fault_t *why)
{
    const char  *end;

    memset(csv, 0, offsetof(debar_csv_t, room));
    csv->fields = csv->room;

    if (len >= 2 && (memcmp(data, "\xff\xfe", 2) == 0
                     || memcmp(data, "\xfe\xff", 2) == 0))
    {
        debar_fault(why, "it is UTF-16: save it as \"CSV UTF-8\"");
        goto failed;
    }

    if (len >= 4 && memcmp(data, "PK\3\4", 4) == 0) {
        debar_fault(why, "it is a ZIP or a spreadsheet, not CSV: unpack it, or "
                    "save the sheet as \"CSV UTF-8\"");
        goto failed;
    }

    if (len >= 8 && memcmp(data, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8) == 0) {
        debar_fault(why, "it is an old spreadsheet, not CSV: save the sheet as "
                    "\"CSV UTF-8\"");
        goto failed;
    }

    if (len >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0) {
        data += 3;
        len -= 3;
    }

    /* DOS ends a file with 0x1A, and what is behind it is padding. */

    end = data + len;

    while (end > data && (end[-1] == 0x1a || end[-1] == '\0'
                          || end[-1] == '\n' || end[-1] == '\r'))
    {
        end--;
    }

    csv->p = data;
    csv->start = data;
    csv->end = end;
    csv->strict = data;
    csv->next_line = 1;
    csv->separator = separator ? separator : debar_csv_guess(data, end);

    return DEBAR_OK;

failed:

    csv->separator = ',';

    return DEBAR_ERROR;
}


int
debar_csv_next(debar_csv_t *csv, debar_fault_t *why)
{
    int          rc;
    const char  *eol, *p;

    /* blank lines */

    for ( ;; ) {
        eol = csv->p;

        while (eol < csv->end && *eol == ' ') {
            eol++;
        }

        if (eol == csv->end) {
            csv->p = csv->end;
            return DEBAR_DECLINED;
        }

        if (*eol != '\n' && *eol != '\r') {
            break;
        }

        csv->p = eol + 1 + (*eol == '\r' && eol + 1 < csv->end
                            && eol[1] == '\n');
        csv->next_line++;
    }

    csv->n = 0;
    csv->line = csv->next_line;
    csv->row = csv->p;
    csv->text_len = 0;

    rc = debar_csv_row(csv, why);

    /* Here csv->p is at the end of the row's last line. */

    csv->raw = debar_str(csv->row, (size_t) (csv->p - csv->row));

    for (p = csv->row; p < csv->p; p++) {
        if (*p == '\n' || (*p == '\r' && (p + 1 == csv->end || p[1] != '\n'))) {
            csv->next_line++;
        }
    }

    if (csv->p < csv->end) {
        csv->next_line++;
        csv->p += 1 + (*csv->p == '\r' && csv->p + 1 < csv->end
                       && csv->p[1] == '\n');
    }

    return rc;
}


static int
debar_csv_row(debar_csv_t *csv, debar_fault_t *why)
{
    int           rc;
    debar_str_t  *field;

    for ( ;; ) {

        if (csv->n == DEBAR_CSV_MAX_FIELDS) {
            return debar_csv_fault(csv, csv->p, why, "a row of more than "
                                   "512 fields");
        }

        field = &csv->room[csv->n++];

        rc = csv->p < csv->end && *csv->p == '"'
             ? debar_csv_quoted(csv, field, why)
             : debar_csv_plain(csv, field, why);

        if (rc != DEBAR_OK) {
            return rc;
        }

        if (csv->p - csv->row > DEBAR_CSV_MAX_ROW) {
            return debar_csv_fault(csv, csv->p, why, "a row longer than 1 MiB");
        }

        if (csv->p == csv->end || *csv->p != csv->separator) {
            return DEBAR_OK;
        }

        csv->p++;
    }
}


/*
 * Room for undoubled text is taken once a row, as long as the row may be at
 * most, so that what fields point to does not move.
 */

static int
debar_csv_quoted(debar_csv_t *csv, debar_str_t *out, debar_fault_t *why)
{
    size_t       from, doubled;
    const char  *p, *open, *end, *q, *eol;

    open = csv->p;
    p = open + 1;
    end = csv->end;
    doubled = 0;

    if (end - p > DEBAR_CSV_MAX_FIELD) {
        end = p + DEBAR_CSV_MAX_FIELD;
    }

    if (open < csv->strict) {
        eol = debar_csv_eol(p, end);
        end = eol;
    }

    from = 0;

    for ( ;; ) {
        q = memchr(p, '"', (size_t) (end - p));

        if (q == NULL) {
            if (csv->strict < end) {
                csv->strict = end;
            }

            return debar_csv_fault(csv, open, why, "a quote is opened and not "
                                   "closed");
        }

        if (q + 1 == csv->end || q[1] != '"') {
            break;
        }

        /* doubled: the text goes to room of its own */

        if (csv->text == NULL) {
            csv->text = malloc(2 * DEBAR_CSV_MAX_ROW);

            if (csv->text == NULL) {
                abort();
            }
        }

        if (doubled++ == 0) {
            from = csv->text_len;
        }

        memcpy(csv->text + csv->text_len, p, (size_t) (q + 1 - p));
        csv->text_len += (size_t) (q + 1 - p);
        p = q + 2;

        if (p > end) {
            p = end;
        }
    }

    if (doubled == 0) {
        *out = debar_str(open + 1, (size_t) (q - open - 1));

    } else {
        memcpy(csv->text + csv->text_len, p, (size_t) (q - p));
        csv->text_len += (size_t) (q - p);
        *out = debar_str(csv->text + from, csv->text_len - from);
    }

    if (memchr(out->data, '\0', out->len)) {
        return debar_csv_fault(csv, open, why, "a NUL byte in a field");
    }

    csv->p = q + 1;

    while (csv->p < csv->end && *csv->p == ' ' && csv->separator != ' ') {
        csv->p++;
    }

    if (csv->p == csv->end || *csv->p == csv->separator || *csv->p == '\n'
        || *csv->p == '\r')
    {
        return DEBAR_OK;
    }

    /* A field over many lines that ends in nonsense was not meant to be one:
     * its lines are rows. */

    if (debar_csv_eol(open, q) < q) {
        if (csv->strict < q) {
            csv->strict = q;
        }

        return debar_csv_fault(csv, open, why, "a quote is opened and not "
                               "closed before another one");
    }

    return debar_csv_fault(csv, csv->p, why, "text behind the quote that ends "
                           "a field: a quote inside is written twice (\"\")");
}


static int
debar_csv_plain(debar_csv_t *csv, debar_str_t *out, debar_fault_t *why)
{
    char         c;
    const char  *p, *start;

    start = csv->p;

    for (p = start; p < csv->end; p++) {
        c = *p;

        if (c == csv->separator || c == '\n' || c == '\r') {
            break;
        }

        /* 5" in a TSV means itself; in CSV nobody can say what is meant */

        if (c == '"' && csv->separator != '\t') {
            return debar_csv_fault(csv, p, why, "a quote inside of a field "
                                   "that does not begin with one");
        }

        if (c == '\0') {
            return debar_csv_fault(csv, p, why, "a NUL byte in a field");
        }

        if (p - start > DEBAR_CSV_MAX_FIELD) {
            return debar_csv_fault(csv, start, why, "a field longer than "
                                   "256 KiB");
        }
    }

    *out = debar_str(start, (size_t) (p - start));
    csv->p = p;

    return DEBAR_OK;
}


/* The row ends with the line that the fault is on. */

static int
debar_csv_fault(debar_csv_t *csv, const char *at, debar_fault_t *why,
    const char *text)
{
    debar_csv_place(csv->row, at, &csv->fault_line, &csv->fault_col);
    csv->fault_line += csv->line - 1;
    debar_fault(why, "%s", text);
    debar_csv_resync(csv, at);

    return DEBAR_ERROR;
}


static void
debar_csv_resync(debar_csv_t *csv, const char *from)
{
    csv->p = debar_csv_eol(from, csv->end);
}


static const char *
debar_csv_eol(const char *p, const char *end)
{
    while (p < end && *p != '\n' && *p != '\r') {
        p++;
    }

    return p;
}


/* Lines from 1, and characters of UTF-8 on the last of them. */

static void
debar_csv_place(const char *from, const char *at, unsigned *line,
    unsigned *col)
{
    const char  *p;

    *line = 1;
    *col = 1;

    for (p = from; p < at; p++) {

        if (*p == '\n' || (*p == '\r' && (p + 1 == at || p[1] != '\n')))
        {
            (*line)++;
            *col = 1;

        } else if (((unsigned char) *p & 0xc0) != 0x80) {
            (*col)++;
        }
    }
}


/* Fields are passed over again, which is what messages may cost. */

void
debar_csv_where(const debar_csv_t *csv, size_t field, unsigned *line,
    unsigned *col)
{
    int          quoted;
    size_t       n;
    const char  *p, *end;

    p = csv->row;
    end = csv->raw.data + csv->raw.len;
    quoted = 0;

    for (n = 0; p < end && n < field; p++) {
        if (*p == '"') {
            quoted = !quoted;

        } else if (*p == csv->separator && !quoted) {
            n++;
        }
    }

    debar_csv_place(csv->row, p, line, col);
    *line += csv->line - 1;
}


static char
debar_csv_guess(const char *p, const char *end)
{
    int     quoted;
    size_t  i, best, n[3];

    static const char  separators[] = ",;\t";

    memset(n, 0, sizeof(n));
    quoted = 0;

    if (end - p > DEBAR_CSV_MAX_ROW) {
        end = p + DEBAR_CSV_MAX_ROW;
    }

    for (/* void */; p < end; p++) {
        if (*p == '"') {
            quoted = !quoted;

        } else if (!quoted && (*p == '\n' || *p == '\r')) {
            break;
        }

        for (i = 0; i < 3 && !quoted; i++) {
            n[i] += *p == separators[i];
        }
    }

    best = 0;

    for (i = 1; i < 3; i++) {
        if (n[i] > n[best]) {
            best = i;
        }
    }

    return separators[best];
}


size_t
debar_csv_offset(const debar_csv_t *csv)
{
    return (size_t) (csv->p - csv->start);
}


void
debar_csv_free(debar_csv_t *csv)
{
    free(csv->text);
    csv->text = NULL;
}


void
debar_csv_put(debar_buf_t *b, char separator, const debar_str_t *fields,
    size_t n)
{
    size_t       i, k, from;
    const char  *p;

    for (i = 0; i < n; i++) {
        p = fields[i].data;

        if (i) {
            debar_buf_add(b, &separator, 1);
        }

        for (k = 0; k < fields[i].len; k++) {
            if (p[k] == separator || p[k] == '"' || p[k] == '\n'
                || p[k] == '\r' || p[k] == 0x1a)
            {
                break;
            }
        }

        /* One empty field is no blank line; space and marks at the ends of a
         * row or file are part of it. */

        if (k == fields[i].len && !(n == 1 && k == 0)
            && !(k && (p[0] == ' ' || p[k - 1] == ' '
                       || (unsigned char) p[0] == 0xef)))
        {
            debar_buf_add(b, p, k);
            continue;
        }

        debar_buf_add(b, "\"", 1);

        for (k = 0, from = 0; k < fields[i].len; k++) {
            if (p[k] == '"') {
                debar_buf_add(b, p + from, k + 1 - from);
                debar_buf_add(b, "\"", 1);
                from = k + 1;
            }
        }

        debar_buf_add(b, p + from, k - from);
        debar_buf_add(b, "\"", 1);
    }

    debar_buf_add(b, "\n", 1);
}

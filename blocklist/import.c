/*
 * What a row of an imported list means; its dates, ids and clean text.
 */

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "import_private.h"
#include "filter.h"


const char *const  debar_import_kind_names[DEBAR_IMPORT_KINDS] = {
    "sam", "csl", "sdn", "csv", "gsa"
};

const char *const  debar_import_class_names[DEBAR_IMPORT_CLASSES] = {
    "firm", "special", "individual", "vessel", "aircraft"
};

static int debar_import_number(const char *p, size_t n);


int
debar_import_kind_by_name(const char *name)
{
    int  i;

    for (i = 0; i < DEBAR_IMPORT_KINDS; i++) {
        if (strcmp(name, debar_import_kind_names[i]) == 0) {
            return i;
        }
    }

    return -1;
}


/* By our names and those of the files. */

int
debar_import_class_by_name(const char *name, size_t len)
{
    size_t       i;
    debar_str_t  s;

    static const struct {
        const char  *name;
        unsigned     type;
    } names[] = {
        { "firm", DEBAR_IMPORT_FIRM },
        { "entity", DEBAR_IMPORT_FIRM },
        { "special", DEBAR_IMPORT_SPECIAL },
        { "special entity designation", DEBAR_IMPORT_SPECIAL },
        { "individual", DEBAR_IMPORT_INDIVIDUAL },
        { "vessel", DEBAR_IMPORT_VESSEL },
        { "aircraft", DEBAR_IMPORT_AIRCRAFT }
    };

    s = debar_str(name, len);

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (debar_import_is(s, names[i].name)) {
            return (int) names[i].type;
        }
    }

    return -1;
}


unsigned
debar_import_judge(const debar_import_row_t *row,
    const debar_import_filter_t *f, debar_fault_t *why)
{
    if (f->program.len
        && (row->program.len < f->program.len
            || strcasestr(row->program.data, f->program.data) == NULL))
    {
        return DEBAR_IMPORT_PASS;
    }

    if ((f->since[0] && strcmp(row->active, f->since) < 0)
        || (f->until[0] && strcmp(row->active, f->until) > 0))
    {
        return DEBAR_IMPORT_PASS;
    }

    if (row->inactive || (row->ends[0] && strcmp(row->ends, f->today) < 0)) {
        debar_fault(why, row->ends[0] ? "over since %s" : "no longer active%s",
                    row->ends);
        return DEBAR_IMPORT_OVER;
    }

    if (row->product_rule) {
        debar_fault(why, "needs a product rule: it prohibits products, the firm"
                    " is not excluded");
        return DEBAR_IMPORT_ASIDE;
    }

    if ((f->classes & (1u << row->type)) == 0) {
        debar_fault(why, row->type == DEBAR_IMPORT_INDIVIDUAL
                    ? "an individual is no vendor: --individuals takes them"
                    : row->type == DEBAR_IMPORT_VESSEL
                    ? "a vessel is no vendor: --classification takes it"
                    : row->type == DEBAR_IMPORT_AIRCRAFT
                    ? "an aircraft is no vendor: --classification takes it"
                    : "not of the classes asked for (--classification)");
        return DEBAR_IMPORT_ASIDE;
    }

    if (row->active[0] && strcmp(row->active, f->today) > 0) {
        debar_fault(why, "not in force until %s: import it then",
                    row->active);
        return DEBAR_IMPORT_ASIDE;
    }

    if (row->name.len == 0 && !f->nameless) {
        debar_fault(why, "the row names nobody");
        return DEBAR_IMPORT_ASIDE;
    }

    if (row->n == 0) {
        debar_fault(why, "there is nothing in it by which it would be known");
        return DEBAR_IMPORT_ASIDE;
    }

    return DEBAR_IMPORT_TAKE;
}


int
debar_import_date(char out[12], const char *data, size_t len)
{
    int  y, m, d;

    static const int  days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30,
                                 31 };

    out[0] = '\0';

    if (len == 0 || debar_import_is(debar_str(data, len), "indefinite")) {
        return DEBAR_OK;
    }

    if (len >= 10 && data[4] == '-' && data[7] == '-') {

        if (len > 10 && data[10] != 'T' && data[10] != ' ') {
            return DEBAR_ERROR;
        }

        y = debar_import_number(data, 4);
        m = debar_import_number(data + 5, 2);
        d = debar_import_number(data + 8, 2);

    } else if (len == 10 && data[2] == '/' && data[5] == '/') {
        m = debar_import_number(data, 2);
        d = debar_import_number(data + 3, 2);
        y = debar_import_number(data + 6, 4);

    } else {
        return DEBAR_ERROR;
    }

    if (y < 1000 || m < 1 || m > 12 || d < 1 || d > days[m - 1]
        || (m == 2 && d == 29 && (y % 4 || (y % 100 == 0 && y % 400))))
    {
        return DEBAR_ERROR;
    }

    snprintf(out, 12, "%04d-%02d-%02d", y % 10000, m % 100, d % 100);

    return DEBAR_OK;
}


/* -1: other characters than digits */

static int
debar_import_number(const char *p, size_t n)
{
    int     v;
    size_t  i;

    for (v = 0, i = 0; i < n; i++) {
        if (p[i] < '0' || p[i] > '9') {
            return -1;
        }

        v = v * 10 + (p[i] - '0');
    }

    return v;
}


size_t
debar_import_slug(const debar_similar_t *s, char out[DEBAR_IMPORT_SLUG],
    const char *data, size_t len)
{
    char    text[DEBAR_SIMILAR_MAX];
    size_t  i, n, k;

    n = debar_similar_latin(s, text, sizeof(text), data, len);

    for (i = 0, k = 0; i < n && k < 56; i++) {

        if ((text[i] >= 'a' && text[i] <= 'z')
            || (text[i] >= '0' && text[i] <= '9'))
        {
            out[k++] = text[i];

        } else if (text[i] != '\'' && k && out[k - 1] != '-') {
            out[k++] = '-';
        }
    }

    while (k && out[k - 1] == '-') {
        k--;
    }

    out[k] = '\0';

    return k;
}


int
debar_import_is(debar_str_t s, const char *word)
{
    return s.len == strlen(word) && strncasecmp(s.data, word, s.len) == 0;
}


/* "Entity", "Individual", ...  Two of the lists leave it empty and have both
 * firms and people. */

void
debar_import_csl_type(debar_import_make_t *m, debar_str_t type)
{
    int                  n;
    debar_import_row_t  *row;

    row = &m->row;

    n = type.len ? debar_import_class_by_name(type.data, type.len) : -1;

    if (n != -1) {
        row->type = (unsigned) n;
        return;
    }

    row->type = DEBAR_IMPORT_FIRM;

    if ((memmem(row->list.data, row->list.len, "(DPL)", 5)
         || memmem(row->list.data, row->list.len, "(DTC)", 5))
        && !debar_similar_firm(&m->similar, row->name.data,
                               row->name.len))
    {
        row->type = DEBAR_IMPORT_INDIVIDUAL;
    }
}


void
debar_import_make(debar_import_make_t *m)
{
    debar_fault_t  why;

    m->used = 0;
    m->room = malloc(DEBAR_IMPORT_ROOM + 1);
    (void) debar_similar_open(&m->similar, &why);

    if (m->room == NULL) {
        abort();
    }
}


void
debar_import_make_free(debar_import_make_t *m)
{
    debar_similar_close(&m->similar);
    free(m->room);
    m->room = NULL;
}


void
debar_import_begin(debar_import_make_t *m, uint64_t row, unsigned line,
    debar_str_t raw)
{
    memset(&m->row, 0, offsetof(debar_import_row_t, values));

    m->row.row = row;
    m->row.line = line;
    m->row.raw = raw;
    m->row.n = 0;
    m->row.more = 0;
    m->used = 0;
}


/* The upper half of windows-1252, which is what old extracts are in. */

static const uint16_t  debar_import_1252[32] = {
    0x20ac, ' ', 0x201a, 0x192, 0x201e, 0x2026, 0x2020, 0x2021, 0x2c6, 0x2030,
    0x160, 0x2039, 0x152, ' ', 0x17d, ' ', ' ', 0x2018, 0x2019, 0x201c, 0x201d,
    0x2022, 0x2013, 0x2014, 0x2dc, 0x2122, 0x161, 0x203a, 0x153, ' ', 0x17e,
    0x178
};


/* What YAML takes for an end of line or for no character: U+2028, U+2029,
 * U+FEFF, U+FFFE, U+FFFF. */

static int
debar_import_mark(const char *p)
{
    return memcmp(p, "\xe2\x80\xa8", 3) == 0
           || memcmp(p, "\xe2\x80\xa9", 3) == 0
           || memcmp(p, "\xef\xbb\xbf", 3) == 0
           || memcmp(p, "\xef\xbf\xbe", 3) == 0
           || memcmp(p, "\xef\xbf\xbf", 3) == 0;
}


/* Runs of space and controls are one space, so that no text ends a line. */

debar_str_t
debar_import_text(debar_import_make_t *m, debar_str_t in)
{
    char           *out;
    size_t          i, n, k;
    unsigned        cp;
    unsigned char   c;

    if (in.len * 3 > DEBAR_IMPORT_ROOM - m->used) {
        in.len = (DEBAR_IMPORT_ROOM - m->used) / 3;
    }

    out = m->room + m->used;
    n = 0;

    for (i = 0; i < in.len; i += k) {
        c = (unsigned char) in.data[i];
        k = 1;

        if (c <= ' ' || c == 0x7f) {
            if (n && out[n - 1] != ' ') {
                out[n++] = ' ';
            }

            continue;
        }

        if (c < 0x80) {
            out[n++] = (char) c;
            continue;
        }

        k = debar_utf8_len(in.data + i, in.len - i);

        if (k == 2 && c == 0xc2 && (unsigned char) in.data[i + 1] <= 0xa0) {
            if (n && out[n - 1] != ' ') {
                out[n++] = ' ';   /* C1, and a space that does not break */
            }

            continue;
        }

        if (k == 3 && debar_import_mark(in.data + i)) {
            if (n && out[n - 1] != ' ') {
                out[n++] = ' ';
            }

            continue;
        }

        if (k) {
            memcpy(out + n, in.data + i, k);
            n += k;
            continue;
        }

        k = 1;
        cp = c < 0xa0 ? debar_import_1252[c - 0x80] : c;

        if (cp == ' ' || cp == 0xa0) {
            continue;
        }

        if (cp >= 0x800) {
            out[n++] = (char) (0xe0 | (cp >> 12));
            out[n++] = (char) (0x80 | ((cp >> 6) & 0x3f));
        } else {
            out[n++] = (char) (0xc0 | (cp >> 6));
        }

        out[n++] = (char) (0x80 | (cp & 0x3f));
    }

    while (n && out[n - 1] == ' ') {
        n--;
    }

    /* strcasestr() ends there */

    out[n] = '\0';
    m->used += n + 1 < DEBAR_IMPORT_ROOM - m->used ? n + 1 : n;

    return debar_str(out, n);
}


/* Parts that are not empty. */

debar_str_t
debar_import_join(debar_import_make_t *m, const debar_str_t *parts, size_t n,
    const char *between)
{
    char    *out;
    size_t   i, len, blen;

    blen = strlen(between);
    out = m->room + m->used;
    len = 0;

    for (i = 0; i < n; i++) {
        if (parts[i].len == 0
            || m->used + len + parts[i].len + blen + 1 >= DEBAR_IMPORT_ROOM)
        {
            continue;
        }

        if (len) {
            memcpy(out + len, between, blen);
            len += blen;
        }

        memcpy(out + len, parts[i].data, parts[i].len);
        len += parts[i].len;
    }

    if (m->used + len >= DEBAR_IMPORT_ROOM) {
        return debar_str("", 0);
    }

    out[len] = '\0';
    m->used += len + 1;

    return debar_str(out, len);
}


void
debar_import_value(debar_import_make_t *m, const char *list, debar_str_t text)
{
    size_t                      i;
    const debar_import_value_t  *v;

    while (text.len && text.data[0] == ' ') {
        text.data++;
        text.len--;
    }

    while (text.len && text.data[text.len - 1] == ' ') {
        text.len--;
    }

    if (text.len == 0) {
        return;
    }

    for (i = 0; i < m->row.n; i++) {
        v = &m->row.values[i];

        if (v->text.len == text.len && strcmp(v->list, list) == 0
            && strncasecmp(v->text.data, text.data, text.len) == 0)
        {
            return;
        }
    }

    if (m->row.n == DEBAR_IMPORT_MAX_VALUES) {
        m->row.more++;
        return;
    }

    m->row.values[m->row.n].list = list;
    m->row.values[m->row.n++].text = text;
}


/* "Acme Institute (AI 13)" is found as "Acme Institute", too. */

void
debar_import_named(debar_import_make_t *m, debar_str_t name)
{
    const char  *p;

    debar_import_value(m, "names", name);

    if (name.len == 0 || name.data[name.len - 1] != ')') {
        return;
    }

    p = memrchr(name.data, '(', name.len);

    if (p && p - name.data >= 8) {
        debar_import_value(m, "names",
                           debar_str(name.data, (size_t) (p - name.data)));
    }
}


void
debar_import_members(debar_import_make_t *m, const char *list,
    debar_str_t text)
{
    size_t       n;
    debar_str_t  part;
    const char  *semicolon;

    while (text.len) {
        semicolon = memchr(text.data, ';', text.len);
        n = semicolon ? (size_t) (semicolon - text.data) : text.len;

        part = debar_str(text.data, n);

        while (part.len && part.data[0] == ' ') {
            part.data++;
            part.len--;
        }

        /* "A; B; and C" of the Federal Register */

        if (part.len > 4 && strncmp(part.data, "and ", 4) == 0) {
            part.data += 4;
            part.len -= 4;
        }

        debar_import_value(m, list, part);

        n += semicolon != NULL;
        text.data += n;
        text.len -= n;
    }
}


void
debar_import_site(debar_import_make_t *m, debar_str_t text)
{
    size_t       n;
    const char  *p;

    if (text.len > 7 && strncasecmp(text.data, "http://", 7) == 0) {
        text.data += 7;
        text.len -= 7;

    } else if (text.len > 8 && strncasecmp(text.data, "https://", 8) == 0) {
        text.data += 8;
        text.len -= 8;
    }

    if (text.len > 4 && strncasecmp(text.data, "www.", 4) == 0) {
        text.data += 4;
        text.len -= 4;
    }

    while (text.len && strchr("/. ,", text.data[text.len - 1])) {
        text.len--;
    }

    p = memchr(text.data, '/', text.len);
    n = p ? (size_t) (p - text.data) : text.len;

    debar_import_value(m, n == text.len ? "hosts" : "urls", text);
}


void
debar_import_websites(debar_import_make_t *m, debar_str_t remarks)
{
    size_t       n;
    const char  *p, *end, *q;

    end = remarks.data + remarks.len;

    for (p = remarks.data;
         (p = memmem(p, (size_t) (end - p), "Website ", 8)) != NULL; p = q)
    {
        p += 8;

        for (q = p; q < end && *q != ';' && *q != ' '; q++) {
            /* void */
        }

        n = (size_t) (q - p);

        if (n && memchr(p, '.', n)) {
            debar_import_site(m, debar_str(p, n));
        }
    }
}


void
debar_import_make_key(debar_import_make_t *m, debar_str_t a, debar_str_t b)
{
    char         text[64];
    uint64_t     h;
    debar_str_t  s;

    h = debar_hash(a.data ? a.data : "", a.len);
    h = h * 0x9e3779b97f4a7c15ull ^ debar_hash(b.data ? b.data : "", b.len);

    s.len = (size_t) snprintf(text, sizeof(text), "h%016llx",
                              (unsigned long long) h);
    s.data = text;

    m->row.key = debar_import_join(m, &s, 1, "");
}

/*
 * What a YAML node holds, or what is wrong with it.
 */

#include <stdio.h>
#include <stdlib.h>
#include <unicode/ucal.h>

#define PCRE2_CODE_UNIT_WIDTH  8
#include <pcre2.h>

#include "source_private.h"


static void debar_yaml_unknown(debar_doc_t *doc, const debar_node_t *key,
    const char *what, const debar_yaml_key_t *keys);
static unsigned debar_distance(const char *a, const char *b);
static pcre2_code *debar_regex_compile(const char *data, size_t len, int *rc,
    size_t *offset);
static int debar_yaml_digits(const char *p, size_t n, int32_t *v);


int
debar_yaml_map(debar_doc_t *doc, const debar_node_t *node, const char *what,
    const debar_yaml_key_t *keys, const debar_node_t **values)
{
    size_t               i, k, nkeys;
    const debar_node_t  *key;

    for (nkeys = 0; keys[nkeys].name; nkeys++) {
        values[nkeys] = NULL;
    }

    if (node->type != DEBAR_NODE_MAP) {
        debar_yaml_error(doc, node, "%s is a map of keys and values", what);
        return DEBAR_ERROR;
    }

    for (i = 0; i < node->n; i += 2) {
        key = node->items[i];

        if (key->type != DEBAR_NODE_SCALAR) {
            debar_yaml_error(doc, key, "a key of %s is a word", what);
            continue;
        }

        for (k = 0; k < nkeys && strcmp(keys[k].name, key->text) != 0; k++) {
            /* void */
        }

        if (k == nkeys) {
            debar_yaml_unknown(doc, key, what, keys);

        } else if (values[k]) {
            debar_yaml_error(doc, key, "\"%s\" is here twice", key->text);

        } else {
            values[k] = node->items[i + 1];
        }
    }

    for (k = 0; k < nkeys; k++) {
        if (keys[k].required && values[k] == NULL) {
            debar_yaml_error(doc, node, "%s needs \"%s\"", what, keys[k].name);
        }
    }

    return DEBAR_OK;
}


static void
debar_yaml_unknown(debar_doc_t *doc, const debar_node_t *key,
    const char *what, const debar_yaml_key_t *keys)
{
    char         shown[96];
    size_t       n;
    const char  *near, *names[64];

    for (n = 0; keys[n].name && n < 64; n++) {
        names[n] = keys[n].name;
    }

    near = debar_nearest(key->text, names, n);
    debar_shown(shown, key->text, key->n);

    if (near) {
        debar_yaml_error(doc, key, "unknown key %s of %s: \"%s\" is meant?",
                         shown, what, near);
    } else {
        debar_yaml_error(doc, key, "unknown key %s of %s", shown, what);
    }
}


const char *
debar_nearest(const char *word, const char *const *names, size_t n)
{
    size_t       i;
    unsigned     d, best;
    const char  *near;

    near = NULL;
    best = 4;

    for (i = 0; i < n; i++) {
        d = debar_distance(word, names[i]);

        /* Half of a short word is another word. */

        if (d < best && d * 2 <= strlen(names[i])) {
            best = d;
            near = names[i];
        }
    }

    return near;
}


/* Levenshtein's, of short words; long ones are far from everything. */

static unsigned
debar_distance(const char *a, const char *b)
{
    size_t    i, j, la, lb;
    unsigned  row[33], diag, up, d;

    la = strlen(a);
    lb = strlen(b);

    if (la > 32 || lb > 32) {
        return UINT32_MAX;
    }

    for (j = 0; j <= lb; j++) {
        row[j] = (unsigned) j;
    }

    for (i = 1; i <= la; i++) {
        diag = row[0];
        row[0] = (unsigned) i;

        for (j = 1; j <= lb; j++) {
            up = row[j];
            d = diag + (a[i - 1] != b[j - 1]);

            if (up + 1 < d) {
                d = up + 1;
            }

            if (row[j - 1] + 1 < d) {
                d = row[j - 1] + 1;
            }

            diag = up;
            row[j] = d;
        }
    }

    return row[lb];
}


size_t
debar_yaml_pairs(debar_doc_t *doc, const debar_node_t *node, const char *what)
{
    size_t       i;
    debar_set_t  seen;

    if (node == NULL || node->null) {
        return 0;
    }

    if (node->type != DEBAR_NODE_MAP) {
        debar_yaml_error(doc, node, "%s is a map of keys and values", what);
        return 0;
    }

    memset(&seen, 0, sizeof(debar_set_t));

    for (i = 0; i < node->n; i += 2) {
        if (node->items[i]->type == DEBAR_NODE_SCALAR
            && debar_set_add(&seen, node->items[i]->text, node->items[i]->n, 0))
        {
            debar_yaml_error(doc, node->items[i], "\"%.64s\" is here twice",
                             node->items[i]->text);
        }
    }

    debar_set_free(&seen);

    return node->n / 2;
}


size_t
debar_yaml_list(debar_doc_t *doc, const debar_node_t *node, const char *what)
{
    if (node == NULL || node->null) {
        return 0;
    }

    if (node->type != DEBAR_NODE_LIST) {
        debar_yaml_error(doc, node, "\"%s\" is a list: [..] or one \"- \" a "
                         "line", what);
        return 0;
    }

    return node->n;
}


int
debar_yaml_text(debar_doc_t *doc, const debar_node_t *node, const char *what,
    debar_str_t *s)
{
    s->data = "";
    s->len = 0;

    if (node == NULL) {
        return DEBAR_ERROR;
    }

    if (node->type != DEBAR_NODE_SCALAR) {
        debar_yaml_error(doc, node, "\"%s\" is text, not a %s", what,
                         node->type == DEBAR_NODE_MAP ? "map" : "list");
        return DEBAR_ERROR;
    }

    s->data = node->text;
    s->len = node->n;

    while (s->len && strchr(" \t\n", s->data[0])) {
        s->data++;
        s->len--;
    }

    while (s->len && strchr(" \t\n", s->data[s->len - 1])) {
        s->len--;
    }

    if (s->len == 0 || node->null) {
        debar_yaml_error(doc, node, "\"%s\" is empty", what);
        s->len = 0;
        return DEBAR_ERROR;
    }

    if (s->len > DEBAR_MAX_TEXT) {
        debar_yaml_error(doc, node, "\"%s\" is longer than %d bytes", what,
                         DEBAR_MAX_TEXT);
        s->len = 0;
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


int
debar_yaml_id(debar_doc_t *doc, const debar_node_t *node, const char *what,
    debar_str_t *s)
{
    char    shown[96];
    size_t  i;

    if (debar_yaml_text(doc, node, what, s) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    for (i = 0; i < s->len; i++) {
        if (!((s->data[i] >= 'a' && s->data[i] <= 'z')
              || (s->data[i] >= 'A' && s->data[i] <= 'Z')
              || (s->data[i] >= '0' && s->data[i] <= '9')
              || (i && strchr("._-", s->data[i]))))
        {
            break;
        }
    }

    if (i < s->len || s->len > DEBAR_MAX_ID) {
        debar_yaml_error(doc, node, "%s is not an id: at most %d letters, "
                         "digits and \".\", \"_\", \"-\"",
                         debar_shown(shown, s->data, s->len), DEBAR_MAX_ID);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


int
debar_yaml_bool(debar_doc_t *doc, const debar_node_t *node, const char *what,
    unsigned *v)
{
    char         shown[96];
    debar_str_t  s;

    if (debar_yaml_text(doc, node, what, &s) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    if (s.len == 4 && memcmp(s.data, "true", 4) == 0) {
        *v = 1;
        return DEBAR_OK;
    }

    if (s.len == 5 && memcmp(s.data, "false", 5) == 0) {
        *v = 0;
        return DEBAR_OK;
    }

    debar_yaml_error(doc, node, "\"%s\" is true or false, not %s", what,
                     debar_shown(shown, s.data, s.len));

    return DEBAR_ERROR;
}


int
debar_yaml_number(debar_doc_t *doc, const debar_node_t *node, const char *what,
    uint64_t max, uint64_t *v)
{
    char         shown[96];
    size_t       i;
    uint64_t     n;
    debar_str_t  s;

    if (debar_yaml_text(doc, node, what, &s) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    n = 0;

    for (i = 0; i < s.len; i++) {
        if (s.data[i] < '0' || s.data[i] > '9'
            || n > (max - (uint64_t) (s.data[i] - '0')) / 10)
        {
            break;
        }

        n = n * 10 + (uint64_t) (s.data[i] - '0');
    }

    if (i < s.len || n == 0) {
        debar_yaml_error(doc, node, "\"%s\" is a number from 1 to %llu, not %s",
                         what, (unsigned long long) max,
                         debar_shown(shown, s.data, s.len));
        return DEBAR_ERROR;
    }

    *v = n;

    return DEBAR_OK;
}


int
debar_yaml_activity(debar_doc_t *doc, const debar_node_t *node, unsigned *v)
{
    int          n;
    char         shown[96];
    debar_str_t  s;

    if (debar_yaml_text(doc, node, "activity", &s) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    n = debar_activity_by_name(s.data, s.len);

    if (n < 0 || n >= DEBAR_ACTIVITIES) {
        debar_yaml_error(doc, node, "unknown activity %s: browse, update, "
                         "download or acquire",
                         debar_shown(shown, s.data, s.len));
        return DEBAR_ERROR;
    }

    *v = (unsigned) n;

    return DEBAR_OK;
}


int
debar_yaml_regex(debar_doc_t *doc, const debar_node_t *node, const char *what,
    int captures, debar_str_t *s)
{
    char           shown[96];
    debar_fault_t  why;

    if (debar_yaml_text(doc, node, what, s) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    if (debar_regex_check(s->data, s->len, captures, &why) != DEBAR_OK) {
        debar_yaml_error(doc, node, "bad expression %s: %s",
                         debar_shown(shown, s->data, s->len), why.text);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


int
debar_regex_check(const char *data, size_t len, int captures,
    debar_fault_t *why)
{
    int           rc;
    size_t        offset;
    uint32_t      n;
    pcre2_code   *code;
    PCRE2_UCHAR   text[256];

    code = debar_regex_compile(data, len, &rc, &offset);

    if (code == NULL) {
        pcre2_get_error_message(rc, text, sizeof(text));
        debar_fault(why, "%s, at offset %zu", (char *) text, offset);
        return DEBAR_ERROR;
    }

    pcre2_pattern_info(code, PCRE2_INFO_CAPTURECOUNT, &n);
    pcre2_code_free(code);

    if (captures >= 0 && n != (uint32_t) captures) {
        debar_fault(why, "it has %u groups in parentheses, not %d: write "
                    "(?:...) for those that capture nothing", n, captures);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


int
debar_regex_empty(const char *data, size_t len)
{
    int                rc;
    size_t             offset;
    pcre2_code        *code;
    pcre2_match_data  *md;

    code = debar_regex_compile(data, len, &rc, &offset);
    if (code == NULL) {
        return 0;
    }

    md = pcre2_match_data_create(1, NULL);
    if (md == NULL) {
        abort();
    }

    rc = pcre2_match(code, (PCRE2_SPTR) "", 0, 0, 0, md, NULL);

    pcre2_match_data_free(md);
    pcre2_code_free(code);

    return rc >= 0;
}


long
debar_regex_fits(const char *data, size_t len, const char *const *texts,
    const size_t *lens, size_t n)
{
    int                rc;
    long               fits;
    size_t             i, offset;
    pcre2_code        *code;
    pcre2_match_data  *md;

    code = debar_regex_compile(data, len, &rc, &offset);
    if (code == NULL) {
        return -1;
    }

    md = pcre2_match_data_create(1, NULL);
    if (md == NULL) {
        abort();
    }

    fits = -1;

    for (i = 0; i < n && fits == -1; i++) {
        rc = pcre2_match(code, (PCRE2_SPTR) texts[i], lens[i], 0, 0, md, NULL);

        if (rc >= 0) {
            fits = (long) i;
        }
    }

    pcre2_match_data_free(md);
    pcre2_code_free(code);

    return fits;
}


static pcre2_code *
debar_regex_compile(const char *data, size_t len, int *rc, size_t *offset)
{
    return pcre2_compile((PCRE2_SPTR) data, len,
                         PCRE2_ANCHORED|PCRE2_ENDANCHORED|PCRE2_CASELESS
                         |PCRE2_UTF|PCRE2_NEVER_BACKSLASH_C, rc, offset, NULL);
}


int
debar_yaml_date(debar_doc_t *doc, const debar_node_t *node, const char *what,
    int next, int64_t *t)
{
    char         shown[96];
    UDate        ms;
    int32_t      y, m, d, last;
    UErrorCode   err;
    UCalendar   *cal;
    debar_str_t  s;

    static const int32_t  days[] = {
        31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
    };

    if (debar_yaml_text(doc, node, what, &s) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    last = 0;

    if (s.len == 10 && s.data[4] == '-' && s.data[7] == '-'
        && debar_yaml_digits(s.data, 4, &y)
        && debar_yaml_digits(s.data + 5, 2, &m)
        && debar_yaml_digits(s.data + 8, 2, &d)
        && y >= 1900 && m >= 1 && m <= 12)
    {
        last = days[m - 1];

        if (m == 2 && y % 4 == 0 && (y % 100 != 0 || y % 400 == 0)) {
            last = 29;
        }
    }

    if (last == 0 || d < 1 || d > last) {
        debar_yaml_error(doc, node, "bad date %s of \"%s\": a day as "
                         "YYYY-MM-DD, from 1900 on",
                         debar_shown(shown, s.data, s.len), what);
        return DEBAR_ERROR;
    }

    cal = doc->r->calendar;
    *t = 0;

    if (cal == NULL) {
        return DEBAR_OK;      /* the timezone was found wrong before */
    }

    err = U_ZERO_ERROR;
    ucal_clear(cal);
    ucal_setDateTime(cal, y, m - 1, d + (next != 0), 0, 0, 0, &err);
    ms = ucal_getMillis(cal, &err);

    if (U_FAILURE(err)) {
        debar_yaml_error(doc, node, "date %s: %s",
                         debar_shown(shown, s.data, s.len), u_errorName(err));
        return DEBAR_ERROR;
    }

    *t = (int64_t) (ms / 1000);

    return DEBAR_OK;
}


static int
debar_yaml_digits(const char *p, size_t n, int32_t *v)
{
    *v = 0;

    for (/* void */; n; n--, p++) {
        if (*p < '0' || *p > '9') {
            return 0;
        }

        *v = *v * 10 + (*p - '0');
    }

    return 1;
}


int
debar_yaml_authorities(debar_doc_t *doc, const debar_node_t *node,
    const char *what, uint64_t of, const char *whose, uint64_t *mask)
{
    char         shown[96];
    size_t       i, n;
    uint64_t    *bit;
    debar_str_t  s;

    *mask = 0;

    n = debar_yaml_list(doc, node, what);

    if (n == 0 && node && (node->null || node->type == DEBAR_NODE_LIST)) {
        debar_yaml_error(doc, node, "\"%s\" is empty", what);
    }

    for (i = 0; i < n; i++) {
        if (debar_yaml_text(doc, node->items[i], what, &s)
            != DEBAR_OK)
        {
            continue;
        }

        bit = debar_set_find(&doc->r->authorities, s.data, s.len);

        if (bit == NULL) {
            if (!doc->r->no_authorities) {
                debar_yaml_error(doc, node->items[i], "unknown authority %s: "
                                 "list.yaml has no such one",
                                 debar_shown(shown, s.data, s.len));
            }

        } else if (!(of & (1ull << *bit))) {
            debar_yaml_error(doc, node->items[i], "authority %s is not one of "
                             "%s", debar_shown(shown, s.data, s.len), whose);

        } else if (*mask & (1ull << *bit)) {
            debar_yaml_error(doc, node->items[i], "authority %s is here twice",
                             debar_shown(shown, s.data, s.len));

        } else {
            *mask |= 1ull << *bit;
        }
    }

    return *mask ? DEBAR_OK : DEBAR_ERROR;
}


void *
debar_yaml_record(debar_doc_t *doc, const debar_node_t *node, unsigned table,
    size_t max, uint32_t *i)
{
    if (doc->r->src->tables[table].n >= max) {
        debar_yaml_error(doc, node, "too many: a list holds %zu of these", max);
        return NULL;
    }

    return debar_table_add(doc->r->src->tables, table, i);
}


/* In quotes, what cannot be seen as \xHH, cut at a character. */

const char *
debar_shown(char out[96], const char *data, size_t len)
{
    char    *p;
    size_t   n;

    p = out;
    *p++ = '"';

    for (/* void */; len; data += n, len -= n) {
        n = debar_utf8_len(data, len);

        if (p - out > 80) {
            p += sprintf(p, "...");
            break;
        }

        if (n == 0 || (unsigned char) data[0] < 0x20 || data[0] == 0x7f) {
            p += sprintf(p, "\\x%02x", (unsigned char) data[0]);
            n = 1;
            continue;
        }

        memcpy(p, data, n);
        p += n;
    }

    *p++ = '"';
    *p = '\0';

    return out;
}

/*
 * The rows of a vendor's file by their lines.  A file is read as people write
 * it: keys at the left, rows below them on lines that begin with "- ".
 */

#include <stdlib.h>
#include <yaml.h>

#include "import_rows.h"


static void debar_rows_top(debar_rows_t *rows, const char *data,
    const char *p, const char *end, unsigned line, int *kind);
static debar_str_t debar_rows_scalar(const char *p, const char *end);
static void debar_rows_add(debar_rows_t *rows, size_t from, size_t to,
    unsigned line, unsigned kind);
static int debar_rows_plain(const char *p, const char *end, const char *key,
    debar_buf_t *out, debar_str_t *value, debar_str_t *source);
static const char *debar_rows_string(const char *p, const char *end,
    debar_buf_t *out, size_t *from);
static int debar_rows_yaml(const char *data, size_t len, const char *key,
    debar_buf_t *out, debar_str_t *value, debar_str_t *source,
    unsigned *more);


void
debar_rows_read(debar_rows_t *rows, const char *data, size_t len)
{
    int                 kind;
    size_t              indent;
    unsigned            line;
    const char         *p, *q, *nl, *end;
    debar_rows_key_t   *key;
    debar_rows_item_t  *list;
    size_t              size;

    list = rows->list;
    size = rows->size;
    memset(rows, 0, sizeof(debar_rows_t));
    rows->list = list;
    rows->size = size;

    end = data + len;
    kind = -1;
    line = 0;
    rows->made = len > sizeof(DEBAR_ROWS_MARK)
                 && memcmp(data, DEBAR_ROWS_MARK, sizeof(DEBAR_ROWS_MARK) - 1)
                    == 0;

    for (p = data; p < end; p = nl) {
        nl = memchr(p, '\n', (size_t) (end - p));
        nl = nl ? nl + 1 : end;
        line++;

        for (q = p; q < nl && (*q == ' ' || *q == '\t'); q++) {
            /* void */
        }

        if (q == nl || *q == '\n' || *q == '\r' || *q == '#') {
            continue;
        }

        indent = (size_t) (q - p);

        if (indent == 0 && !(*q == '-' && q + 1 < nl && q[1] <= ' ')) {
            debar_rows_top(rows, data, p, nl, line, &kind);
            continue;
        }

        if (kind == -1) {
            continue;
        }

        key = &rows->keys[kind];

        if (*q == '-' && q + 1 < nl && q[1] <= ' '
            && (key->end == key->to || indent <= key->indent))
        {
            key->indent = indent;
            debar_rows_add(rows, (size_t) (p - data), (size_t) (nl - data),
                           line, (unsigned) kind);

        } else if (rows->n && rows->list[rows->n - 1].kind == (unsigned) kind) {
            rows->list[rows->n - 1].to = (size_t) (nl - data);
        }

        key->end = (size_t) (nl - data);
    }
}


static void
debar_rows_top(debar_rows_t *rows, const char *data, const char *p,
    const char *end, unsigned line, int *kind)
{
    size_t             i, n;
    const char        *colon;
    debar_str_t        value;
    debar_rows_key_t  *key;

    *kind = -1;
    colon = memchr(p, ':', (size_t) (end - p));

    if (colon == NULL) {
        rows->others++;
        return;
    }

    n = (size_t) (colon - p);
    value = debar_rows_scalar(colon + 1, end);

    if (n == 2 && memcmp(p, "id", 2) == 0) {
        rows->id = value;
        return;
    }

    if (n == 4 && memcmp(p, "name", 4) == 0) {
        rows->name = value;
        return;
    }

    if (n == 11 && memcmp(p, "authorities", 11) == 0) {
        return;
    }

    for (i = 0; i < DEBAR_VALUE_KINDS; i++) {
        key = NULL;

        if (strlen(debar_value_kinds[i].list) == n
            && memcmp(p, debar_value_kinds[i].list, n) == 0)
        {
            key = &rows->keys[i];
            *kind = (int) i;
            key->flow = value.len && !(value.len == 2
                                       && memcmp(value.data, "[]", 2) == 0)
                        && !(value.len == 1 && value.data[0] == '~')
                        && !(value.len == 4
                             && memcmp(value.data, "null", 4) == 0);

        } else if (strlen(debar_value_kinds[i].from) == n
                   && memcmp(p, debar_value_kinds[i].from, n) == 0)
        {
            key = &rows->from[i];
            rows->from_file[i] = value;
        }

        if (key) {
            key->from = (size_t) (p - data);
            key->to = (size_t) (end - data);
            key->end = key->to;
            key->line = line;
            return;
        }
    }

    rows->others++;
}


/* What stands behind a key, without quotes and comment. */

static debar_str_t
debar_rows_scalar(const char *p, const char *end)
{
    char         q;
    const char  *from;

    while (p < end && (*p == ' ' || *p == '\t')) {
        p++;
    }

    while (end > p && (unsigned char) end[-1] <= ' ') {
        end--;
    }

    if (p < end && (*p == '"' || *p == '\'')) {
        q = *p++;

        for (from = p; p < end && *p != q; p++) {
            /* void */
        }

        return debar_str(from, (size_t) (p - from));
    }

    for (from = p; p < end; p++) {
        if (*p == '#' && (p == from || p[-1] == ' ')) {
            for (end = p; end > from && end[-1] == ' '; end--) {
                /* void */
            }

            break;
        }
    }

    return debar_str(from, (size_t) (end - from));
}


static void
debar_rows_add(debar_rows_t *rows, size_t from, size_t to, unsigned line,
    unsigned kind)
{
    debar_rows_item_t  *item;

    if (rows->n == rows->size) {
        rows->size = rows->size ? 2 * rows->size : 64;
        rows->list = reallocarray(rows->list, rows->size,
                                  sizeof(debar_rows_item_t));
        if (rows->list == NULL) {
            abort();
        }
    }

    item = &rows->list[rows->n++];
    item->from = from;
    item->to = to;
    item->line = line;
    item->kind = kind;
    item->imported = 0;
}


void
debar_rows_free(debar_rows_t *rows)
{
    free(rows->list);
    memset(rows, 0, sizeof(debar_rows_t));
}


int
debar_rows_item(const char *data, size_t len, const char *key,
    debar_buf_t *out, debar_str_t *value, debar_str_t *source, unsigned *more)
{
    *more = 0;
    *source = debar_str("", 0);
    out->len = 0;

    if (debar_rows_plain(data, data + len, key, out, value, source)
        == DEBAR_OK)
    {
        return DEBAR_OK;
    }

    return debar_rows_yaml(data, len, key, out, value, source, more);
}


/* - {KEY: "VALUE", source: "SOURCE"}, as imports write it */

static int
debar_rows_plain(const char *p, const char *end, const char *key,
    debar_buf_t *out, debar_str_t *value, debar_str_t *source)
{
    size_t  n, from, to;

    while (p < end && *p == ' ') {
        p++;
    }

    n = strlen(key);

    if (end - p < (long) n + 8 || memcmp(p, "- {", 3) != 0
        || memcmp(p + 3, key, n) != 0 || memcmp(p + 3 + n, ": ", 2) != 0)
    {
        return DEBAR_ERROR;
    }

    p = debar_rows_string(p + n + 5, end, out, &from);

    if (p == NULL || end - p < 12 || memcmp(p, ", source: ", 10) != 0) {
        return DEBAR_ERROR;
    }

    n = out->len;
    p = debar_rows_string(p + 10, end, out, &to);

    if (p == NULL || end - p < 1 || *p != '}') {
        return DEBAR_ERROR;
    }

    for (p++; p < end; p++) {
        if (*p != '\n' && *p != '\r' && *p != ' ') {
            return DEBAR_ERROR;
        }
    }

    *value = debar_str(out->data + from, n - from);
    *source = debar_str(out->data + to, out->len - to);

    return DEBAR_OK;
}


static const char *
debar_rows_string(const char *p, const char *end, debar_buf_t *out,
    size_t *from)
{
    const char  *run;

    *from = out->len;

    if (p == end || *p != '"') {
        return NULL;
    }

    for (run = ++p; p < end && *p != '"' && *p != '\n'; p++) {
        if (*p == '\\') {
            if (p + 1 == end || (p[1] != '"' && p[1] != '\\')) {
                return NULL;
            }

            debar_buf_add(out, run, (size_t) (p - run));
            run = ++p;
        }
    }

    if (p == end || *p != '"') {
        return NULL;
    }

    debar_buf_add(out, run, (size_t) (p - run));

    return p + 1;
}


/* Any other form: what people and formatters make of it. */

static int
debar_rows_yaml(const char *data, size_t len, const char *key,
    debar_buf_t *out, debar_str_t *value, debar_str_t *source, unsigned *more)
{
    int               rc;
    size_t            from[2], n[2];
    unsigned          which;
    yaml_node_t      *node, *k, *v;
    yaml_parser_t     parser;
    yaml_document_t   doc;
    yaml_node_pair_t  *pair;

    memset(n, 0, sizeof(n));
    memset(from, 0, sizeof(from));
    rc = DEBAR_ERROR;

    if (len > DEBAR_MAX_TEXT * 4 || !yaml_parser_initialize(&parser)) {
        return DEBAR_ERROR;
    }

    yaml_parser_set_input_string(&parser, (const unsigned char *) data, len);

    if (!yaml_parser_load(&parser, &doc)) {
        yaml_parser_delete(&parser);
        return DEBAR_ERROR;
    }

    node = yaml_document_get_root_node(&doc);

    if (node == NULL || node->type != YAML_SEQUENCE_NODE
        || node->data.sequence.items.top != node->data.sequence.items.start + 1)
    {
        goto done;
    }

    node = yaml_document_get_node(&doc, *node->data.sequence.items.start);

    if (node->type == YAML_SCALAR_NODE) {
        debar_buf_add(out, node->data.scalar.value, node->data.scalar.length);
        *value = debar_str(out->data, out->len);
        rc = out->len ? DEBAR_OK : DEBAR_ERROR;
        goto done;
    }

    if (node->type != YAML_MAPPING_NODE) {
        goto done;
    }

    for (pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++)
    {
        k = yaml_document_get_node(&doc, pair->key);
        v = yaml_document_get_node(&doc, pair->value);

        if (k->type != YAML_SCALAR_NODE) {
            goto done;
        }

        which = strcmp((char *) k->data.scalar.value, key) == 0 ? 0
                : strcmp((char *) k->data.scalar.value, "source") == 0 ? 1 : 2;

        if (which == 2 || v->type != YAML_SCALAR_NODE) {
            *more = 1;
            continue;
        }

        from[which] = out->len;
        n[which] = v->data.scalar.length;
        debar_buf_add(out, v->data.scalar.value, n[which]);
    }

    if (n[0]) {
        *value = debar_str(out->data + from[0], n[0]);
        *source = debar_str(out->data + from[1], n[1]);
        rc = DEBAR_OK;
    }

done:

    yaml_document_delete(&doc);
    yaml_parser_delete(&parser);

    return rc;
}


void
debar_rows_quote(debar_buf_t *b, debar_str_t s)
{
    size_t  i, from;

    debar_buf_add(b, "\"", 1);

    for (i = 0, from = 0; i < s.len; i++) {
        if (s.data[i] == '"' || s.data[i] == '\\') {
            debar_buf_add(b, s.data + from, i - from);
            debar_buf_add(b, "\\", 1);
            from = i;
        }
    }

    debar_buf_add(b, s.data + from, i - from);
    debar_buf_add(b, "\"", 1);
}

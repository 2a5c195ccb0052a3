/*
 * Canonical form: the tree written anew, with the comments where they stood.
 * Comments above a key or an item are its own and move with it; those deeper
 * than what follows belong to what is before them.
 *
 * A tree is at most 16 deep (edit_tree.c), and so are these calls.
 */

#include <stdio.h>
#include <stdlib.h>

#include "edit_private.h"
#include "schema.h"


typedef struct {
    debar_edit_t       *e;
    debar_buf_t        *out;
    debar_fault_t      *why;
    unsigned            failed;
} debar_format_t;

/* Where in the schema a node stands. */

typedef struct {
    const debar_schema_key_t  *keys;  /* of a map; NULL: any */
    const debar_schema_key_t  *key;   /* that it is the value of, or NULL */
    const char                *kind;  /* of rows, or NULL */
    unsigned                   text;  /* what other readers may take for a
                                         number is text */
    debar_schema_key_t         row[12];
} debar_format_at_t;

typedef struct {
    size_t  i;                    /* of its key */
    size_t  rank;
} debar_format_order_t;


static int debar_format_once(debar_buf_t *out, const char *data, size_t len,
    unsigned file, debar_fault_t *why);
static void debar_format_block(debar_format_t *f, const debar_edit_node_t *node,
    size_t indent, debar_format_at_t *at, size_t from, unsigned joined);
static void debar_format_value(debar_format_t *f, const debar_edit_node_t *node,
    size_t indent, debar_format_at_t *at);
static void debar_format_flow(debar_format_t *f, const debar_edit_node_t *node,
    debar_format_at_t *at);
static void debar_format_scalar(debar_format_t *f,
    const debar_edit_node_t *node, size_t indent, unsigned text);
static void debar_format_lines(debar_format_t *f, size_t from, size_t to,
    size_t indent, unsigned first);
static void debar_format_trailing(debar_format_t *f, size_t from);
static debar_format_order_t *debar_format_sorted(const debar_edit_node_t *node,
    const debar_format_at_t *at);
static void debar_format_below(debar_format_at_t *to,
    const debar_format_at_t *from, const debar_edit_node_t *key);
static size_t debar_format_body(const debar_edit_t *e,
    const debar_edit_node_t *node);
static size_t debar_format_behind(const debar_edit_t *e,
    const debar_edit_node_t *node);
static size_t debar_format_foot(const debar_edit_t *e, size_t from, size_t to,
    size_t col);


/* What is in form stays so: where a comment stands oddly it may take a second
 * pass until it does. */

int
debar_edit_format(debar_buf_t *out, const char *data, size_t len,
    unsigned file, debar_fault_t *why)
{
    int          rc;
    unsigned     pass;
    debar_buf_t  next;

    rc = debar_format_once(out, data, len, file, why);

    for (pass = 0; rc == DEBAR_OK; pass++) {
        memset(&next, 0, sizeof(next));
        rc = debar_format_once(&next, out->data, out->len, file, why);

        if (rc == DEBAR_OK && next.len == out->len
            && memcmp(next.data, out->data, next.len) == 0)
        {
            debar_buf_free(&next);
            return DEBAR_OK;
        }

        debar_buf_free(out);
        *out = next;

        if (rc == DEBAR_OK && pass == 3) {
            debar_fault(why, "the comments of this file stand where they have "
                        "no form: it is left as it is");
            rc = DEBAR_ERROR;
        }
    }

    return rc;
}


static int
debar_format_once(debar_buf_t *out, const char *data, size_t len,
    unsigned file, debar_fault_t *why)
{
    int                   rc;
    size_t                head, i;
    debar_buf_t           was, is;
    debar_edit_t         *e, *again;
    debar_format_t        f;
    debar_format_at_t     at;
    const debar_schema_t *s;

    static const char *const  names[] = {
        "list", "vendor", "waivers", "channel"
    };

    e = debar_edit_open(data, len, why);

    if (e == NULL) {
        return DEBAR_ERROR;
    }

    memset(&f, 0, sizeof(f));
    f.e = e;
    f.out = out;
    f.why = why;

    s = debar_schema(names[file]);
    memset(&at, 0, sizeof(at));
    at.keys = s->keys;

    if (e->root->type == DEBAR_EDIT_MAP && e->root->style != DEBAR_EDIT_FLOW
        && e->root->n && !e->root->anchored)
    {
        /* what stands over the whole file, up to the last blank line */

        head = 0;

        for (i = 0; i < e->root->start; i = debar_edit_line_end(e, i)) {
            if (data[i] == '\n' || data[i] == '\r' || data[i] == '-'
                || data[i] == '%')
            {
                head = debar_edit_line_end(e, i);
            }
        }

        debar_format_lines(&f, 0, head, 0, 1);
        debar_format_block(&f, e->root, 0, &at, head, 0);

    } else {
        debar_format_lines(&f, 0, debar_edit_line_start(e, e->root->start), 0,
                           1);
        debar_format_value(&f, e->root, 0, &at);
        debar_format_trailing(&f, e->root->end);
        debar_format_lines(&f, debar_edit_line_end(e, e->root->end), len, 0, 0);
    }

    while (out->len >= 2 && out->data[out->len - 1] == '\n'
           && (out->data[out->len - 2] == '\n'
               || (out->len >= 3 && out->data[out->len - 2] == '\r'
                   && out->data[out->len - 3] == '\n')))
    {
        out->len -= strlen(e->eol);
    }

    rc = f.failed ? DEBAR_ERROR : DEBAR_OK;

    /* The same tree but for the order of keys, which the reader does not see:
     * compared without it. */

    again = rc == DEBAR_OK ? debar_edit_open(out->data, out->len, why) : NULL;

    if (again) {
        memset(&was, 0, sizeof(was));
        memset(&is, 0, sizeof(is));
        debar_edit_flat_sorted(e->root, &was);
        debar_edit_flat_sorted(again->root, &is);

        if (was.len != is.len || memcmp(was.data, is.data, was.len) != 0) {
            debar_fault(why, "this file cannot be brought into form without "
                        "changing what it says: it is left as it is");
            rc = DEBAR_ERROR;
        }

        debar_buf_free(&was);
        debar_buf_free(&is);

    } else {
        rc = DEBAR_ERROR;
    }

    debar_edit_free(again);
    debar_edit_free(e);

    return rc;
}


/* --- lines between -------------------------------------------------------- */

static void
debar_format_indent(debar_format_t *f, size_t n)
{
    debar_buf_printf(f->out, "%*s", (int) n, "");
}


static void
debar_format_eol(debar_format_t *f)
{
    debar_buf_add(f->out, f->e->eol, strlen(f->e->eol));
}


/* Comments and blank lines of [from, to), at an indent; one blank line of
 * several.  first: none before the first comment. */

static void
debar_format_lines(debar_format_t *f, size_t from, size_t to, size_t indent,
    unsigned first)
{
    size_t       p, q, end;
    unsigned     blank;
    const char  *data = f->e->data;

    blank = 0;

    for (p = from; p < to; p = end) {
        end = debar_edit_line_end(f->e, p);
        end = end > to ? to : end;

        while (p < end && (data[p] == ' ' || data[p] == '\t')) {
            p++;
        }

        for (q = end; q > p && strchr(" \t\r\n", data[q - 1]); q--) {
            /* void */
        }

        if (p == q) {
            blank = 1;
            continue;
        }

        if (p == 0 && q >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0
            && q == 3)
        {
            continue;
        }

        if (blank && !first) {
            debar_format_eol(f);
        }

        blank = 0;
        first = 0;
        debar_format_indent(f, data[p] == '#' ? indent : 0);
        debar_buf_add(f->out, data + p, q - p);
        debar_format_eol(f);
    }

    if (blank && !first) {
        debar_format_eol(f);
    }
}


/* The comment behind a value, and the end of the line. */

static void
debar_format_trailing(debar_format_t *f, size_t from)
{
    size_t       p, q;
    const char  *data = f->e->data;

    for (p = from; p < f->e->len && (data[p] == ' ' || data[p] == '\t'); p++) {
        /* void */
    }

    if (p < f->e->len && data[p] == '#') {
        for (q = debar_edit_line_end(f->e, p);
             q > p && strchr(" \t\r\n", data[q - 1]); q--)
        {
            /* void */
        }

        debar_format_indent(f, p - from < 2 ? 2 : p - from);
        debar_buf_add(f->out, data + p, q - p);
    }

    debar_format_eol(f);
}


/* Behind the anchor and the tag of a block. */

static size_t
debar_format_body(const debar_edit_t *e, const debar_edit_node_t *node)
{
    size_t  p;

    p = node->start;

    while (node->anchored && p < e->len
           && (e->data[p] == '&' || e->data[p] == '!'))
    {
        while (p < e->len && !strchr(" \t\r\n", e->data[p])) {
            p++;
        }

        p = debar_edit_skip(e, p);
    }

    return p;
}


static size_t
debar_format_behind(const debar_edit_t *e, const debar_edit_node_t *node)
{
    while ((node->type == DEBAR_EDIT_LIST || node->type == DEBAR_EDIT_MAP)
           && node->style != DEBAR_EDIT_FLOW && node->n)
    {
        node = node->items[node->n - 1];
    }

    if (node->type == DEBAR_EDIT_SCALAR && node->style == DEBAR_EDIT_BLOCK
        && node->end && e->data[node->end - 1] == '\n')
    {
        return node->end;
    }

    return debar_edit_line_end(e, node->end);
}


/* How far the comments go that are deeper than col, and belong to what is
 * before them. */

static size_t
debar_format_foot(const debar_edit_t *e, size_t from, size_t to, size_t col)
{
    size_t  p, q, foot;

    foot = from;

    for (p = from; p < to; p = debar_edit_line_end(e, p)) {
        for (q = p; q < to && e->data[q] == ' '; q++) {
            /* void */
        }

        if (q < to && e->data[q] == '#') {
            if (q - p <= col) {
                break;
            }

            foot = debar_edit_line_end(e, p);
        }
    }

    return foot > to ? to : foot;
}


/* --- blocks --------------------------------------------------------------- */

/*
 * A list or a map in block style, at an indent.  from: where the lines above
 * its first item begin.  joined: "- " or the like stands on the line already.
 */

static void
debar_format_block(debar_format_t *f, const debar_edit_node_t *node,
    size_t indent, debar_format_at_t *at, size_t from, unsigned joined)
{
    size_t                    i, k, n, stride, dash, *head, *foot, *start, end,
                              col, body;
    debar_format_at_t         below;
    debar_format_order_t     *order;
    const debar_edit_node_t  *key, *value;

    stride = node->type == DEBAR_EDIT_MAP ? 2 : 1;
    n = node->n / stride;

    head = calloc(n * 3 + 1, sizeof(size_t));
    if (head == NULL) {
        abort();
    }

    foot = head + n;
    start = foot + n;
    order = debar_format_sorted(node, at);
    end = from;
    body = debar_format_body(f->e, node);
    col = body - debar_edit_line_start(f->e, body);

    /* where each has its lines: head to start above it, foot behind it */

    for (i = 0; i < n; i++) {
        dash = stride == 2 ? node->items[i * 2]->start
                           : debar_edit_skip(f->e, i ? end : body);

        if (i == 0) {
            dash = body;
        }

        start[i] = debar_edit_line_start(f->e, dash);
        head[i] = i == 0 ? from : debar_format_foot(f->e, end, start[i], col);

        if (i) {
            foot[i - 1] = head[i];
        }

        end = debar_format_behind(f->e, node->items[i * stride + stride - 1]);
    }

    /* the root has what is left of the file */

    foot[n - 1] = node == f->e->root
                  ? debar_format_foot(f->e, end, f->e->len, col) : end;

    for (k = 0; k < n; k++) {
        i = order[k].i;
        key = node->items[i * stride];
        value = node->items[i * stride + stride - 1];
        dash = k == 0 && joined;

        if (!dash) {
            debar_format_lines(f, head[i], start[i] > head[i] ? start[i]
                               : head[i], indent,
                               k == 0 && (f->out->len == 0 || i != 0));
            debar_format_indent(f, indent);
        }

        debar_format_below(&below, at, stride == 2 ? key : NULL);

        if (stride == 2) {
            if (key->type != DEBAR_EDIT_SCALAR
                || memchr(f->e->data + key->start, '\n', key->end - key->start))
            {
                f->failed = 1;
                debar_fault(f->why, "line %u: a key is a word", key->line);
                break;
            }

            debar_format_scalar(f, key, indent, 0);
            debar_buf_add(f->out, ":", 1);

            if (!(value->type == DEBAR_EDIT_SCALAR
                  && value->start == value->end))
            {
                debar_buf_add(f->out, " ", 1);
            }

        } else {
            debar_buf_add(f->out, "- ", value->type == DEBAR_EDIT_SCALAR
                                        && value->start == value->end ? 1 : 2);
        }

        debar_format_value(f, value, indent, &below);

        end = debar_format_behind(f->e, value);
        debar_format_lines(f, end, foot[i] > end ? foot[i] : end, indent + 2,
                           0);
    }

    if (node == f->e->root) {
        debar_format_lines(f, foot[n - 1], f->e->len, indent, 0);
    }

    free(head);
    free(order);
}


/* A value, the comment behind it and the end of its line. */

static void
debar_format_value(debar_format_t *f, const debar_edit_node_t *node,
    size_t indent, debar_format_at_t *at)
{
    size_t       from, p, line, body;
    unsigned     item;
    const char  *data = f->e->data;

    if ((node->type == DEBAR_EDIT_LIST || node->type == DEBAR_EDIT_MAP)
        && node->style != DEBAR_EDIT_FLOW)
    {
        body = debar_format_body(f->e, node);
        item = f->out->len >= 2 && memcmp(f->out->data + f->out->len - 2, "- ",
                                          2) == 0;

        if (item && !node->anchored) {

            /* "- key: value": on this line, where nothing stands between */

            debar_format_block(f, node, indent + 2, at, node->start, 1);
            return;
        }

        if (node->anchored) {

            /* "&name", "!tag" on the line of the key */

            for (p = node->start; p < body && !strchr("\r\n", data[p])
                 && !(data[p] == '#' && data[p - 1] == ' '); p++)
            {
                /* void */
            }

            while (p > node->start && data[p - 1] == ' ') {
                p--;
            }

            debar_buf_add(f->out, data + node->start, p - node->start);
            debar_format_trailing(f, p);
            debar_format_block(f, node, indent + 2, at,
                               debar_edit_line_end(f->e, p), 0);
            return;
        }

        while (f->out->len && f->out->data[f->out->len - 1] == ' ') {
            f->out->len--;
        }

        /* behind the colon: the end of the line of the key */

        line = debar_edit_line_start(f->e, node->start);
        from = line;

        for (p = debar_edit_line_start(f->e, line ? line - 1 : 0); line && p;
             p = debar_edit_line_start(f->e, p - 1))
        {
            size_t  q = p;

            while (data[q] == ' ' || data[q] == '\t') {
                q++;
            }

            if (data[q] != '#' && data[q] != '\n' && data[q] != '\r') {
                break;
            }

            from = p;
        }

        /* p: the line of the key; its comment is behind its colon */

        p = from ? from - 1 : 0;
        line = debar_edit_line_start(f->e, p);

        for (p = line; p < from && !(data[p] == ':'
             && strchr(" \t\r\n", data[p + 1])); p++)
        {
            /* void */
        }

        debar_format_trailing(f, p < from ? p + 1 : p);
        debar_format_block(f, node, indent + 2, at, from, 0);
        return;
    }

    if (node->type == DEBAR_EDIT_SCALAR && node->style == DEBAR_EDIT_BLOCK) {
        size_t  q, old, new;

        /* as it stands, moved to the new indent */

        line = debar_edit_line_start(f->e, node->start);

        for (old = 0; data[line + old] == ' '
             || (data[line + old] == '-' && data[line + old + 1] == ' '); old++)
        {
            /* void */
        }

        new = indent + (f->out->len >= 2
                        && memcmp(f->out->data + f->out->len - 2, "- ", 2) == 0
                        ? 0 : 0);

        for (p = node->start; p < node->end; p = q) {
            q = debar_edit_line_end(f->e, p);
            q = q > node->end ? node->end : q;

            if (p != node->start && q - p > strlen(f->e->eol)) {
                for (line = 0; line < old && data[p] == ' '; line++) {
                    p++;
                }

                debar_format_indent(f, new);
            }

            debar_buf_add(f->out, data + p, q - p);
        }

        if (data[node->end - 1] != '\n') {
            debar_format_eol(f);
        }

        return;
    }

    if (node->type == DEBAR_EDIT_SCALAR) {
        debar_format_scalar(f, node, indent, at->text);

    } else {
        debar_format_flow(f, node, at);
    }

    debar_format_trailing(f, node->end);
}


/* --- one line ------------------------------------------------------------- */

static void
debar_format_scalar(debar_format_t *f, const debar_edit_node_t *node,
    size_t indent, unsigned text)
{
    size_t       p, q;
    const char  *data = f->e->data;

    if (!node->anchored && memchr(data + node->start, '\n',
                                  node->end - node->start) == NULL)
    {
        if (node->style == DEBAR_EDIT_PLAIN && text && !node->null
            && debar_edit_typed(node->text, node->n))
        {
            debar_edit_quote(f->out, node->text, node->n, 0);
            return;
        }
    }

    /* over several lines: what goes on stands below */

    for (p = node->start; p < node->end; p = q) {
        q = debar_edit_line_end(f->e, p);
        q = q > node->end ? node->end : q;

        if (p != node->start) {
            while (p < q && (data[p] == ' ' || data[p] == '\t')) {
                p++;
            }

            if (data[p] != '\n' && data[p] != '\r') {
                debar_format_indent(f, indent + 2);
            }
        }

        debar_buf_add(f->out, data + p, q - p);
    }
}


/* Whether a comment stands between its items. */

static int
debar_format_remarks(const debar_edit_t *e, const debar_edit_node_t *node)
{
    size_t  i, p, end;

    p = node->start;

    for (i = 0; i <= node->n; i++) {
        end = i < node->n ? node->items[i]->start : node->end;

        if (end > p && memchr(e->data + p, '#', end - p)) {
            return 1;
        }

        p = i < node->n ? node->items[i]->end : end;
    }

    return 0;
}


static void
debar_format_flow(debar_format_t *f, const debar_edit_node_t *node,
    debar_format_at_t *at)
{
    size_t                    i, k, n, col, stride, p, before;
    debar_format_at_t         below;
    debar_format_order_t     *order;
    const debar_edit_node_t  *key, *value;

    if (node->type == DEBAR_EDIT_SCALAR) {
        debar_format_scalar(f, node, 0, at->text);
        return;
    }

    if (node->type == DEBAR_EDIT_ALIAS || node->anchored
        || debar_format_remarks(f->e, node))
    {
        debar_buf_add(f->out, f->e->data + node->start,
                      node->end - node->start);
        return;
    }

    stride = node->type == DEBAR_EDIT_MAP ? 2 : 1;
    n = node->n / stride;
    order = debar_format_sorted(node, at);
    debar_buf_add(f->out, stride == 2 ? "{" : "[", 1);

    for (p = f->out->len; p && f->out->data[p - 1] != '\n'; p--) {
        /* void */
    }

    for (col = 0; p < f->out->len; p++) {
        col += ((unsigned char) f->out->data[p] & 0xc0) != 0x80;
    }

    for (k = 0; k < n; k++) {
        i = order[k].i;
        key = node->items[i * stride];
        value = node->items[i * stride + stride - 1];

        if (k) {
            before = i ? node->items[i * stride - 1]->end : node->start;
            debar_buf_add(f->out, ",", 1);

            if (memchr(f->e->data + before, '\n', key->start - before)) {
                debar_format_eol(f);
                debar_format_indent(f, col);
            } else {
                debar_buf_add(f->out, " ", 1);
            }
        }

        debar_format_below(&below, at, stride == 2 ? key : NULL);

        if (stride == 2) {
            debar_format_flow(f, key, &below);
            debar_buf_add(f->out, ":", 1);
            debar_buf_add(f->out, " ", !(value->type == DEBAR_EDIT_SCALAR
                                         && value->start == value->end));
        }

        debar_format_flow(f, value, &below);
    }

    debar_buf_add(f->out, stride == 2 ? "}" : "]", 1);
    free(order);
}


/* --- order ---------------------------------------------------------------- */

/* The place of a key among those of its map; kinds of values have theirs. */

static size_t
debar_format_rank(const debar_schema_key_t *keys, const char *name)
{
    size_t  i, k;

    for (i = 0; keys && keys[i].name; i++) {
        if (!(keys[i].flags & DEBAR_S_ROWS)) {
            if (strcmp(keys[i].name, name) == 0) {
                return i * 1000;
            }

            continue;
        }

        for (k = 0; k < DEBAR_VALUE_KINDS; k++) {
            if (strcmp(debar_value_kinds[k].list, name) == 0) {
                return i * 1000 + 2 * k;
            }

            if (strcmp(debar_value_kinds[k].from, name) == 0) {
                return i * 1000 + 2 * k + 1;
            }
        }
    }

    return SIZE_MAX;
}


static int
debar_format_order_cmp(const void *one, const void *two)
{
    const debar_format_order_t  *a = one, *b = two;

    if (a->rank != b->rank) {
        return a->rank < b->rank ? -1 : 1;
    }

    return a->i < b->i ? -1 : a->i > b->i;
}


static debar_format_order_t *
debar_format_sorted(const debar_edit_node_t *node, const debar_format_at_t *at)
{
    size_t                 i, n;
    debar_format_order_t  *order;

    n = node->type == DEBAR_EDIT_MAP ? node->n / 2 : node->n;

    order = calloc(n + 1, sizeof(*order));
    if (order == NULL) {
        abort();
    }

    for (i = 0; i < n; i++) {
        order[i].i = i;

        if (node->type == DEBAR_EDIT_MAP && at->keys
            && node->items[2 * i]->type == DEBAR_EDIT_SCALAR)
        {
            order[i].rank = debar_format_rank(at->keys,
                                              node->items[2 * i]->text);
        }
    }

    if (n) {
        qsort(order, n, sizeof(*order), debar_format_order_cmp);
    }

    return order;
}


/* What stands behind a key, or (NULL) in a list. */

static void
debar_format_below(debar_format_at_t *to, const debar_format_at_t *from,
    const debar_edit_node_t *key)
{
    size_t                     i, k;
    const debar_schema_key_t  *found;

    memset(to, 0, sizeof(*to));

    if (key == NULL || from->keys == NULL
        || key->type != DEBAR_EDIT_SCALAR)
    {
        /* an item of a list, or a key of any name: what was said of the list */

        to->key = from->key;
        to->text = from->text;
        to->kind = from->kind;

        if (from->kind) {
            memcpy(to->row, from->row, sizeof(to->row));
            debar_schema_row(from->kind, to->row, 12);
            to->keys = to->row;

            /* packages: ecosystems are keys of any name */

            if (key && strcmp(from->kind, "packages") == 0) {
                to->keys = NULL;
            }

        } else if (from->key && from->key->type == DEBAR_S_MAP) {
            to->keys = debar_schema(from->key->of)->keys;
        }

        return;
    }

    found = NULL;

    for (i = 0; from->keys[i].name && found == NULL; i++) {
        if (!(from->keys[i].flags & DEBAR_S_ROWS)) {
            found = strcmp(from->keys[i].name, key->text) == 0
                    ? &from->keys[i] : NULL;
            continue;
        }

        for (k = 0; k < DEBAR_VALUE_KINDS; k++) {
            if (strcmp(debar_value_kinds[k].list, key->text) == 0) {
                to->kind = debar_value_kinds[k].list;
                to->text = debar_value_kinds[k].kind != DEBAR_KIND_ASN;
            }
        }
    }

    if (found == NULL) {
        return;
    }

    to->key = found;
    to->text = found->type == DEBAR_S_TEXT && strcmp(found->name, "asn") != 0;

    if (found->type == DEBAR_S_MAP
        && !(found->flags & (DEBAR_S_LIST|DEBAR_S_KEYED)))
    {
        to->keys = debar_schema(found->of)->keys;
    }
}

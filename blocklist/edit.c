/*
 * Edits gathered, made at once, and proved: what comes out is read again and
 * must say what the old text said, with the edits in it.
 */

#include <stdio.h>
#include <stdlib.h>

#include "edit_private.h"


#define DEBAR_EDIT_WIDTH  100         /* of a line in brackets */

static void *debar_edit_grow(void *list, size_t n, size_t *size, size_t each);
static void debar_edit_touch(debar_edit_t *e, debar_edit_node_t *node);
static int debar_edit_free_of_anchors(const debar_edit_node_t *node,
    debar_fault_t *why);
static void debar_edit_news(debar_edit_t *e, debar_edit_node_t *node,
    const char *key, const char *yaml, const char *comment, unsigned as_list,
    size_t after);
static void debar_edit_splice(debar_edit_t *e, size_t start, size_t end,
    const char *text, size_t len);
static debar_edit_node_t *debar_edit_parent(debar_edit_t *e,
    const debar_edit_node_t *node, size_t *i);
static void debar_edit_node_splices(debar_edit_t *e, debar_edit_node_t *node,
    const debar_edit_new_t *news, size_t n);
static void debar_edit_block_removed(debar_edit_t *e, debar_edit_node_t *node,
    unsigned stride);
static void debar_edit_flow_removed(debar_edit_t *e, debar_edit_node_t *node,
    unsigned stride);
static void debar_edit_block_added(debar_edit_t *e, debar_edit_node_t *node,
    const debar_edit_new_t *new);
static void debar_edit_flow_added(debar_edit_t *e, debar_edit_node_t *node,
    const debar_edit_new_t *new, unsigned first);
static int debar_edit_whole_list(debar_edit_t *e, debar_edit_node_t *node,
    size_t nnews);
static int debar_edit_prove(debar_edit_t *e, const debar_buf_t *out,
    debar_fault_t *why);


/* --- bytes ---------------------------------------------------------------- */

size_t
debar_edit_skip(const debar_edit_t *e, size_t p)
{
    while (p < e->len) {
        if (strchr(" \t\r\n", e->data[p]) && e->data[p]) {
            p++;

        } else if (e->data[p] == '#') {
            p = debar_edit_line_end(e, p);

        } else {
            break;
        }
    }

    return p;
}


size_t
debar_edit_line_start(const debar_edit_t *e, size_t p)
{
    while (p && e->data[p - 1] != '\n') {
        p--;
    }

    return p;
}


size_t
debar_edit_line_end(const debar_edit_t *e, size_t p)
{
    const char  *nl;

    nl = memchr(e->data + p, '\n', e->len - p);

    return nl ? (size_t) (nl - e->data) + 1 : e->len;
}


/* Where what follows a node on a line of its own would begin: a block of text
 * ends with its last line. */

static size_t
debar_edit_behind(const debar_edit_t *e, const debar_edit_node_t *node)
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


/* --- what is to be done --------------------------------------------------- */

int
debar_edit_append(debar_edit_t *e, debar_edit_node_t *list, const char *yaml,
    const char *comment, debar_fault_t *why)
{
    debar_buf_t         flat;
    debar_edit_node_t  *map;
    size_t              i;

    if (debar_edit_free_of_anchors(list, why) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    if (list->type != DEBAR_EDIT_LIST) {
        map = list->null ? debar_edit_parent(e, list, &i) : NULL;

        if (map == NULL || map->style == DEBAR_EDIT_FLOW) {
            debar_fault(why, "line %u: this is no list: write one with [..] or"
                        " one \"- \" a line", list->line);
            return DEBAR_ERROR;
        }
    }

    memset(&flat, 0, sizeof(flat));

    if (debar_edit_flat_text(yaml, &flat, why) != DEBAR_OK) {
        debar_buf_free(&flat);
        return DEBAR_ERROR;
    }

    if (list->added == NULL) {
        list->added = calloc(1, sizeof(debar_buf_t));
        if (list->added == NULL) {
            abort();
        }
    }

    if (list->type != DEBAR_EDIT_LIST) {

        /* nothing becomes a list */

        if (list->added->len) {
            list->added->len--;
        } else {
            debar_buf_printf(list->added, "[0");
        }

        debar_buf_add(list->added, flat.data, flat.len);
        debar_buf_add(list->added, "]", 1);

    } else {
        debar_buf_add(list->added, flat.data, flat.len);
        list->nadded++;
    }

    debar_buf_free(&flat);
    debar_edit_touch(e, list);
    debar_edit_news(e, list, NULL, yaml, comment, 0, list->n);

    return DEBAR_OK;
}


int
debar_edit_remove(debar_edit_t *e, debar_edit_node_t *list, size_t i,
    debar_fault_t *why)
{
    if (debar_edit_free_of_anchors(list, why) != DEBAR_OK
        || list->type != DEBAR_EDIT_LIST || i >= list->n)
    {
        return DEBAR_ERROR;
    }

    list->items[i]->removed = 1;
    debar_edit_touch(e, list);

    return DEBAR_OK;
}


int
debar_edit_replace(debar_edit_t *e, debar_edit_node_t *node, const char *yaml,
    debar_fault_t *why)
{
    size_t        end;
    debar_buf_t  *flat, text;

    if (debar_edit_free_of_anchors(node, why) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    if (node->touched || node->removed || node->added) {
        debar_fault(why, "line %u: changed twice in one run", node->line);
        return DEBAR_ERROR;
    }

    flat = calloc(1, sizeof(debar_buf_t));
    if (flat == NULL) {
        abort();
    }

    if (debar_edit_flat_text(yaml, flat, why) != DEBAR_OK) {
        debar_buf_free(flat);
        free(flat);
        return DEBAR_ERROR;
    }

    node->added = flat;
    node->nadded = 0;

    memset(&text, 0, sizeof(text));
    end = node->end;

    if (node->start == node->end
        || (node->type != DEBAR_EDIT_SCALAR && node->style != DEBAR_EDIT_FLOW
            && node->type != DEBAR_EDIT_ALIAS
            && debar_edit_line_start(e, node->start) != 0))
    {
        debar_buf_add(&text, " ", node->start == node->end);
    }

    debar_buf_add(&text, yaml, strlen(yaml));

    if (node->style == DEBAR_EDIT_BLOCK && node->type == DEBAR_EDIT_SCALAR
        && end && e->data[end - 1] == '\n')
    {
        debar_buf_add(&text, e->eol, strlen(e->eol));
    }

    debar_edit_splice(e, node->start, end, text.data, text.len);
    debar_buf_free(&text);

    return DEBAR_OK;
}


int
debar_edit_key(debar_edit_t *e, debar_edit_node_t *map, const char *key,
    const char *yaml, unsigned as_list, const char *comment,
    const char *const *order, debar_fault_t *why)
{
    size_t       i, k, after, at[2];
    debar_buf_t  flat;

    if (map->type != DEBAR_EDIT_MAP) {
        debar_fault(why, "line %u: this is no map of keys and values",
                    map->line);
        return DEBAR_ERROR;
    }

    if (debar_edit_free_of_anchors(map, why) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    /* behind the last of the keys that come before it; first is not asked for:
     * a list of maps has its "- " there */

    after = map->n;

    for (k = 0; order && order[k] && strcmp(order[k], key) != 0; k++) {
        for (i = 0; i < map->n; i += 2) {
            if (map->items[i]->type == DEBAR_EDIT_SCALAR
                && strcmp(map->items[i]->text, order[k]) == 0)
            {
                after = after == map->n || i + 2 > after ? i + 2 : after;
            }
        }
    }

    memset(&flat, 0, sizeof(flat));
    debar_buf_printf(&flat, "s0%zu:%s%s", strlen(key), key, as_list ? "[0" : "");

    if (debar_edit_flat_text(yaml, &flat, why) != DEBAR_OK) {
        debar_buf_free(&flat);
        return DEBAR_ERROR;
    }

    debar_buf_add(&flat, "]", as_list != 0);

    /* where it stands among the others matters to the proof */

    if (map->added == NULL) {
        map->added = calloc(1, sizeof(debar_buf_t));
        if (map->added == NULL) {
            abort();
        }
    }

    map->nadded++;
    at[0] = after;
    at[1] = flat.len;
    debar_buf_add(map->added, at, sizeof(at));
    debar_buf_add(map->added, flat.data, flat.len);
    debar_buf_free(&flat);

    debar_edit_touch(e, map);
    debar_edit_news(e, map, key, yaml, comment, as_list, after);

    return DEBAR_OK;
}


int
debar_edit_unset(debar_edit_t *e, debar_edit_node_t *map, const char *key,
    debar_fault_t *why)
{
    size_t  i;

    if (map->type != DEBAR_EDIT_MAP
        || debar_edit_free_of_anchors(map, why) != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    for (i = 0; i < map->n; i += 2) {
        if (map->items[i]->type == DEBAR_EDIT_SCALAR
            && strcmp(map->items[i]->text, key) == 0)
        {
            map->items[i]->removed = 1;
            map->items[i + 1]->removed = 1;
            debar_edit_touch(e, map);
            return DEBAR_OK;
        }
    }

    debar_fault(why, "line %u: there is no \"%s\" here", map->line, key);

    return DEBAR_ERROR;
}


static int
debar_edit_free_of_anchors(const debar_edit_node_t *node, debar_fault_t *why)
{
    if (node->type == DEBAR_EDIT_ALIAS || node->anchored) {
        debar_fault(why, "line %u: an anchor, an alias or a tag stands here: "
                    "change this place in an editor", node->line);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


static void *
debar_edit_grow(void *list, size_t n, size_t *size, size_t each)
{
    if (n < *size) {
        return list;
    }

    *size = *size ? *size * 2 : 16;
    list = reallocarray(list, *size, each);

    if (list == NULL) {
        abort();
    }

    return list;
}


static void
debar_edit_touch(debar_edit_t *e, debar_edit_node_t *node)
{
    if (node->touched) {
        return;
    }

    node->touched = 1;
    e->touched = debar_edit_grow(e->touched, e->ntouched, &e->touched_size,
                                 sizeof(*e->touched));
    e->touched[e->ntouched++] = node;
}


static void
debar_edit_news(debar_edit_t *e, debar_edit_node_t *node, const char *key,
    const char *yaml, const char *comment, unsigned as_list, size_t after)
{
    debar_edit_new_t  *new;

    e->news = debar_edit_grow(e->news, e->nnews, &e->news_size,
                              sizeof(*e->news));
    new = &e->news[e->nnews];

    new->seq = e->nnews++;
    new->node = node;
    new->key = key ? strdup(key) : NULL;
    new->yaml = strdup(yaml);
    new->comment = comment ? strdup(comment) : NULL;
    new->as_list = as_list;
    new->after = after;

    if (new->yaml == NULL || (key && new->key == NULL)
        || (comment && new->comment == NULL))
    {
        abort();
    }
}


static void
debar_edit_splice(debar_edit_t *e, size_t start, size_t end, const char *text,
    size_t len)
{
    debar_splice_t  *s;

    e->splices = debar_edit_grow(e->splices, e->nsplices, &e->splices_size,
                                 sizeof(*e->splices));
    s = &e->splices[e->nsplices];

    s->start = start;
    s->end = end;
    s->seq = e->nsplices++;
    s->len = len;
    s->text = malloc(len + 1);

    if (s->text == NULL) {
        abort();
    }

    if (len) {
        memcpy(s->text, text, len);
    }
}


/* --- how the text changes ------------------------------------------------- */

static int
debar_edit_splice_cmp(const void *one, const void *two)
{
    const debar_splice_t  *a = one, *b = two;

    if (a->start != b->start) {
        return a->start < b->start ? -1 : 1;
    }

    return a->seq < b->seq ? -1 : a->seq > b->seq;
}


static int
debar_edit_new_cmp(const void *one, const void *two)
{
    const debar_edit_new_t  *a = one, *b = two;

    if (a->node != b->node) {
        return a->node->start != b->node->start
               ? (a->node->start < b->node->start ? -1 : 1)
               : (a->node < b->node ? -1 : 1);
    }

    if (a->after != b->after) {
        return a->after < b->after ? -1 : 1;
    }

    return a->seq < b->seq ? -1 : a->seq > b->seq;
}


static int
debar_edit_touched_cmp(const void *one, const void *two)
{
    const debar_edit_node_t  *a = *(debar_edit_node_t *const *) one,
                             *b = *(debar_edit_node_t *const *) two;

    if (a->start != b->start) {
        return a->start < b->start ? -1 : 1;
    }

    return a < b ? -1 : a > b;
}


int
debar_edit_finish(debar_edit_t *e, debar_buf_t *out, debar_fault_t *why)
{
    size_t           i, k, n, at;
    debar_splice_t  *s;

    if (e->nnews) {
        qsort(e->news, e->nnews, sizeof(*e->news), debar_edit_new_cmp);
    }

    if (e->ntouched) {
        qsort(e->touched, e->ntouched, sizeof(*e->touched),
              debar_edit_touched_cmp);
    }

    for (i = 0, k = 0; i < e->ntouched; i++) {
        for (n = 0; k + n < e->nnews && e->news[k + n].node == e->touched[i];
             n++)
        {
            /* void */
        }

        debar_edit_node_splices(e, e->touched[i], n ? e->news + k : NULL, n);
        k += n;
    }

    if (e->nsplices) {
        qsort(e->splices, e->nsplices, sizeof(*e->splices),
              debar_edit_splice_cmp);
    }

    at = 0;

    for (i = 0; i < e->nsplices; i++) {
        s = &e->splices[i];

        if (s->start < at || s->end < s->start || s->end > e->len) {
            debar_fault(why, "these changes cannot be made in one run: make "
                        "them one after the other");
            return DEBAR_ERROR;
        }

        debar_buf_add(out, e->data + at, s->start - at);
        debar_buf_add(out, s->text, s->len);
        at = s->end;
    }

    debar_buf_add(out, e->data + at, e->len - at);

    return debar_edit_prove(e, out, why);
}


static void
debar_edit_node_splices(debar_edit_t *e, debar_edit_node_t *node,
    const debar_edit_new_t *news, size_t n)
{
    size_t    i;
    unsigned  stride;

    stride = node->type == DEBAR_EDIT_MAP ? 2 : 1;

    if (node->type == DEBAR_EDIT_SCALAR) {
        for (i = 0; i < n; i++) {
            debar_edit_block_added(e, node, &news[i]);
        }

        return;
    }

    if (node->style == DEBAR_EDIT_FLOW) {
        debar_edit_flow_removed(e, node, stride);

        for (i = 0; i < n; i++) {
            debar_edit_flow_added(e, node, &news[i], i == 0);
        }

        return;
    }

    if (stride == 1 && debar_edit_whole_list(e, node, n)) {
        return;
    }

    debar_edit_block_removed(e, node, stride);

    for (i = 0; i < n; i++) {
        debar_edit_block_added(e, node, &news[i]);
    }
}


static debar_edit_node_t *
debar_edit_parent(debar_edit_t *e, const debar_edit_node_t *node, size_t *i)
{
    size_t  k;

    for (k = 0; k < e->nnodes; k++) {
        if (e->nodes[k]->type != DEBAR_EDIT_MAP) {
            continue;
        }

        for (*i = 1; *i < e->nodes[k]->n; *i += 2) {
            if (e->nodes[k]->items[*i] == node) {
                return e->nodes[k];
            }
        }
    }

    return NULL;
}


/* A list of which nothing stays goes with its key, unless somebody has written
 * a word between its items. */

static int
debar_edit_whole_list(debar_edit_t *e, debar_edit_node_t *node, size_t nnews)
{
    size_t              i, k, at, from;
    debar_edit_node_t  *map;

    for (i = 0; i < node->n && node->items[i]->removed; i++) {
        /* void */
    }

    if (i < node->n || nnews) {
        return 0;
    }

    /* or its key stays, and stands for nothing */

    node->added = calloc(1, sizeof(debar_buf_t));
    if (node->added == NULL) {
        abort();
    }

    debar_buf_printf(node->added, "s10:");

    map = debar_edit_parent(e, node, &k);

    if (map == NULL || map->style == DEBAR_EDIT_FLOW || map->touched
        || map->anchored)
    {
        return 0;
    }

    at = map->items[k - 1]->end;

    for (i = 0; i < node->n; i++) {
        if (memchr(e->data + at, '#', node->items[i]->start - at)) {
            return 0;
        }

        at = debar_edit_behind(e, node->items[i]);
    }

    from = debar_edit_line_start(e, map->items[k - 1]->start);

    for (i = from; i < map->items[k - 1]->start; i++) {
        if (e->data[i] != ' ') {
            return 0;
        }
    }

    /* the blank line before it, as well, if there is one behind */

    if (from && (at == e->len || e->data[at] == '\n')
        && from >= 2 && e->data[from - 1] == '\n' && e->data[from - 2] == '\n')
    {
        from--;
    }

    map->items[k - 1]->removed = 1;
    node->removed = 1;
    debar_edit_splice(e, from, at, "", 0);

    return 1;
}


static void
debar_edit_block_removed(debar_edit_t *e, debar_edit_node_t *node,
    unsigned stride)
{
    size_t  i, dash, end;

    end = node->start;

    for (i = 0; i < node->n; i += stride) {
        dash = stride == 2 ? node->items[i]->start : debar_edit_skip(e, end);
        end = debar_edit_behind(e, node->items[i + stride - 1]);

        if (node->items[i]->removed) {
            debar_edit_splice(e, debar_edit_line_start(e, dash), end, "", 0);
        }
    }
}


/* Of what is removed the text up to the next goes, of the last ones from the
 * last that stays. */

static void
debar_edit_flow_removed(debar_edit_t *e, debar_edit_node_t *node,
    unsigned stride)
{
    size_t  i, last;

    last = node->n;

    for (i = 0; i < node->n; i += stride) {
        if (!node->items[i]->removed) {
            last = i;
        }
    }

    if (last == node->n) {
        if (node->n) {
            debar_edit_splice(e, node->items[0]->start, node->end - 1, "", 0);
        }

        return;
    }

    for (i = 0; i < last; i += stride) {
        if (node->items[i]->removed) {
            debar_edit_splice(e, node->items[i]->start,
                              node->items[i + stride]->start, "", 0);
        }
    }

    if (last + stride < node->n) {
        debar_edit_splice(e, node->items[last + stride - 1]->end,
                          node->items[node->n - 1]->end, "", 0);
    }
}


/* "  - VALUE  # COMMENT", or "KEY: VALUE", or "KEY:" and a list of one. */

static void
debar_edit_block_added(debar_edit_t *e, debar_edit_node_t *node,
    const debar_edit_new_t *new)
{
    int                       whole;
    size_t                    at, i, indent;
    debar_buf_t               b;
    const debar_edit_node_t  *map, *behind;

    memset(&b, 0, sizeof(b));

    if (node->type == DEBAR_EDIT_SCALAR) {
        map = debar_edit_parent(e, node, &i);
        indent = map->items[0]->col - 1 + 2;
        behind = node;

    } else {
        indent = (node->n ? node->items[0]->col : node->col) - 1;

        if (node->type == DEBAR_EDIT_LIST) {
            indent = node->start - debar_edit_line_start(e, node->start);
        }

        behind = node->items[new->after - 1];
    }

    at = debar_edit_behind(e, behind);
    whole = at && e->data[at - 1] == '\n';

    if (!whole) {
        debar_buf_add(&b, e->eol, strlen(e->eol));
    }

    /* keys that stand apart go on to do so */

    if (node->type == DEBAR_EDIT_MAP && new->after > 2
        && debar_edit_line_start(e, node->items[new->after - 2]->start) >= 2
        && new->as_list)
    {
        i = debar_edit_line_start(e, node->items[new->after - 2]->start);

        if (e->data[i - 1] == '\n'
            && (e->data[i - 2] == '\n'
                || (i > 2 && e->data[i - 2] == '\r' && e->data[i - 3] == '\n')))
        {
            debar_buf_add(&b, e->eol, strlen(e->eol));
        }
    }

    debar_buf_printf(&b, "%*s", (int) indent, "");

    if (new->key && new->as_list) {
        debar_buf_printf(&b, "%s:%s%*s- %s", new->key, e->eol,
                         (int) indent + 2, "", new->yaml);
    } else if (new->key) {
        debar_buf_printf(&b, "%s: %s", new->key, new->yaml);
    } else {
        debar_buf_printf(&b, "- %s", new->yaml);
    }

    if (new->comment) {
        debar_buf_printf(&b, "  # %s", new->comment);
    }

    if (whole) {
        debar_buf_add(&b, e->eol, strlen(e->eol));
    }

    debar_edit_splice(e, at, at, b.data, b.len);
    debar_buf_free(&b);
}


/* In brackets; a long line goes on below its first item.  A comment stands
 * above the line where the brackets open. */

static void
debar_edit_flow_added(debar_edit_t *e, debar_edit_node_t *node,
    const debar_edit_new_t *new, unsigned first)
{
    size_t       i, at, stride, line, comma;
    unsigned     empty;
    debar_buf_t  b;

    memset(&b, 0, sizeof(b));
    stride = node->type == DEBAR_EDIT_MAP ? 2 : 1;
    empty = 1;

    for (i = 0; i < node->n; i += stride) {
        empty &= node->items[i]->removed;
    }

    at = node->n ? node->items[node->n - 1]->end : node->end - 1;
    comma = 0;

    if (node->n) {
        i = debar_edit_skip(e, at);

        if (i < e->len && e->data[i] == ',') {
            at = i + 1;
            comma = 1;
        }
    }

    if (empty) {
        at = node->end - 1;
        comma = 1;
    }

    if (!(empty && first)) {
        debar_buf_add(&b, ", ", comma && first ? 0 : 2);
        debar_buf_add(&b, " ", comma && first);

        line = debar_edit_line_start(e, at);

        if (node->type == DEBAR_EDIT_LIST && node->n && !empty && first
            && at - line + strlen(new->yaml) + 3 > DEBAR_EDIT_WIDTH)
        {
            b.len = 0;
            debar_buf_add(&b, ",", !comma);
            debar_buf_printf(&b, "%s%*s", e->eol,
                             (int) node->items[0]->col - 1, "");
        }
    }

    if (new->key && new->as_list) {
        debar_buf_printf(&b, "%s: [%s]", new->key, new->yaml);
    } else if (new->key) {
        debar_buf_printf(&b, "%s: %s", new->key, new->yaml);
    } else {
        debar_buf_printf(&b, "%s", new->yaml);
    }

    debar_edit_splice(e, at, at, b.data, b.len);
    b.len = 0;

    if (new->comment) {
        line = debar_edit_line_start(e, node->start);

        for (i = line; i < e->len && e->data[i] == ' '; i++) {
            /* void */
        }

        debar_buf_printf(&b, "%*s# %s%s", (int) (i - line), "", new->comment,
                         e->eol);
        debar_edit_splice(e, line, line, b.data, b.len);
    }

    debar_buf_free(&b);
}


static int
debar_edit_prove(debar_edit_t *e, const debar_buf_t *out, debar_fault_t *why)
{
    int            same;
    debar_buf_t    want, got;
    debar_edit_t  *read;
    debar_fault_t  bad;

    read = debar_edit_open(out->data ? out->data : "", out->len, &bad);

    if (read == NULL) {
        debar_fault(why, "this place cannot be changed by a command (%s): "
                    "change it in an editor", bad.text);
        return DEBAR_ERROR;
    }

    memset(&want, 0, sizeof(want));
    memset(&got, 0, sizeof(got));

    debar_edit_flat(e->root, &want);
    debar_edit_flat(read->root, &got);

    same = want.len == got.len
           && (want.len == 0 || memcmp(want.data, got.data, want.len) == 0);

    debar_buf_free(&want);
    debar_buf_free(&got);
    debar_edit_free(read);

    if (!same) {
        debar_fault(why, "this place cannot be changed by a command without "
                    "changing what stands beside it: change it in an editor");
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}

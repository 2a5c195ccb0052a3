/*
 * YAML to nodes that know their bytes.  libyaml's marks count characters, and
 * what it calls the end of a block is where the next token begins: here a block
 * ends with its last item.
 */

#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

#include "edit_private.h"


#define DEBAR_EDIT_STEP  64           /* characters between two known offsets */

typedef struct {
    debar_edit_t       *e;
    uint32_t           *known;        /* byte of each 64th character */
    size_t              nknown;
    debar_edit_node_t  *open[DEBAR_EDIT_DEPTH];
    size_t              first[DEBAR_EDIT_DEPTH];
    unsigned            depth;
    debar_edit_node_t **stack;
    size_t              n;
    size_t              size;
    unsigned            aliases;
    unsigned            documents;
    debar_fault_t      *why;
} debar_edit_read_t;


static int debar_edit_read(debar_edit_read_t *r);
static int debar_edit_offsets(debar_edit_read_t *r);
static size_t debar_edit_byte(const debar_edit_read_t *r,
    const yaml_mark_t *mark);
static int debar_edit_event(debar_edit_read_t *r, const yaml_event_t *ev);
static debar_edit_node_t *debar_edit_new(debar_edit_read_t *r,
    const yaml_event_t *ev, unsigned type, unsigned style);
static int debar_edit_begin(debar_edit_read_t *r, const yaml_event_t *ev,
    unsigned type, unsigned style);
static void debar_edit_close(debar_edit_read_t *r, const yaml_event_t *ev);
static void debar_edit_text(debar_edit_node_t *node, const char *data,
    size_t len);


debar_edit_t *
debar_edit_open(const char *data, size_t len, debar_fault_t *why)
{
    int                 rc;
    const char         *nl;
    debar_edit_t       *e;
    debar_edit_read_t   r;

    e = calloc(1, sizeof(debar_edit_t));
    if (e == NULL) {
        abort();
    }

    e->data = data;
    e->len = len;

    nl = memchr(data, '\n', len);
    e->eol = nl && nl > data && nl[-1] == '\r' ? "\r\n" : "\n";

    memset(&r, 0, sizeof(r));
    r.e = e;
    r.why = why;

    rc = debar_edit_offsets(&r);

    if (rc == DEBAR_OK) {
        rc = debar_edit_read(&r);
    }

    if (rc == DEBAR_OK && r.n == 0) {
        debar_fault(why, "the file is empty");
        rc = DEBAR_ERROR;
    }

    if (rc == DEBAR_OK) {
        e->root = r.stack[0];
    }

    free(r.known);
    free(r.stack);

    if (rc != DEBAR_OK) {
        debar_edit_free(e);
        return NULL;
    }

    return e;
}


static int
debar_edit_read(debar_edit_read_t *r)
{
    int            rc;
    yaml_event_t   ev;
    yaml_parser_t  parser;

    if (!yaml_parser_initialize(&parser)) {
        abort();
    }

    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *) r->e->data,
                                 r->e->len);
    do {
        if (!yaml_parser_parse(&parser, &ev)) {
            debar_fault(r->why, "line %zu: YAML: %s%s%s",
                        parser.problem_mark.line + 1,
                        parser.problem ? parser.problem : "a syntax error",
                        parser.context ? ", " : "",
                        parser.context ? parser.context : "");
            rc = DEBAR_ERROR;
            break;
        }

        rc = ev.type == YAML_STREAM_END_EVENT ? DEBAR_DECLINED
                                              : debar_edit_event(r, &ev);
        yaml_event_delete(&ev);

    } while (rc == DEBAR_OK);

    yaml_parser_delete(&parser);

    return rc == DEBAR_DECLINED ? DEBAR_OK : DEBAR_ERROR;
}


/* Bytes of characters; what is not UTF-8 text is said here, with its line. */

static int
debar_edit_offsets(debar_edit_read_t *r)
{
    size_t         i, n, line, chars;
    unsigned char  c;

    if (r->e->len > DEBAR_MAX_YAML) {
        debar_fault(r->why, "larger than %d MiB: put long lists in a plain "
                    "file (hosts-from, ...)", DEBAR_MAX_YAML >> 20);
        return DEBAR_ERROR;
    }

    r->known = malloc((r->e->len / DEBAR_EDIT_STEP + 1) * sizeof(uint32_t));
    if (r->known == NULL) {
        abort();
    }

    line = 1;

    for (i = 0, chars = 0; i < r->e->len; i += n, chars++) {
        c = (unsigned char) r->e->data[i];
        n = debar_utf8_len(r->e->data + i, r->e->len - i);

        if (n == 0) {
            debar_fault(r->why, "line %zu: byte 0x%02x is not UTF-8: save the "
                        "file as UTF-8", line, c);
            return DEBAR_ERROR;
        }

        if ((c < 0x20 && c != '\n' && c != '\r' && c != '\t') || c == 0x7f) {
            debar_fault(r->why, "line %zu: control character 0x%02x", line, c);
            return DEBAR_ERROR;
        }

        if (chars % DEBAR_EDIT_STEP == 0) {
            r->known[r->nknown++] = (uint32_t) i;
        }

        line += (c == '\n');
    }

    return DEBAR_OK;
}


static size_t
debar_edit_byte(const debar_edit_read_t *r, const yaml_mark_t *mark)
{
    size_t  i, k, n;

    k = mark->index / DEBAR_EDIT_STEP;

    if (k >= r->nknown) {
        return r->e->len;
    }

    i = r->known[k];

    for (k *= DEBAR_EDIT_STEP; k < mark->index && i < r->e->len; k++) {
        n = debar_utf8_len(r->e->data + i, r->e->len - i);
        i += n ? n : 1;
    }

    return i;
}


static int
debar_edit_event(debar_edit_read_t *r, const yaml_event_t *ev)
{
    debar_edit_node_t           *node;
    yaml_scalar_style_t          style;
    static const unsigned        styles[] = {
        DEBAR_EDIT_PLAIN, DEBAR_EDIT_PLAIN, DEBAR_EDIT_SINGLE,
        DEBAR_EDIT_DOUBLE, DEBAR_EDIT_BLOCK, DEBAR_EDIT_BLOCK
    };

    switch (ev->type) {

    case YAML_DOCUMENT_START_EVENT:
        if (r->documents++) {
            debar_fault(r->why, "line %zu: a second document begins here: a "
                        "file is one document", ev->start_mark.line + 1);
            return DEBAR_ERROR;
        }

        return DEBAR_OK;

    case YAML_SEQUENCE_START_EVENT:
        return debar_edit_begin(r, ev, DEBAR_EDIT_LIST,
                                ev->data.sequence_start.style
                                == YAML_FLOW_SEQUENCE_STYLE
                                ? DEBAR_EDIT_FLOW : DEBAR_EDIT_PLAIN);

    case YAML_MAPPING_START_EVENT:
        return debar_edit_begin(r, ev, DEBAR_EDIT_MAP,
                                ev->data.mapping_start.style
                                == YAML_FLOW_MAPPING_STYLE
                                ? DEBAR_EDIT_FLOW : DEBAR_EDIT_PLAIN);

    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        debar_edit_close(r, ev);
        return DEBAR_OK;

    case YAML_SCALAR_EVENT:
        style = ev->data.scalar.style;
        node = debar_edit_new(r, ev, DEBAR_EDIT_SCALAR,
                              (unsigned) style < 6 ? styles[style] : 0);
        debar_edit_text(node, (const char *) ev->data.scalar.value,
                        ev->data.scalar.length);
        node->anchored = ev->data.scalar.anchor || ev->data.scalar.tag;
        node->null = ev->data.scalar.plain_implicit
                     && (node->n == 0 || strcmp(node->text, "~") == 0
                         || strcmp(node->text, "null") == 0);
        return DEBAR_OK;

    case YAML_ALIAS_EVENT:
        if (++r->aliases > DEBAR_MAX_ALIASES) {
            debar_fault(r->why, "more than %d aliases", DEBAR_MAX_ALIASES);
            return DEBAR_ERROR;
        }

        node = debar_edit_new(r, ev, DEBAR_EDIT_ALIAS, 0);
        debar_edit_text(node, (const char *) ev->data.alias.anchor,
                        strlen((const char *) ev->data.alias.anchor));
        return DEBAR_OK;

    default:
        return DEBAR_OK;
    }
}


static debar_edit_node_t *
debar_edit_new(debar_edit_read_t *r, const yaml_event_t *ev, unsigned type,
    unsigned style)
{
    debar_edit_t       *e;
    debar_edit_node_t  *node;

    e = r->e;

    node = calloc(1, sizeof(debar_edit_node_t));
    if (node == NULL) {
        abort();
    }

    if (e->nnodes == e->size) {
        e->size = e->size ? e->size * 2 : 256;
        e->nodes = reallocarray(e->nodes, e->size, sizeof(*e->nodes));
    }

    if (r->n == r->size) {
        r->size = r->size ? r->size * 2 : 256;
        r->stack = reallocarray(r->stack, r->size, sizeof(*r->stack));
    }

    if (e->nodes == NULL || r->stack == NULL) {
        abort();
    }

    e->nodes[e->nnodes++] = node;
    r->stack[r->n++] = node;

    node->type = type;
    node->style = style;
    node->line = (unsigned) ev->start_mark.line + 1;
    node->col = (unsigned) ev->start_mark.column + 1;
    node->start = debar_edit_byte(r, &ev->start_mark);
    node->end = debar_edit_byte(r, &ev->end_mark);

    return node;
}


static int
debar_edit_begin(debar_edit_read_t *r, const yaml_event_t *ev, unsigned type,
    unsigned style)
{
    debar_edit_node_t  *node;

    node = debar_edit_new(r, ev, type, style);

    node->anchored = type == DEBAR_EDIT_LIST
                     ? ev->data.sequence_start.anchor
                       || ev->data.sequence_start.tag
                     : ev->data.mapping_start.anchor
                       || ev->data.mapping_start.tag;

    if (r->depth == DEBAR_EDIT_DEPTH) {
        debar_fault(r->why, "line %u: nested deeper than %d", node->line,
                    DEBAR_EDIT_DEPTH);
        return DEBAR_ERROR;
    }

    r->open[r->depth] = node;
    r->first[r->depth++] = r->n;

    return DEBAR_OK;
}


static void
debar_edit_close(debar_edit_read_t *r, const yaml_event_t *ev)
{
    size_t              first;
    debar_edit_node_t  *node;

    node = r->open[--r->depth];
    first = r->first[r->depth];

    node->n = r->n - first;

    if (node->n) {
        node->items = malloc(node->n * sizeof(*node->items));
        if (node->items == NULL) {
            abort();
        }

        memcpy(node->items, r->stack + first, node->n * sizeof(*node->items));
    }

    r->n = first;

    if (node->style == DEBAR_EDIT_FLOW) {
        node->end = debar_edit_byte(r, &ev->end_mark);

    } else if (node->n) {
        node->end = node->items[node->n - 1]->end;
    }
}


static void
debar_edit_text(debar_edit_node_t *node, const char *data, size_t len)
{
    char  *text;

    text = malloc(len + 1);
    if (text == NULL) {
        abort();
    }

    memcpy(text, data, len);
    text[len] = '\0';

    node->text = text;
    node->n = len;
}


void
debar_edit_free(debar_edit_t *e)
{
    size_t              i;
    debar_edit_node_t  *node;

    if (e == NULL) {
        return;
    }

    for (i = 0; i < e->nnodes; i++) {
        node = e->nodes[i];

        if (node->added) {
            debar_buf_free(node->added);
            free(node->added);
        }

        free((char *) node->text);
        free(node->items);
        free(node);
    }

    for (i = 0; i < e->nsplices; i++) {
        free(e->splices[i].text);
    }

    for (i = 0; i < e->nnews; i++) {
        free(e->news[i].key);
        free(e->news[i].yaml);
        free(e->news[i].comment);
    }

    free(e->news);
    free(e->touched);

    free(e->nodes);
    free(e->splices);
    free(e);
}


debar_edit_node_t *
debar_edit_root(debar_edit_t *e)
{
    return e->root;
}


debar_edit_node_t *
debar_edit_get(const debar_edit_node_t *map, const char *key)
{
    size_t  i;

    if (map == NULL || map->type != DEBAR_EDIT_MAP) {
        return NULL;
    }

    for (i = 0; i < map->n; i += 2) {
        if (map->items[i]->type == DEBAR_EDIT_SCALAR
            && !map->items[i]->removed
            && strcmp(map->items[i]->text, key) == 0)
        {
            return map->items[i + 1];
        }
    }

    return NULL;
}


/* --- two texts compared --------------------------------------------------- */

static void
debar_edit_flat_leaf(const debar_edit_node_t *node, debar_buf_t *out)
{
    debar_buf_printf(out, "%c%u%zu:", node->type == DEBAR_EDIT_ALIAS ? '*' : 's',
                     node->null, node->n);
    debar_buf_add(out, node->text, node->n);
}


/* Keys that edits put behind the first i items of a map. */

static void
debar_edit_flat_pairs(const debar_edit_node_t *map, size_t i, debar_buf_t *out)
{
    size_t  p, at[2];

    if (map->type != DEBAR_EDIT_MAP || map->added == NULL || i % 2) {
        return;
    }

    for (p = 0; p < map->added->len; p += sizeof(at) + at[1]) {
        memcpy(at, map->added->data + p, sizeof(at));

        if (at[0] == i) {
            debar_buf_add(out, map->added->data + p + sizeof(at), at[1]);
        }
    }
}


void
debar_edit_flat(const debar_edit_node_t *root, debar_buf_t *out)
{
    size_t                    at[DEBAR_EDIT_DEPTH + 1];
    unsigned                  depth;
    const debar_edit_node_t  *open[DEBAR_EDIT_DEPTH + 1], *node;

    depth = 0;
    node = root;

    for ( ;; ) {

        if (node && (node->type == DEBAR_EDIT_LIST
                     || node->type == DEBAR_EDIT_MAP)
            && !(node->added && node->nadded == 0))
        {
            debar_buf_printf(out, "%c%u",
                             node->type == DEBAR_EDIT_LIST ? '[' : '{',
                             node->anchored);
            open[depth] = node;
            at[depth++] = 0;

        } else if (node && node->added && node->nadded == 0) {
            debar_buf_add(out, node->added->data, node->added->len);

        } else if (node) {
            debar_edit_flat_leaf(node, out);
        }

        /* the next item of the innermost list that has one */

        node = NULL;

        while (depth && node == NULL) {
            debar_edit_flat_pairs(open[depth - 1], at[depth - 1], out);

            if (at[depth - 1] < open[depth - 1]->n) {
                node = open[depth - 1]->items[at[depth - 1]++];

                if (node->removed) {
                    node = NULL;
                }

                continue;
            }

            depth--;

            if (open[depth]->added && open[depth]->type == DEBAR_EDIT_LIST) {
                debar_buf_add(out, open[depth]->added->data,
                              open[depth]->added->len);
            }

            debar_buf_add(out, "]", 1);
        }

        if (depth == 0 && node == NULL) {
            return;
        }
    }
}


static int
debar_edit_key_cmp(const void *one, const void *two)
{
    const debar_edit_node_t  *a = *(debar_edit_node_t *const *) one,
                             *b = *(debar_edit_node_t *const *) two;

    return a->type == DEBAR_EDIT_SCALAR && b->type == DEBAR_EDIT_SCALAR
           ? strcmp(a->text, b->text) : (int) a->type - (int) b->type;
}


/* Of nodes that nobody will edit. */

void
debar_edit_flat_sorted(const debar_edit_node_t *root, debar_buf_t *out)
{
    size_t                     at[DEBAR_EDIT_DEPTH + 1], i;
    unsigned                   depth;
    const debar_edit_node_t   *node;
    debar_edit_node_t         *open[DEBAR_EDIT_DEPTH + 1];

    depth = 0;
    node = root;

    for ( ;; ) {
        if (node->type == DEBAR_EDIT_SCALAR || node->type == DEBAR_EDIT_ALIAS) {
            debar_edit_flat_leaf(node, out);

        } else {
            debar_buf_printf(out, "%c%u",
                             node->type == DEBAR_EDIT_LIST ? '[' : '{',
                             node->anchored);
            open[depth] = (debar_edit_node_t *) node;
            at[depth++] = 0;

            if (node->type == DEBAR_EDIT_MAP && node->n) {
                qsort(node->items, node->n / 2, 2 * sizeof(*node->items),
                      debar_edit_key_cmp);
            }
        }

        while (depth && at[depth - 1] == open[depth - 1]->n) {
            debar_buf_add(out, "]", 1);
            depth--;
        }

        if (depth == 0) {
            return;
        }

        i = at[depth - 1]++;
        node = open[depth - 1]->items[i];
    }
}


int
debar_edit_flat_text(const char *yaml, debar_buf_t *out, debar_fault_t *why)
{
    debar_edit_t  *e;

    if (strpbrk(yaml, "\r\n")) {
        debar_fault(why, "a value is one line");
        return DEBAR_ERROR;
    }

    e = debar_edit_open(yaml, strlen(yaml), why);

    if (e == NULL) {
        return DEBAR_ERROR;
    }

    debar_edit_flat(e->root, out);
    debar_edit_free(e);

    return DEBAR_OK;
}

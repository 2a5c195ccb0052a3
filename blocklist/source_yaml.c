/*
 * YAML to nodes that know their line and column (libyaml events: its own
 * documents forget where a key was an alias, and nest without a bound).
 */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

#include "source_private.h"


/* Nodes and their text live in chunks until the document is freed. */

typedef struct debar_chunk_s  debar_chunk_t;

struct debar_chunk_s {
    debar_chunk_t  *next;
    size_t          used;
    size_t          size;
    char            data[];
};

typedef struct {
    debar_node_t    *node;
    char            *anchor;      /* in the arena, or NULL */
    size_t           first;       /* of its items on the stack */
} debar_frame_t;

typedef struct {
    debar_doc_t     *doc;
    debar_frame_t    frames[DEBAR_MAX_DEPTH];
    unsigned         depth;
    debar_node_t   **stack;
    size_t           n;
    size_t           size;
    debar_set_t      anchors;     /* name -> debar_node_t * */
    unsigned         aliases;
    unsigned         documents;
} debar_compose_t;


static int debar_yaml_bytes(debar_doc_t *doc, const char *data, size_t len);
static int debar_yaml_event(debar_compose_t *c, const yaml_event_t *e);
static int debar_yaml_open(debar_compose_t *c, const yaml_event_t *e,
    unsigned type, const yaml_char_t *anchor);
static int debar_yaml_close(debar_compose_t *c);
static int debar_yaml_scalar(debar_compose_t *c, const yaml_event_t *e);
static int debar_yaml_alias(debar_compose_t *c, const yaml_event_t *e);
static void debar_yaml_anchor(debar_compose_t *c, const char *anchor,
    debar_node_t *node);
static void debar_yaml_push(debar_compose_t *c, debar_node_t *node);
static debar_node_t *debar_yaml_node(debar_compose_t *c, unsigned type,
    const yaml_event_t *e);
static void debar_yaml_syntax(debar_doc_t *doc, const yaml_parser_t *parser);
static void debar_yaml_mark(debar_node_t *at, const yaml_mark_t *mark);
static void *debar_arena_alloc(debar_doc_t *doc, size_t len);


int
debar_yaml_load(debar_doc_t *doc, debar_reader_t *r, const char *file,
    const char *data, size_t len)
{
    int              rc;
    yaml_event_t     event;
    yaml_parser_t    parser;
    debar_compose_t  c;

    memset(doc, 0, sizeof(debar_doc_t));

    doc->r = r;
    doc->file = strdup(file);

    if (doc->file == NULL) {
        abort();
    }

    if (debar_yaml_bytes(doc, data, len) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    if (!yaml_parser_initialize(&parser)) {
        abort();
    }

    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *) data, len);

    memset(&c, 0, sizeof(debar_compose_t));
    c.doc = doc;

    do {
        if (!yaml_parser_parse(&parser, &event)) {
            debar_yaml_syntax(doc, &parser);
            rc = DEBAR_ERROR;
            break;
        }

        rc = (event.type == YAML_STREAM_END_EVENT)
             ? DEBAR_DECLINED : debar_yaml_event(&c, &event);

        yaml_event_delete(&event);

    } while (rc == DEBAR_OK);

    yaml_parser_delete(&parser);
    debar_set_free(&c.anchors);

    if (rc == DEBAR_DECLINED && c.n) {
        doc->root = c.stack[0];
    }

    free(c.stack);

    if (rc == DEBAR_DECLINED && doc->root == NULL) {
        debar_yaml_error(doc, NULL, "the file is empty");
    }

    return doc->root ? DEBAR_OK : DEBAR_ERROR;
}


/* What libyaml says of bad bytes has no line: look before it does. */

static int
debar_yaml_bytes(debar_doc_t *doc, const char *data, size_t len)
{
    size_t        i, n;
    debar_node_t  at;

    memset(&at, 0, sizeof(debar_node_t));
    at.line = 1;
    at.col = 1;

    for (i = 0; i < len; i += n) {
        n = debar_utf8_len(data + i, len - i);

        if (n == 0) {
            debar_yaml_error(doc, &at, "byte 0x%02x is not UTF-8: save the "
                             "file as UTF-8", (unsigned char) data[i]);
            return DEBAR_ERROR;
        }

        if (((unsigned char) data[i] < 0x20 && data[i] != '\n'
             && data[i] != '\r' && data[i] != '\t')
            || data[i] == 0x7f)
        {
            debar_yaml_error(doc, &at, "control character 0x%02x",
                             (unsigned char) data[i]);
            return DEBAR_ERROR;
        }

        at.col++;

        if (data[i] == '\n') {
            at.line++;
            at.col = 1;
        }
    }

    return DEBAR_OK;
}


static int
debar_yaml_event(debar_compose_t *c, const yaml_event_t *e)
{
    debar_node_t  at;

    switch (e->type) {

    case YAML_DOCUMENT_START_EVENT:
        if (c->documents++ == 0) {
            return DEBAR_OK;
        }

        debar_yaml_mark(&at, &e->start_mark);
        debar_yaml_error(c->doc, &at, "a second document begins here: a file "
                         "is one document");
        return DEBAR_ERROR;

    case YAML_SEQUENCE_START_EVENT:
        return debar_yaml_open(c, e, DEBAR_NODE_LIST,
                               e->data.sequence_start.anchor);

    case YAML_MAPPING_START_EVENT:
        return debar_yaml_open(c, e, DEBAR_NODE_MAP,
                               e->data.mapping_start.anchor);

    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return debar_yaml_close(c);

    case YAML_SCALAR_EVENT:
        return debar_yaml_scalar(c, e);

    case YAML_ALIAS_EVENT:
        return debar_yaml_alias(c, e);

    default:
        return DEBAR_OK;
    }
}


static int
debar_yaml_open(debar_compose_t *c, const yaml_event_t *e, unsigned type,
    const yaml_char_t *anchor)
{
    debar_node_t   *node;
    debar_frame_t  *frame;

    node = debar_yaml_node(c, type, e);

    if (c->depth == DEBAR_MAX_DEPTH) {
        debar_yaml_error(c->doc, node, "nested deeper than %d",
                         DEBAR_MAX_DEPTH);
        return DEBAR_ERROR;
    }

    frame = &c->frames[c->depth++];

    frame->node = node;
    frame->anchor = NULL;

    if (anchor) {
        frame->anchor = debar_arena_alloc(c->doc,
                                          strlen((const char *) anchor) + 1);
        strcpy(frame->anchor, (const char *) anchor);
    }

    debar_yaml_push(c, node);
    frame->first = c->n;

    return DEBAR_OK;
}


static int
debar_yaml_close(debar_compose_t *c)
{
    debar_frame_t  *frame;

    frame = &c->frames[--c->depth];

    frame->node->n = c->n - frame->first;

    if (frame->node->n) {
        frame->node->items = debar_arena_alloc(c->doc, frame->node->n
                                                      * sizeof(debar_node_t *));
        memcpy(frame->node->items, c->stack + frame->first,
               frame->node->n * sizeof(debar_node_t *));
    }

    c->n = frame->first;

    /* Known from here on only: nothing can hold itself. */

    if (frame->anchor) {
        debar_yaml_anchor(c, frame->anchor, frame->node);
    }

    return DEBAR_OK;
}


static int
debar_yaml_scalar(debar_compose_t *c, const yaml_event_t *e)
{
    char          *text;
    size_t         i, len;
    debar_node_t  *node;

    node = debar_yaml_node(c, DEBAR_NODE_SCALAR, e);

    len = e->data.scalar.length;
    text = debar_arena_alloc(c->doc, len + 1);

    memcpy(text, e->data.scalar.value, len);
    text[len] = '\0';

    node->text = text;
    node->n = len;
    node->null = e->data.scalar.plain_implicit
                 && (len == 0 || strcmp(text, "~") == 0
                     || strcmp(text, "null") == 0);

    /* Escapes in quoted text can write what may not stand in the file. */

    for (i = 0; i < len; i++) {
        if (((unsigned char) text[i] < 0x20 && text[i] != '\n'
             && text[i] != '\t')
            || text[i] == 0x7f)
        {
            debar_yaml_error(c->doc, node, "control character 0x%02x",
                             (unsigned char) text[i]);
            return DEBAR_ERROR;
        }
    }

    debar_yaml_push(c, node);

    if (e->data.scalar.anchor) {
        debar_yaml_anchor(c, (const char *) e->data.scalar.anchor, node);
    }

    return DEBAR_OK;
}


/*
 * An alias is a node of its own, that says where the alias stands; what is
 * below it is shared.  The schema's depth and DEBAR_MAX_ALIASES bound what can
 * be made of that.
 */

static int
debar_yaml_alias(debar_compose_t *c, const yaml_event_t *e)
{
    uint64_t      *value;
    const char    *name;
    debar_node_t  *node, *target;

    name = (const char *) e->data.alias.anchor;
    node = debar_yaml_node(c, DEBAR_NODE_SCALAR, e);

    if (++c->aliases > DEBAR_MAX_ALIASES) {
        debar_yaml_error(c->doc, node, "more than %d aliases",
                         DEBAR_MAX_ALIASES);
        return DEBAR_ERROR;
    }

    value = debar_set_find(&c->anchors, name, strlen(name));

    if (value == NULL) {
        debar_yaml_error(c->doc, node, "*%.64s: there is no anchor of that "
                         "name above", name);
        return DEBAR_ERROR;
    }

    target = (debar_node_t *) (uintptr_t) *value;

    node->type = target->type;
    node->null = target->null;
    node->n = target->n;
    node->text = target->text;
    node->items = target->items;

    debar_yaml_push(c, node);

    return DEBAR_OK;
}


static void
debar_yaml_anchor(debar_compose_t *c, const char *anchor, debar_node_t *node)
{
    uint64_t  *value;

    value = debar_set_add(&c->anchors, anchor, strlen(anchor),
                          (uint64_t) (uintptr_t) node);
    if (value) {
        *value = (uint64_t) (uintptr_t) node;
    }
}


static void
debar_yaml_push(debar_compose_t *c, debar_node_t *node)
{
    if (c->n == c->size) {
        c->size = c->size ? c->size * 2 : 256;
        c->stack = reallocarray(c->stack, c->size, sizeof(debar_node_t *));

        if (c->stack == NULL) {
            abort();
        }
    }

    c->stack[c->n++] = node;
}


static debar_node_t *
debar_yaml_node(debar_compose_t *c, unsigned type, const yaml_event_t *e)
{
    debar_node_t  *node;

    node = debar_arena_alloc(c->doc, sizeof(debar_node_t));

    debar_yaml_mark(node, &e->start_mark);
    node->type = type;

    return node;
}


static void
debar_yaml_mark(debar_node_t *at, const yaml_mark_t *mark)
{
    memset(at, 0, sizeof(debar_node_t));

    at->line = (unsigned) mark->line + 1;
    at->col = (unsigned) mark->column + 1;
}


static void
debar_yaml_syntax(debar_doc_t *doc, const yaml_parser_t *parser)
{
    debar_node_t  at;

    if (parser->error == YAML_MEMORY_ERROR) {
        abort();
    }

    if (parser->error == YAML_READER_ERROR) {
        debar_yaml_error(doc, NULL, "YAML: %s, at byte %zu", parser->problem,
                         parser->problem_offset);
        return;
    }

    debar_yaml_mark(&at, &parser->problem_mark);

    debar_yaml_error(doc, &at, "YAML: %s%s%s",
                     parser->problem ? parser->problem : "a syntax error",
                     parser->context ? ", " : "",
                     parser->context ? parser->context : "");
}


void
debar_yaml_error(debar_doc_t *doc, const debar_node_t *node, const char *fmt,
    ...)
{
    char     text[2048];
    va_list  ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);

    debar_errors_add(doc->r->errors, doc->file, node ? node->line : 0,
                     node ? node->col : 0, "%s", text);
}


static void *
debar_arena_alloc(debar_doc_t *doc, size_t len)
{
    void           *p;
    size_t          size;
    debar_chunk_t  *chunk;

    len = (len + 7) & ~(size_t) 7;
    chunk = doc->arena;

    if (chunk == NULL || chunk->size - chunk->used < len) {
        size = len > 65536 ? len : 65536;

        chunk = malloc(sizeof(debar_chunk_t) + size);
        if (chunk == NULL) {
            abort();
        }

        chunk->next = doc->arena;
        chunk->used = 0;
        chunk->size = size;
        doc->arena = chunk;
    }

    p = chunk->data + chunk->used;
    chunk->used += len;

    return p;
}


void
debar_yaml_free(debar_doc_t *doc)
{
    debar_chunk_t  *chunk, *next;

    for (chunk = doc->arena; chunk; chunk = next) {
        next = chunk->next;
        free(chunk);
    }

    free(doc->file);
    memset(doc, 0, sizeof(debar_doc_t));
}

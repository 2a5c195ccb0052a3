/*
 * The engine of peeling: nodes that read, the containers around what they
 * find, and what is told of it: see peel.h, peel_node.h.
 *
 * Nodes stand in one line, each the child of the one before: a reader pushes
 * into its child, which is as deep as C calls go, and that is bounded.
 * Containers are frames of one stack.
 */

#include "peel_private.h"

#include <stdio.h>
#include <stdlib.h>


#define DEBAR_PEEL_FLOOR    (1024 * 1024)   /* expansion that is free */
#define DEBAR_PEEL_NAME     64              /* of one in a path */
#define DEBAR_PEEL_COUNTED  1024            /* siblings' names with nth */
#define DEBAR_PEEL_PROBES   16
#define DEBAR_PEEL_TABLES   65536           /* ... in all open containers */
#define DEBAR_PEEL_TRIES    8               /* readers for the same bytes */

/* A short value that is an encoding costs a part of a node: carts have many,
 * their numbers in base64. */

#define DEBAR_PEEL_SHORT    512
#define DEBAR_PEEL_PARTS    16

/* Members of one archive and parts of one body are many, too, and each has its
 * own bytes: what they are costs less than what is wrapped around one value. */

#define DEBAR_PEEL_MEMBER   1
#define DEBAR_PEEL_LEAF     24              /* bytes that allow for one more */
#define DEBAR_PEEL_PART     2


typedef struct {
    uint64_t              hash;
    uint32_t              n;
} debar_peel_sibling_t;

typedef struct {
    size_t                path;       /* its length before this container */
    unsigned              nth;        /* its own */
    unsigned              items;      /* children without a name */
    debar_str_t           name;       /* owned */
    uint32_t              nsiblings;
    uint32_t              size;
    debar_peel_sibling_t *siblings;
} debar_peel_frame_t;

typedef struct debar_live_s  debar_live_t;

struct debar_live_s {
    debar_node_t           node;      /* first */
    debar_live_t          *child;
    debar_str_t            name;      /* of the value or part; owned */
    unsigned               nth;
    unsigned               named;     /* nth was counted; 2: a value */
    unsigned               depth;
    unsigned               tries;
    unsigned               attached;  /* a reader is open */
    unsigned               dead;      /* it was a value, which is told, and not
                                         what it looked like */
    unsigned               labelled;  /* ... because labels say so */
    unsigned               cost;      /* in parts of a node */
    unsigned               over;      /* containers beyond the bound */
    size_t                 frame;     /* its own, while attached */
    const debar_reader_t  *chosen;    /* by the one that made it */
    char                  *labels;
    char                  *past;      /* what came last, up to two blocks */
    size_t                 npast;
    uint64_t               taken;
};

struct debar_peel_s {
    debar_peel_pt          sink;
    void                  *data;
    debar_peel_limits_t    limits;
    unsigned               bounds;
    int                    stop;      /* DEBAR_DECLINED: the sink has enough;
                                         DEBAR_ERROR: a bound */
    uint64_t               nodes;     /* in parts */
    uint64_t               leaves;
    unsigned               exact;     /* the caller has said how many */
    uint64_t               came;
    uint64_t               made;
    uint64_t               of;
    uint64_t               grown;
    debar_live_t          *root;
    debar_peel_frame_t    *frames;
    size_t                 nframes;
    size_t                 frames_size;
    size_t                 tables;
    char                  *path;
    size_t                 path_len;
    size_t                 path_size;
    debar_peel_marks_t     marks;
    char                   shown[DEBAR_MAX_PEEL_PATH + 1];
};


static int debar_live_push(debar_live_t *l, const char *data, size_t len);
static void debar_live_free(debar_live_t *l);


static const char  *debar_syntaxes[DEBAR_SYNTAXES] = {
    "text", "form", "multipart", "json", "xml", "graphql", "x12", "edifact",
    "protobuf", "zip", "pdf", "cookie", "html", "plist", "encoding"
};


const char *
debar_syntax_name(unsigned syntax)
{
    return syntax < DEBAR_SYNTAXES ? debar_syntaxes[syntax] : "";
}


static const struct {
    unsigned     bit;
    const char  *text;
} debar_peel_faults[] = {
    { DEBAR_PEEL_DEPTH, "more levels than are looked into" },
    { DEBAR_PEEL_NODES, "more documents and encodings than are looked into" },
    { DEBAR_PEEL_NESTING, "containers nested deeper than is looked into" },
    { DEBAR_PEEL_LEAVES, "more values than are looked at" },
    { DEBAR_PEEL_EXPANDED, "expands to more than is looked at" },
    { DEBAR_PEEL_HELD, "longer than what is held to be read" },
    { DEBAR_PEEL_BROKEN, "not what it is labelled as, or cut off" },
    { DEBAR_PEEL_SEALED, "encrypted" }
};


const char *
debar_peel_fault(unsigned bounds)
{
    size_t  i;

    for (i = 0; i < sizeof(debar_peel_faults) / sizeof(debar_peel_faults[0]);
         i++)
    {
        if (bounds & debar_peel_faults[i].bit) {
            return debar_peel_faults[i].text;
        }
    }

    return "";
}


/* --- paths and frames ---------------------------------------------------- */

static int
debar_path_room(debar_peel_t *p, size_t len)
{
    char    *path;
    size_t   size;

    if (p->path_len + len <= p->path_size) {
        return DEBAR_OK;
    }

    size = (p->path_len + len) * 2;
    path = realloc(p->path, size);

    if (path == NULL) {
        p->bounds |= DEBAR_PEEL_HELD;
        return DEBAR_ERROR;
    }

    p->path = path;
    p->path_size = size;

    return DEBAR_OK;
}


static void
debar_path_add(debar_peel_t *p, const char *s, size_t len)
{
    if (len && debar_path_room(p, len) == DEBAR_OK) {
        memcpy(p->path + p->path_len, s, len);
        p->path_len += len;
    }
}


static void
debar_path_name(debar_peel_t *p, debar_str_t name)
{
    char     out[DEBAR_PEEL_NAME];
    size_t   i, n;
    uint8_t  ch, last;

    last = 0;
    out[0] = '\0';

    for (i = 0, n = 0; i < name.len && n < sizeof(out); i++) {
        ch = name.data[i];

        if (ch >= 0x80 && ch < 0xc0 && last >= 0x80) {
            continue;
        }

        last = ch;
        out[n++] = ch > 0x20 && ch < 0x7f ? ch : '_';
    }

    debar_path_add(p, out, n);

    if (i < name.len) {
        debar_path_add(p, "..", 2);
    }
}


/* One step: of something that stands in a document of that syntax. */

static void
debar_path_step(debar_peel_t *p, unsigned syntax, debar_str_t name,
    unsigned nth)
{
    char  n[16];
    int   xml;

    xml = syntax == DEBAR_SYNTAX_XML || syntax == DEBAR_SYNTAX_PLIST;

    if (name.len) {
        if (p->path_len && (xml || p->path[p->path_len - 1] != ':')) {
            debar_path_add(p, "/", 1);
        }

        debar_path_name(p, name);

    } else if (xml || syntax == DEBAR_SYNTAX_ENCODING
               || (syntax == DEBAR_SYNTAX_JSON && nth == 1
                   && p->path[p->path_len - 1] == ':'))
    {
        return;                       /* a JSON text is mostly one alone */
    }

    if (nth > 1 || name.len == 0) {
        debar_path_add(p, n, snprintf(n, sizeof(n), "[%u]", nth));
    }
}


/* The path for people: the middle left out. */

static const char *
debar_path_shown(debar_peel_t *p)
{
    size_t  head, tail;

    if (p->path_len <= DEBAR_MAX_PEEL_PATH) {
        memcpy(p->shown, p->path_len ? p->path : "", p->path_len);
        p->shown[p->path_len] = '\0';
        return p->shown;
    }

    head = 90;
    tail = DEBAR_MAX_PEEL_PATH - head - 3;

    memcpy(p->shown, p->path, head);
    memcpy(p->shown + head, "...", 3);
    memcpy(p->shown + head + 3, p->path + p->path_len - tail, tail);
    p->shown[DEBAR_MAX_PEEL_PATH] = '\0';

    return p->shown;
}


static int
debar_siblings_grow(debar_peel_t *p, debar_peel_frame_t *f)
{
    uint32_t               i, j, size;
    debar_peel_sibling_t  *s;

    size = f->size ? f->size * 2 : 16;

    if (size > DEBAR_PEEL_COUNTED || p->tables + size > DEBAR_PEEL_TABLES) {
        return DEBAR_ERROR;
    }

    s = calloc(size, sizeof(debar_peel_sibling_t));
    if (s == NULL) {
        return DEBAR_ERROR;
    }

    for (i = 0; i < f->size; i++) {
        if (f->siblings[i].n) {
            j = f->siblings[i].hash & (size - 1);

            while (s[j].n) {
                j = (j + 1) & (size - 1);
            }

            s[j] = f->siblings[i];
        }
    }

    p->tables += size - f->size;
    free(f->siblings);
    f->siblings = s;
    f->size = size;

    return DEBAR_OK;
}


/* Counts a child of the innermost container: its nth.  Names beyond what is
 * counted are each the first. */

static unsigned
debar_peel_nth(debar_peel_t *p, debar_str_t name)
{
    size_t                i;
    uint64_t              hash;
    uint32_t              j, probes;
    debar_peel_frame_t   *f;

    if (p->nframes == 0) {
        return 1;
    }

    f = &p->frames[p->nframes - 1];

    if (name.len == 0) {
        return ++f->items;
    }

    hash = 0xcbf29ce484222325ULL ^ name.len;

    for (i = 0; i < name.len && i < 256; i++) {
        hash = (hash ^ (uint8_t) name.data[i]) * 0x100000001b3ULL;
    }

    hash ^= hash >> 29;

    if (f->nsiblings * 2 >= f->size) {
        (void) debar_siblings_grow(p, f);

        if (f->nsiblings * 4 >= f->size * 3) {
            return 1;
        }
    }

    j = hash & (f->size - 1);

    for (probes = 0; probes < DEBAR_PEEL_PROBES; probes++) {
        if (f->siblings[j].n == 0) {
            f->siblings[j].hash = hash;
            f->nsiblings++;
            return ++f->siblings[j].n;
        }

        if (f->siblings[j].hash == hash) {
            return ++f->siblings[j].n;
        }

        j = (j + 1) & (f->size - 1);
    }

    return 1;
}


static int
debar_frame_push(debar_peel_t *p, size_t path, debar_str_t name, unsigned nth)
{
    char                *copy;
    size_t               size;
    debar_peel_frame_t  *frames;

    if (p->nframes == p->frames_size) {
        size = p->frames_size ? p->frames_size * 2 : 16;
        frames = realloc(p->frames, size * sizeof(debar_peel_frame_t));

        if (frames == NULL) {
            p->bounds |= DEBAR_PEEL_HELD;
            return DEBAR_ERROR;
        }

        p->frames = frames;
        p->frames_size = size;
    }

    copy = malloc(name.len + 1);
    if (copy == NULL) {
        p->bounds |= DEBAR_PEEL_HELD;
        return DEBAR_ERROR;
    }

    memcpy(copy, name.len ? name.data : "", name.len);

    memset(&p->frames[p->nframes], 0, sizeof(debar_peel_frame_t));
    p->frames[p->nframes].path = path;
    p->frames[p->nframes].name = debar_str(copy, name.len);
    p->frames[p->nframes].nth = nth;
    p->nframes++;

    return DEBAR_OK;
}


static void
debar_frame_pop(debar_peel_t *p)
{
    debar_peel_frame_t  *f;

    f = &p->frames[--p->nframes];

    p->path_len = f->path;
    p->tables -= f->size;
    free(f->siblings);
    free((char *) f->name.data);
}


/* --- events -------------------------------------------------------------- */

static int
debar_peel_tell(debar_peel_t *p, unsigned event, unsigned syntax,
    unsigned document, debar_str_t name, unsigned nth, debar_str_t value)
{
    debar_peel_event_t  ev;

    /* what a bound has stopped still ends */

    if (p->stop == DEBAR_DECLINED || (p->stop && event != DEBAR_PEEL_END)) {
        return DEBAR_DECLINED;
    }

    ev.event = event;
    ev.syntax = syntax;
    ev.document = document;
    ev.depth = p->nframes;
    ev.name = name;
    ev.nth = nth;
    ev.value = value;
    ev.path = debar_path_shown(p);
    ev.offset = p->came;
    ev.marks = syntax == DEBAR_SYNTAX_X12 || syntax == DEBAR_SYNTAX_EDIFACT
               ? &p->marks : NULL;

    if (p->sink(p->data, &ev) != DEBAR_OK) {
        p->stop = DEBAR_DECLINED;
        return DEBAR_DECLINED;
    }

    return DEBAR_OK;
}


/* A container: path is where its own step begins. */

static int
debar_peel_open(debar_peel_t *p, unsigned syntax, unsigned document,
    debar_str_t name, unsigned nth, size_t path)
{
    int  rc;

    rc = debar_peel_tell(p, DEBAR_PEEL_BEGIN, syntax, document, name, nth,
                         debar_str("", 0));
    if (rc != DEBAR_OK) {
        p->path_len = path;
        return rc;
    }

    if (debar_frame_push(p, path, name, nth) != DEBAR_OK) {
        (void) debar_peel_tell(p, DEBAR_PEEL_END, syntax, document, name, nth,
                               debar_str("", 0));
        p->path_len = path;
        p->stop = p->stop ? p->stop : DEBAR_ERROR;
        return DEBAR_DECLINED;
    }

    return DEBAR_OK;
}


static int
debar_peel_close(debar_peel_t *p, unsigned syntax, unsigned document)
{
    int                  rc;
    debar_peel_frame_t  *f;

    f = &p->frames[p->nframes - 1];

    p->nframes--;
    rc = debar_peel_tell(p, DEBAR_PEEL_END, syntax, document, f->name, f->nth,
                         debar_str("", 0));
    p->nframes++;

    debar_frame_pop(p);

    return rc;
}


int
debar_node_begin(debar_node_t *node, debar_str_t name)
{
    size_t         path;
    unsigned       nth;
    debar_live_t  *l = (debar_live_t *) node;
    debar_peel_t  *p = node->peel;

    if (p->stop) {
        return DEBAR_DECLINED;
    }

    if (l->over || p->nframes - l->frame > p->limits.nesting) {
        p->bounds |= DEBAR_PEEL_NESTING;
        l->over++;
        return DEBAR_OK;
    }

    path = p->path_len;
    nth = debar_peel_nth(p, name);
    debar_path_step(p, node->reader->syntax, name, nth);

    return debar_peel_open(p, node->reader->syntax, 0, name, nth, path);
}


int
debar_node_end(debar_node_t *node)
{
    debar_live_t  *l = (debar_live_t *) node;
    debar_peel_t  *p = node->peel;

    if (p->stop) {
        return DEBAR_DECLINED;
    }

    if (l->over) {
        l->over--;
        return DEBAR_OK;
    }

    if (p->nframes <= l->frame + 1) {
        return DEBAR_OK;              /* not this node's to end */
    }

    return debar_peel_close(p, node->reader->syntax, 0);
}


/* --- bounds -------------------------------------------------------------- */

void
debar_node_bound(debar_node_t *node, unsigned bit)
{
    node->peel->bounds |= bit;
}


void
debar_node_marks(debar_node_t *node, const debar_peel_marks_t *marks)
{
    node->peel->marks = *marks;
}


/*
 * What decodings make beyond what they were given is growth; the first MiB of
 * it is free, and then both bounds hold.
 */

int
debar_node_expanded(debar_node_t *node, size_t made, size_t of)
{
    debar_peel_t  *p = node->peel;

    p->made += made;
    p->of += of;
    p->grown += made > of ? made - of : 0;

    if (p->grown > DEBAR_PEEL_FLOOR
        && (p->grown > p->limits.expanded
            || p->made / p->limits.ratio > p->of))
    {
        p->bounds |= DEBAR_PEEL_EXPANDED;
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


int
debar_node_hold(debar_node_t *node, debar_buf_t *b, const char *data,
    size_t len)
{
    char    *grown;
    size_t   size;

    if (len > node->peel->limits.held
        || b->len > node->peel->limits.held - len)
    {
        node->peel->bounds |= DEBAR_PEEL_HELD;
        return DEBAR_ERROR;
    }

    if (b->size - b->len < len) {
        size = (b->len + len) * 2;
        size = size < 256 ? 256 : size;
        grown = realloc(b->data, size);

        if (grown == NULL) {
            node->peel->bounds |= DEBAR_PEEL_HELD;
            return DEBAR_ERROR;
        }

        b->data = grown;
        b->size = size;
    }

    if (len) {
        memcpy(b->data + b->len, data, len);
        b->len += len;
    }

    return DEBAR_OK;
}


/* --- nodes --------------------------------------------------------------- */

static char *
debar_label_copy(char *to, debar_str_t *label)
{
    if (label->len) {
        memcpy(to, label->data, label->len);
    }

    label->data = to;

    return to + label->len;
}


static unsigned
debar_live_cost(const debar_live_t *parent)
{
    unsigned               cost;
    const debar_reader_t  *r = parent->node.reader;

    cost = r == &debar_reader_archive ? DEBAR_PEEL_MEMBER
           : r == &debar_reader_multipart || r == &debar_reader_http
             ? DEBAR_PEEL_PART : DEBAR_PEEL_PARTS;

    return cost < parent->cost ? cost : parent->cost;
}


static debar_live_t *
debar_live_new(debar_peel_t *p, debar_live_t *parent, debar_str_t name,
    const debar_peel_input_t *in)
{
    char          *s;
    debar_live_t  *l;

    l = calloc(1, sizeof(debar_live_t));
    if (l == NULL) {
        return NULL;
    }

    l->node.peel = p;
    l->node.in = *in;
    l->name = name;
    l->cost = DEBAR_PEEL_PARTS;

    s = malloc(in->content_type.len + in->content_encoding.len
               + in->content_disposition.len + in->name.len + name.len + 1);
    l->past = malloc(2 * DEBAR_PEEL_BLOCK);

    if (s == NULL || l->past == NULL) {
        free(s);
        free(l->past);
        free(l);
        return NULL;
    }

    l->labels = s;
    s = debar_label_copy(s, &l->node.in.content_type);
    s = debar_label_copy(s, &l->node.in.content_encoding);
    s = debar_label_copy(s, &l->node.in.content_disposition);
    s = debar_label_copy(s, &l->node.in.name);
    (void) debar_label_copy(s, &l->name);

    if (parent) {
        l->node.parent = &parent->node;
        l->depth = parent->depth;
        l->cost = debar_live_cost(parent);
        parent->child = l;
    }

    return l;
}


/* Codings of the label, from the last: known ones only are left. */

static const debar_reader_t *
debar_live_coded(debar_live_t *l)
{
    int                    rc;
    debar_str_t            list, token;
    const debar_reader_t  *r;

    while (l->node.in.content_encoding.len) {
        list = l->node.in.content_encoding;
        token = debar_peel_last(&list);
        r = debar_peel_coding(token, &rc);

        if (r) {
            return r;
        }

        if (rc != DEBAR_OK) {
            l->node.peel->bounds |= DEBAR_PEEL_BROKEN;
        }

        l->node.in.content_encoding = list;
    }

    return NULL;
}


static const debar_reader_t *
debar_reader_of(unsigned syntax)
{
    switch (syntax) {
    case DEBAR_SYNTAX_FORM:       return &debar_reader_form;
    case DEBAR_SYNTAX_MULTIPART:  return &debar_reader_multipart;
    case DEBAR_SYNTAX_JSON:       return &debar_reader_json;
    case DEBAR_SYNTAX_XML:        return &debar_reader_xml;
    case DEBAR_SYNTAX_GRAPHQL:    return &debar_reader_graphql;
    case DEBAR_SYNTAX_X12:        return &debar_reader_x12;
    case DEBAR_SYNTAX_EDIFACT:    return &debar_reader_edifact;
    case DEBAR_SYNTAX_PROTOBUF:   return &debar_reader_protobuf;
    case DEBAR_SYNTAX_ZIP:        return &debar_reader_archive;
    case DEBAR_SYNTAX_PDF:        return &debar_reader_pdf;
    case DEBAR_SYNTAX_COOKIE:     return &debar_reader_cookie;
    case DEBAR_SYNTAX_HTML:       return &debar_reader_html;
    case DEBAR_SYNTAX_PLIST:      return &debar_reader_xml;
    }

    return NULL;
}


/*
 * The reader for bytes that begin so.  One that failed on them is not asked
 * again: a coding that was none is taken off the labels, then comes the type of
 * the label, or what the bytes look like without it, then text.
 */

static const debar_reader_t *
debar_live_choose(debar_live_t *l, const debar_reader_t *failed,
    const char *data, size_t len, unsigned whole)
{
    debar_str_t            list;
    debar_peel_input_t     in;
    const debar_reader_t  *r, *typed, *was;

    was = failed;

    if (failed && l->labelled && failed->syntax == DEBAR_SYNTAX_ENCODING
        && l->node.in.content_encoding.len)
    {
        list = l->node.in.content_encoding;
        (void) debar_peel_last(&list);
        l->node.in.content_encoding = list;
        failed = NULL;
    }

    l->labelled = 0;
    typed = debar_peel_typed(l->node.in.content_type);

    if (l->tries >= DEBAR_PEEL_TRIES || (len == 0 && whole)) {
        return &debar_reader_plain;   /* and nothing is of any type */
    }

    if (failed) {
        if (failed == &debar_reader_charset) {
            l->node.in.utf8 = 1;

        } else {
            l->labelled = typed != NULL && typed != failed && l->tries < 2;

            if (l->labelled) {
                return typed;
            }

            in = l->node.in;
            in.content_type = debar_str("", 0);
            r = l->tries < 2 ? debar_peel_look(&in, data, len, whole) : NULL;

            return r && r != failed ? r : &debar_reader_plain;
        }
    }

    if (l->chosen) {
        return l->chosen;
    }

    r = debar_reader_of(l->node.in.syntax);
    if (r) {
        l->labelled = 1;
        return r;
    }

    if (debar_live_coded(l)) {
        l->labelled = 1;
    }

    r = debar_peel_look(&l->node.in, data, len, whole);

    if (was && r == was) {
        r = typed == was ? NULL : typed;
    }

    if (r && r == typed) {
        l->labelled = 1;
    }

    return r ? r : &debar_reader_plain;
}


/* What counts as a level: text is where levels end, and a charset is none. */

static int
debar_reader_is_free(const debar_reader_t *r)
{
    return r == &debar_reader_plain || r == &debar_reader_charset
           || r == &debar_reader_media;
}


static int
debar_live_allowed(debar_live_t *l, const debar_reader_t *r)
{
    debar_peel_t  *p = l->node.peel;

    if (debar_reader_is_free(r)) {
        return 1;
    }

    if (l->node.parent
        && ((debar_live_t *) l->node.parent)->depth > p->limits.depth)
    {
        p->bounds |= DEBAR_PEEL_DEPTH;
        return 0;
    }

    if (p->nodes >= (uint64_t) p->limits.nodes * DEBAR_PEEL_PARTS) {
        p->bounds |= DEBAR_PEEL_NODES;
        return 0;
    }

    return 1;
}


/* The container of a node begins: its path and event. */

static int
debar_live_begin(debar_live_t *l, const debar_reader_t *r)
{
    size_t         path;
    debar_str_t    name;
    const char    *s;
    debar_peel_t  *p = l->node.peel;

    path = p->path_len;

    /* parts are told from each other, what a decoding made stands alone, and so
     * does what a part has beside its fields */

    if (l->named == 2 || (l->named && (l->name.len || l->nth > 1))) {
        debar_path_step(p, l->node.parent->reader->syntax, l->name, l->nth);

    } else if (l->node.parent == NULL) {
        debar_path_name(p, l->node.in.name);
    }

    if (p->path_len && p->path[p->path_len - 1] != ':') {
        debar_path_add(p, "/", 1);
    }

    if (r->syntax == DEBAR_SYNTAX_ENCODING) {
        debar_path_add(p, r->name, strlen(r->name));
        name = debar_str(r->name, strlen(r->name));

    } else {
        if (l->node.parent == NULL && l->node.in.name.len
            && l->node.in.syntax != DEBAR_SYNTAX_TEXT)
        {
            p->path_len--;            /* the caller's name says it */

        } else {
            s = debar_syntax_name(r->syntax);
            debar_path_add(p, s, strlen(s));
        }

        debar_path_add(p, ":", 1);
        name = l->name;
    }

    return debar_peel_open(p, r->syntax, 1, name, l->nth ? l->nth : 1, path);
}


/* Ends what a reader has left open: its child, its containers. */

static void
debar_live_detach(debar_live_t *l)
{
    unsigned       document;
    debar_peel_t  *p = l->node.peel;

    if (!l->attached) {
        return;
    }

    l->node.reader->free(&l->node);
    l->node.state = NULL;

    if (l->child) {
        debar_live_free(l->child);
    }

    while (p->nframes > l->frame) {
        document = p->nframes == l->frame + 1;
        (void) debar_peel_close(p, l->node.reader->syntax, document);
    }

    l->attached = 0;
    l->over = 0;
}


static void
debar_live_free(debar_live_t *l)
{
    if (l == NULL) {
        return;
    }

    debar_live_detach(l);

    if (l->node.parent) {
        ((debar_live_t *) l->node.parent)->child = NULL;
    }

    free(l->labels);
    free(l->past);
    free(l);
}


/* Opens a reader for the bytes in l->past and gives them to it. */

static int
debar_live_attach(debar_live_t *l, const debar_reader_t *failed,
    unsigned whole)
{
    int                    rc;
    size_t                 skip;
    debar_peel_t          *p = l->node.peel;
    const debar_reader_t  *r;

    for ( ;; ) {
        if (failed && l->chosen) {
            l->dead = 1;
            return DEBAR_OK;
        }

        r = debar_live_choose(l, failed, l->past, l->npast, whole);

        if (!debar_live_allowed(l, r)) {
            r = &debar_reader_plain;
        }

        l->tries++;
        l->node.reader = r;
        l->frame = p->nframes;

        if (!debar_reader_is_free(r)) {
            l->depth = l->node.parent
                       ? ((debar_live_t *) l->node.parent)->depth + 1 : 1;
            p->nodes += l->cost;
        }

        rc = debar_live_begin(l, r);
        if (rc != DEBAR_OK) {
            return rc;
        }

        l->attached = 1;
        rc = r->open(&l->node);

        if (rc == DEBAR_OK) {
            skip = l->npast >= 3 && r->syntax != DEBAR_SYNTAX_ENCODING
                   && memcmp(l->past, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
            rc = l->npast > skip
                 ? r->push(&l->node, l->past + skip, l->npast - skip)
                 : DEBAR_OK;
        }

        if (rc != DEBAR_ERROR || r == &debar_reader_plain) {
            return rc == DEBAR_ERROR ? DEBAR_OK : rc;
        }

        if (l->labelled) {
            p->bounds |= DEBAR_PEEL_BROKEN;
        }

        debar_live_detach(l);
        failed = r;
    }
}


/* The bytes are not of the reader's syntax: what came last is read again. */

static int
debar_live_fail(debar_live_t *l, unsigned whole)
{
    const debar_reader_t  *failed;

    if (l->labelled) {
        l->node.peel->bounds |= DEBAR_PEEL_BROKEN;
    }

    failed = l->node.reader;
    debar_live_detach(l);

    return debar_live_attach(l, failed, whole);
}


/* Nobody reads the rest. */

static int
debar_live_passed(const debar_live_t *l)
{
    return l->attached && l->node.reader == &debar_reader_media;
}


/* Keeps one block before the one that is coming in. */

static void
debar_live_keep(debar_live_t *l, const char *data, size_t n)
{
    if (l->npast == 2 * DEBAR_PEEL_BLOCK) {
        memcpy(l->past, l->past + DEBAR_PEEL_BLOCK, DEBAR_PEEL_BLOCK);
        l->npast = DEBAR_PEEL_BLOCK;
    }

    memcpy(l->past + l->npast, data, n);
    l->npast += n;
}


static int
debar_live_push(debar_live_t *l, const char *data, size_t len)
{
    int            rc;
    size_t         n;
    debar_peel_t  *p = l->node.peel;

    while (len && !l->dead) {
        if (p->stop) {
            return DEBAR_DECLINED;
        }

        n = DEBAR_PEEL_BLOCK - l->taken % DEBAR_PEEL_BLOCK;
        n = n < len && !debar_live_passed(l) ? n : len;

        if (l->node.parent == NULL) {
            p->came += n;
        }

        if (!l->attached || (l->node.reader != &debar_reader_plain
                             && !debar_live_passed(l)))
        {
            debar_live_keep(l, data, n);
        }

        l->taken += n;

        if (l->attached) {
            rc = l->node.reader->push(&l->node, data, n);

            if (rc == DEBAR_ERROR) {
                rc = debar_live_fail(l, 0);
            }

        } else {
            rc = l->taken == DEBAR_PEEL_BLOCK ? debar_live_attach(l, NULL, 0)
                                              : DEBAR_OK;
        }

        if (rc != DEBAR_OK) {
            return rc;
        }

        data += n;
        len -= n;
    }

    return DEBAR_OK;
}


static int
debar_live_finish(debar_live_t *l)
{
    int            rc;
    unsigned       i;
    debar_peel_t  *p = l->node.peel;

    rc = DEBAR_OK;

    if (!l->attached && !l->dead && !p->stop) {
        rc = debar_live_attach(l, NULL, 1);
    }

    for (i = 0; i < DEBAR_PEEL_TRIES && l->attached && !p->stop; i++) {
        rc = l->node.reader->finish(&l->node);

        if (rc != DEBAR_ERROR) {
            break;
        }

        if (l->labelled || l->taken > 2 * DEBAR_PEEL_BLOCK) {
            p->bounds |= DEBAR_PEEL_BROKEN;
        }

        if (l->taken > 2 * DEBAR_PEEL_BLOCK
            || l->node.reader == &debar_reader_plain)
        {
            rc = DEBAR_OK;
            break;
        }

        rc = debar_live_fail(l, 1);

        if (rc != DEBAR_OK) {
            break;
        }
    }

    debar_live_detach(l);

    return p->stop ? DEBAR_DECLINED : DEBAR_OK;
}


/* --- children ------------------------------------------------------------ */

void
debar_peel_inner(debar_node_t *node, debar_peel_input_t *in)
{
    *in = node->in;

    if (((debar_live_t *) node)->labelled && in->content_encoding.len) {
        (void) debar_peel_last(&in->content_encoding);

    } else if (node->reader == debar_peel_typed(in->content_type)) {
        in->content_type = debar_str("", 0);
    }

    /* what was text in letters may be any bytes within */

    in->utf8 = 0;
}


static debar_live_t *
debar_child_new(debar_live_t *parent, debar_str_t name,
    const debar_peel_input_t *in)
{
    debar_live_t  *l;
    debar_peel_t  *p = parent->node.peel;

    if (parent->child) {
        debar_live_free(parent->child);
    }

    l = debar_live_new(p, parent, name, in);

    if (l == NULL) {
        p->bounds |= DEBAR_PEEL_HELD;
    }

    return l;
}


int
debar_node_child(debar_node_t *node, debar_str_t name,
    const debar_peel_input_t *in, debar_node_t **child)
{
    debar_live_t  *l, *parent = (debar_live_t *) node;

    *child = NULL;

    if (node->peel->stop) {
        return DEBAR_DECLINED;
    }

    if (node->reader->syntax == DEBAR_SYNTAX_ENCODING) {
        l = debar_child_new(parent, name.len ? name : parent->name, in);

        if (l) {
            l->nth = parent->nth;
        }

    } else {
        l = debar_child_new(parent, name, in);

        if (l) {
            l->nth = debar_peel_nth(node->peel, name);
            l->named = 1;
        }
    }

    *child = l ? &l->node : NULL;

    return DEBAR_OK;
}


int
debar_child_push(debar_node_t *child, const char *data, size_t len)
{
    if (child == NULL) {
        return DEBAR_OK;
    }

    return debar_live_push((debar_live_t *) child, data, len);
}


int
debar_child_finish(debar_node_t *child)
{
    int  rc;

    if (child == NULL) {
        return DEBAR_OK;
    }

    rc = debar_live_finish((debar_live_t *) child);
    debar_live_free((debar_live_t *) child);

    return rc;
}


static int
debar_value_inside(debar_node_t *node, debar_str_t name, unsigned nth,
    debar_str_t value)
{
    int                    rc;
    char                   charset[DEBAR_CHARSET];
    debar_live_t          *l;
    debar_peel_input_t     in;
    const debar_reader_t  *r;

    r = debar_peel_look_value(value.data, value.len);

    if (r == NULL) {
        return DEBAR_OK;
    }

    memset(&in, 0, sizeof(in));
    charset[0] = '\0';

    if (r == &debar_reader_xml) {
        debar_charset_find(&in, value.data, value.len, charset);
    }

    in.utf8 = charset[0] == '\0';

    l = debar_child_new((debar_live_t *) node, name, &in);
    if (l == NULL) {
        return DEBAR_OK;
    }

    l->chosen = in.utf8 ? r : NULL;
    l->named = 2;
    l->cost = value.len < DEBAR_PEEL_SHORT ? 1 : DEBAR_PEEL_PARTS;
    l->nth = nth;

    if (!debar_live_allowed(l, r)) {
        debar_live_free(l);
        return DEBAR_OK;
    }

    rc = debar_live_push(l, value.data, value.len);

    if (rc == DEBAR_OK) {
        rc = debar_live_finish(l);
    }

    debar_live_free(l);

    return rc;
}


static int
debar_value_tell(debar_node_t *node, debar_str_t name, debar_str_t value,
    unsigned *n)
{
    int            rc;
    size_t         path;
    unsigned       nth;
    debar_peel_t  *p = node->peel;

    if (p->stop) {
        return DEBAR_DECLINED;
    }

    if (p->leaves >= p->limits.leaves
        && (p->exact || (p->leaves - p->limits.leaves) * DEBAR_PEEL_LEAF
                        >= p->came + p->made))
    {
        p->bounds |= DEBAR_PEEL_LEAVES;
        p->stop = DEBAR_ERROR;
        return DEBAR_DECLINED;
    }

    p->leaves++;

    path = p->path_len;
    nth = debar_peel_nth(p, name);
    debar_path_step(p, node->reader->syntax, name, nth);

    rc = debar_peel_tell(p, DEBAR_PEEL_VALUE, node->reader->syntax, 0, name,
                         nth, value);
    p->path_len = path;
    *n = nth;

    return rc;
}


int
debar_node_value(debar_node_t *node, debar_str_t name, debar_str_t value)
{
    int       rc;
    unsigned  nth;

    rc = debar_value_tell(node, name, value, &nth);

    if (rc != DEBAR_OK || value.len == 0) {
        return rc;
    }

    return debar_value_inside(node, name, nth, value);
}


int
debar_node_plain(debar_node_t *node, debar_str_t name, debar_str_t value)
{
    unsigned  nth;

    return debar_value_tell(node, name, value, &nth);
}


int
debar_node_inside(debar_node_t *node, debar_str_t name, debar_str_t value)
{
    if (node->peel->stop) {
        return DEBAR_DECLINED;
    }

    return debar_value_inside(node, name, 1, value);
}


/* --- what callers see ---------------------------------------------------- */

debar_peel_t *
debar_peel_new(const debar_peel_input_t *in, const debar_peel_limits_t *limits,
    debar_peel_pt sink, void *data)
{
    debar_peel_t         *p;
    debar_peel_limits_t  *m;

    p = calloc(1, sizeof(debar_peel_t));
    if (p == NULL) {
        return NULL;
    }

    p->sink = sink;
    p->data = data;

    m = &p->limits;

    if (limits) {
        *m = *limits;
    }

    m->depth = m->depth ? m->depth : 6;
    m->nodes = m->nodes ? m->nodes : 64;
    m->nesting = m->nesting ? m->nesting : 256;
    p->exact = m->leaves != 0;
    m->leaves = m->leaves ? m->leaves : 100000;
    m->expanded = m->expanded ? m->expanded : 8 * 1024 * 1024;
    m->ratio = m->ratio ? m->ratio : 100;
    m->held = m->held ? m->held : 8 * 1024 * 1024;

    p->root = debar_live_new(p, NULL, debar_str("", 0), in);

    if (p->root == NULL) {
        free(p);
        return NULL;
    }

    return p;
}


int
debar_peel_push(debar_peel_t *p, const char *data, size_t len)
{
    if (p->stop == 0) {
        (void) debar_live_push(p->root, data, len);
    }

    return p->stop == DEBAR_DECLINED ? DEBAR_DECLINED : DEBAR_OK;
}


int
debar_peel_finish(debar_peel_t *p)
{
    if (p->stop != DEBAR_DECLINED) {
        (void) debar_live_finish(p->root);
    }

    return p->stop == DEBAR_DECLINED ? DEBAR_DECLINED : DEBAR_OK;
}


const debar_peel_input_t *
debar_peel_labels(const debar_peel_t *p, const debar_peel_limits_t **limits)
{
    *limits = &p->limits;

    return &p->root->node.in;
}


unsigned
debar_peel_bounds(const debar_peel_t *p)
{
    return p->bounds;
}


void
debar_peel_free(debar_peel_t *p)
{
    if (p == NULL) {
        return;
    }

    p->stop = DEBAR_DECLINED;         /* nothing more is told */
    debar_live_free(p->root);

    free(p->frames);
    free(p->path);
    free(p);
}

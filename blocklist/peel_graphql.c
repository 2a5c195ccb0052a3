/*
 * GraphQL (spec of October 2021): the arguments of a request's fields, and the
 * defaults of its variables.  A container for each operation, and for each field
 * that has arguments or fields of its own; arguments are values, their lists and
 * objects containers.  Of an alias the field's name counts.
 *
 * A request is short: it is held, and read at its end.
 */

#include <stdlib.h>

#include "peel_node.h"


#define DEBAR_GRAPHQL_LEVELS  256

typedef enum {
    DEBAR_GRAPHQL_TOP = 0,
    DEBAR_GRAPHQL_FIELDS,                 /* { ... } */
    DEBAR_GRAPHQL_VARIABLES,              /* ($x: T = ...) */
    DEBAR_GRAPHQL_ARGUMENTS,              /* (x: ...) */
    DEBAR_GRAPHQL_LIST,                   /* [...] */
    DEBAR_GRAPHQL_OBJECT                  /* {x: ...} */
} debar_graphql_kind_e;

typedef struct {
    unsigned     kind;
    unsigned     begun;                   /* the last field is a container */
    unsigned     want;                    /* a value comes next */
    unsigned     skip;                    /* names that name no field */
    unsigned     directive;               /* the next arguments are one's */
    debar_str_t  name;                    /* the last one */
} debar_graphql_level_t;

typedef struct {
    debar_node_t           *node;
    const char             *p;
    const char             *end;
    debar_buf_t             text;
    debar_buf_t             string;       /* decoded */
    unsigned                nlevels;
    debar_graphql_level_t   levels[DEBAR_GRAPHQL_LEVELS];
} debar_graphql_t;


static int
debar_graphql_open(debar_node_t *node)
{
    debar_graphql_t  *g;

    g = calloc(1, sizeof(debar_graphql_t));
    if (g == NULL) {
        return DEBAR_ERROR;
    }

    g->node = node;
    g->nlevels = 1;
    node->state = g;

    return DEBAR_OK;
}


static int
debar_graphql_push(debar_node_t *node, const char *data, size_t len)
{
    debar_graphql_t  *g = node->state;

    return debar_node_hold(node, &g->text, data, len);
}


/* --- tokens -------------------------------------------------------------- */

static unsigned
debar_graphql_name(char ch)
{
    return (ch >= '0' && ch <= '9') || ((ch | 0x20) >= 'a' && (ch | 0x20) <= 'z')
           || ch == '_';
}


/* Past what means nothing: white space, commas, comments, a byte order mark. */

static void
debar_graphql_blank(debar_graphql_t *g)
{
    for ( /* void */ ; g->p < g->end; g->p++) {

        if (*g->p == '#') {
            g->p = memchr(g->p, '\n', g->end - g->p);

            if (g->p == NULL) {
                g->p = g->end;
                return;
            }

        } else if (*g->p == '\0' || strchr(" \t\r\n,\xEF\xBB\xBF", *g->p) == NULL)
        {
            return;
        }
    }
}


/* A name or a number. */

static debar_str_t
debar_graphql_word(debar_graphql_t *g)
{
    const char  *start;

    start = g->p;

    while (g->p < g->end
           && (debar_graphql_name(*g->p) || *g->p == '-' || *g->p == '+'
               || *g->p == '.'))
    {
        /* a spread is no part of a word */

        if (*g->p == '.' && g->end - g->p > 1 && g->p[1] == '.') {
            break;
        }

        g->p++;
    }

    return debar_str(start, g->p - start);
}


static int
debar_graphql_add(debar_graphql_t *g, const char *data, size_t len)
{
    return debar_node_hold(g->node, &g->string, data, len);
}


static int
debar_graphql_code(debar_graphql_t *g, uint32_t c)
{
    char      out[4];
    unsigned  n;

    if (c < 0x80) {
        out[0] = c;
        n = 1;

    } else if (c < 0x800) {
        out[0] = 0xc0 | (c >> 6);
        out[1] = 0x80 | (c & 0x3f);
        n = 2;

    } else if (c < 0x10000) {
        out[0] = 0xe0 | (c >> 12);
        out[1] = 0x80 | ((c >> 6) & 0x3f);
        out[2] = 0x80 | (c & 0x3f);
        n = 3;

    } else {
        out[0] = 0xf0 | ((c >> 18) & 0x07);
        out[1] = 0x80 | ((c >> 12) & 0x3f);
        out[2] = 0x80 | ((c >> 6) & 0x3f);
        out[3] = 0x80 | (c & 0x3f);
        n = 4;
    }

    return debar_graphql_add(g, out, n);
}


/* Hex digits after "\u": four, or some in braces; 0: they are none. */

static unsigned
debar_graphql_hex(debar_graphql_t *g, uint32_t *code)
{
    int          ch;
    unsigned     n, braces;
    const char  *p;

    p = g->p;
    braces = (p < g->end && *p == '{');
    p += braces;
    *code = 0;

    for (n = 0; p < g->end && n < (braces ? 6 : 4); n++, p++) {
        ch = *p | 0x20;

        if (*p >= '0' && *p <= '9') {
            *code = *code * 16 + (*p - '0');

        } else if (ch >= 'a' && ch <= 'f') {
            *code = *code * 16 + (ch - 'a' + 10);

        } else {
            break;
        }
    }

    if (n == 0 || (braces ? p == g->end || *p != '}' : n < 4)) {
        return 0;
    }

    g->p = p + braces;

    return 1;
}


/* What follows a backslash. */

static int
debar_graphql_escape(debar_graphql_t *g)
{
    char         ch;
    uint32_t     code, low;
    const char  *at;

    static const char  names[] = "bfnrt";
    static const char  means[] = "\b\f\n\r\t";

    ch = *g->p++;

    if (ch != 'u') {
        at = ch ? strchr(names, ch) : NULL;
        return debar_graphql_add(g, at ? &means[at - names] : &ch, 1);
    }

    if (!debar_graphql_hex(g, &code)) {
        return debar_graphql_add(g, "\\u", 2);
    }

    at = g->p;

    if (code >= 0xd800 && code < 0xdc00 && g->end - at > 2 && at[0] == '\\'
        && at[1] == 'u')
    {
        g->p += 2;

        if (debar_graphql_hex(g, &low) && low >= 0xdc00 && low < 0xe000) {
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);

        } else {
            g->p = at;
        }
    }

    return debar_graphql_code(g, code);
}


/* A string into g->string; one that does not end goes to the end. */

static int
debar_graphql_string(debar_graphql_t *g)
{
    int          rc;
    unsigned     block;
    const char  *start;

    g->string.len = 0;
    block = (g->end - g->p >= 3 && memcmp(g->p, "\"\"\"", 3) == 0);
    g->p += block ? 3 : 1;

    for ( ;; ) {
        start = g->p;

        while (g->p < g->end && *g->p != '"' && *g->p != '\\') {
            g->p++;
        }

        rc = debar_graphql_add(g, start, g->p - start);

        if (rc != DEBAR_OK || g->p == g->end) {
            return rc;
        }

        if (block) {
            start = g->p;
            start += (*start == '\\');

            if (g->end - start >= 3 && memcmp(start, "\"\"\"", 3) == 0) {

                if (start == g->p) {
                    g->p += 3;
                    return DEBAR_OK;
                }

                g->p = start + 3;
                rc = debar_graphql_add(g, "\"\"\"", 3);

            } else {
                rc = debar_graphql_add(g, g->p++, 1);
            }

        } else {

            if (*g->p++ == '"') {
                return DEBAR_OK;
            }

            rc = (g->p < g->end) ? debar_graphql_escape(g) : DEBAR_OK;
        }

        if (rc != DEBAR_OK) {
            return rc;
        }
    }
}


/* --- levels -------------------------------------------------------------- */

static debar_graphql_level_t *
debar_graphql_level(debar_graphql_t *g)
{
    return &g->levels[g->nlevels - 1];
}


static int
debar_graphql_enter(debar_graphql_t *g, unsigned kind)
{
    debar_graphql_level_t  *l;

    if (g->nlevels == DEBAR_GRAPHQL_LEVELS) {
        debar_node_bound(g->node, DEBAR_PEEL_NESTING);
        return DEBAR_ERROR;
    }

    l = &g->levels[g->nlevels++];
    memset(l, 0, sizeof(debar_graphql_level_t));
    l->kind = kind;
    l->name = debar_str("", 0);
    l->want = (kind == DEBAR_GRAPHQL_LIST);

    return DEBAR_OK;
}


/* The last field has something in it: a container. */

static int
debar_graphql_field(debar_graphql_t *g, debar_graphql_level_t *l)
{
    int  rc;

    if (l->begun || (l->name.len == 0 && l->kind == DEBAR_GRAPHQL_FIELDS)) {
        return DEBAR_OK;
    }

    rc = debar_node_begin(g->node, l->name.len ? l->name
                                               : debar_str("query", 5));
    l->begun = 1;

    return rc;
}


/* The next field, or the end of fields: the last one ends. */

static int
debar_graphql_past(debar_graphql_t *g, debar_graphql_level_t *l)
{
    unsigned  begun;

    begun = l->begun;
    l->begun = 0;
    l->name.len = 0;

    return begun ? debar_node_end(g->node) : DEBAR_OK;
}


/* A value was told, or what holds values has ended. */

static void
debar_graphql_had(debar_graphql_level_t *l)
{
    if (l->kind != DEBAR_GRAPHQL_LIST) {
        l->want = 0;
        l->name.len = 0;
    }
}


static int
debar_graphql_value(debar_graphql_t *g, debar_str_t value)
{
    debar_str_t             name;
    debar_graphql_level_t  *l;

    l = debar_graphql_level(g);
    name = l->name;
    debar_graphql_had(l);

    return debar_node_value(g->node, name, value);
}


/* A name outside of values. */

static int
debar_graphql_named(debar_graphql_t *g, debar_str_t name)
{
    int                     rc;
    debar_graphql_level_t  *l;

    l = debar_graphql_level(g);

    if (l->skip) {
        l->skip--;

        if (name.len == 2 && memcmp(name.data, "on", 2) == 0) {
            l->skip = 1;
        }

        return DEBAR_OK;
    }

    if (l->kind == DEBAR_GRAPHQL_TOP && l->name.len && !l->begun) {

        /* an operation's own name: of a mutation it says what is done */

        return l->name.len == 8 && memcmp(l->name.data, "mutation", 8) == 0
               ? debar_node_plain(g->node, debar_str("operationName", 13),
                                  name)
               : DEBAR_OK;
    }

    rc = (l->kind == DEBAR_GRAPHQL_TOP || l->kind == DEBAR_GRAPHQL_FIELDS)
         ? debar_graphql_past(g, l) : DEBAR_OK;
    l->name = name;

    return rc;
}


static int
debar_graphql_opens(debar_graphql_t *g, char ch)
{
    int                     rc;
    debar_graphql_level_t  *l;

    l = debar_graphql_level(g);

    if (l->want) {
        if (ch == '(') {
            return DEBAR_ERROR;
        }

        rc = debar_node_begin(g->node, l->name);

        return rc != DEBAR_OK ? rc
               : debar_graphql_enter(g, ch == '[' ? DEBAR_GRAPHQL_LIST
                                                  : DEBAR_GRAPHQL_OBJECT);
    }

    if (l->kind == DEBAR_GRAPHQL_VARIABLES && ch == '[') {
        return DEBAR_OK;                  /* of a type */
    }

    if (l->directive && ch == '(') {
        l->directive = 0;
        return debar_graphql_enter(g, DEBAR_GRAPHQL_ARGUMENTS);
    }

    if ((l->kind != DEBAR_GRAPHQL_TOP && l->kind != DEBAR_GRAPHQL_FIELDS)
        || ch == '[')
    {
        return DEBAR_ERROR;
    }

    l->skip = 0;
    l->directive = 0;
    rc = debar_graphql_field(g, l);

    if (rc != DEBAR_OK) {
        return rc;
    }

    if (ch == '{') {
        return debar_graphql_enter(g, DEBAR_GRAPHQL_FIELDS);
    }

    return debar_graphql_enter(g, l->kind == DEBAR_GRAPHQL_TOP
                                  ? DEBAR_GRAPHQL_VARIABLES
                                  : DEBAR_GRAPHQL_ARGUMENTS);
}


static int
debar_graphql_closes(debar_graphql_t *g, char ch)
{
    int                     rc;
    debar_graphql_level_t  *l;

    static const char  closes[] = { 0, '}', ')', ')', ']', '}' };

    l = debar_graphql_level(g);

    if (l->kind == DEBAR_GRAPHQL_VARIABLES && ch == ']') {
        return DEBAR_OK;
    }

    if (closes[l->kind] != ch) {
        return DEBAR_ERROR;
    }

    rc = (l->kind == DEBAR_GRAPHQL_FIELDS) ? debar_graphql_past(g, l)
                                           : DEBAR_OK;
    g->nlevels--;

    if (l->kind != DEBAR_GRAPHQL_LIST && l->kind != DEBAR_GRAPHQL_OBJECT) {
        return rc;
    }

    debar_graphql_had(debar_graphql_level(g));

    return rc != DEBAR_OK ? rc : debar_node_end(g->node);
}


/* "$x": in a value it stands for one, else it is declared. */

static int
debar_graphql_variable(debar_graphql_t *g)
{
    const char             *start;
    debar_graphql_level_t  *l;

    start = g->p++;
    (void) debar_graphql_word(g);
    l = debar_graphql_level(g);

    if (l->want) {
        return debar_graphql_value(g, debar_str(start, g->p - start));
    }

    l->name = debar_str(start + 1, g->p - start - 1);

    return DEBAR_OK;
}


/* --- the request --------------------------------------------------------- */

static int
debar_graphql_mark(debar_graphql_t *g, char ch)
{
    int                     rc;
    debar_graphql_level_t  *l;

    l = debar_graphql_level(g);
    rc = DEBAR_OK;
    g->p++;

    switch (ch) {

    case '{':
    case '[':
    case '(':
        return debar_graphql_opens(g, ch);

    case '}':
    case ']':
    case ')':
        return debar_graphql_closes(g, ch);

    case ':':
        if (l->kind == DEBAR_GRAPHQL_ARGUMENTS
            || l->kind == DEBAR_GRAPHQL_OBJECT)
        {
            l->want = 1;

        } else if (l->kind == DEBAR_GRAPHQL_FIELDS) {
            l->name.len = 0;              /* an alias */

        } else {
            l->skip = 1;                  /* a type follows */
        }

        return DEBAR_OK;

    case '=':
        l->want = (l->kind == DEBAR_GRAPHQL_VARIABLES);
        l->skip = 0;
        return DEBAR_OK;

    case '.':
        if (l->kind == DEBAR_GRAPHQL_FIELDS) {
            rc = debar_graphql_past(g, l);
            l->skip = 1;
        }

        return rc;

    case '@':                             /* a directive: its name goes */
        if (l->kind == DEBAR_GRAPHQL_TOP || l->kind == DEBAR_GRAPHQL_FIELDS) {
            rc = debar_graphql_field(g, l);
        }

        l->skip = 1;
        l->directive = 1;
        return rc;

    case '!':
    case '&':
    case '|':
        return DEBAR_OK;
    }

    return DEBAR_ERROR;
}


static int
debar_graphql_token(debar_graphql_t *g)
{
    int                     rc;
    debar_str_t             word;
    debar_graphql_level_t  *l;

    l = debar_graphql_level(g);

    if (*g->p == '"') {
        rc = debar_graphql_string(g);

        /* elsewhere it is a description */

        return rc != DEBAR_OK || !l->want ? rc
               : debar_graphql_value(g, debar_str(g->string.len
                                                  ? g->string.data : "",
                                                  g->string.len));
    }

    if (*g->p == '$') {
        return debar_graphql_variable(g);
    }

    if (debar_graphql_name(*g->p) || (*g->p == '-' && l->want)) {
        word = debar_graphql_word(g);

        return l->want ? debar_graphql_value(g, word)
                       : debar_graphql_named(g, word);
    }

    return debar_graphql_mark(g, *g->p);
}


static int
debar_graphql_finish(debar_node_t *node)
{
    int               rc;
    debar_graphql_t  *g = node->state;

    if (g->text.len == 0) {
        return DEBAR_OK;
    }

    g->p = g->text.data;
    g->end = g->p + g->text.len;
    g->levels[0].name = debar_str("", 0);

    for ( ;; ) {
        debar_graphql_blank(g);

        if (g->p >= g->end) {
            break;
        }

        rc = debar_graphql_token(g);

        if (rc != DEBAR_OK) {
            return rc;
        }
    }

    rc = debar_graphql_past(g, &g->levels[0]);

    return (rc == DEBAR_OK && g->nlevels > 1) ? DEBAR_ERROR : rc;
}


static void
debar_graphql_free(debar_node_t *node)
{
    debar_graphql_t  *g = node->state;

    if (g != NULL) {
        free(g->text.data);
        free(g->string.data);
        free(g);
    }
}


const debar_reader_t  debar_reader_graphql = {
    DEBAR_SYNTAX_GRAPHQL,
    "graphql",
    debar_graphql_open,
    debar_graphql_push,
    debar_graphql_finish,
    debar_graphql_free
};

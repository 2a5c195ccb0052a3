/*
 * XML to events: expat reads it as it streams.
 *
 * An element is a container of its local name; in it come its attributes
 * ("@name"), the elements that it has, and last its text ("") as a whole,
 * joined across comments, CDATA sections, entities and elements.  White space
 * around it goes.
 *
 * Entities of the document itself are expanded, within bounds; nothing is ever
 * loaded.  A reference to what is not known stays in the text as it came.
 *
 * A property list (Apple) is told as the values that it means: keys are names.
 */

#include <stdlib.h>

#define XML_DTD  1    /* expat.h hides what bounds expansion without it */
#include <expat.h>

#include "peel_node.h"


#define DEBAR_XML_LEVELS    4096          /* of elements, told or not */
#define DEBAR_XML_ENTITIES  1000          /* declared: expat expands one in
                                             another by a call */
#define DEBAR_XML_EXTERNALS 16            /* taken as empty */
#define DEBAR_XML_SLICE     4096          /* bytes that expat gets at once */
#define DEBAR_XML_EARLY     4096          /* where it breaks before, the engine
                                             still has all of it */
#define DEBAR_XML_KEY       256

typedef enum {
    DEBAR_XML_ELEMENT = 0,
    DEBAR_XML_LIST,                       /* of a property list: dict, array */
    DEBAR_XML_NAME,                       /* key */
    DEBAR_XML_SCALAR,
    DEBAR_XML_TRUTH,                      /* true, false */
    DEBAR_XML_ROOT                        /* plist */
} debar_xml_kind_e;

typedef struct {
    unsigned  kind;
    size_t    text;                       /* where its text begins */
} debar_xml_frame_t;

typedef struct {
    debar_node_t       *node;
    XML_Parser          expat;
    int                 rc;               /* why a handler has stopped it */

    unsigned            plist;
    unsigned            entities;
    unsigned            externals;
    unsigned            begun;            /* past leading white space */
    uint64_t            fed;
    debar_buf_t         past;             /* fed, of a token that is open */
    debar_buf_t         wait;             /* to be fed */

    unsigned            nkey;
    char                key[DEBAR_XML_KEY];

    debar_buf_t         text;             /* of the open elements, in turn */
    unsigned            nframes;
    unsigned            size;
    debar_xml_frame_t  *frames;

    debar_rest_t        rest;
} debar_xml_t;


static unsigned
debar_xml_blank(char ch)
{
    return ch == ' ' || ch == '\n' || ch == '\r' || ch == '\t';
}


/* What a handler ends with: anything but DEBAR_OK stops expat. */

static void
debar_xml_went(debar_xml_t *x, int rc)
{
    if (rc != DEBAR_OK && x->rc == DEBAR_OK) {
        x->rc = rc;
        (void) XML_StopParser(x->expat, XML_FALSE);
    }
}


/* Bytes that stand in no place of the document: an entity's. */

static void
debar_xml_made(debar_xml_t *x, size_t len)
{
    if (debar_node_expanded(x->node, len, 0) != DEBAR_OK) {
        debar_xml_went(x, DEBAR_ERROR);
    }
}


/* The text of the innermost element, which goes with it. */

static int
debar_xml_text(debar_xml_t *x)
{
    size_t              start, end;
    debar_str_t         name;
    debar_xml_frame_t  *f;

    f = &x->frames[x->nframes - 1];
    start = f->text;
    end = x->text.len;
    x->text.len = start;

    while (end > start && debar_xml_blank(x->text.data[end - 1])) {
        end--;
    }

    name = debar_str("", 0);

    switch (f->kind) {

    case DEBAR_XML_LIST:
    case DEBAR_XML_ROOT:
        return DEBAR_OK;

    case DEBAR_XML_NAME:
        x->nkey = (end - start < DEBAR_XML_KEY) ? end - start : DEBAR_XML_KEY;
        memcpy(x->key, x->text.data ? x->text.data + start : "", x->nkey);
        return DEBAR_OK;

    case DEBAR_XML_TRUTH:
        return DEBAR_OK;

    case DEBAR_XML_SCALAR:
        name = debar_str(x->key, x->nkey);
        x->nkey = 0;
        break;

    default:
        if (end == start) {
            return DEBAR_OK;
        }
    }

    return debar_node_value(x->node, name,
                            debar_str(end > start ? x->text.data + start : "",
                                      end - start));
}


static void
debar_xml_characters(void *data, const char *s, int len)
{
    size_t        start;
    debar_xml_t  *x = data;

    if (x->rc != DEBAR_OK || x->nframes == 0) {
        return;
    }

    if (XML_GetCurrentByteCount(x->expat) == 0) {
        debar_xml_made(x, len);
    }

    start = x->frames[x->nframes - 1].text;

    if (x->text.len == start) {
        while (len && debar_xml_blank(*s)) {
            s++;
            len--;
        }
    }

    if (len == 0
        || debar_node_hold(x->node, &x->text, s, len) == DEBAR_OK)
    {
        return;
    }

    /* too much: what there is of it is told */

    debar_xml_went(x, debar_xml_text(x));
    (void) debar_node_hold(x->node, &x->text, s, len);
}


static const char *
debar_xml_local(const char *name)
{
    const char  *colon;

    colon = strrchr(name, ':');

    return (colon && colon[1]) ? colon + 1 : name;
}


static int
debar_xml_attributes(debar_xml_t *x, const char **attrs)
{
    int          rc;
    char         name[DEBAR_XML_KEY];
    size_t       n, len, raw;
    const char  *local;

    raw = XML_GetCurrentByteCount(x->expat);
    rc = DEBAR_OK;

    for ( /* void */ ; *attrs && rc == DEBAR_OK; attrs += 2) {

        len = strlen(attrs[1]);

        if (len > raw) {
            debar_xml_made(x, len - raw);
        }

        raw -= (len < raw) ? len : raw;

        if (strncmp(attrs[0], "xmlns", 5) == 0
            && (attrs[0][5] == '\0' || attrs[0][5] == ':'))
        {
            continue;
        }

        local = debar_xml_local(attrs[0]);
        n = strlen(local);
        n = (n < sizeof(name) - 1) ? n : sizeof(name) - 1;

        name[0] = '@';
        memcpy(name + 1, local, n);

        rc = debar_node_value(x->node, debar_str(name, n + 1),
                              debar_str(attrs[1], len));
    }

    return rc;
}


/* What an element of a property list is. */

static unsigned
debar_xml_kind(debar_xml_t *x, const char *name)
{
    if (x->nframes == 0 && strcmp(name, "plist") == 0) {
        x->plist = 1;
        x->node->reader = &debar_reader_plist;
        return DEBAR_XML_ROOT;
    }

    if (!x->plist) {
        return DEBAR_XML_ELEMENT;
    }

    if (strcmp(name, "dict") == 0 || strcmp(name, "array") == 0) {
        return DEBAR_XML_LIST;
    }

    if (strcmp(name, "true") == 0 || strcmp(name, "false") == 0) {
        return DEBAR_XML_TRUTH;
    }

    return strcmp(name, "key") == 0 ? DEBAR_XML_NAME : DEBAR_XML_SCALAR;
}


static int
debar_xml_frame(debar_xml_t *x, unsigned kind)
{
    unsigned            size;
    debar_xml_frame_t  *frames;

    if (x->nframes == DEBAR_XML_LEVELS) {
        debar_node_bound(x->node, DEBAR_PEEL_NESTING);
        return DEBAR_ERROR;
    }

    if (x->nframes == x->size) {
        size = x->size ? x->size * 2 : 32;
        frames = realloc(x->frames, size * sizeof(debar_xml_frame_t));

        if (frames == NULL) {
            debar_node_bound(x->node, DEBAR_PEEL_HELD);
            return DEBAR_ERROR;
        }

        x->frames = frames;
        x->size = size;
    }

    x->frames[x->nframes].kind = kind;
    x->frames[x->nframes].text = x->text.len;
    x->nframes++;

    return DEBAR_OK;
}


static void
debar_xml_start(void *data, const char *name, const char **attrs)
{
    int           rc;
    size_t        len;
    unsigned      kind;
    debar_str_t   as;
    debar_xml_t  *x = data;

    if (x->rc != DEBAR_OK) {
        return;
    }

    name = debar_xml_local(name);
    len = strlen(name);
    as = debar_str(name, (len < DEBAR_XML_KEY) ? len : DEBAR_XML_KEY);

    if (XML_GetCurrentByteCount(x->expat) == 0) {
        debar_xml_made(x, len + 3);
    }

    kind = debar_xml_kind(x, name);
    rc = debar_xml_frame(x, kind);

    if (rc == DEBAR_OK && kind == DEBAR_XML_ELEMENT) {
        rc = debar_node_begin(x->node, as);

        if (rc == DEBAR_OK) {
            rc = debar_xml_attributes(x, attrs);
        }

    } else if (rc == DEBAR_OK && kind == DEBAR_XML_LIST) {
        rc = debar_node_begin(x->node, debar_str(x->key, x->nkey));
        x->nkey = 0;

    } else if (rc == DEBAR_OK && kind == DEBAR_XML_TRUTH) {
        rc = debar_node_value(x->node, debar_str(x->key, x->nkey), as);
        x->nkey = 0;
    }

    debar_xml_went(x, rc);
}


/* The innermost element ends. */

static int
debar_xml_pop(debar_xml_t *x)
{
    int       rc;
    unsigned  kind;

    kind = x->frames[x->nframes - 1].kind;
    rc = debar_xml_text(x);
    x->nframes--;

    if (rc == DEBAR_OK
        && (kind == DEBAR_XML_ELEMENT || kind == DEBAR_XML_LIST))
    {
        rc = debar_node_end(x->node);
    }

    return rc;
}


static void
debar_xml_end(void *data, const char *name)
{
    debar_xml_t  *x = data;

    if (x->rc == DEBAR_OK && x->nframes) {
        debar_xml_went(x, debar_xml_pop(x));
    }
}


/* What expat does not know stays as it came: text is read for references of
 * HTML later. */

static void
debar_xml_skipped(void *data, const char *name, int parameter)
{
    debar_xml_t  *x = data;

    if (!parameter) {
        debar_xml_characters(x, "&", 1);
        debar_xml_characters(x, name, strlen(name));
        debar_xml_characters(x, ";", 1);
    }
}


/*
 * Where an entity lies is told, and it is passed over.  What the document type
 * has elsewhere is taken as empty, read: then expat knows that there may be
 * declarations that it does not know.
 */

static int
debar_xml_external(XML_Parser expat, const char *context, const char *base,
    const char *system, const char *public)
{
    XML_Parser    empty;
    debar_xml_t  *x = XML_GetUserData(expat);

    if (context == NULL && x->externals++ < DEBAR_XML_EXTERNALS) {
        empty = XML_ExternalEntityParserCreate(expat, NULL, "UTF-8");

        if (empty) {
            (void) XML_Parse(empty, "", 0, 1);
            XML_ParserFree(empty);
        }
    }

    if (x->rc == DEBAR_OK && context && system) {
        debar_xml_went(x, debar_node_value(x->node, debar_str("&", 1),
                                           debar_str(system, strlen(system))));
    }

    return XML_STATUS_OK;
}


static void
debar_xml_entity(void *data, const char *name, int parameter, const char *value,
    int len, const char *base, const char *system, const char *public,
    const char *notation)
{
    debar_xml_t  *x = data;

    if (++x->entities > DEBAR_XML_ENTITIES) {
        debar_node_bound(x->node, DEBAR_PEEL_EXPANDED);
        debar_xml_went(x, DEBAR_ERROR);
    }
}


static int
debar_xml_open(debar_node_t *node)
{
    XML_Parser    expat;
    debar_xml_t  *x;

    x = calloc(1, sizeof(debar_xml_t));
    if (x == NULL) {
        return DEBAR_ERROR;
    }

    /* the charset is undone already, whatever the declaration says */

    expat = XML_ParserCreate("UTF-8");
    if (expat == NULL) {
        free(x);
        return DEBAR_ERROR;
    }

    x->node = node;
    x->expat = expat;
    node->state = x;

    XML_SetUserData(expat, x);
    XML_SetElementHandler(expat, debar_xml_start, debar_xml_end);
    XML_SetCharacterDataHandler(expat, debar_xml_characters);
    XML_SetSkippedEntityHandler(expat, debar_xml_skipped);
    XML_SetExternalEntityRefHandler(expat, debar_xml_external);
    XML_SetEntityDeclHandler(expat, debar_xml_entity);

    /* parameter entities of the document itself count; as if there were an
     * external subset: a reference to what is not declared is no fault */

    (void) XML_SetParamEntityParsing(expat, XML_PARAM_ENTITY_PARSING_ALWAYS);
    (void) XML_UseForeignDTD(expat, XML_TRUE);

    (void) XML_SetBillionLaughsAttackProtectionMaximumAmplification(expat,
                                                                    100.0);
    (void) XML_SetBillionLaughsAttackProtectionActivationThreshold(expat,
                                                              1024 * 1024);
    return DEBAR_OK;
}


/*
 * Ends what has begun; the rest is read as text, from the start where that is
 * still at hand: then it may be something else under a wrong label.
 */

static int
debar_xml_broken(debar_xml_t *x)
{
    int  rc;

    for (rc = DEBAR_OK; x->nframes && rc == DEBAR_OK; /* void */ ) {
        rc = debar_xml_pop(x);
    }

    if (rc == DEBAR_OK && x->fed < DEBAR_XML_EARLY) {
        rc = DEBAR_ERROR;
    }

    if (rc == DEBAR_OK) {
        rc = debar_rest_open(&x->rest, x->node);
    }

    if (rc == DEBAR_OK) {
        rc = debar_rest_push(&x->rest, x->past.data, x->past.len);
        x->past.len = 0;
    }

    return rc;
}


/* Of what was fed, the bytes from there on are still to be read. */

static void
debar_xml_past(debar_xml_t *x)
{
    size_t     gone;
    XML_Index  at;

    at = XML_GetCurrentByteIndex(x->expat);

    if (at < 0 || (uint64_t) at > x->fed) {
        at = x->fed;
    }

    gone = x->past.len - (x->fed - at);

    if (x->fed - at > x->past.len) {
        gone = 0;
    }

    if (gone) {
        x->past.len -= gone;
        memmove(x->past.data, x->past.data + gone, x->past.len);
    }
}


/* Bytes to expat; once it has failed, to what reads the rest. */

static int
debar_xml_feed(debar_xml_t *x, const char *data, size_t len, int last)
{
    int              rc;
    enum XML_Status  status;

    if (x->rest.open) {
        return debar_rest_push(&x->rest, data, len);
    }

    if (debar_node_hold(x->node, &x->past, data, len) != DEBAR_OK) {
        rc = debar_xml_broken(x);
        return rc != DEBAR_OK ? rc : debar_rest_push(&x->rest, data, len);
    }

    (void) debar_node_expanded(x->node, len, len);

    x->rc = DEBAR_OK;
    status = XML_Parse(x->expat, data, len, last);
    x->fed += len;
    debar_xml_past(x);

    if (status == XML_STATUS_OK) {
        return DEBAR_OK;
    }

    if (x->rc == DEBAR_DECLINED) {
        return x->rc;
    }

    if (XML_GetErrorCode(x->expat) == XML_ERROR_AMPLIFICATION_LIMIT_BREACH) {
        debar_node_bound(x->node, DEBAR_PEEL_EXPANDED);
    }

    x->rc = DEBAR_OK;
    x->fed -= x->past.len;

    return debar_xml_broken(x);
}


/*
 * What waits is fed.  expat reads a token that is cut from its start again,
 * each time: while one is open, as much is gathered as was read in vain.
 */

static int
debar_xml_flush(debar_xml_t *x, size_t least)
{
    size_t  n;

    n = x->wait.len;

    if (n == 0 || n < least || (n < x->past.len && !x->rest.open)) {
        return DEBAR_OK;
    }

    x->wait.len = 0;

    return debar_xml_feed(x, x->wait.data, n, 0);
}


static int
debar_xml_wait(debar_xml_t *x, const char *data, size_t len)
{
    int  rc;

    if (debar_node_hold(x->node, &x->wait, data, len) == DEBAR_OK) {
        return debar_xml_flush(x, DEBAR_XML_SLICE);
    }

    if (!x->rest.open) {
        rc = debar_xml_broken(x);

        if (rc != DEBAR_OK) {
            return rc;
        }
    }

    rc = debar_xml_flush(x, 0);

    return rc != DEBAR_OK ? rc : debar_xml_feed(x, data, len, 0);
}


static int
debar_xml_push(debar_node_t *node, const char *data, size_t len)
{
    int           rc;
    size_t        n;
    debar_xml_t  *x = node->state;

    while (!x->begun && len) {
        if (debar_xml_blank(*data) || *data == '\0') {
            data++;
            len--;
            continue;
        }

        x->begun = 1;
    }

    for (rc = DEBAR_OK; len && rc == DEBAR_OK; data += n, len -= n) {
        n = (len < DEBAR_XML_SLICE) ? len : DEBAR_XML_SLICE;
        rc = debar_xml_wait(x, data, n);
    }

    return rc == DEBAR_OK ? debar_xml_flush(x, 0) : rc;
}


static int
debar_xml_finish(debar_node_t *node)
{
    int           rc;
    debar_xml_t  *x = node->state;

    rc = debar_xml_feed(x, x->wait.data ? x->wait.data : "", x->wait.len, 1);

    return rc == DEBAR_OK ? debar_rest_finish(&x->rest) : rc;
}


static void
debar_xml_free(debar_node_t *node)
{
    debar_xml_t  *x = node->state;

    if (x != NULL) {
        XML_ParserFree(x->expat);
        free(x->past.data);
        free(x->wait.data);
        free(x->text.data);
        free(x->frames);
        free(x);
    }
}


const debar_reader_t  debar_reader_xml = {
    DEBAR_SYNTAX_XML,
    "xml",
    debar_xml_open,
    debar_xml_push,
    debar_xml_finish,
    debar_xml_free
};

const debar_reader_t  debar_reader_plist = {
    DEBAR_SYNTAX_PLIST,
    "plist",
    debar_xml_open,
    debar_xml_push,
    debar_xml_finish,
    debar_xml_free
};

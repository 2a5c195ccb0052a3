/*
 * Text of office documents: their XML by expat, element by element.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <expat.h>

#include "peel_office.h"


/* A paragraph that is longer is told in pieces, which overlap. */

#define DEBAR_OFFICE_TEXT_MAX  8192
#define DEBAR_OFFICE_OVERLAP   512

#define DEBAR_OFFICE_ROWS      16     /* tables in cells of tables */
#define DEBAR_OFFICE_COLUMNS   16384

/* Strings that are longer are paid for by each cell that shows them. */

#define DEBAR_OFFICE_SHORT     512


struct debar_office_s {
    debar_node_t  *node;
    XML_Parser     xml;
    unsigned       part;          /* debar_office_e */
    int            rc;            /* of the sink, where it is not DEBAR_OK */
    unsigned       began;         /* rows told of */
    unsigned       rows;          /* that are open */
    unsigned       column[DEBAR_OFFICE_ROWS + 1];   /* of each, from 1 */
    unsigned       cells;         /* that are open */
    unsigned       paragraph;
    unsigned       text;          /* in an element whose text counts */
    unsigned       phonetic;
    unsigned       shared;        /* the cell's value is a string's number */
    size_t         len;
    char           data[DEBAR_OFFICE_TEXT_MAX];
    debar_buf_t    strings;       /* that are shared, after each other */
    debar_buf_t    ends;          /* size_t of each */
};


static int debar_office_value(debar_office_t *o, debar_str_t value);
static int debar_office_flush(debar_office_t *o);
static int debar_office_string(debar_office_t *o);
static void debar_office_row(debar_office_t *o);
static void debar_office_row_end(debar_office_t *o);
static void debar_office_cell(debar_office_t *o, const XML_Char **attr);
static void debar_office_cell_end(debar_office_t *o);
static void XMLCALL debar_office_start(void *data, const XML_Char *name,
    const XML_Char **attr);
static void XMLCALL debar_office_stop(void *data, const XML_Char *name);
static void XMLCALL debar_office_characters(void *data, const XML_Char *s,
    int len);
static void XMLCALL debar_office_doctype(void *data, const XML_Char *name,
    const XML_Char *system, const XML_Char *public, int internal);


/* By the beginnings of their paths; the first that fits. */

static const struct {
    const char  *prefix;
    unsigned     part;
} debar_office_parts[] = {
    { "[Content_Types].xml",        DEBAR_OFFICE_SKIP },
    { "_rels/",                     DEBAR_OFFICE_SKIP },
    { "docProps/app.xml",           DEBAR_OFFICE_SKIP },
    { "mimetype",                   DEBAR_OFFICE_SKIP },
    { "META-INF/",                  DEBAR_OFFICE_SKIP },
    { "Thumbnails/",                DEBAR_OFFICE_SKIP },
    { "Configurations2/",           DEBAR_OFFICE_SKIP },
    { "settings.xml",               DEBAR_OFFICE_SKIP },
    { "manifest.rdf",               DEBAR_OFFICE_SKIP },
    { "layout-cache",               DEBAR_OFFICE_SKIP },
    { "content.xml",                DEBAR_OFFICE_OPEN },
    { "styles.xml",                 DEBAR_OFFICE_OPEN },  /* has the headers */
    { "word/document",              DEBAR_OFFICE_TEXT },
    { "word/header",                DEBAR_OFFICE_TEXT },
    { "word/footer",                DEBAR_OFFICE_TEXT },
    { "word/footnotes",             DEBAR_OFFICE_TEXT },
    { "word/endnotes",              DEBAR_OFFICE_TEXT },
    { "word/comments",              DEBAR_OFFICE_TEXT },
    { "word/embeddings/",           DEBAR_OFFICE_NONE },
    { "word/afchunk",               DEBAR_OFFICE_NONE },
    { "word/",                      DEBAR_OFFICE_SKIP },
    { "ppt/slides/_rels/",          DEBAR_OFFICE_SKIP },
    { "ppt/notesSlides/_rels/",     DEBAR_OFFICE_SKIP },
    { "ppt/slides/",                DEBAR_OFFICE_TEXT },
    { "ppt/notesSlides/",           DEBAR_OFFICE_TEXT },
    { "ppt/embeddings/",            DEBAR_OFFICE_NONE },
    { "ppt/",                       DEBAR_OFFICE_SKIP },
    { "xl/sharedStrings",           DEBAR_OFFICE_STRINGS },
    { "xl/worksheets/_rels/",       DEBAR_OFFICE_SKIP },
    { "xl/worksheets/",             DEBAR_OFFICE_SHEET },
    { "xl/comments",                DEBAR_OFFICE_TEXT },
    { "xl/drawings/drawing",        DEBAR_OFFICE_TEXT },
    { "xl/embeddings/",             DEBAR_OFFICE_NONE },
    { "xl/",                        DEBAR_OFFICE_SKIP },
    { "customXml/_rels/",           DEBAR_OFFICE_SKIP }
};


unsigned
debar_office_part(const char *path)
{
    size_t       i;
    const char  *ext, *prefix;

    for (i = 0; i < sizeof(debar_office_parts) / sizeof(debar_office_parts[0]);
         i++)
    {
        prefix = debar_office_parts[i].prefix;

        if (strncasecmp(path, prefix, strlen(prefix)) != 0) {
            continue;
        }

        /* of what is passed over it has to be clear */

        ext = strrchr(path, '.');

        if (debar_office_parts[i].part == DEBAR_OFFICE_SKIP && ext
            && strcasecmp(ext, ".xml") != 0 && strcasecmp(ext, ".rels") != 0
            && strcasecmp(ext, ".rdf") != 0 && strcasecmp(ext, ".vml") != 0)
        {
            return DEBAR_OFFICE_NONE;
        }

        return debar_office_parts[i].part;
    }

    return DEBAR_OFFICE_NONE;
}


debar_office_t *
debar_office_new(debar_node_t *node)
{
    debar_office_t  *o;

    o = calloc(1, sizeof(debar_office_t));

    if (o) {
        o->node = node;
    }

    return o;
}


void
debar_office_free(debar_office_t *o)
{
    if (o == NULL) {
        return;
    }

    if (o->xml) {
        XML_ParserFree(o->xml);
    }

    debar_buf_free(&o->strings);
    debar_buf_free(&o->ends);
    free(o);
}


int
debar_office_begin(debar_office_t *o, unsigned part)
{
    o->part = part;
    o->rc = DEBAR_OK;
    o->began = 0;
    o->rows = 0;
    o->cells = 0;
    o->paragraph = 0;
    o->text = 0;
    o->phonetic = 0;
    o->shared = 0;
    o->len = 0;
    o->column[0] = 0;

    o->xml = XML_ParserCreate(NULL);

    if (o->xml == NULL) {
        return DEBAR_ERROR;
    }

    XML_SetUserData(o->xml, o);
    XML_SetElementHandler(o->xml, debar_office_start, debar_office_stop);
    XML_SetCharacterDataHandler(o->xml, debar_office_characters);
    XML_SetStartDoctypeDeclHandler(o->xml, debar_office_doctype);

    return DEBAR_OK;
}


int
debar_office_push(debar_office_t *o, const char *data, size_t len)
{
    if (XML_Parse(o->xml, data, (int) len, 0) == XML_STATUS_ERROR) {
        return o->rc == DEBAR_OK ? DEBAR_ERROR : o->rc;
    }

    return DEBAR_OK;
}


/* Also where it broke off: rows that it left open end here. */

int
debar_office_end(debar_office_t *o)
{
    int  rc, broken;

    rc = o->rc;
    broken = XML_Parse(o->xml, "", 0, 1) == XML_STATUS_ERROR;

    XML_ParserFree(o->xml);
    o->xml = NULL;

    if (o->rc != DEBAR_OK) {
        return rc ? rc : o->rc;
    }

    rc = debar_office_flush(o);

    while (rc == DEBAR_OK && o->began) {
        o->began--;
        rc = debar_node_end(o->node);
    }

    return rc == DEBAR_OK && broken ? DEBAR_ERROR : rc;
}


/* --- what is told -------------------------------------------------------- */

static int
debar_office_value(debar_office_t *o, debar_str_t value)
{
    char         name[8], *p;
    unsigned     n;
    debar_str_t  s;

    n = o->cells && o->rows && o->rows <= DEBAR_OFFICE_ROWS
        ? o->column[o->rows] : 0;

    if (n == 0) {
        return debar_node_value(o->node, debar_str("p", 1), value);
    }

    /* 1: A, 26: Z, 27: AA */

    p = name + sizeof(name);

    for ( /* void */ ; n && p > name; n = (n - 1) / 26) {
        *--p = (char) ('A' + (n - 1) % 26);
    }

    s = debar_str(p, (size_t) (name + sizeof(name) - p));

    return debar_node_value(o->node, s, value);
}


static int
debar_office_flush(debar_office_t *o)
{
    int     rc;
    size_t  i, len;

    len = o->len;
    o->len = 0;

    for (i = 0; i < len && (unsigned char) o->data[i] <= ' '; i++) {
        /* void */
    }

    if (i == len) {
        return DEBAR_OK;
    }

    if (o->shared) {
        o->len = len;
        rc = debar_office_string(o);
        o->len = 0;

        return rc;
    }

    if (o->part == DEBAR_OFFICE_STRINGS) {

        /* of those that are too many the cells tell the numbers */

        return DEBAR_OK;
    }

    return debar_office_value(o, debar_str(o->data, len));
}


/* A cell whose value is the number of a shared string. */

static int
debar_office_string(debar_office_t *o)
{
    char         number[16];
    size_t       n, from, to, len;
    const char  *p;

    len = o->len < sizeof(number) - 1 ? o->len : sizeof(number) - 1;
    memcpy(number, o->data, len);
    number[len] = '\0';

    n = strtoul(number, NULL, 10);
    p = o->ends.data;

    if (n >= o->ends.len / sizeof(size_t)) {
        return debar_office_value(o, debar_str(o->data, o->len));
    }

    from = 0;

    if (n) {
        memcpy(&from, p + (n - 1) * sizeof(size_t), sizeof(size_t));
    }

    memcpy(&to, p + n * sizeof(size_t), sizeof(size_t));

    if (to == from) {
        return DEBAR_OK;
    }

    if (to - from > DEBAR_OFFICE_SHORT
        && debar_node_expanded(o->node, to - from, o->len) != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    return debar_office_value(o, debar_str(o->strings.data + from, to - from));
}


/* --- elements ------------------------------------------------------------ */

static void
debar_office_row(debar_office_t *o)
{
    if (o->rows < DEBAR_OFFICE_ROWS) {
        o->rc = debar_node_begin(o->node, debar_str("row", 3));
        o->began++;
        o->column[o->rows + 1] = 0;
    }

    o->rows++;
}


static void
debar_office_row_end(debar_office_t *o)
{
    if (o->rows == 0) {
        return;
    }

    if (o->rows <= DEBAR_OFFICE_ROWS && o->began) {
        o->rc = debar_node_end(o->node);
        o->began--;
    }

    o->rows--;
}


static void
debar_office_cell(debar_office_t *o, const XML_Char **attr)
{
    unsigned     n, *column;
    const char  *p;

    o->cells++;

    if (o->rows == 0 || o->rows > DEBAR_OFFICE_ROWS) {
        return;
    }

    column = &o->column[o->rows];

    if (*column < DEBAR_OFFICE_COLUMNS) {
        (*column)++;
    }

    if (o->part != DEBAR_OFFICE_SHEET) {
        return;
    }

    o->shared = 0;

    for ( /* void */ ; attr[0]; attr += 2) {

        if (strcmp(attr[0], "t") == 0) {
            o->shared = strcmp(attr[1], "s") == 0;

        } else if (strcmp(attr[0], "r") == 0) {
            n = 0;

            for (p = attr[1]; *p >= 'A' && *p <= 'Z' && p - attr[1] < 3; p++) {
                n = n * 26 + (unsigned) (*p - 'A' + 1);
            }

            if (n && n <= DEBAR_OFFICE_COLUMNS) {
                *column = n;
            }
        }
    }
}


static void
debar_office_cell_end(debar_office_t *o)
{
    if (o->part == DEBAR_OFFICE_SHEET) {
        o->rc = debar_office_flush(o);
        o->shared = 0;
    }

    if (o->cells) {
        o->cells--;
    }
}


typedef enum {
    DEBAR_OFFICE_OTHER = 0,
    DEBAR_OFFICE_ROW,
    DEBAR_OFFICE_CELL,
    DEBAR_OFFICE_PARAGRAPH,
    DEBAR_OFFICE_RUN,             /* of text */
    DEBAR_OFFICE_BLANK,           /* a tab, a break, spaces */
    DEBAR_OFFICE_ITEM,            /* a shared string */
    DEBAR_OFFICE_PHONETIC
} debar_office_element_e;


static const struct {
    const char  *name;
    unsigned     parts;           /* bits of debar_office_e */
    unsigned     element;
} debar_office_elements[] = {

#define DEBAR_OOXML  (1 << DEBAR_OFFICE_TEXT)
#define DEBAR_ODF    (1 << DEBAR_OFFICE_OPEN)
#define DEBAR_SHEET  (1 << DEBAR_OFFICE_SHEET)
#define DEBAR_SST    (1 << DEBAR_OFFICE_STRINGS)

    { "t",                  DEBAR_OOXML | DEBAR_SHEET | DEBAR_SST,
                                                    DEBAR_OFFICE_RUN },
    { "p",                  DEBAR_OOXML | DEBAR_ODF, DEBAR_OFFICE_PARAGRAPH },
    { "h",                  DEBAR_ODF,               DEBAR_OFFICE_PARAGRAPH },
    { "comment",            DEBAR_OOXML,             DEBAR_OFFICE_PARAGRAPH },
    { "delText",            DEBAR_OOXML,             DEBAR_OFFICE_OTHER },
    { "tab",                DEBAR_OOXML | DEBAR_ODF, DEBAR_OFFICE_BLANK },
    { "br",                 DEBAR_OOXML,             DEBAR_OFFICE_BLANK },
    { "cr",                 DEBAR_OOXML,             DEBAR_OFFICE_BLANK },
    { "s",                  DEBAR_ODF,               DEBAR_OFFICE_BLANK },
    { "line-break",         DEBAR_ODF,               DEBAR_OFFICE_BLANK },
    { "tr",                 DEBAR_OOXML,             DEBAR_OFFICE_ROW },
    { "tc",                 DEBAR_OOXML,             DEBAR_OFFICE_CELL },
    { "table-row",          DEBAR_ODF,               DEBAR_OFFICE_ROW },
    { "table-cell",         DEBAR_ODF,               DEBAR_OFFICE_CELL },
    { "covered-table-cell", DEBAR_ODF,               DEBAR_OFFICE_CELL },
    { "row",                DEBAR_SHEET,             DEBAR_OFFICE_ROW },
    { "c",                  DEBAR_SHEET,             DEBAR_OFFICE_CELL },
    { "v",                  DEBAR_SHEET,             DEBAR_OFFICE_RUN },
    { "oddHeader",          DEBAR_SHEET,             DEBAR_OFFICE_RUN },
    { "si",                 DEBAR_SST,               DEBAR_OFFICE_ITEM },
    { "rPh",                DEBAR_SHEET | DEBAR_SST, DEBAR_OFFICE_PHONETIC }
};


static unsigned
debar_office_element(debar_office_t *o, const XML_Char *name)
{
    size_t       i;
    const char  *local;

    local = strrchr(name, ':');
    local = local ? local + 1 : name;

    for (i = 0; i < sizeof(debar_office_elements)
                    / sizeof(debar_office_elements[0]); i++)
    {
        if ((debar_office_elements[i].parts & (1u << o->part))
            && strcmp(local, debar_office_elements[i].name) == 0)
        {
            return debar_office_elements[i].element;
        }
    }

    return DEBAR_OFFICE_OTHER;
}


static void XMLCALL
debar_office_start(void *data, const XML_Char *name, const XML_Char **attr)
{
    debar_office_t  *o = data;

    if (o->rc != DEBAR_OK) {
        return;
    }

    switch (debar_office_element(o, name)) {

    case DEBAR_OFFICE_ROW:
        o->rc = debar_office_flush(o);

        if (o->rc == DEBAR_OK) {
            debar_office_row(o);
        }

        break;

    case DEBAR_OFFICE_CELL:
        debar_office_cell(o, attr);
        break;

    case DEBAR_OFFICE_PARAGRAPH:
        o->rc = debar_office_flush(o);
        o->paragraph++;
        break;

    case DEBAR_OFFICE_RUN:
        o->text++;
        break;

    case DEBAR_OFFICE_BLANK:
        if (o->paragraph) {
            debar_office_characters(o, NULL, 0);
        }

        break;

    case DEBAR_OFFICE_PHONETIC:
        o->phonetic++;
        break;

    default:
        break;
    }

    if (o->rc != DEBAR_OK) {
        XML_StopParser(o->xml, XML_FALSE);
    }
}


static void XMLCALL
debar_office_stop(void *data, const XML_Char *name)
{
    debar_office_t  *o = data;

    if (o->rc != DEBAR_OK) {
        return;
    }

    switch (debar_office_element(o, name)) {

    case DEBAR_OFFICE_ROW:
        debar_office_row_end(o);
        break;

    case DEBAR_OFFICE_CELL:
        debar_office_cell_end(o);
        break;

    case DEBAR_OFFICE_PARAGRAPH:
        o->rc = debar_office_flush(o);
        o->paragraph--;
        break;

    case DEBAR_OFFICE_RUN:
        o->text--;
        break;

    case DEBAR_OFFICE_ITEM:
        o->rc = debar_node_hold(o->node, &o->ends,
                                (char *) &o->strings.len, sizeof(size_t));
        o->len = 0;
        break;

    case DEBAR_OFFICE_PHONETIC:
        o->phonetic--;
        break;

    default:
        break;
    }

    if (o->rc != DEBAR_OK) {
        XML_StopParser(o->xml, XML_FALSE);
    }
}


/* s: NULL: a blank. */

static void XMLCALL
debar_office_characters(void *data, const XML_Char *s, int len)
{
    size_t           n, left;
    debar_office_t  *o = data;

    if (o->rc != DEBAR_OK || o->phonetic) {
        return;
    }

    if (s == NULL) {
        s = " ";
        len = 1;

    } else if (o->part == DEBAR_OFFICE_OPEN ? !o->paragraph : !o->text) {
        return;
    }

    if (o->part == DEBAR_OFFICE_STRINGS) {
        o->rc = debar_node_hold(o->node, &o->strings, s, (size_t) len);

        if (o->rc != DEBAR_OK) {
            XML_StopParser(o->xml, XML_FALSE);
        }

        return;
    }

    for (left = (size_t) len; left; s += n, left -= n) {
        n = sizeof(o->data) - o->len;
        n = n < left ? n : left;

        memcpy(o->data + o->len, s, n);
        o->len += n;

        if (o->len == sizeof(o->data)) {
            o->rc = debar_office_value(o, debar_str(o->data, o->len));

            if (o->rc != DEBAR_OK) {
                XML_StopParser(o->xml, XML_FALSE);
                return;
            }

            o->len = DEBAR_OFFICE_OVERLAP;
            memmove(o->data, o->data + sizeof(o->data) - o->len, o->len);
        }
    }
}


/* None of these formats has one, and entities are not read. */

static void XMLCALL
debar_office_doctype(void *data, const XML_Char *name, const XML_Char *system,
    const XML_Char *public, int internal)
{
    debar_office_t  *o = data;

    o->rc = DEBAR_ERROR;
    XML_StopParser(o->xml, XML_FALSE);
}

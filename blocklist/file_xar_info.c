/*
 * What an Apple installer says of itself: the packages of a PackageInfo, the
 * products of a Distribution.
 */

#include <stdlib.h>

#include <expat.h>

#include "file_xar.h"


#define DEBAR_XAR_PACKAGES  256      /* told, ... */
#define DEBAR_XAR_MENTIONS  4096     /* ... of so many that are named */
#define DEBAR_XAR_ID        256
#define DEBAR_XAR_TITLE     1024


typedef struct {
    debar_reader_t  *rd;
    XML_Parser       xml;
    int              rc;
    unsigned         full;
    unsigned         npackages;
    unsigned         mentions;
    unsigned         title;       /* inside of one */
    debar_buf_t      told;        /* packages, each between NULs */
    debar_buf_t      text;
} debar_xar_info_t;


static void XMLCALL debar_xar_info_start(void *data, const XML_Char *name,
    const XML_Char **attrs);
static void debar_xar_package(debar_xar_info_t *i, const char *id);
static void debar_xar_version(debar_xar_info_t *i, const char *version);
static void XMLCALL debar_xar_info_text(void *data, const XML_Char *s,
    int len);
static void XMLCALL debar_xar_info_stop(void *data, const XML_Char *name);
static void debar_xar_info_went(debar_xar_info_t *i, int rc);
static const char *debar_xar_info_attr(const char **attrs, const char *name);


int
debar_xar_info(debar_reader_t *rd, const char *xml, size_t len)
{
    debar_xar_info_t  i;

    if (len == 0) {
        return DEBAR_OK;
    }

    memset(&i, 0, sizeof(i));
    i.rd = rd;
    i.xml = XML_ParserCreate(NULL);

    if (i.xml == NULL) {
        debar_reader_bound(rd, DEBAR_FILE_HELD);
        return DEBAR_OK;
    }

    debar_buf_add(&i.told, "", 1);
    XML_SetUserData(i.xml, &i);
    XML_SetElementHandler(i.xml, debar_xar_info_start, debar_xar_info_stop);
    XML_SetCharacterDataHandler(i.xml, debar_xar_info_text);

    if (XML_Parse(i.xml, xml, len, 1) != XML_STATUS_OK && !i.full
        && i.rc == DEBAR_OK)
    {
        debar_reader_bound(rd, DEBAR_FILE_BROKEN);
    }

    XML_ParserFree(i.xml);
    debar_buf_free(&i.told);
    debar_buf_free(&i.text);

    return i.rc;
}


static void XMLCALL
debar_xar_info_start(void *data, const XML_Char *name, const XML_Char **attrs)
{
    debar_xar_info_t  *i = data;

    if (i->rc != DEBAR_OK || i->full) {
        return;
    }

    i->text.len = 0;
    i->title = strcmp(name, "title") == 0;

    if (strcmp(name, "pkg-info") == 0) {
        debar_xar_package(i, debar_xar_info_attr(attrs, "identifier"));
        debar_xar_version(i, debar_xar_info_attr(attrs, "version"));

    } else if (strcmp(name, "product") == 0) {
        debar_xar_package(i, debar_xar_info_attr(attrs, "id"));
        debar_xar_version(i, debar_xar_info_attr(attrs, "version"));

    } else if (strcmp(name, "bundle") == 0 || strcmp(name, "pkg-ref") == 0) {
        debar_xar_package(i, debar_xar_info_attr(attrs, "id"));
    }
}


/* Most are named more than once. */

static void
debar_xar_package(debar_xar_info_t *i, const char *id)
{
    size_t  at, len;

    if (id == NULL || id[0] == '\0' || i->rc != DEBAR_OK) {
        return;
    }

    len = strlen(id);
    at = i->told.len;

    if (len > DEBAR_XAR_ID) {
        len = DEBAR_XAR_ID;
    }

    if (i->mentions++ == DEBAR_XAR_MENTIONS) {
        debar_reader_bound(i->rd, DEBAR_FILE_MEMBERS);
        debar_xar_info_went(i, DEBAR_ERROR);
        return;
    }

    debar_buf_add(&i->told, "", 1);
    debar_buf_add(&i->told, id, len);
    debar_buf_add(&i->told, "", 1);

    if (memmem(i->told.data, at, i->told.data + at, len + 2) != NULL) {
        i->told.len = at;
        return;
    }

    if (i->npackages++ == DEBAR_XAR_PACKAGES) {
        debar_reader_bound(i->rd, DEBAR_FILE_MEMBERS);
        debar_xar_info_went(i, DEBAR_ERROR);
        return;
    }

    debar_xar_info_went(i, debar_reader_package(i->rd, "apple", id, len));
}


static void
debar_xar_version(debar_xar_info_t *i, const char *version)
{
    if (version != NULL && i->rc == DEBAR_OK) {
        debar_xar_info_went(i, debar_reader_field(i->rd, "Version",
                                                  DEBAR_SAYS_VERSION, version,
                                                  strlen(version)));
    }
}


static void XMLCALL
debar_xar_info_text(void *data, const XML_Char *s, int len)
{
    debar_xar_info_t  *i = data;

    if (i->title && i->text.len + len <= DEBAR_XAR_TITLE) {
        debar_buf_add(&i->text, s, len);
    }
}


static void XMLCALL
debar_xar_info_stop(void *data, const XML_Char *name)
{
    debar_xar_info_t  *i = data;

    if (i->title && i->rc == DEBAR_OK) {
        debar_xar_info_went(i, debar_reader_field(i->rd, "Title",
                                                  DEBAR_SAYS_PRODUCT,
                                                  i->text.data, i->text.len));
    }

    i->title = 0;
}


static void
debar_xar_info_went(debar_xar_info_t *i, int rc)
{
    if (rc != DEBAR_OK) {
        i->rc = rc == DEBAR_DECLINED ? rc : DEBAR_OK;
        i->full = 1;
        (void) XML_StopParser(i->xml, XML_FALSE);
    }
}


static const char *
debar_xar_info_attr(const char **attrs, const char *name)
{
    while (attrs[0] != NULL && strcmp(attrs[0], name) != 0) {
        attrs += 2;
    }

    return attrs[0] ? attrs[1] : NULL;
}

/*
 * The Consolidated Screening List as JSON: the bulk file and the answer of the
 * API, {"results": [{...}, ...]}, or the results alone.  yajl reads it as it
 * streams: hundreds of megabytes need the room of one result.
 *
 * JSON cannot be read on behind a fault: then nothing of it is imported.
 */

#include <stdio.h>
#include <stdlib.h>
#include <yajl/yajl_parse.h>

#include "import_private.h"


#define DEBAR_JSON_MAX_DEPTH   64
#define DEBAR_JSON_MAX_RESULT  (1 << 20)

/* Members of a result that say something to us. */

typedef enum {
    DEBAR_CSL_ID = 0,
    DEBAR_CSL_SOURCE,
    DEBAR_CSL_NUMBER,
    DEBAR_CSL_TYPE,
    DEBAR_CSL_NAME,
    DEBAR_CSL_START,
    DEBAR_CSL_END,
    DEBAR_CSL_REMARKS,
    DEBAR_CSL_TEXTS,              /* those have one text */
    DEBAR_CSL_PROGRAMS = DEBAR_CSL_TEXTS,
    DEBAR_CSL_ALIASES,
    DEBAR_CSL_IDS,
    DEBAR_CSL_OTHER
} debar_csl_member_e;

static const char *const  debar_csl_members[DEBAR_CSL_OTHER] = {
    "id", "source", "entity_number", "type", "name", "start_date", "end_date",
    "remarks", "programs", "alt_names", "ids"
};


typedef struct {
    yajl_handle                 yajl;
    debar_import_make_t         make;
    const debar_import_sink_t  *sink;
    const char                 *data;
    const char                 *at;       /* lines are counted up to here */
    const char                 *from;     /* of the result */
    unsigned                    line;
    unsigned                    depth;    /* of maps and lists */
    unsigned                    results;  /* depth of the list, 0: not in it */
    unsigned                    seen;     /* there was a list of results */
    unsigned                    wanted;   /* the next value is "results" */
    unsigned                    member;
    unsigned                    id_key;   /* 1: type, 2: number of an id */
    unsigned                    website;  /* its type is that */
    debar_str_t                 number;   /* its number */
    unsigned                    wrong;    /* a member that is no text, + 1 */
    uint64_t                    rows;
    debar_str_t                 texts[DEBAR_CSL_TEXTS];
    debar_str_t                 programs;
    int                         rc;
    debar_fault_t              *why;
} debar_csl_t;


static int debar_csl_open_map(void *data);
static int debar_csl_close_map(void *data);
static int debar_csl_open_list(void *data);
static int debar_csl_close_list(void *data);
static int debar_csl_key(void *data, const unsigned char *p, size_t len);
static int debar_csl_text(void *data, const unsigned char *p, size_t len);
static int debar_csl_number(void *data, const char *p, size_t len);
static int debar_csl_null(void *data);
static int debar_csl_bool(void *data, int value);
static int debar_csl_deeper(debar_csl_t *j);
static int debar_csl_stop(debar_csl_t *j, const char *text);
static void debar_csl_begin(debar_csl_t *j);
static int debar_csl_result(debar_csl_t *j);
static const char *debar_csl_pos(debar_csl_t *j);
static void debar_csl_syntax(debar_csl_t *j, size_t used, size_t len);


static const yajl_callbacks  debar_csl_callbacks = {
    debar_csl_null, debar_csl_bool, NULL, NULL, debar_csl_number,
    debar_csl_text, debar_csl_open_map, debar_csl_key, debar_csl_close_map,
    debar_csl_open_list, debar_csl_close_list
};


int
debar_import_json(const char *data, size_t len,
    const debar_import_sink_t *sink, debar_fault_t *why)
{
    int           rc;
    size_t        used;
    yajl_status   status;
    debar_csl_t  *j;

    j = calloc(1, sizeof(debar_csl_t));
    if (j == NULL) {
        abort();
    }

    if (len >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0) {
        data += 3;
        len -= 3;
    }

    j->sink = sink;
    j->data = data;
    j->at = data;
    j->line = 1;
    j->why = why;
    j->rc = DEBAR_OK;
    why->text[0] = '\0';

    debar_import_make(&j->make);

    j->yajl = yajl_alloc(&debar_csl_callbacks, NULL, j);
    if (j->yajl == NULL) {
        abort();
    }

    (void) yajl_config(j->yajl, yajl_dont_validate_strings, 1);

    status = yajl_parse(j->yajl, (const unsigned char *) data, len);

    used = yajl_get_bytes_consumed(j->yajl);

    if (status == yajl_status_ok) {
        used = len;
        status = yajl_complete_parse(j->yajl);
    }

    if (status != yajl_status_ok && j->rc == DEBAR_OK) {
        debar_csl_syntax(j, used, len);
        j->rc = DEBAR_ERROR;

    } else if (j->rc == DEBAR_OK && !j->seen) {
        debar_fault(why, "it has no \"results\": it is no Consolidated "
                    "Screening List");
        j->rc = DEBAR_ERROR;
    }

    if (j->rc != DEBAR_OK && why->text[0] == '\0') {
        debar_fault(why, "the import was ended");
    }

    rc = j->rc;
    yajl_free(j->yajl);
    debar_import_make_free(&j->make);
    free(j);

    return rc;
}


static void
debar_csl_syntax(debar_csl_t *j, size_t used, size_t len)
{
    unsigned     col;
    const char  *p;

    used = used > len ? len : used;

    for (/* void */; j->at < j->data + used; j->at++) {
        j->line += *j->at == '\n';
    }

    col = 1;

    for (p = j->data + used; p > j->data && p[-1] != '\n'; p--) {
        col += ((unsigned char) p[-1] & 0xc0) != 0x80;
    }

    debar_fault(j->why, "line %u, column %u: %s; nothing of it is imported",
                j->line, col, used == len ? "it ends in the middle: fetch it "
                "again" : "it is no JSON");
}


/* Behind the token that yajl has just told. */

static const char *
debar_csl_pos(debar_csl_t *j)
{
    return j->data + yajl_get_bytes_consumed(j->yajl);
}


static int
debar_csl_stop(debar_csl_t *j, const char *text)
{
    debar_fault(j->why, "%s", text);
    j->rc = DEBAR_ERROR;

    return 0;
}


static int
debar_csl_deeper(debar_csl_t *j)
{
    return ++j->depth <= DEBAR_JSON_MAX_DEPTH
           ? 1 : debar_csl_stop(j, "it is nested deeper than 64 levels");
}


static int
debar_csl_open_list(void *data)
{
    debar_csl_t  *j = data;

    if (j->results == 0 && (j->depth == 0 || (j->depth == 1 && j->wanted))) {
        j->results = j->depth + 1;
        j->seen = 1;

    } else if (j->results && j->depth == j->results + 1
               && j->member < DEBAR_CSL_TEXTS)
    {
        j->wrong = j->member + 1;
    }

    return debar_csl_deeper(j);
}


static int
debar_csl_close_list(void *data)
{
    debar_csl_t  *j = data;

    if (j->depth == j->results) {
        j->results = 0;
        j->wanted = 0;
    }

    j->depth--;

    return 1;
}


static int
debar_csl_open_map(void *data)
{
    debar_csl_t  *j = data;

    if (j->results && j->depth == j->results) {
        debar_csl_begin(j);

    } else if (j->results && j->depth == j->results + 1
               && j->member < DEBAR_CSL_TEXTS)
    {
        j->wrong = j->member + 1;
    }

    j->website = 0;
    j->id_key = 0;
    j->number.len = 0;

    return debar_csl_deeper(j);
}


static void
debar_csl_begin(debar_csl_t *j)
{
    j->from = debar_csl_pos(j) - 1;

    for (/* void */; j->at < j->from; j->at++) {
        j->line += *j->at == '\n';
    }

    debar_import_begin(&j->make, ++j->rows, j->line, debar_str(j->from, 0));
    memset(j->texts, 0, sizeof(j->texts));
    j->programs = debar_str("", 0);
    j->member = DEBAR_CSL_OTHER;
    j->wrong = 0;

    if (j->sink->progress && (j->rows & 0xff) == 0) {
        j->sink->progress(j->sink->data, (size_t) (j->from - j->data));
    }
}


static int
debar_csl_close_map(void *data)
{
    debar_csl_t  *j = data;

    j->depth--;

    if (j->results && j->depth == j->results + 2 && j->website
        && j->number.len)
    {
        debar_import_site(&j->make, j->number);
        j->website = 0;
    }

    if (j->results && j->depth == j->results) {
        return debar_csl_result(j);
    }

    return 1;
}


static int
debar_csl_key(void *data, const unsigned char *p, size_t len)
{
    unsigned      i;
    debar_str_t   s;
    debar_csl_t  *j = data;

    s = debar_str((const char *) p, len);

    if (j->results == 0) {
        j->wanted = j->depth == 1 && debar_import_is(s, "results");

    } else if (j->depth == j->results + 1) {

        for (i = 0; i < DEBAR_CSL_OTHER; i++) {
            if (debar_import_is(s, debar_csl_members[i])) {
                break;
            }
        }

        if (i == DEBAR_CSL_OTHER && debar_import_is(s, "_id")) {
            i = DEBAR_CSL_ID;
        }

        j->member = i;

    } else if (j->member == DEBAR_CSL_IDS && j->depth == j->results + 3) {
        j->id_key = debar_import_is(s, "type") ? 1
                    : debar_import_is(s, "number") ? 2 : 0;
    }

    return 1;
}


static int
debar_csl_text(void *data, const unsigned char *p, size_t len)
{
    unsigned              direct;
    debar_str_t           s, parts[2];
    debar_csl_t          *j = data;
    debar_import_make_t  *m;

    if (j->results == 0) {
        return 1;
    }

    m = &j->make;
    s = debar_str((const char *) p, len);
    direct = j->depth == j->results + 1;

    if (direct && j->member < DEBAR_CSL_TEXTS) {
        j->texts[j->member] = debar_import_text(m, s);

    } else if (j->member == DEBAR_CSL_ALIASES && j->depth <= j->results + 2) {
        debar_import_value(m, "names", debar_import_text(m, s));

    } else if (j->member == DEBAR_CSL_PROGRAMS && j->depth <= j->results + 2) {
        parts[0] = j->programs;
        parts[1] = debar_import_text(m, s);
        j->programs = debar_import_join(m, parts, 2, ", ");

    } else if (j->member == DEBAR_CSL_IDS && j->depth == j->results + 3
               && j->id_key == 1)
    {
        j->website = debar_import_is(s, "website");

    } else if (j->member == DEBAR_CSL_IDS && j->depth == j->results + 3
               && j->id_key == 2)
    {
        j->number = debar_import_text(m, s);

    } else if (j->depth == j->results) {
        return debar_csl_stop(j, "\"results\" holds text where a result is a "
                              "map");
    }

    return 1;
}


/* entity_number may be one */

static int
debar_csl_number(void *data, const char *p, size_t len)
{
    debar_csl_t  *j = data;

    if (j->results && j->depth == j->results + 1
        && (j->member == DEBAR_CSL_ID || j->member == DEBAR_CSL_NUMBER))
    {
        return debar_csl_text(data, (const unsigned char *) p, len);
    }

    return debar_csl_bool(data, 0);
}


static int
debar_csl_null(void *data)
{
    return 1;
}


static int
debar_csl_bool(void *data, int value)
{
    debar_csl_t  *j = data;

    if (j->results && j->depth == j->results + 1
        && j->member < DEBAR_CSL_TEXTS)
    {
        j->wrong = j->member + 1;
    }

    return 1;
}


static int
debar_csl_result(debar_csl_t *j)
{
    int                   i;
    size_t                n;
    debar_str_t           s;
    debar_fault_t         why;
    debar_import_row_t   *row;
    debar_import_make_t  *m;

    static const unsigned  dates[] = { DEBAR_CSL_START, DEBAR_CSL_END };

    m = &j->make;
    row = &m->row;
    n = (size_t) (debar_csl_pos(j) - j->from);
    row->raw = debar_str(j->from, n > DEBAR_JSON_MAX_RESULT
                                  ? DEBAR_JSON_MAX_RESULT : n);

    if (j->rows > DEBAR_IMPORT_MAX_ROWS) {
        return debar_csl_stop(j, "more than 4000000 results: split the file");
    }

    if (j->wrong) {
        debar_fault(&why, "\"%s\" of result %llu is no text",
                    debar_csl_members[j->wrong - 1],
                    (unsigned long long) j->rows);
        j->sink->fault(j->sink->data, j->line, 1, why.text, row->raw);
        return 1;
    }

    for (i = 0; i < 2; i++) {
        s = j->texts[dates[i]];

        if (debar_import_date(i ? row->ends : row->active, s.data, s.len)
            != DEBAR_OK)
        {
            debar_fault(&why, "\"%.*s\" of result %llu is no date: YYYY-MM-DD",
                        (int) (s.len > 40 ? 40 : s.len), s.data,
                        (unsigned long long) j->rows);
            j->sink->fault(j->sink->data, j->line, 1, why.text, row->raw);
            return 1;
        }
    }

    row->key = j->texts[DEBAR_CSL_ID].len ? j->texts[DEBAR_CSL_ID]
                                          : j->texts[DEBAR_CSL_NUMBER];
    row->name = j->texts[DEBAR_CSL_NAME];
    row->list = j->texts[DEBAR_CSL_SOURCE];
    row->program = j->programs;

    if (row->key.len == 0) {
        debar_import_make_key(m, row->list, row->name);
    }

    debar_import_csl_type(m, j->texts[DEBAR_CSL_TYPE]);
    debar_import_named(m, row->name);
    debar_import_websites(m, j->texts[DEBAR_CSL_REMARKS]);

    j->rc = j->sink->row(j->sink->data, row);

    return j->rc == DEBAR_OK;
}

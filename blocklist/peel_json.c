/*
 * JSON to events: yajl reads it as it streams, any number of values after each
 * other (JSON lines, RFC 7464 sequences).  A container for each object and
 * array, that of the top level too.
 *
 * What lax servers read is read: a byte order mark, the prefixes that keep a
 * script from running an answer, the call of JSONP, the numbers of Engine.IO's
 * packets, comments, control characters and unknown escapes in strings, quotes
 * of either kind or none, commas that nothing follows (JSON5).  Where a document
 * is cut off, what had come of a string is still told; where it breaks, what is
 * left is read as text.
 */

#include <stdlib.h>
#include <yajl/yajl_parse.h>

#include "peel_private.h"


#define DEBAR_JSON_KEY      256           /* bytes of a name */
#define DEBAR_JSON_TOKEN    128           /* of a word without quotes */
#define DEBAR_JSON_PREFIX   256           /* before a document */
#define DEBAR_JSON_LEVELS   65536         /* of containers that are read */
#define DEBAR_JSON_SLICE    4096          /* bytes that yajl gets at once */
#define DEBAR_JSON_EARLY    4096          /* where it breaks before, the engine
                                             still has all of it */

/* Where in the text the next byte stands: yajl wants strict strings. */

typedef enum {
    DEBAR_JSON_OUT = 0,
    DEBAR_JSON_STRING,
    DEBAR_JSON_ESCAPE,
    DEBAR_JSON_SLASH,
    DEBAR_JSON_LINE,              /* in a comment */
    DEBAR_JSON_BLOCK,
    DEBAR_JSON_STAR
} debar_json_at_e;

typedef struct {
    debar_node_t  *node;
    yajl_handle    yajl;
    int            rc;            /* why a callback has stopped it */
    unsigned       levels;        /* open containers */
    uint64_t       fed;
    size_t         since;         /* bytes fed since something came of them */

    unsigned       begun;         /* past what may stand before a document */
    unsigned       nprefix;
    char           prefix[16];

    unsigned       at;
    unsigned       blank;         /* the last byte was */
    unsigned       looked;        /* for a prefix */
    unsigned       lenient;       /* there was one: around documents there is
                                     more of its kind */
    uint64_t       depth;         /* brackets that are open */
    char           quote;         /* that ends the string */
    char           last;          /* what was fed, blanks and commas aside */
    unsigned       comma;         /* one waits for what follows */
    unsigned       spaced;        /* and the word for what follows a blank */
    unsigned       ntoken;
    char           token[DEBAR_JSON_TOKEN];
    unsigned       nescape;       /* an escape that is not whole */
    char           escape[8];

    unsigned       nkey;
    char           key[DEBAR_JSON_KEY];

    debar_buf_t    wait;          /* to be fed */

    debar_rest_t   rest;
} debar_json_t;


/* What a callback returns: 0 stops yajl. */

static int
debar_json_went(debar_json_t *j, int rc)
{
    j->rc = rc;
    j->nkey = 0;
    j->since = 0;

    return rc == DEBAR_OK;
}


static int
debar_json_begin(void *data)
{
    debar_json_t  *j = data;

    if (j->levels == DEBAR_JSON_LEVELS) {
        debar_node_bound(j->node, DEBAR_PEEL_NESTING);
        j->rc = DEBAR_ERROR;
        return 0;
    }

    j->levels++;

    return debar_json_went(j, debar_node_begin(j->node,
                                               debar_str(j->key, j->nkey)));
}


static int
debar_json_end(void *data)
{
    debar_json_t  *j = data;

    j->levels--;

    return debar_json_went(j, debar_node_end(j->node));
}


static int
debar_json_key(void *data, const unsigned char *key, size_t len)
{
    debar_json_t  *j = data;

    j->nkey = (len < DEBAR_JSON_KEY) ? len : DEBAR_JSON_KEY;
    memcpy(j->key, key, j->nkey);

    return 1;
}


static int
debar_json_string(void *data, const unsigned char *value, size_t len)
{
    debar_json_t  *j = data;

    return debar_json_went(j, debar_node_value(j->node,
                                               debar_str(j->key, j->nkey),
                                               debar_str((const char *) value,
                                                         len)));
}


static int
debar_json_number(void *data, const char *value, size_t len)
{
    return debar_json_string(data, (const unsigned char *) value, len);
}


static int
debar_json_boolean(void *data, int value)
{
    return value ? debar_json_number(data, "true", 4)
                 : debar_json_number(data, "false", 5);
}


static int
debar_json_null(void *data)
{
    return debar_json_number(data, "null", 4);
}


static const yajl_callbacks  debar_json_callbacks = {
    debar_json_null,
    debar_json_boolean,
    NULL,
    NULL,
    debar_json_number,
    debar_json_string,
    debar_json_begin,
    debar_json_key,
    debar_json_end,
    debar_json_begin,
    debar_json_end
};


static int
debar_json_open(debar_node_t *node)
{
    debar_json_t  *j;

    j = calloc(1, sizeof(debar_json_t));
    if (j == NULL) {
        return DEBAR_ERROR;
    }

    j->node = node;
    j->yajl = yajl_alloc(&debar_json_callbacks, NULL, j);

    if (j->yajl == NULL) {
        free(j);
        return DEBAR_ERROR;
    }

    (void) yajl_config(j->yajl, yajl_dont_validate_strings, 1);
    (void) yajl_config(j->yajl, yajl_allow_multiple_values, 1);
    (void) yajl_config(j->yajl, yajl_allow_partial_values, 1);

    node->state = j;

    return DEBAR_OK;
}


/* Ends what has begun; the rest is read as text, from the start where that is
 * still at hand: then it may be something else under a wrong label. */

static int
debar_json_broken(debar_json_t *j)
{
    int  rc;

    if (j->fed < DEBAR_JSON_EARLY) {
        return DEBAR_ERROR;
    }

    while (j->levels) {
        j->levels--;
        rc = debar_node_end(j->node);

        if (rc != DEBAR_OK) {
            return rc;
        }
    }

    return debar_rest_open(&j->rest, j->node);
}


/* Bytes to yajl; once it has failed, to what reads the rest. */

static int
debar_json_feed(debar_json_t *j, const char *data, size_t len)
{
    int          rc;
    size_t       used;
    yajl_status  status;

    if (j->rest.open) {
        return debar_rest_push(&j->rest, data, len);
    }

    j->rc = DEBAR_OK;
    j->since += len;
    status = yajl_parse(j->yajl, (const unsigned char *) data, len);

    if (status == yajl_status_ok) {
        j->fed += len;
        debar_rest_keep(&j->rest, data, len);
        return DEBAR_OK;
    }

    if (status == yajl_status_client_canceled && j->rc != DEBAR_ERROR) {
        return j->rc;
    }

    used = yajl_get_bytes_consumed(j->yajl);
    used = (used < len) ? used : len;

    j->fed += used;
    debar_rest_keep(&j->rest, data, used);
    rc = debar_json_broken(j);

    return rc != DEBAR_OK ? rc
                          : debar_rest_push(&j->rest, data + used, len - used);
}


/*
 * What waits is fed.  yajl reads a token that is cut from its start again, each
 * time: while one is open, as much is gathered as was read in vain.
 */

static int
debar_json_flush(debar_json_t *j, size_t least)
{
    size_t  n;

    n = j->wait.len;

    if (n == 0 || n < least || (n < j->since && !j->rest.open)) {
        return DEBAR_OK;
    }

    j->wait.len = 0;

    return debar_json_feed(j, j->wait.data, n);
}


/* Bytes that wait; where they are too many, it is no more JSON to us. */

static int
debar_json_wait(debar_json_t *j, const char *data, size_t len)
{
    int  rc;

    if (debar_node_hold(j->node, &j->wait, data, len) == DEBAR_OK) {
        return debar_json_flush(j, DEBAR_JSON_SLICE);
    }

    if (!j->rest.open) {
        j->fed += j->wait.len;
        rc = debar_json_broken(j);

        if (rc != DEBAR_OK) {
            return rc;
        }
    }

    rc = debar_json_flush(j, 0);

    return rc != DEBAR_OK ? rc : debar_json_feed(j, data, len);
}


/* A byte of an escape, which is kept until it is whole; one that JSON does not
 * have stands for itself, its backslash escaped.  Returns whether it has taken
 * the byte. */

static int
debar_json_escape(debar_json_t *j, char ch, int *rc)
{
    unsigned  n;

    static const char  hex[] = "0123456789abcdefABCDEF";

    n = j->nescape;

    /* those of JSON5: quotes, the end of a line, two digits */

    if (n == 1 && (ch == '\'' || ch == '\n' || ch == 'x')) {

        if (ch == 'x') {
            memcpy(j->escape, "\\u00", 4);
            j->nescape = 4;

        } else {
            j->at = DEBAR_JSON_STRING;
            *rc = (ch == '\'') ? debar_json_wait(j, "'", 1) : DEBAR_OK;
        }

        return 1;
    }

    if (n == 1 ? ch && strchr("\"\\/bfnrtu", ch) != NULL
               : ch && strchr(hex, ch) != NULL)
    {
        j->escape[j->nescape++] = ch;

        if (j->nescape == (j->escape[1] == 'u' ? 6 : 2)) {
            j->at = DEBAR_JSON_STRING;
            *rc = debar_json_wait(j, j->escape, j->nescape);
        }

        return 1;
    }

    j->at = DEBAR_JSON_STRING;
    *rc = debar_json_wait(j, "\\", 1);

    if (*rc == DEBAR_OK) {
        *rc = debar_json_wait(j, j->escape, n);
    }

    return *rc != DEBAR_OK;
}


/* Whether a word without quotes is JSON as it is. */

static int
debar_json_literal(const char *p, size_t len)
{
    size_t  i, n;

    if ((len == 4 && (memcmp(p, "true", 4) == 0 || memcmp(p, "null", 4) == 0))
        || (len == 5 && memcmp(p, "false", 5) == 0))
    {
        return 1;
    }

    i = (p[0] == '-');
    n = i;

    for ( /* void */ ; i < len && p[i] >= '0' && p[i] <= '9'; i++) {
        /* void */
    }

    if (i == n || (p[n] == '0' && i > n + 1)) {
        return 0;
    }

    if (i < len && p[i] == '.') {
        for (n = ++i; i < len && p[i] >= '0' && p[i] <= '9'; i++) {
            /* void */
        }

        if (i == n) {
            return 0;
        }
    }

    if (i < len && (p[i] | 0x20) == 'e') {
        i++;
        i += (i < len && (p[i] == '+' || p[i] == '-'));

        for (n = i; i < len && p[i] >= '0' && p[i] <= '9'; i++) {
            /* void */
        }

        if (i == n) {
            return 0;
        }
    }

    return i == len;
}


static int
debar_json_put(debar_json_t *j, const char *data, size_t len)
{
    int  rc;

    if (j->comma) {
        j->comma = 0;
        rc = debar_json_wait(j, ",", 1);

        if (rc != DEBAR_OK) {
            return rc;
        }
    }

    j->last = data[0];

    return debar_json_wait(j, data, len);
}


/* The word that has ended before ch: quotes for what needs them. */

static int
debar_json_word(debar_json_t *j, char ch)
{
    int       rc;
    unsigned  n, bare;

    n = j->ntoken;

    if (n == 0) {
        return DEBAR_OK;
    }

    bare = (j->depth == 0 && !j->lenient)
           || (ch != ':' && debar_json_literal(j->token, n));

    rc = bare ? DEBAR_OK : debar_json_put(j, "\"", 1);

    if (rc == DEBAR_OK) {
        rc = debar_json_put(j, j->token, n);
    }

    if (rc == DEBAR_OK && (!bare || j->spaced)) {
        rc = debar_json_wait(j, bare ? " " : "\"", 1);
    }

    j->ntoken = 0;
    j->spaced = 0;

    return rc;
}


static int
debar_json_symbol(debar_json_t *j, char ch)
{
    switch (ch) {

    case ',':
        if (j->depth && (j->comma || j->last == '[' || j->last == '{')) {
            return DEBAR_OK;
        }

        if (j->depth) {
            j->comma = 1;
            return DEBAR_OK;
        }

        break;

    case ']':
    case '}':
        j->comma = 0;
        j->depth -= (j->depth != 0);
        return debar_json_put(j, &ch, 1);

    case '[':
    case '{':
        j->depth++;
        return debar_json_put(j, &ch, 1);
    }

    if (j->lenient && j->depth == 0) {
        ch = ' ';                 /* of what stands around a document */
    }

    return debar_json_put(j, &ch, 1);
}


static int
debar_json_outer(debar_json_t *j, char ch)
{
    int  rc;

    if (ch == 0x1e || ch == '\0' || ch == ' ' || ch == '\t' || ch == '\r'
        || ch == '\n')
    {
        if (j->ntoken) {
            j->spaced = 1;
            return DEBAR_OK;
        }

        if (j->blank) {
            return DEBAR_OK;
        }

        ch = (ch == '\n') ? '\n' : ' ';
        j->blank = 1;

        return debar_json_wait(j, &ch, 1);
    }

    j->blank = 0;

    if ((ch >= '0' && ch <= '9') || ((ch | 0x20) >= 'a' && (ch | 0x20) <= 'z')
        || (uint8_t) ch >= 0x80 || strchr("_$.+-", ch))
    {
        if (j->spaced || j->ntoken == DEBAR_JSON_TOKEN) {
            rc = debar_json_word(j, ch);

            if (rc != DEBAR_OK) {
                return rc;
            }
        }

        j->token[j->ntoken++] = ch;

        return DEBAR_OK;
    }

    rc = debar_json_word(j, ch);

    if (rc != DEBAR_OK) {
        return rc;
    }

    if (ch == '"' || (ch == '\'' && (j->depth || j->lenient))) {
        j->at = DEBAR_JSON_STRING;
        j->quote = ch;

        return debar_json_put(j, "\"", 1);
    }

    return debar_json_symbol(j, ch);
}


/* A byte outside of strings: comments go. */

static int
debar_json_outside(debar_json_t *j, char ch)
{
    int  rc;

    switch (j->at) {

    case DEBAR_JSON_LINE:
        if (ch != '\n') {
            return DEBAR_OK;
        }

        break;

    case DEBAR_JSON_BLOCK:
        if (ch == '*') {
            j->at = DEBAR_JSON_STAR;
        }

        return DEBAR_OK;

    case DEBAR_JSON_STAR:
        if (ch == '/') {
            ch = ' ';
            break;
        }

        if (ch != '*') {
            j->at = DEBAR_JSON_BLOCK;
        }

        return DEBAR_OK;

    case DEBAR_JSON_SLASH:
        if (ch == '/' || ch == '*') {
            j->at = (ch == '/') ? DEBAR_JSON_LINE : DEBAR_JSON_BLOCK;
            return DEBAR_OK;
        }

        rc = debar_json_word(j, '/');

        if (rc == DEBAR_OK) {
            rc = debar_json_symbol(j, '/');
        }

        if (rc != DEBAR_OK) {
            return rc;
        }
    }

    j->at = DEBAR_JSON_OUT;

    if (ch == '/') {
        j->at = DEBAR_JSON_SLASH;
        return DEBAR_OK;
    }

    return debar_json_outer(j, ch);
}


/* The next byte as yajl takes it. */

static int
debar_json_byte(debar_json_t *j, char ch)
{
    int  rc;

    rc = DEBAR_OK;

    if (j->at == DEBAR_JSON_ESCAPE && debar_json_escape(j, ch, &rc)) {
        return rc;
    }

    if (j->at != DEBAR_JSON_STRING) {
        return debar_json_outside(j, ch);
    }

    if (ch == '\\') {
        j->at = DEBAR_JSON_ESCAPE;
        j->escape[0] = ch;
        j->nescape = 1;
        return DEBAR_OK;
    }

    if (ch == j->quote) {
        j->at = DEBAR_JSON_OUT;
        ch = '"';

    } else if (ch == '"') {
        return debar_json_wait(j, "\\\"", 2);

    } else if (ch == '\n' || ch == '\r' || ch == '\t') {
        ch = ' ';

    } else if ((unsigned char) ch < 0x20) {
        ch = 0x7f;    /* a control character that yajl takes */
    }

    return debar_json_wait(j, &ch, 1);
}


/* What may stand before a document; what only looked so is then read. */

static int
debar_json_before(debar_json_t *j, char ch)
{
    int       rc;
    size_t    n;
    unsigned  i, part;

    static const char *const  prefixes[] = {
        "\xEF\xBB\xBF", ")]}'", ",", "for(;;);", "for (;;);", "while(1);",
        "while (1);", "\n", "\r", " ", "\t"
    };

    j->prefix[j->nprefix++] = ch;
    part = 0;

    for (i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        n = strlen(prefixes[i]);

        if (n >= j->nprefix && memcmp(prefixes[i], j->prefix, j->nprefix) == 0)
        {
            if (n == j->nprefix) {
                j->nprefix = 0;
                return DEBAR_OK;
            }

            part = 1;
        }
    }

    if (part) {
        return DEBAR_OK;
    }

    j->begun = 1;

    for (i = 0, rc = DEBAR_OK; i < j->nprefix && rc == DEBAR_OK; i++) {
        rc = debar_json_byte(j, j->prefix[i]);
    }

    return rc;
}


/* Of a string, what needs no look at each byte. */

static size_t
debar_json_plain(const char *data, size_t len, char quote)
{
    size_t  n;

    for (n = 0; n < len; n++) {
        if (data[n] == '"' || data[n] == quote || data[n] == '\\'
            || (uint8_t) data[n] < 0x20)
        {
            break;
        }
    }

    return n;
}


/*
 * The length of "callback(" before a document, and of the numbers before one of
 * Engine.IO and Socket.IO: "42", "42/name,13", "49:42"; 0: there is none.
 */

size_t
debar_json_prefix(const char *data, size_t len)
{
    size_t  i, from, most;

    most = len < DEBAR_JSON_PREFIX ? len : DEBAR_JSON_PREFIX;

    for (i = 0; i < most && strchr(" \t\r\n\xEF\xBB\xBF", data[i]) && data[i];
         i++) { /* void */ }

    if (most - i > 4 && memcmp(data + i, "/**/", 4) == 0) {
        for (i += 4; i < most && strchr(" \t\r\n", data[i]); i++) { /* void */ }
    }

    from = i;

    while (i < most && ((data[i] >= '0' && data[i] <= '9') || data[i] == ':'
                        || data[i] == 0x1e))
    {
        i++;
    }

    if (i > from) {
        if (i < most && data[i] == '/') {
            while (i < most && data[i] != ',' && data[i] > ' ') { i++; }

            i += (i < most);

            while (i < most && data[i] >= '0' && data[i] <= '9') { i++; }
        }

        return i + 1 < most && data[i] > ' ' && strchr("[{", data[i])
               && strchr("\"{[", data[i + 1]) ? i : 0;
    }

    while (i < most && (((data[i] | 0x20) >= 'a' && (data[i] | 0x20) <= 'z')
                        || (data[i] >= '0' && data[i] <= '9')
                        || data[i] == '_' || data[i] == '$'
                        || data[i] == '.'))
    {
        i++;
    }

    if (i == most || data[i] != '(') {
        return 0;
    }

    for (from = ++i; i < most && strchr(" \t\r\n", data[i]); i++) { /* void */ }

    return i < most && (data[i] == '{' || data[i] == '[') ? from : 0;
}


static int
debar_json_push(debar_node_t *node, const char *data, size_t len)
{
    int            rc;
    size_t         n;
    debar_json_t  *j = node->state;

    if (!j->looked) {
        j->looked = 1;            /* what comes first comes in one piece */
        n = debar_json_prefix(data, len);
        j->lenient = (n != 0);
        data += n;
        len -= n;
    }

    for (rc = DEBAR_OK; len && rc == DEBAR_OK; data += n, len -= n) {

        n = (j->at == DEBAR_JSON_STRING) ? debar_json_plain(data, len, j->quote)
                                         : 0;

        if (n) {
            rc = debar_json_wait(j, data, n);
            continue;
        }

        n = 1;
        rc = j->begun ? debar_json_byte(j, data[0])
                      : debar_json_before(j, data[0]);
    }

    return rc == DEBAR_OK ? debar_json_flush(j, 0) : rc;
}


/* A string that was cut off is closed, so that it is told. */

static int
debar_json_finish(debar_node_t *node)
{
    int            rc;
    unsigned       cut;
    debar_json_t  *j = node->state;

    cut = (j->at == DEBAR_JSON_STRING || j->at == DEBAR_JSON_ESCAPE);
    rc = j->begun ? DEBAR_OK
                  : debar_node_hold(node, &j->wait, j->prefix, j->nprefix);

    if (rc == DEBAR_OK && !cut) {
        rc = debar_json_word(j, '\0');
    }

    if (rc == DEBAR_OK && cut && !j->rest.open) {
        rc = debar_json_wait(j, "\"", 1);
    }

    if (rc == DEBAR_OK && j->wait.len) {
        rc = debar_json_feed(j, j->wait.data, j->wait.len);
    }

    if (rc != DEBAR_OK) {
        return rc;
    }

    if (j->rest.open) {
        return debar_rest_finish(&j->rest);
    }

    j->rc = DEBAR_OK;

    if (yajl_complete_parse(j->yajl) != yajl_status_ok) {
        rc = (j->rc == DEBAR_DECLINED) ? j->rc : debar_json_broken(j);
        return rc != DEBAR_OK ? rc : debar_rest_finish(&j->rest);
    }

    return (cut || j->levels) ? DEBAR_ERROR : DEBAR_OK;
}


static void
debar_json_free(debar_node_t *node)
{
    debar_json_t  *j = node->state;

    if (j != NULL) {
        yajl_free(j->yajl);
        free(j->wait.data);
        free(j);
    }
}


const debar_reader_t  debar_reader_json = {
    DEBAR_SYNTAX_JSON,
    "json",
    debar_json_open,
    debar_json_push,
    debar_json_finish,
    debar_json_free
};

/*
 * What bytes are: by their labels, and by how they begin.
 */

#include "peel_private.h"

#include <ctype.h>
#include <strings.h>
#include <zlib.h>


/* Values that are looked at as encodings: shorter ones are words, and of longer
 * ones so much is decoded to see what it becomes. */

#define DEBAR_LOOK_LEAST  8
#define DEBAR_LOOK_MOST   1024


static int
debar_look_is(debar_str_t s, const char *word)
{
    return s.len == strlen(word) && strncasecmp(s.data, word, s.len) == 0;
}


static int
debar_look_begins(const char *data, size_t len, const char *word)
{
    return len >= strlen(word) && strncasecmp(data, word, strlen(word)) == 0;
}


static int
debar_look_has(debar_str_t s, const char *word)
{
    size_t  i, n;

    n = strlen(word);

    for (i = 0; i + n <= s.len; i++) {
        if (strncasecmp(s.data + i, word, n) == 0) {
            return 1;
        }
    }

    return 0;
}


static debar_str_t
debar_look_trim(const char *data, size_t len)
{
    while (len && isspace((uint8_t) data[0])) {
        data++;
        len--;
    }

    while (len && isspace((uint8_t) data[len - 1])) {
        len--;
    }

    return debar_str(data, len);
}


/* --- labels -------------------------------------------------------------- */

debar_str_t
debar_peel_last(debar_str_t *list)
{
    size_t       end, start;
    debar_str_t  token;

    end = list->len;

    for (start = end; start && list->data[start - 1] != ','; start--) {
        /* void */
    }

    token = debar_look_trim(list->data + start, end - start);
    list->len = start ? start - 1 : 0;

    return token;
}


static const struct {
    const char            *token;
    const debar_reader_t  *reader;
} debar_codings[] = {
    { "gzip", &debar_reader_inflate },
    { "x-gzip", &debar_reader_inflate },
    { "deflate", &debar_reader_deflate },
    { "zlib", &debar_reader_deflate },
    { "br", &debar_reader_brotli },
    { "zstd", &debar_reader_zstd },
    { "base64", &debar_reader_base64 },
    { "quoted-printable", &debar_reader_quoted },
    { "hex", &debar_reader_hex },
    { "", NULL },
    { "identity", NULL },
    { "none", NULL },
    { "7bit", NULL },
    { "8bit", NULL },
    { "binary", NULL },
    { "chunked", NULL },
    { "utf-8", NULL },
    { "aws-chunked", NULL }
};


const debar_reader_t *
debar_peel_coding(debar_str_t token, int *rc)
{
    size_t  i;

    *rc = DEBAR_OK;

    for (i = 0; i < sizeof(debar_codings) / sizeof(debar_codings[0]); i++) {
        if (debar_look_is(token, debar_codings[i].token)) {
            return debar_codings[i].reader;
        }
    }

    *rc = DEBAR_ERROR;

    return NULL;
}


static const struct {
    const char            *type;
    const debar_reader_t  *reader;
} debar_types[] = {
    { "application/x-www-form-urlencoded", &debar_reader_form },
    { "application/json", &debar_reader_json },
    { "text/json", &debar_reader_json },
    { "application/x-ndjson", &debar_reader_json },
    { "application/jsonl", &debar_reader_json },
    { "text/xml", &debar_reader_xml },
    { "application/xml", &debar_reader_xml },
    { "text/html", &debar_reader_html },
    { "application/graphql", &debar_reader_graphql },
    { "application/edi-x12", &debar_reader_x12 },
    { "application/edifact", &debar_reader_edifact },
    { "application/grpc", &debar_reader_protobuf },
    { "application/grpc-web", &debar_reader_protobuf },
    { "application/grpc-web-text", &debar_reader_protobuf },
    { "application/protobuf", &debar_reader_protobuf },
    { "application/x-protobuf", &debar_reader_protobuf },
    { "application/x-google-protobuf", &debar_reader_protobuf },
    { "application/vnd.google.protobuf", &debar_reader_protobuf },
    { "application/zip", &debar_reader_archive },
    { "application/x-zip-compressed", &debar_reader_archive },
    { "application/pdf", &debar_reader_pdf },
    { "application/gzip", &debar_reader_inflate },
    { "application/x-gzip", &debar_reader_inflate },
    { "application/zlib", &debar_reader_deflate },
    { "application/pkcs7-mime", &debar_reader_cms },
    { "application/x-pkcs7-mime", &debar_reader_cms },
    { "message/rfc822", &debar_reader_mime },
    { "application/http", &debar_reader_http },
    { "message/http", &debar_reader_http },
    { "application/zstd", &debar_reader_zstd }
};


static int
debar_type_suffix(debar_str_t type, const char *suffix)
{
    size_t  n;

    n = strlen(suffix);

    return type.len > n
           && strncasecmp(type.data + type.len - n, suffix, n) == 0;
}


const debar_reader_t *
debar_peel_typed(debar_str_t content_type)
{
    size_t       i;
    debar_str_t  type;

    for (i = 0; i < content_type.len && content_type.data[i] != ';'
         && content_type.data[i] != ','; i++) { /* void */ }

    type = debar_look_trim(content_type.data, i);

    for (i = 0; i < sizeof(debar_types) / sizeof(debar_types[0]); i++) {
        if (debar_look_is(type, debar_types[i].type)) {
            return debar_types[i].reader;
        }
    }

    if (debar_look_begins(type.data, type.len, "multipart/")) {
        return &debar_reader_multipart;
    }

    if (debar_type_suffix(type, "+json")
        || debar_type_suffix(type, "+json-seq"))
    {
        return &debar_reader_json;
    }

    if (debar_type_suffix(type, "+xml")) {
        return debar_look_has(type, "xhtml") ? &debar_reader_html
                                             : &debar_reader_xml;
    }

    if (debar_look_begins(type.data, type.len, "application/grpc")
        || debar_type_suffix(type, "+proto"))
    {
        return &debar_reader_protobuf;
    }

    return NULL;
}


/* --- bytes --------------------------------------------------------------- */

/*
 * Text: UTF-8, or of some charset of one byte, with no controls but blanks.  Of
 * bytes that are not UTF-8 few are beyond ASCII in what people write.
 */

int
debar_peel_is_text(const char *data, size_t len, int cut)
{
    size_t   bad, high, i, n;
    uint8_t  ch;

    bad = 0;
    high = 0;

    for (i = 0; i < len; i += n) {
        ch = data[i];
        n = 1;

        if (ch < 0x20) {
            if (!isspace(ch) && ch != 0x1b && ch != 0x1e && ch != 0x1f
                && ch != 0x1d && ch != 0x1c)
            {
                bad++;
            }

        } else if (ch >= 0x80) {
            n = debar_utf8_len(data + i, len - i);

            if (n == 0) {
                n = 1;
                high += !(cut && len - i < 4);
            }
        }
    }

    /* text in a charset of its own has many, and hardly a control */

    return bad * 50 <= len && (high * 20 <= len || bad == 0);
}


/* An encoding of bytes by its first ones. */

const debar_reader_t *
debar_peel_magic(const char *data, size_t len)
{
    uint8_t         out[256];
    z_stream        z;
    int             rc;
    const uint8_t  *p = (const uint8_t *) data;

    if (len < 4) {
        return NULL;
    }

    if (p[0] == 0x1f && p[1] == 0x8b && p[2] == 8 && p[3] < 0x20) {
        return &debar_reader_inflate;
    }

    if ((p[1] == 0xb5 && p[0] == 0x28 && p[2] == 0x2f && p[3] == 0xfd)
        || ((p[0] & 0xf0) == 0x50 && p[1] == 0x2a && p[2] == 0x4d
            && p[3] == 0x18))
    {
        return &debar_reader_zstd;
    }

    if (memcmp(p, "PK\003\004", 4) == 0 || memcmp(p, "PK\005\006", 4) == 0) {
        return &debar_reader_archive;
    }

    if (memcmp(p, "%PDF", 4) == 0) {
        return &debar_reader_pdf;
    }

    if ((p[0] & 0x0f) != 8 || p[0] > 0x78 || (p[0] << 8 | p[1]) % 31
        || (p[1] & 0x20))
    {
        return NULL;
    }

    /* two bytes of zlib may begin anything: it must inflate */

    memset(&z, 0, sizeof(z));

    if (inflateInit(&z) != Z_OK) {
        return NULL;
    }

    z.next_in = (Bytef *) p;
    z.avail_in = len < 4096 ? len : 4096;

    do {
        z.next_out = out;
        z.avail_out = sizeof(out);
        rc = inflate(&z, Z_NO_FLUSH);
    } while (rc == Z_OK && z.avail_in && z.total_out < 4096);

    len = z.total_out;
    (void) inflateEnd(&z);

    return len && (rc == Z_OK || rc == Z_STREAM_END || rc == Z_BUF_ERROR)
           ? &debar_reader_deflate : NULL;
}


/* Names of elements that HTML has, and XML of business does not. */

static int
debar_look_html(const char *data, size_t len)
{
    size_t       n;
    static const char  *names[] = {
        "html", "head", "body", "div", "p", "span", "a", "b", "i", "br", "img",
        "table", "tr", "td", "ul", "ol", "li", "form", "input", "script",
        "style", "meta", "link", "h1", "h2", "h3", "h4", "strong", "em", "u",
        "font", "center", "button", "select", "textarea", "iframe", "hr", "pre",
        "title", "base", "label", "section", "nav", "header", "footer", "main"
    };
    size_t       i;

    if (debar_look_begins(data, len, "<!doctype html")) {
        return 1;
    }

    for (n = 1; n < len && isalnum((uint8_t) data[n]); n++) { /* void */ }

    if (n < len && data[n] == ':') {
        return 0;
    }

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (n - 1 == strlen(names[i])
            && strncasecmp(data + 1, names[i], n - 1) == 0)
        {
            return 1;
        }
    }

    return 0;
}


static const debar_reader_t *
debar_look_markup(const char *data, size_t len)
{
    size_t  i;

    if (len < 4 || data[0] != '<') {
        return NULL;
    }

    if (debar_look_begins(data, len, "<?xml")) {
        return &debar_reader_xml;
    }

    if (debar_look_html(data, len)) {
        return &debar_reader_html;
    }

    if (data[1] == '!') {
        return debar_look_begins(data, len, "<!doctype") || data[2] == '-'
               ? &debar_reader_xml : NULL;
    }

    if (!isalpha((uint8_t) data[1]) && data[1] != '_'
        && (uint8_t) data[1] < 0x80)
    {
        return NULL;
    }

    /* an address in angle brackets is none: "<a@b>", "<http://...>" */

    for (i = 2; i < len; i++) {
        if (data[i] == '>' || data[i] == '/' || isspace((uint8_t) data[i])) {
            return &debar_reader_xml;
        }

        if (!isalnum((uint8_t) data[i]) && !strchr("-_.:", data[i])
            && (uint8_t) data[i] < 0x80)
        {
            return NULL;
        }

        if (data[i] == ':' && i + 1 < len && data[i + 1] == '/') {
            return NULL;
        }
    }

    return NULL;
}


/* A member of an object whose name has other quotes, or none: "{sku:". */

static int
debar_look_member(const char *data, size_t len)
{
    size_t  i, from;

    if (data[0] == '\'') {
        return 1;
    }

    for (i = 0; i < len && i < 64 && (isalnum((uint8_t) data[i])
                                      || strchr("_$-", data[i])); i++)
    {
        /* void */
    }

    from = i;

    while (i < len && isspace((uint8_t) data[i])) { i++; }

    return from && i + 1 < len && data[i] == ':' && data[i + 1] != ':'
           && data[i + 1] != '/';
}


static const debar_reader_t *
debar_look_json(const char *data, size_t len)
{
    size_t  i;

    /* a text of JSON that was made a string once more */

    if (len > 4 && data[0] == '"' && (data[1] == '{' || data[1] == '[')
        && (data[2] == '\\' || data[2] == '{'))
    {
        return &debar_reader_json;
    }

    if (len < 2 || (data[0] != '{' && data[0] != '[')) {
        return NULL;
    }

    for (i = 1; i < len && isspace((uint8_t) data[i]); i++) { /* void */ }

    if (i == len) {
        return NULL;
    }

    if (data[i] == '"' || data[i] == '}' || data[i] == ']'
        || (data[i] == '/' && i + 1 < len
            && (data[i + 1] == '*' || data[i + 1] == '/')))
    {
        return &debar_reader_json;
    }

    if (data[0] == '{') {
        return debar_look_member(data + i, len - i) ? &debar_reader_json
                                                    : NULL;
    }

    return data[0] == '[' && (strchr("{[-tfn'", data[i])
                              || isdigit((uint8_t) data[i]))
           ? &debar_reader_json : NULL;
}


static const debar_reader_t *
debar_look_graphql(const char *data, size_t len)
{
    size_t       i, n;
    const char  *lf;

    static const char  *words[] = {
        "mutation", "query", "subscription", "fragment"
    };

    while (len && (*data == '#' || isspace((uint8_t) *data))) {
        lf = *data == '#' ? memchr(data, '\n', len) : data;
        n = lf ? (size_t) (lf - data) + 1 : len;
        data += n;
        len -= n;
    }

    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        n = strlen(words[i]);

        if (len > n + 2 && memcmp(data, words[i], n) == 0
            && strchr(" \t\r\n({", data[n]) && memchr(data, '{', len))
        {
            return &debar_reader_graphql;
        }
    }

    return NULL;
}


/* "--boundary" and a header field of a part. */

static const debar_reader_t *
debar_look_multipart(const char *data, size_t len)
{
    size_t  i;

    if (len < 16 || data[0] != '-' || data[1] != '-') {
        return NULL;
    }

    for (i = 2; i < len && i < 80 && data[i] != '\n'; i++) { /* void */ }

    return i > 3 && i < len && data[i] == '\n'
           && debar_look_begins(data + i + 1, len - i - 1, "content-")
           ? &debar_reader_multipart : NULL;
}


const debar_reader_t *
debar_peel_opens(const char *data, size_t len)
{
    debar_str_t            s;
    const debar_reader_t  *r;

    s = debar_look_trim(data, len);

    if (s.len >= 5 && memcmp(s.data, ")]}'", 4) == 0) {
        return &debar_reader_json;    /* against inclusion by a script */
    }

    if (debar_json_prefix(s.data, s.len)) {
        return &debar_reader_json;
    }

    r = debar_look_markup(s.data, s.len);
    r = r ? r : debar_look_json(s.data, s.len);
    r = r ? r : debar_edi_look(s.data, s.len);
    r = r ? r : debar_look_multipart(s.data, s.len);

    return r ? r : debar_look_graphql(s.data, s.len);
}


/*
 * Pairs: "name=value&name=value" without blanks and controls.  One pair alone
 * is a form only where least is 1.  Code and addresses have other characters in
 * what would be the name.
 */

static int
debar_look_form(const char *data, size_t len, unsigned least)
{
    size_t    i;
    unsigned  name, pairs;
    uint8_t   ch;

    name = 1;
    pairs = 0;

    for (i = 0; i < len; i++) {
        ch = data[i];

        if (ch <= 0x20 || ch == 0x7f || ch == '"' || ch == '<' || ch == '>') {
            return 0;
        }

        if (ch == '&') {
            name = 1;

        } else if (ch == '=' && name) {
            if (i == 0 || data[i - 1] == '&') {
                return 0;
            }

            name = 0;
            pairs++;

        } else if (name && !isalnum(ch) && ch < 0x80
                   && !strchr("%+-_.~[]:$*|!()@,", ch))
        {
            return 0;
        }
    }

    /* what ends with "=" and has no other pair is rather base64 */

    return pairs > 1 || (pairs == least && data[len - 1] != '=');
}


const debar_reader_t *
debar_peel_look(const debar_peel_input_t *in, const char *data, size_t len,
    unsigned whole)
{
    int                    rc;
    char                   charset[DEBAR_CHARSET];
    debar_str_t            list, s;
    debar_peel_input_t     unlabelled;
    const debar_reader_t  *magic, *r, *typed;

    if (len == 0 && !whole) {
        return NULL;
    }

    magic = debar_peel_magic(data, len);
    list = in->content_encoding;

    if (list.len) {
        r = debar_peel_coding(debar_peel_last(&list), &rc);

        if (r) {
            return magic && magic->syntax == DEBAR_SYNTAX_ENCODING ? magic : r;
        }
    }

    if (magic) {
        return magic;
    }

    if (debar_peel_media(in, data, len, whole)) {
        return &debar_reader_media;
    }

    typed = debar_peel_typed(in->content_type);

    if (typed == &debar_reader_protobuf || typed == &debar_reader_multipart
        || typed == &debar_reader_mime || typed == &debar_reader_http
        || typed == &debar_reader_cms)
    {
        return typed;
    }

    if (!in->utf8) {
        unlabelled = *in;

        /* a form is ASCII, and its charset that of what is escaped in it */

        if (typed == &debar_reader_form) {
            unlabelled.content_type = debar_str("", 0);
        }

        debar_charset_find(&unlabelled, data, len, charset);

        if (charset[0]) {
            return &debar_reader_charset;
        }
    }

    /* a document says what it is; only a page is one of its label alone */

    r = debar_peel_opens(data, len);

    if (r) {
        return r == &debar_reader_html && typed == &debar_reader_xml ? typed
                                                                     : r;
    }

    if (typed) {
        return typed;
    }

    s = debar_look_trim(data, len);

    if (in->content_type.len == 0
        || !debar_look_begins(in->content_type.data, in->content_type.len,
                              "text/"))
    {
        if (debar_look_form(s.data, s.len, 1)
            && debar_peel_is_text(data, len, !whole))
        {
            return &debar_reader_form;
        }

    } else if (debar_look_form(s.data, s.len, 2)) {
        return &debar_reader_form;
    }

    return &debar_reader_plain;
}


/* --- values -------------------------------------------------------------- */

/*
 * What a value decodes to is worth a look: a document, an archive, or text of
 * letters for the greatest part.  Words that merely fit decode to noise.
 */

static int
debar_look_sense(const char *data, size_t len, int cut)
{
    size_t   i, letters, n, other, points;
    uint8_t  ch;

    if (debar_peel_magic(data, len)) {
        return 1;
    }

    if (len < 6) {
        return 0;
    }

    if (debar_peel_opens(data, len) || debar_look_form(data, len, 2)) {
        return debar_peel_is_text(data, len, cut);
    }

    /* UTF-16 of Latin letters */

    if (data[1] == 0 || data[0] == 0
        || memcmp(data, "\xff\xfe", 2) == 0 || memcmp(data, "\xfe\xff", 2) == 0)
    {
        for (i = 0, n = 0; i + 1 < len; i += 2) {
            n += (data[i] == 0) != (data[i + 1] == 0);
        }

        return n * 4 >= len && n > 3;
    }

    letters = 0;
    other = 0;
    points = 0;

    for (i = 0; i < len; i += n) {
        ch = data[i];
        n = 1;

        if (ch < 0x20 || ch == 0x7f) {
            if (!isspace(ch)
                && (ch < 0x1c || debar_edi_look(data, len) == NULL))
            {
                return 0;
            }

        } else if (ch < 0x80) {
            letters += isalnum(ch) || ch == ' ';

        } else {
            n = debar_utf8_len(data + i, len - i);

            if (n == 0) {
                if (cut && len - i < 4) {
                    break;
                }

                return 0;
            }

            other++;
        }

        points++;
    }

    /* few sequences of UTF-8 come about by chance */

    return (letters + other) * 10 >= points * 6 && (other == 0 || len >= 9);
}


static const debar_reader_t *
debar_look_encoded(const char *data, size_t len)
{
    char    out[DEBAR_LOOK_MOST];
    size_t  n;

    n = debar_hex_value(data, len, out, sizeof(out));

    if (n >= 8 && debar_look_sense(out, n, n == sizeof(out))) {
        return &debar_reader_hex;
    }

    n = debar_base64_value(data, len, out, sizeof(out));

    if (n >= 6 && debar_look_sense(out, n, n + 3 > sizeof(out))) {
        return &debar_reader_base64;
    }

    return NULL;
}


/* A document that stands whole in a value: it ends as it begins. */

static const debar_reader_t *
debar_look_document(debar_str_t s)
{
    char                   last;
    const debar_reader_t  *r;

    r = debar_peel_opens(s.data, s.len);

    if (r == NULL) {
        return NULL;
    }

    last = s.data[s.len - 1];

    /* what has no names and no strings is as well read as it stands */

    if (r == &debar_reader_json
        && ((last != '}' && last != ']' && last != '"'
             && !(strchr(");\x1e", last) && debar_json_prefix(s.data, s.len)))
            || (memchr(s.data, '"', s.len) == NULL
                && memchr(s.data, '\'', s.len) == NULL)))
    {
        return NULL;
    }

    if ((r == &debar_reader_xml || r == &debar_reader_html) && last != '>') {
        return NULL;
    }

    if (r == &debar_reader_html && !debar_look_has(s, "<form")
        && !debar_look_has(s, "<input") && !debar_look_has(s, "<textarea"))
    {
        return NULL;
    }

    return r;
}


/* "&lt;" of a document, or "&amp;lt;", and so on. */

static int
debar_look_entities(debar_str_t s)
{
    size_t  i;
    static const char  *opens[] = {
        "lt;", "#60;", "#x3c;", "quot;", "#34;", "#x22;"
    };

    for (i = 0; i < 3 && i < s.len && strchr("{[ ", s.data[i]); i++) {
        /* void */
    }

    if (i == s.len || s.data[i] != '&') {
        return 0;
    }

    s.data += i + 1;
    s.len -= i + 1;

    while (debar_look_begins(s.data, s.len, "amp;")) {
        s.data += 4;
        s.len -= 4;
    }

    for (i = 0; i < sizeof(opens) / sizeof(opens[0]); i++) {
        if (debar_look_begins(s.data, s.len, opens[i])) {
            return 1;
        }
    }

    return 0;
}


static int
debar_look_percent(debar_str_t s)
{
    char         out[DEBAR_LOOK_MOST];
    size_t       n;
    unsigned     round;
    debar_str_t  d;

    if (memchr(s.data, '%', s.len) == NULL) {
        return 0;
    }

    n = debar_percent_value(s.data, s.len, out, sizeof(out));

    for (round = 0; n && round < 6; round++) {
        d = debar_look_trim(out, n);

        if (d.len < DEBAR_LOOK_LEAST) {
            return 0;
        }

        if (debar_peel_opens(d.data, d.len) || debar_peel_magic(out, n)
            || (memchr(s.data, '=', s.len) == NULL
                && debar_look_form(d.data, d.len, 2))
            || (memchr(s.data, '=', s.len) == NULL
                && debar_look_encoded(d.data, d.len)))
        {
            return 1;
        }

        if (memchr(out, '%', n) == NULL) {
            return 0;
        }

        n = debar_percent_value(out, n, out, sizeof(out));
    }

    return 0;
}


/* What this may want of a value's bytes debar_lean_may_be_more() (lean.c) has to
 * know: what it does not name is not asked for. */

const debar_reader_t *
debar_peel_look_value(const char *data, size_t len)
{
    debar_str_t            s;
    const debar_reader_t  *r;

    r = debar_peel_magic(data, len);
    if (r) {
        return r;
    }

    if (len > 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0) {
        data += 3;
        len -= 3;
    }

    s = debar_look_trim(data, len);

    if (s.len < DEBAR_LOOK_LEAST) {
        return s.len >= 2 ? debar_look_document(s) : NULL;
    }

    r = debar_look_document(s);
    if (r) {
        return r;
    }

    if (debar_look_begins(s.data, s.len, "data:")
        && memchr(s.data, ',', s.len < 256 ? s.len : 256))
    {
        return &debar_reader_data;
    }

    if (debar_words_look(s)) {
        return &debar_reader_words;
    }

    if (debar_look_form(s.data, s.len, 2)) {
        return &debar_reader_form;
    }

    if (debar_token_look(s)) {
        return &debar_reader_token;
    }

    r = debar_look_encoded(s.data, s.len);
    if (r) {
        return r;
    }

    if (debar_look_entities(s)) {
        return &debar_reader_entities;
    }

    return debar_look_percent(s) ? &debar_reader_percent : NULL;
}

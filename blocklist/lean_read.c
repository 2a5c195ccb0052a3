/*
 * Readers of the lean pass: forms, JSON and XML as most write them.  They read
 * strictly: what the engine's readers would mend, refuse or look at twice is
 * not plain, and neither is what needs more than the bytes at hand.
 *
 * Names and values are given as they stand in the body; what has to be decoded
 * first is put down, each behind a line break, so that no text runs on.
 */

#include <ctype.h>
#include <strings.h>

#include "lean_private.h"


#define DEBAR_LEAN_ATTRIBUTES  16

typedef struct {
    const char  *data;
    size_t       len;
    unsigned     bytes;
} debar_lean_run_t;


static inline unsigned
debar_lean_of(char c)
{
    return debar_lean_byte[(uint8_t) c];
}


static inline int
debar_lean_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}


static inline const char *
debar_lean_skip(const char *p, const char *end)
{
    while (p < end && debar_lean_blank(*p)) {
        p++;
    }

    return p;
}


/* --- forms ---------------------------------------------------------------- */

/*
 * A name or a value of a pair, decoded to where l->put is; NULL: not plain.
 * equals: a sign that ends it, too.
 */

static inline const char *
debar_lean_field(debar_lean_pass_t *l, const char *p, int equals,
    debar_lean_run_t *run)
{
    int          hi, lo;
    char        *q, c;
    unsigned     b, bytes;
    const char  *end = l->end;

    q = l->put;
    bytes = 0;

    for ( /* void */ ; p < end; *q++ = c) {
        c = *p;
        b = debar_lean_of(c);

        if (b & DEBAR_LEAN_FORM) {

            if (c == '&' || (c == '=' && equals)) {
                break;
            }

            if (c == '+') {
                c = ' ';

            } else if (c == '%') {
                if (end - p < 3) {
                    return NULL;
                }

                hi = debar_hex_digit((uint8_t) p[1]);
                lo = debar_hex_digit((uint8_t) p[2]);

                if (hi < 0 || lo < 0) {
                    return NULL;
                }

                c = hi << 4 | lo;
                p += 2;
            }

            b = debar_lean_of(c);
        }

        bytes |= b;
        p++;
    }

    run->data = l->put;
    run->len = q - l->put;
    run->bytes = bytes;

    *q++ = '\n';
    l->put = q;

    return p;
}


int
debar_lean_form(debar_lean_pass_t *l)
{
    size_t             n;
    const char        *p;
    debar_lean_run_t   name, value;

    /* pairs that may be parted by ";" */

    p = l->data;
    n = l->end - p < DEBAR_PEEL_BLOCK ? l->end - p : DEBAR_PEEL_BLOCK;

    if (memchr(p, '&', n) == NULL && memchr(p, ';', n) != NULL) {
        return 0;
    }

    while (p < l->end) {

        p = debar_lean_field(l, p, 1, &name);

        if (p == NULL) {
            return 0;
        }

        if (p < l->end && *p == '=') {
            p = debar_lean_field(l, p + 1, 0, &value);

            if (p == NULL) {
                return 0;
            }

        } else {
            value = name;
            name.len = 0;
            name.bytes = 0;
        }

        /* line breaks behind the last pair are the tool's that sent it */

        while (p == l->end && value.data != name.data && value.len != 0
               && (value.data[value.len - 1] == '\n'
                   || value.data[value.len - 1] == '\r'))
        {
            value.len--;
        }

        if (!debar_lean_name(l, name.data, name.len, name.bytes, 1)
            || !debar_lean_value(l, value.data, value.len, value.bytes))
        {
            return 0;
        }

        p += p < l->end;
    }

    l->data = NULL;

    return 1;
}


/* --- JSON ----------------------------------------------------------------- */

/* A string with escapes, from behind its first run; NULL: not plain. */

static const char *
debar_lean_unescape(debar_lean_pass_t *l, const char *p, debar_lean_run_t *run)
{
    int          hi, lo;
    char        *q, c;
    unsigned     b, bytes;
    const char  *end = l->end;

    q = l->put;
    bytes = run->bytes;
    memcpy(q, run->data, run->len);
    q += run->len;

    while (p < end && *p != '"') {
        c = *p++;

        if (c == '\\') {

            if (end - p < 6) {
                return NULL;
            }

            switch (*p++) {
            case '"':  c = '"';  break;
            case '\\': c = '\\'; break;
            case '/':  c = '/';  break;
            case 'n':  c = '\n'; break;
            case 'r':  c = '\r'; break;
            case 't':  c = '\t'; break;

            case 'u':
                hi = debar_hex_digit((uint8_t) p[2]);
                lo = debar_hex_digit((uint8_t) p[3]);

                if (p[0] != '0' || p[1] != '0' || hi < 0 || lo < 0) {
                    return NULL;
                }

                c = hi << 4 | lo;
                p += 4;
                break;

            default:
                return NULL;
            }

        } else if (debar_lean_blank(c) && c != ' ') {
            return NULL;
        }

        b = debar_lean_of(c);

        if (b & DEBAR_LEAN_BAD) {
            return NULL;
        }

        bytes |= b;
        *q++ = c;
    }

    run->data = l->put;
    run->len = q - l->put;
    run->bytes = bytes;

    *q++ = '\n';
    l->put = q;

    return p < end ? p + 1 : NULL;
}


/* What stands behind the quote at p[-1]; returns where it ends. */

static inline const char *
debar_lean_string(debar_lean_pass_t *l, const char *p, debar_lean_run_t *run)
{
    unsigned     b, bytes;
    const char  *end = l->end;

    run->data = p;

    for (bytes = 0; p < end; p++) {
        b = debar_lean_of(*p);

        if (b & DEBAR_LEAN_JSON) {
            break;
        }

        bytes |= b;
    }

    run->len = p - run->data;
    run->bytes = bytes;

    if (p < end && *p == '"') {
        return p + 1;
    }

    return p < end && *p == '\\' ? debar_lean_unescape(l, p, run) : NULL;
}


static const char *
debar_lean_digits(const char *p, const char *end)
{
    const char  *from = p;

    while (p < end && *p >= '0' && *p <= '9') {
        p++;
    }

    return p == from ? NULL : p;
}


/* RFC 8259 s.6 */

static const char *
debar_lean_number(const char *p, const char *end)
{
    p += *p == '-';

    if (p < end && *p == '0') {
        p++;

    } else {
        p = debar_lean_digits(p, end);
    }

    if (p && p < end && *p == '.') {
        p = debar_lean_digits(p + 1, end);
    }

    if (p && p < end && (*p | 0x20) == 'e') {
        p++;
        p += p < end && (*p == '+' || *p == '-');
        p = debar_lean_digits(p, end);
    }

    return p;
}


/* A string, a number or a word, as a value; NULL: not plain. */

static const char *
debar_lean_scalar(debar_lean_pass_t *l, const char *p)
{
    size_t             i;
    const char        *from, *end = l->end;
    debar_lean_run_t   run;

    static const debar_str_t  words[] = {
        debar_string("true"), debar_string("false"), debar_string("null")
    };

    if (*p == '"') {
        p = debar_lean_string(l, p + 1, &run);

        return p && debar_lean_value(l, run.data, run.len, run.bytes) ? p
                                                                      : NULL;
    }

    from = p;

    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if ((size_t) (end - p) > words[i].len
            && memcmp(p, words[i].data, words[i].len) == 0)
        {
            p += words[i].len;
            break;
        }
    }

    if (p == from) {
        p = debar_lean_number(p, end);
    }

    if (p == NULL) {
        return NULL;
    }

    for (run.bytes = 0, i = 0; from + i < p; i++) {
        run.bytes |= debar_lean_of(from[i]);
    }

    return debar_lean_value(l, from, p - from, run.bytes) ? p : NULL;
}


/* The name of a member, and its colon. */

static const char *
debar_lean_key(debar_lean_pass_t *l, const char *p)
{
    debar_lean_run_t  run;

    if (p == l->end || *p != '"') {
        return NULL;
    }

    p = debar_lean_string(l, p + 1, &run);

    if (p == NULL || !debar_lean_name(l, run.data, run.len, run.bytes, 0)) {
        return NULL;
    }

    p = debar_lean_skip(p, l->end);

    return p < l->end && *p == ':' ? debar_lean_skip(p + 1, l->end) : NULL;
}


int
debar_lean_json(debar_lean_pass_t *l)
{
    uint64_t     objects;         /* bit 0: the innermost one is */
    unsigned     levels, first;
    const char  *p, *end = l->end;

    objects = 0;
    levels = 0;
    p = debar_lean_skip(l->data, end);

    if (p == end || (*p != '{' && *p != '[')) {
        return 0;
    }

    for ( ;; ) {

        /* a value begins at p */

        if (p == end) {
            return 0;
        }

        first = (*p == '{' || *p == '[');

        if (first) {
            if (levels++ == l->levels) {
                return 0;
            }

            objects = objects << 1 | (*p == '{');
            p++;

        } else {
            p = debar_lean_scalar(l, p);

            if (p == NULL) {
                return 0;
            }
        }

        /* what is behind it */

        p = debar_lean_skip(p, end);

        while (p < end && *p == (objects & 1 ? '}' : ']')) {
            objects >>= 1;
            p = debar_lean_skip(p + 1, end);
            first = 0;

            if (--levels == 0) {
                return p == end;
            }
        }

        if (p == end || (!first && *p != ',')) {
            return 0;
        }

        p = first ? p : debar_lean_skip(p + 1, end);

        if (objects & 1) {
            p = debar_lean_key(l, p);

            if (p == NULL) {
                return 0;
            }
        }
    }
}


/* --- XML ------------------------------------------------------------------ */

/* A name, and behind its colon the local part. */

static inline const char *
debar_lean_xml_name(debar_lean_pass_t *l, const char *p, debar_lean_run_t *name,
    debar_lean_run_t *local)
{
    const char  *from, *end = l->end;

    from = p;

    if (p == end || (!isalpha((uint8_t) *p) && *p != '_' && *p != ':')) {
        return NULL;
    }

    local->data = p;

    for ( /* void */ ; p < end && (debar_lean_of(*p) & DEBAR_LEAN_NAME); p++) {
        if (*p == ':') {
            local->data = p + 1;
        }
    }

    if (local->data == p) {
        return NULL;
    }

    name->data = from;
    name->len = p - from;
    local->len = p - local->data;

    return p;
}


/* A reference: the character, or 0 where it is not one of ASCII that all know. */

static char
debar_lean_reference(const char **at, const char *end)
{
    char         c;
    size_t       i, n;
    unsigned     base, value;
    const char  *p = *at;

    static const struct {
        const char  *name;
        char         c;
    } known[] = {
        { "&amp;", '&' }, { "&lt;", '<' }, { "&gt;", '>' },
        { "&quot;", '"' }, { "&apos;", '\'' }
    };

    for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        n = strlen(known[i].name);

        if ((size_t) (end - p) >= n && memcmp(p, known[i].name, n) == 0) {
            *at = p + n;
            return known[i].c;
        }
    }

    if (end - p < 4 || p[1] != '#') {
        return 0;
    }

    base = p[2] == 'x' ? 16 : 10;
    p += base == 16 ? 3 : 2;

    for (i = 0, value = 0; p < end && i < 4; p++, i++) {
        if (debar_hex_digit((uint8_t) *p) < 0
            || debar_hex_digit((uint8_t) *p) >= (int) base)
        {
            break;
        }

        value = value * base + debar_hex_digit((uint8_t) *p);
    }

    if (i == 0 || p == end || *p != ';' || value < 0x20 || value > 0x7e) {
        return 0;
    }

    c = value;
    *at = p + 1;

    return c;
}


/*
 * Text up to "<", or an attribute up to its quote: as it stands, or decoded
 * where it has references; NULL: not plain.
 */

static inline const char *
debar_lean_xml_text(debar_lean_pass_t *l, const char *p, char stop,
    debar_lean_run_t *run)
{
    char        *q, c;
    unsigned     b, bytes, coded;
    const char  *from, *end = l->end;

    from = p;
    q = l->put;
    coded = 0;

    for (bytes = 0; p < end; p++) {
        b = debar_lean_of(*p);

        if (b & DEBAR_LEAN_XML) {

            if (*p == stop) {
                break;
            }

            if (*p == '&') {
                memcpy(q, from, p - from);
                q += p - from;
                c = debar_lean_reference(&p, end);
                coded = 1;

                if (c == '\0') {
                    return NULL;
                }

                bytes |= debar_lean_of(c);
                *q++ = c;
                from = p--;
                continue;
            }

            if (*p != '"' && *p != '\'') {
                return NULL;
            }
        }

        bytes |= b;
    }

    if (p == end) {
        return NULL;
    }

    run->data = from;
    run->len = p - from;
    run->bytes = bytes;

    if (coded) {
        memcpy(q, from, p - from);
        q += p - from;
        run->data = l->put;
        run->len = q - l->put;
        *q++ = '\n';
        l->put = q;
    }

    return p;
}


/* "xmlns", "xmlns:a": no values to the engine. */

static int
debar_lean_xmlns(const debar_lean_run_t *name)
{
    return name->len >= 5 && memcmp(name->data, "xmlns", 5) == 0
           && (name->len == 5 || name->data[5] == ':');
}


static int
debar_lean_attribute(debar_lean_pass_t *l, const debar_lean_run_t *name,
    const debar_lean_run_t *local, const debar_lean_run_t *value)
{
    char  as[DEBAR_LEAN_SPELT + 1];

    if (value->bytes & DEBAR_LEAN_BLANK) {
        return 0;
    }

    if (debar_lean_xmlns(name)) {
        return (value->bytes & DEBAR_LEAN_BAD) == 0;
    }

    if (local->len >= DEBAR_LEAN_SPELT) {
        return 0;
    }

    as[0] = '@';
    memcpy(as + 1, local->data, local->len);

    return debar_lean_name(l, as, local->len + 1, 0, 0)
           && debar_lean_value(l, value->data, value->len, value->bytes);
}


/* The attributes of an element, up to "/" or ">". */

static const char *
debar_lean_attributes(debar_lean_pass_t *l, const char *p)
{
    size_t             i, n;
    const char        *from, *end = l->end;
    debar_lean_run_t   names[DEBAR_LEAN_ATTRIBUTES], local, value;

    for (n = 0; ; n++) {
        from = p;
        p = debar_lean_skip(p, end);

        if (p == end) {
            return NULL;
        }

        if (*p == '/' || *p == '>') {
            return p;
        }

        if (p == from || n == DEBAR_LEAN_ATTRIBUTES) {
            return NULL;
        }

        p = debar_lean_xml_name(l, p, &names[n], &local);

        if (p == NULL) {
            return NULL;
        }

        for (i = 0; i < n; i++) {
            if (names[i].len == names[n].len
                && memcmp(names[i].data, names[n].data, names[n].len) == 0)
            {
                return NULL;              /* twice is a fault */
            }
        }

        p = debar_lean_skip(p, end);

        if (p == end || *p != '=') {
            return NULL;
        }

        p = debar_lean_skip(p + 1, end);

        if (p == end || (*p != '"' && *p != '\'')) {
            return NULL;
        }

        p = debar_lean_xml_text(l, p + 1, *p, &value);

        if (p == NULL || !debar_lean_attribute(l, &names[n], &local, &value)) {
            return NULL;
        }

        p++;
    }
}


static const char *
debar_lean_word(const char *p, const char *end, const char *word)
{
    size_t  n = strlen(word);

    return (size_t) (end - p) > n && memcmp(p, word, n) == 0 ? p + n : NULL;
}


/* A quoted literal behind blanks, of characters that may stand in any. */

static const char *
debar_lean_literal(const char *p, const char *end)
{
    char         quote;
    const char  *from = p;

    p = debar_lean_skip(p, end);

    if (p == from || p == end || (*p != '"' && *p != '\'')) {
        return NULL;
    }

    for (quote = *p++; p < end && *p != quote; p++) {
        if (!isalnum((uint8_t) *p) && (*p == '\0' || !strchr(" -/.:,+_", *p))) {
            return NULL;
        }
    }

    return p < end ? p + 1 : NULL;
}


/* The declaration and the document type, which names where it lies at most. */

static const char *
debar_lean_prolog(debar_lean_pass_t *l, const char *p)
{
    const char        *q, *end = l->end;
    debar_lean_run_t   name, local;

    q = debar_lean_word(p, end, "<?xml version=\"1.0\"");

    if (q) {
        p = debar_lean_skip(q, end);

        if (p > q && end - p > 16
            && (strncasecmp(p, "encoding=\"UTF-8\"", 16) == 0))
        {
            p = debar_lean_skip(p + 16, end);
        }

        p = debar_lean_word(p, end, "?>");

        if (p == NULL) {
            return NULL;
        }
    }

    p = debar_lean_skip(p, end);
    q = debar_lean_word(p, end, "<!DOCTYPE ");

    if (q) {
        q = debar_lean_xml_name(l, debar_lean_skip(q, end), &name, &local);
        p = q ? debar_lean_skip(q, end) : NULL;

        if (p && p > q) {
            q = debar_lean_word(p, end, "SYSTEM");

            if (q == NULL) {
                q = debar_lean_word(p, end, "PUBLIC");
                q = q ? debar_lean_literal(q, end) : NULL;
            }

            q = q ? debar_lean_literal(q, end) : NULL;
            p = q ? debar_lean_skip(q, end) : NULL;
        }

        p = p && p < end && *p == '>' ? debar_lean_skip(p + 1, end) : NULL;
    }

    return p;
}


/* The text of an element that has nothing else, without the blanks around it. */

static int
debar_lean_xml_value(debar_lean_pass_t *l, debar_lean_run_t *run)
{
    while (run->len && debar_lean_blank(run->data[0])) {
        run->data++;
        run->len--;
    }

    while (run->len && debar_lean_blank(run->data[run->len - 1])) {
        run->len--;
    }

    return run->len == 0
           || debar_lean_value(l, run->data, run->len, run->bytes);
}


/* A start tag from behind its "<"; *open: it has an end of its own. */

static const char *
debar_lean_start(debar_lean_pass_t *l, const char *p, debar_lean_run_t *name,
    unsigned *open)
{
    debar_lean_run_t  local;

    p = debar_lean_xml_name(l, p, name, &local);

    if (p == NULL
        || (local.len == 5 && memcmp(local.data, "plist", 5) == 0)
        || !debar_lean_name(l, local.data, local.len, 0, 0))
    {
        return NULL;
    }

    p = debar_lean_attributes(l, p);

    if (p == NULL) {
        return NULL;
    }

    *open = *p != '/';
    p += *p == '/';

    return p < l->end && *p == '>' ? p + 1 : NULL;
}


/* An end tag from behind its "</". */

static const char *
debar_lean_end(const char *p, const char *end, const debar_lean_run_t *name)
{
    if ((size_t) (end - p) <= name->len
        || memcmp(p, name->data, name->len) != 0)
    {
        return NULL;
    }

    p = debar_lean_skip(p + name->len, end);

    return p < end && *p == '>' ? p + 1 : NULL;
}


int
debar_lean_xml(debar_lean_pass_t *l)
{
    unsigned           leaf, levels, open, some;
    const char        *p, *q, *end = l->end;
    debar_lean_run_t   names[DEBAR_LEAN_LEVELS + 1], text;

    p = debar_lean_prolog(l, debar_lean_skip(l->data, end));
    levels = 0;
    leaf = 0;
    some = 0;

    while (p && p < end && *p == '<') {
        p++;
        some = 1;

        if (p < end && *p == '/') {

            if (levels == 0) {
                return 0;
            }

            p = debar_lean_end(p + 1, end, &names[--levels]);
            leaf = 0;

        } else {

            if (levels == l->levels) {
                return 0;
            }

            p = debar_lean_start(l, p, &names[levels], &open);
            leaf = open;
            levels += open;
        }

        if (p == NULL || levels == 0) {
            break;
        }

        /* text stands in an element by itself, or it is none */

        q = debar_lean_skip(p, end);

        if (q < end && *q == '<') {
            p = q;
            continue;
        }

        p = leaf ? debar_lean_xml_text(l, q, '<', &text) : NULL;

        if (p == NULL || end - p < 2 || p[1] != '/'
            || !debar_lean_xml_value(l, &text))
        {
            return 0;
        }
    }

    return p && some && levels == 0 && debar_lean_skip(p, end) == end;
}

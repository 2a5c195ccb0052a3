/*
 * Parameters of field values (RFC 2045, RFC 2231, RFC 8187) and encoded words
 * (RFC 2047), as mail and form data have them.
 */

#include <stdio.h>
#include <strings.h>

#include "peel_private.h"


#define DEBAR_FIELD_PIECES  32            /* of a parameter in pieces (RFC 2231
                                             s.3) */
#define DEBAR_FIELD_VALUE   1024          /* of one that is decoded */


static size_t
debar_field_trim(debar_str_t *s)
{
    while (s->len && strchr(" \t\r\n", s->data[0]) && s->data[0]) {
        s->data++;
        s->len--;
    }

    while (s->len && strchr(" \t\r\n", s->data[s->len - 1])
           && s->data[s->len - 1])
    {
        s->len--;
    }

    return s->len;
}


/* The next parameter of what is left of a field, which is cut before the one
 * after it; 0: none.  A value in quotes keeps them. */

static unsigned
debar_field_next(debar_str_t *left, debar_str_t *key, debar_str_t *value)
{
    char    ch;
    size_t  i, eq;
    int     quoted;

    while (left->len && (left->data[0] == ';' || left->data[0] == ' ')) {
        left->data++;
        left->len--;
    }

    if (left->len == 0) {
        return 0;
    }

    eq = 0;
    quoted = 0;

    for (i = 0; i < left->len; i++) {
        ch = left->data[i];

        if (quoted && ch == '\\') {
            i++;

        } else if (ch == '"' && eq) {
            quoted = !quoted;

        } else if (ch == ';' && !quoted) {
            break;

        } else if (ch == '=' && !eq) {
            eq = i + 1;
        }
    }

    i = (i < left->len) ? i : left->len;

    *key = debar_str(left->data, eq ? eq - 1 : i);
    *value = debar_str(left->data + (eq ? eq : i), eq ? i - eq : 0);
    (void) debar_field_trim(key);
    (void) debar_field_trim(value);

    left->data += i;
    left->len -= i;

    return 1;
}


/* Quotes and quoted pairs undone.  Of a file's name a backslash is often its
 * own (a path of Windows): only what has to be quoted is. */

static size_t
debar_field_unquote(debar_str_t value, unsigned file, char *out, size_t size)
{
    size_t  i, n;

    if (value.len == 0 || value.data[0] != '"') {
        n = (value.len < size) ? value.len : size;
        memcpy(out, value.len ? value.data : "", n);
        return n;
    }

    for (i = 1, n = 0; i < value.len && n < size; i++) {

        if (value.data[i] == '"') {
            break;
        }

        if (value.data[i] == '\\' && i + 1 < value.len
            && (!file || value.data[i + 1] == '"' || value.data[i + 1] == '\\'))
        {
            i++;
        }

        out[n++] = value.data[i];
    }

    return n;
}


/* Percent-encoding undone in place. */

static size_t
debar_field_percent(char *s, size_t len)
{
    size_t  i, n;

    for (i = 0, n = 0; i < len; i++) {

        if (s[i] == '%' && i + 2 < len && debar_hex_digit(s[i + 1]) >= 0
            && debar_hex_digit(s[i + 2]) >= 0)
        {
            s[n++] = debar_hex_digit(s[i + 1]) * 16 + debar_hex_digit(s[i + 2]);
            i += 2;
            continue;
        }

        s[n++] = s[i];
    }

    return n;
}


/* "charset'language'value", as UTF-8 where the charset is known. */

static size_t
debar_field_extended(const char *in, size_t len, char *out, size_t size)
{
    char         charset[DEBAR_CHARSET], value[DEBAR_FIELD_VALUE];
    size_t       n;
    const char  *first, *second;

    first = memchr(in, '\'', len);
    second = first ? memchr(first + 1, '\'', in + len - first - 1) : NULL;
    charset[0] = '\0';

    if (second) {
        n = first - in;

        if (n < sizeof(charset)) {
            memcpy(charset, in, n);
            charset[n] = '\0';
        }

        len -= second + 1 - in;
        in = second + 1;
    }

    n = (len < sizeof(value)) ? len : sizeof(value);
    memcpy(value, in, n);
    n = debar_field_percent(value, n);

    if (charset[0] && strcasecmp(charset, "utf-8") != 0) {
        len = debar_charset_value(charset, value, n, out, size);

        if (len) {
            return len;
        }
    }

    n = (n < size) ? n : size;
    memcpy(out, value, n);

    return n;
}


/* A parameter in pieces: "name*0", "name*1*", ... */

static int
debar_field_pieces(debar_str_t field, const char *name, char *out, size_t size)
{
    char         value[DEBAR_FIELD_VALUE], want[80];
    size_t       n, len;
    unsigned     i, extended, found;
    debar_str_t  key, left, piece;

    n = 0;
    extended = 0;

    for (i = 0; i < DEBAR_FIELD_PIECES; i++) {
        len = snprintf(want, sizeof(want), "%s*%u", name, i);
        found = 0;
        left = field;

        while (!found && len < sizeof(want)
               && debar_field_next(&left, &key, &piece))
        {
            found = key.len >= len && strncasecmp(key.data, want, len) == 0
                    && (key.len == len
                        || (key.len == len + 1 && key.data[len] == '*'));
        }

        if (!found) {
            break;
        }

        extended |= (i == 0 && key.len > len);
        n += debar_field_unquote(piece, 0, value + n, sizeof(value) - n);
    }

    if (i == 0) {
        return -1;
    }

    if (extended) {
        return debar_field_extended(value, n, out, size);
    }

    n = (n < size) ? n : size;
    memcpy(out, value, n);

    return n;
}


int
debar_field_parameter(debar_str_t field, const char *name, char *out,
    size_t size)
{
    char         value[DEBAR_FIELD_VALUE];
    size_t       n;
    unsigned     extended;
    debar_str_t  key, left, v;

    n = strlen(name);
    extended = (n && name[n - 1] == '*');

    /* what comes before the first semicolon is the value itself */

    left.data = memchr(field.len ? field.data : "", ';', field.len);

    if (left.data == NULL) {
        return -1;
    }

    left.len = field.data + field.len - left.data;
    field = left;

    while (debar_field_next(&left, &key, &v)) {

        if (key.len != n || strncasecmp(key.data, name, n) != 0) {
            continue;
        }

        if (!extended) {
            return debar_field_unquote(v, strcasecmp(name, "filename") == 0,
                                       out, size);
        }

        n = debar_field_unquote(v, 0, value, sizeof(value));
        return debar_field_extended(value, n, out, size);
    }

    return extended ? -1 : debar_field_pieces(field, name, out, size);
}


unsigned
debar_field_behind(debar_str_t *field, const char *name)
{
    size_t       n;
    debar_str_t  key, left, v;

    n = strlen(name);
    left.data = memchr(field->len ? field->data : "", ';', field->len);

    if (left.data == NULL) {
        return 0;
    }

    left.len = field->data + field->len - left.data;

    while (debar_field_next(&left, &key, &v)) {
        if (key.len == n && strncasecmp(key.data, name, n) == 0) {
            *field = left;
            return left.len != 0;
        }
    }

    return 0;
}


/* --- encoded words ------------------------------------------------------- */

/* The text of one, "=?charset?Q?text?=": its length in all, 0 where it is
 * none. */

static size_t
debar_word_at(const char *in, size_t len, debar_str_t *charset, char *coding,
    debar_str_t *text)
{
    size_t  i, part[3];
    int     n;

    if (len < 8 || in[0] != '=' || in[1] != '?') {
        return 0;
    }

    for (i = 2, n = 0; i < len && n < 3; i++) {
        if (in[i] == '?') {
            part[n++] = i;

        } else if ((uint8_t) in[i] < 0x20) {
            return 0;
        }
    }

    if (n < 3 || part[1] != part[0] + 2 || i >= len || in[i] != '=') {
        return 0;
    }

    *charset = debar_str(in + 2, part[0] - 2);
    *coding = in[part[0] + 1] | 0x20;
    *text = debar_str(in + part[1] + 1, part[2] - part[1] - 1);

    return i + 1;
}


static size_t
debar_word_quoted(debar_str_t text, char *out, size_t size)
{
    size_t  i, n;

    for (i = 0, n = 0; i < text.len && n < size; i++, n++) {
        out[n] = text.data[i];

        if (text.data[i] == '_') {
            out[n] = ' ';

        } else if (text.data[i] == '=' && i + 2 < text.len
                   && debar_hex_digit(text.data[i + 1]) >= 0
                   && debar_hex_digit(text.data[i + 2]) >= 0)
        {
            out[n] = debar_hex_digit(text.data[i + 1]) * 16
                     + debar_hex_digit(text.data[i + 2]);
            i += 2;
        }
    }

    return n;
}


static size_t
debar_word_undo(debar_str_t charset, char coding, debar_str_t text, char *out,
    size_t size)
{
    char    name[DEBAR_CHARSET], value[DEBAR_FIELD_VALUE];
    size_t  i, n;

    n = (coding == 'b')
        ? debar_base64_value(text.data, text.len, value, sizeof(value))
        : debar_word_quoted(text, value, sizeof(value));

    for (i = 0; i < charset.len && i + 1 < sizeof(name)
         && charset.data[i] != '*'; i++)
    {
        name[i] = charset.data[i];
    }

    name[i] = '\0';

    if (strcasecmp(name, "utf-8") != 0) {
        i = debar_charset_value(name, value, n, out, size);

        if (i) {
            return i;
        }
    }

    n = (n < size) ? n : size;
    memcpy(out, value, n);

    return n;
}


size_t
debar_field_words(debar_str_t in, char *out, size_t size)
{
    char         coding;
    size_t       blank, i, len, n, word;
    debar_str_t  charset, text;

    word = 0;

    for (i = 0, n = 0; i < in.len && n < size; /* void */ ) {

        /* white space between two of them is not the text's */

        for (blank = 0; word && i + blank < in.len
             && (in.data[i + blank] == ' ' || in.data[i + blank] == '\t');
             blank++)
        {
            /* void */
        }

        len = debar_word_at(in.data + i + blank, in.len - i - blank, &charset,
                            &coding, &text);

        if (len && (coding == 'b' || coding == 'q')) {
            n += debar_word_undo(charset, coding, text, out + n, size - n);
            i += blank + len;
            word = 1;
            continue;
        }

        word = 0;
        out[n++] = in.data[i++];
    }

    return n;
}

/*
 * Text as a scalar of YAML.
 */

#include "edit_private.h"


static int debar_edit_number(const char *data, size_t len);


/* Plain on one line, in brackets too. */

int
debar_edit_plain(const char *data, size_t len)
{
    size_t         i, n;
    unsigned char  c;

    if (len == 0 || strchr("-?:,[]{}#&*!|>'\"%@`=~<", data[0])
        || data[0] == ' ' || data[len - 1] == ' ' || data[len - 1] == ':')
    {
        return 0;
    }

    for (i = 0; i < len; i += n) {
        c = (unsigned char) data[i];
        n = debar_utf8_len(data + i, len - i);

        if (n == 0 || c < 0x20 || c == 0x7f || strchr(",[]{}", c)
            || (c == ':' && i + 1 < len && data[i + 1] == ' ')
            || (c == '#' && data[i - 1] == ' '))
        {
            return 0;
        }

        /* C1 controls, line and paragraph separators, the byte order mark,
         * and what is no character */

        if ((c == 0xc2 && (unsigned char) data[i + 1] < 0xa0)
            || (n == 3 && (memcmp(data + i, "\xe2\x80\xa8", 3) == 0
                           || memcmp(data + i, "\xe2\x80\xa9", 3) == 0
                           || memcmp(data + i, "\xef\xbb\xbf", 3) == 0
                           || memcmp(data + i, "\xef\xbf\xbe", 3) == 0
                           || memcmp(data + i, "\xef\xbf\xbf", 3) == 0)))
        {
            return 0;
        }
    }

    return 1;
}


/* What YAML 1.1 or 1.2 reads as null, a truth value, a number or a date. */

int
debar_edit_typed(const char *data, size_t len)
{
    size_t                    i;
    static const char *const  words[] = {
        "null", "true", "false", "yes", "no", "on", "off", "y", "n", "~"
    };

    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strlen(words[i]) == len && strncasecmp(words[i], data, len) == 0) {
            return 1;
        }
    }

    return debar_edit_number(data, len);
}


static size_t
debar_edit_digits(const char *data, size_t i, size_t len)
{
    while (i < len && ((data[i] >= '0' && data[i] <= '9') || data[i] == '_')) {
        i++;
    }

    return i;
}


static int
debar_edit_number(const char *data, size_t len)
{
    size_t  i, k;

    i = len && (data[0] == '-' || data[0] == '+');

    if (len - i == 4 && data[i] == '.'
        && (strncasecmp(data + i, ".inf", 4) == 0
            || strncasecmp(data + i, ".nan", 4) == 0))
    {
        return 1;
    }

    if (len - i > 2 && data[i] == '0' && strchr("xXoObB", data[i + 1])) {
        for (i += 2; i < len && (data[i] == '_'
             || (data[i] >= '0' && data[i] <= '9')
             || ((data[i] | 0x20) >= 'a' && (data[i] | 0x20) <= 'f')); i++)
        {
            /* void */
        }

        return i == len;
    }

    /* days, and times behind them */

    if (i == 0 && len >= 8 && debar_edit_digits(data, 0, len) == 4
        && data[4] == '-')
    {
        k = debar_edit_digits(data, 5, len);

        if (k > 5 && k <= 7 && k < len && data[k] == '-') {
            i = debar_edit_digits(data, k + 1, len);
            return i > k + 1 && (i == len || strchr("Tt ", data[i]));
        }

        return 0;
    }

    /* 1, 1.5, .5, 1e5, 1:30:00 */

    k = debar_edit_digits(data, i, len);

    if (k == i && !(k + 1 < len && data[k] == '.' && data[k + 1] >= '0'
                    && data[k + 1] <= '9'))
    {
        return 0;
    }

    while (k > i && k + 1 < len && data[k] == ':'
           && debar_edit_digits(data, k + 1, len) > k + 1)
    {
        k = debar_edit_digits(data, k + 1, len);
    }

    if (k < len && data[k] == '.') {
        k = debar_edit_digits(data, k + 1, len);
    }

    if (k + 1 < len && (data[k] | 0x20) == 'e') {
        k += 1 + (data[k + 1] == '-' || data[k + 1] == '+');
        i = k;
        k = debar_edit_digits(data, k, len);

        return k == len && k > i;
    }

    return k == len;
}


void
debar_edit_quote(debar_buf_t *out, const char *data, size_t len,
    unsigned typed)
{
    size_t         i, n;
    unsigned char  c;

    if (debar_edit_plain(data, len) && (typed || !debar_edit_typed(data, len)))
    {
        debar_buf_add(out, data, len);
        return;
    }

    /* single quotes for expressions: they have no escapes */

    for (i = 0, n = 0; i < len; i++) {
        c = (unsigned char) data[i];
        n += (c == '\\' || c == '"');

        if (c < 0x20 || c == 0x7f || c == 0xc2 || c == 0xe2 || c == 0xef) {
            n = 0;
            break;
        }
    }

    if (n) {
        debar_buf_add(out, "'", 1);

        for (i = 0; i < len; i++) {
            debar_buf_add(out, data + i, 1);
            debar_buf_add(out, "'", data[i] == '\'');
        }

        debar_buf_add(out, "'", 1);
        return;
    }

    debar_buf_add(out, "\"", 1);

    for (i = 0; i < len; i += n) {
        c = (unsigned char) data[i];
        n = debar_utf8_len(data + i, len - i);

        if (n == 0) {
            debar_buf_add(out, "\\uFFFD", 6);
            n = 1;

        } else if (c == '"' || c == '\\') {
            debar_buf_printf(out, "\\%c", c);

        } else if (c < 0x20 || c == 0x7f) {
            debar_buf_printf(out, "\\x%02x", c);

        } else if (c == 0xc2 && (unsigned char) data[i + 1] < 0xa0) {
            debar_buf_printf(out, "\\x%02x", (unsigned char) data[i + 1]);

        } else if (n == 3 && c == 0xe2 && (unsigned char) data[i + 1] == 0x80
                   && ((unsigned char) data[i + 2] & 0xfe) == 0xa8)
        {
            debar_buf_printf(out, "\\u20%02x",
                             0x28 + ((unsigned char) data[i + 2] & 1));

        } else if (n == 3 && c == 0xef && (unsigned char) data[i + 1] == 0xbb
                   && (unsigned char) data[i + 2] == 0xbf)
        {
            debar_buf_printf(out, "\\uFEFF");

        } else {
            debar_buf_add(out, data + i, n);
        }
    }

    debar_buf_add(out, "\"", 1);
}

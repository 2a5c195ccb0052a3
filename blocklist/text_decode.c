/*
 * Undoing what encodes a value: see text.h.
 */

#include "text_private.h"

#include <ctype.h>


typedef struct {
    const char     *name;
    uint32_t        cp;
} debar_entity_t;


/* Sorted by name. */

static const debar_entity_t  debar_entities[] = {
#include "entities.h"
};

/* Longer than the longest of them. */

#define DEBAR_ENTITY_MAX  40


/* Bytes that begin an encoding. */

static const uint8_t  debar_decode_byte[256] = {
    ['%'] = 1, ['&'] = 1, ['\\'] = 1, ['+'] = 1,
    [0xc0] = 1, [0xc1] = 1, [0xe0] = 1, [0xf0] = 1
};

/* The value of a hex digit plus one; 0: none. */

static const uint8_t  debar_hex_byte[256] = {
    ['0'] = 1, ['1'] = 2, ['2'] = 3, ['3'] = 4, ['4'] = 5,
    ['5'] = 6, ['6'] = 7, ['7'] = 8, ['8'] = 9, ['9'] = 10,
    ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
    ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16
};


static int
debar_hex4(const uint8_t *p)
{
    int  i, value;

    value = 0;

    for (i = 0; i < 4; i++) {
        if (debar_hex_byte[p[i]] == 0) {
            return -1;
        }

        value = value << 4 | (debar_hex_byte[p[i]] - 1);
    }

    return value;
}


/*
 * A UTF-16 unit behind two bytes, "%u" or "\u", and the second half of a pair
 * where there is one.
 */

static size_t
debar_decode_unit(const uint8_t *p, size_t len, UChar32 *c)
{
    int  hi, lo;

    if (len < 6 || (hi = debar_hex4(p + 2)) < 0) {
        return 0;
    }

    *c = hi;

    if (U16_IS_LEAD(hi) && len >= 12 && p[6] == p[0]
        && (p[7] | 0x20) == 'u')
    {
        lo = debar_hex4(p + 8);

        if (lo >= 0 && U16_IS_TRAIL(lo)) {
            *c = U16_GET_SUPPLEMENTARY(hi, lo);
            return 12;
        }
    }

    if (U16_IS_SURROGATE(hi)) {
        *c = 0xfffd;
    }

    return 6;
}


/* "&#107;" and "&#x6b;"; the semicolon may be missing, as for browsers. */

static size_t
debar_decode_number(const uint8_t *p, size_t len, UChar32 *c)
{
    size_t    i, start;
    unsigned  base, digit;
    uint32_t  value;

    i = 2;
    base = 10;

    if (i < len && (p[i] | 0x20) == 'x') {
        base = 16;
        i++;
    }

    value = 0;

    for (start = i; i < len; i++) {
        digit = debar_hex_byte[p[i]];

        if (digit == 0 || digit > base) {
            break;
        }

        value = value * base + digit - 1;

        if (value > 0x10ffff) {
            value = 0x110000;
        }
    }

    if (i == start) {
        return 0;
    }

    if (i < len && p[i] == ';') {
        i++;
    }

    if (value >= 0x80 && value < 0xa0) {
        value = debar_1252[value - 0x80];

    } else if (value > 0x10ffff || U_IS_SURROGATE(value)) {
        value = 0xfffd;
    }

    *c = value;

    return i;
}


static size_t
debar_decode_name(const uint8_t *p, size_t len, UChar32 *c)
{
    int            rc;
    size_t         hi, i, lo, mid;
    char           name[DEBAR_ENTITY_MAX];

    for (i = 1; ; i++) {
        if (i == len || i == DEBAR_ENTITY_MAX) {
            return 0;
        }

        if (p[i] == ';') {
            break;
        }

        if (!isalnum(p[i])) {
            return 0;
        }

        name[i - 1] = p[i];
    }

    name[i - 1] = '\0';

    lo = 0;
    hi = sizeof(debar_entities) / sizeof(debar_entities[0]);

    while (lo < hi) {
        mid = (lo + hi) / 2;
        rc = strcmp(name, debar_entities[mid].name);

        if (rc == 0) {
            *c = debar_entities[mid].cp;
            return i + 1;
        }

        if (rc < 0) {
            hi = mid;

        } else {
            lo = mid + 1;
        }
    }

    return 0;
}


/* UTF-8 longer than it need be: RFC 3629 forbids it, old servers read it. */

static size_t
debar_decode_overlong(const uint8_t *p, size_t len, UChar32 *c)
{
    size_t  i, n;

    n = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;

    if (len < n) {
        return 0;
    }

    *c = n == 2 ? p[0] & 0x1f : 0;

    for (i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }

        *c = *c << 6 | (p[i] & 0x3f);
    }

    if ((n == 3 && *c >= 0x800) || (n == 4 && *c >= 0x10000)
        || U_IS_SURROGATE(*c))
    {
        return 0;
    }

    return n;
}


/*
 * One encoding at p: how many bytes it has, and how many it decodes to, which
 * is never more; 0 where there is none.
 */

static size_t
debar_decode_one(const uint8_t *p, size_t len, int plus, uint8_t *out,
    unsigned *n)
{
    size_t   used;
    UChar32  c;

    used = 0;

    switch (p[0]) {

    case '+':
        if (plus) {
            out[0] = ' ';
            *n = 1;
            return 1;
        }

        return 0;

    case '%':
        if (len > 2 && debar_hex_byte[p[1]] && debar_hex_byte[p[2]]) {
            out[0] = (debar_hex_byte[p[1]] - 1) << 4
                     | (debar_hex_byte[p[2]] - 1);
            *n = 1;
            return 3;
        }

        if (len > 5 && (p[1] | 0x20) == 'u') {
            used = debar_decode_unit(p, len, &c);
        }

        break;

    case '\\':
        if (len > 5 && p[1] == 'u') {
            used = debar_decode_unit(p, len, &c);
        }

        break;

    case '&':
        if (len > 2) {
            used = p[1] == '#' ? debar_decode_number(p, len, &c)
                               : debar_decode_name(p, len, &c);
        }

        break;

    default:
        used = debar_decode_overlong(p, len, &c);
    }

    if (used) {
        *n = debar_utf8_put(out, c);
    }

    return used;
}


/* One round; in and out may be the same.  changed: what was undone: 1 a plus
 * alone, 2 an encoding. */

static size_t
debar_decode_round(uint8_t *out, size_t size, const uint8_t *in, size_t len,
    int plus, unsigned *changed, unsigned *flags)
{
    size_t    i, j, n, used;
    uint8_t   bytes[4];
    unsigned  nbytes;

    i = 0;
    n = 0;

    for ( ;; ) {
        j = len - i < size - n ? len : i + (size - n);

        while (i < j && !debar_decode_byte[in[i]]) {
            out[n++] = in[i++];
        }

        if (i == len) {
            return n;
        }

        if (n == size) {
            *flags |= DEBAR_TEXT_CUT;
            return n;
        }

        used = debar_decode_one(in + i, len - i, plus, bytes, &nbytes);

        if (used == 0) {
            out[n++] = in[i++];
            continue;
        }

        if (nbytes > size - n) {
            *flags |= DEBAR_TEXT_CUT;
            return n;
        }

        *changed |= in[i] == '+' ? 1 : 2;

        memcpy(out + n, bytes, nbytes);
        n += nbytes;
        i += used;
    }
}


size_t
debar_text_decode(char *out, size_t size, const char *in, size_t len,
    int plus, unsigned *flags, unsigned *rounds)
{
    size_t          i, n;
    uint8_t         bytes[4];
    unsigned        changed, nbytes, round;
    const uint8_t  *p;

    *flags = 0;
    *rounds = 0;

    n = len;
    p = (const uint8_t *) in;

    for (round = 0; round < DEBAR_DECODE_DEPTH; round++) {
        changed = 0;
        n = debar_decode_round((uint8_t *) out, size, p, n, plus, &changed,
                               flags);
        p = (uint8_t *) out;
        plus = 0;

        if (changed == 0) {
            return n;
        }

        *flags |= DEBAR_TEXT_DECODED;
        *rounds = round + 1;
    }

    for (i = 0; i < n; i++) {
        if (debar_decode_byte[p[i]]
            && debar_decode_one(p + i, n - i, 0, bytes, &nbytes))
        {
            *flags |= DEBAR_TEXT_DEPTH;
            break;
        }
    }

    return n;
}

/*
 * What a field means by its name alone: the words of the channels ("fields"),
 * whatever its spelling, and the ways in which forms write lists.
 */

#include "document_private.h"


#define DEBAR_NAME_WORDS  16


static inline int
debar_is_digit(char c)
{
    return c >= '0' && c <= '9';
}


static inline int
debar_is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
           || (unsigned char) c >= 0x80;
}


static int
debar_name_word(debar_list_t *list, const char *p, size_t len, unsigned *role)
{
    *role = debar_field_role(list, debar_str(p, len));

    if (*role == DEBAR_ROLE_OTHER && len > 3
        && (p[len - 1] == 's' || p[len - 1] == 'S'))
    {
        *role = debar_field_role(list, debar_str(p, len - 1));
    }

    return *role != DEBAR_ROLE_OTHER;
}


unsigned
debar_name_role(debar_list_t *list, debar_str_t name)
{
    size_t    i, n, begins[DEBAR_NAME_WORDS];
    unsigned  role;

    if (name.len > DEBAR_DOC_NAME) {
        name.data += name.len - DEBAR_DOC_NAME;
        name.len = DEBAR_DOC_NAME;
    }

    if (name.len == 0) {
        return DEBAR_ROLE_OTHER;
    }

    /* where words begin: behind a separator, at a capital of camelCase */

    for (i = 0, n = 0; i < name.len && n < DEBAR_NAME_WORDS; i++) {

        if (!debar_is_letter(name.data[i])) {
            continue;
        }

        if (i == 0 || !debar_is_letter(name.data[i - 1])
            || (name.data[i] >= 'A' && name.data[i] <= 'Z'
                && (name.data[i - 1] >= 'a' || (i + 1 < name.len
                                                && name.data[i + 1] >= 'a'))))
        {
            begins[n++] = i;
        }
    }

    if (debar_name_word(list, name.data, name.len, &role)) {
        return role;
    }

    for (i = 0; i < n; i++) {
        if (begins[i] != 0
            && debar_name_word(list, name.data + begins[i],
                               name.len - begins[i], &role))
        {
            return role;
        }
    }

    return DEBAR_ROLE_OTHER;
}


/*
 * The number in a form's name: "[2]", ".2.", "_2", "2" at its end.  *from and
 * *to are what it takes with its brackets.
 */

static uint32_t
debar_form_index(debar_str_t name, size_t *from, size_t *to)
{
    size_t    i, k;
    uint32_t  n;
    unsigned  pass;

    for (pass = 0; pass < 2; pass++) {
        for (i = 0; i < name.len; i = k) {

            k = i + 1;

            if (!debar_is_digit(name.data[i])) {
                continue;
            }

            for (k = i, n = 0; k < name.len && debar_is_digit(name.data[k]); k++)
            {
                n = n * 10 + (name.data[k] - '0');

                if (n > 1000000) {
                    n = 1000000;
                }
            }

            if (pass == 0) {
                if (i > 0 && name.data[i - 1] == '[' && k < name.len
                    && name.data[k] == ']')
                {
                    *from = i - 1;
                    *to = k + 1;

                    return n + 1;
                }

                continue;
            }

            /* in the middle only where it stands by itself */

            if (i > 0 && (k == name.len || !debar_is_letter(name.data[k]))
                && (k == name.len || !debar_is_letter(name.data[i - 1])))
            {
                *from = debar_is_letter(name.data[i - 1]) ? i : i - 1;
                *to = k;

                return n + 1;
            }
        }
    }

    *from = name.len;
    *to = name.len;

    return 0;
}


size_t
debar_form_base(char *out, size_t size, debar_str_t name, uint32_t *index)
{
    size_t  from, to, n, rest;

    *index = debar_form_index(name, &from, &to);

    /* ":132[]" of a long text is behind its number and says nothing */

    rest = name.len - to;

    if (rest && name.data[to] == ':') {
        rest = 0;
    }

    n = from < size ? from : size;

    if (n != 0) {
        memcpy(out, name.data, n);
    }

    if (rest > size - n) {
        rest = size - n;
    }

    if (rest != 0) {
        memcpy(out + n, name.data + to, rest);
    }

    return n + rest;
}


unsigned
debar_form_role(debar_list_t *list, debar_str_t name, uint32_t *index,
    unsigned *covered)
{
    char      base[DEBAR_DOC_NAME * 2];
    size_t    n, i, from;
    unsigned  role, part;

    n = debar_form_base(base, sizeof(base), name, index);

    *covered = DEBAR_ROLE_OTHER;
    role = DEBAR_ROLE_OTHER;

    for (from = 0, i = 0; i <= n; i++) {

        if (i < n && base[i] != '[' && base[i] != ']' && base[i] != '.'
            && base[i] != '/' && base[i] != ':')
        {
            continue;
        }

        if (i > from) {
            if (debar_role_aside(role)) {
                *covered = role;
            }

            part = debar_name_role(list, debar_str(base + from, i - from));

            if (part != DEBAR_ROLE_OTHER) {
                role = part;
            }
        }

        from = i + 1;
    }

    return role;
}


int
debar_is_prose(debar_str_t s)
{
    size_t  i, blanks;

    if (s.len <= 200) {
        return 0;
    }

    for (i = 0, blanks = 0; i < s.len; i++) {
        blanks += s.data[i] == ' ' || s.data[i] == '\n';
    }

    return blanks * 16 > s.len;
}


int
debar_is_zero(debar_str_t s)
{
    size_t    i;
    unsigned  zeros;

    for (i = 0, zeros = 0; i < s.len; i++) {
        if (s.data[i] == '0') {
            zeros++;

        } else if (s.data[i] != '.' && s.data[i] != ',' && s.data[i] != ' ') {
            return 0;
        }
    }

    return zeros != 0;
}


static int
debar_one_of(debar_str_t s, const debar_str_t *words, size_t n)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        if (s.len == words[i].len
            && strncasecmp(s.data, words[i].data, s.len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


int
debar_key_values(debar_document_t *d, uint32_t first, unsigned depth)
{
    uint32_t          i;
    unsigned          role;
    debar_pending_t  *p, *key, *value;

    static const debar_str_t  keys[] = {
        debar_string("key"), debar_string("name"), debar_string("attribute"),
        debar_string("field"), debar_string("label"), debar_string("property"),
        debar_string("option"), debar_string("param"),
        debar_string("parameter"), debar_string("@name"), debar_string("@key")
    };
    static const debar_str_t  values[] = {
        debar_string("value"), debar_string("val"), debar_string("values"),
        debar_string("@value")
    };

    key = NULL;
    value = NULL;

    for (i = first; i < d->nfields; i++) {
        p = &d->fields[i];

        if (p->depth != depth) {
            continue;
        }

        if (debar_one_of(debar_pending_name(d, p), values,
                         sizeof(values) / sizeof(values[0])))
        {
            value = p;

        } else if (key == NULL
                   && debar_one_of(debar_pending_name(d, p), keys,
                                   sizeof(keys) / sizeof(keys[0])))
        {
            key = p;
        }
    }

    if (key == NULL || value == NULL) {
        return 0;
    }

    role = debar_name_role(d->list, debar_pending_value(d, key));

    if (role != DEBAR_ROLE_OTHER) {
        value->role = role;
        value->settled = 1;
        value->zero = role == DEBAR_ROLE_QUANTITY
                      && debar_is_zero(debar_pending_value(d, value));
    }

    return role != DEBAR_ROLE_OTHER;
}

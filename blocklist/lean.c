/*
 * The lean pass: see lean.h.  A reader (lean_read.c) gives the names and the
 * values of a body; here each is asked for what only some have, and then all
 * of the text at once for names, part numbers and GTINs.
 *
 * What is asked is more than the engine asks, never less: values count as what
 * any name in the body could make them, names of the list are found across the
 * ends of values, none hides another.
 */

#include <stdlib.h>
#include <strings.h>

#include "lean_private.h"
#include "document_private.h"


#define NO   (DEBAR_LEAN_NO64|DEBAR_LEAN_NOHEX|DEBAR_LEAN_NOGTIN)
#define BAD  (DEBAR_LEAN_BAD|NO|DEBAR_LEAN_JSON|DEBAR_LEAN_FORM|DEBAR_LEAN_XML)

const uint16_t  debar_lean_byte[256] = {
    [0 ... 8]       = BAD,
    ['\t']          = DEBAR_LEAN_NOHEX|DEBAR_LEAN_NOGTIN|DEBAR_LEAN_BLANK
                      |DEBAR_LEAN_JSON,
    ['\n']          = DEBAR_LEAN_NOGTIN|DEBAR_LEAN_BLANK|DEBAR_LEAN_JSON,
    [11 ... 12]     = BAD,
    ['\r']          = DEBAR_LEAN_NOGTIN|DEBAR_LEAN_BLANK|DEBAR_LEAN_JSON
                      |DEBAR_LEAN_XML,
    [14 ... 31]     = BAD,
    [' ']           = DEBAR_LEAN_SPACE,
    ['!']           = NO,
    ['"']           = NO|DEBAR_LEAN_JSON|DEBAR_LEAN_XML,
    ['#' ... '$']   = NO,
    ['%']           = NO|DEBAR_LEAN_CODE|DEBAR_LEAN_FORM,
    ['&']           = NO|DEBAR_LEAN_CODE|DEBAR_LEAN_FORM|DEBAR_LEAN_XML,
    ['\'']          = NO|DEBAR_LEAN_XML,
    ['(' ... '*']   = NO,
    ['+']           = DEBAR_LEAN_NOHEX|DEBAR_LEAN_NOGTIN|DEBAR_LEAN_FORM,
    [',']           = DEBAR_LEAN_NO64|DEBAR_LEAN_NOGTIN,
    ['-']           = DEBAR_LEAN_NAME,
    ['.']           = NO|DEBAR_LEAN_DOT|DEBAR_LEAN_NAME,
    ['/']           = DEBAR_LEAN_NOHEX|DEBAR_LEAN_NOGTIN|DEBAR_LEAN_SLASH,
    ['0' ... '9']   = DEBAR_LEAN_NAME,
    [':']           = DEBAR_LEAN_NO64|DEBAR_LEAN_NOGTIN|DEBAR_LEAN_COLON
                      |DEBAR_LEAN_NAME,
    [';']           = NO,
    ['<']           = NO|DEBAR_LEAN_XML,
    ['=']           = DEBAR_LEAN_NOHEX|DEBAR_LEAN_NOGTIN|DEBAR_LEAN_MORE
                      |DEBAR_LEAN_FORM,
    ['>']           = NO|DEBAR_LEAN_XML,
    ['?' ... '@']   = NO,
    ['A' ... 'F']   = DEBAR_LEAN_NOGTIN|DEBAR_LEAN_NAME,
    ['G' ... 'W']   = DEBAR_LEAN_NOHEX|DEBAR_LEAN_NOGTIN|DEBAR_LEAN_NAME,
    ['X']           = DEBAR_LEAN_NOGTIN|DEBAR_LEAN_NAME,
    ['Y' ... 'Z']   = DEBAR_LEAN_NOHEX|DEBAR_LEAN_NOGTIN|DEBAR_LEAN_NAME,
    ['[']           = NO|DEBAR_LEAN_MORE,
    ['\\']          = DEBAR_LEAN_NO64|DEBAR_LEAN_NOGTIN|DEBAR_LEAN_CODE
                      |DEBAR_LEAN_SLASH|DEBAR_LEAN_JSON,
    [']' ... '^']   = NO,
    ['_']           = DEBAR_LEAN_NOHEX|DEBAR_LEAN_NOGTIN|DEBAR_LEAN_NAME,
    ['`']           = NO,
    ['a' ... 'f']   = DEBAR_LEAN_NOGTIN|DEBAR_LEAN_NAME,
    ['g' ... 'w']   = DEBAR_LEAN_NOHEX|DEBAR_LEAN_NOGTIN|DEBAR_LEAN_NAME,
    ['x']           = DEBAR_LEAN_NOGTIN|DEBAR_LEAN_NAME,
    ['y' ... 'z']   = DEBAR_LEAN_NOHEX|DEBAR_LEAN_NOGTIN|DEBAR_LEAN_NAME,
    ['{']           = NO|DEBAR_LEAN_MORE,
    ['|' ... '~']   = NO,
    [127 ... 255]   = BAD
};

#undef NO
#undef BAD


static inline int
debar_lean_slash(char c)
{
    return c == '/' || c == '\\';
}


/* --- roles ---------------------------------------------------------------- */

#define DEBAR_LEAN_EVERY  ((1u << DEBAR_ROLES) - 1)


static uint32_t
debar_lean_bit(unsigned role)
{
    return 1u << role;
}


/* Whether a path ends with this name: as debar_path_fits() has it, and more. */

static int
debar_lean_mark(debar_str_t path, debar_str_t name)
{
    size_t  i;

    for (i = path.len; i > 0 && path.data[i - 1] != '/'; i--) { /* void */ }

    path.data += i;
    path.len -= i;

    if (path.len != 0 && path.data[path.len - 1] == '*') {
        path.len--;

        return name.len >= path.len
               && strncasecmp(name.data, path.data, path.len) == 0;
    }

    return path.len == name.len
           && strncasecmp(name.data, path.data, name.len) == 0;
}


/* Whether a format that begins here, of marks that follow each other, can be
 * one of a body that is plain; *next: the mark behind it. */

static int
debar_lean_format(debar_list_t *list, size_t first, size_t *next)
{
    size_t       i;
    uint32_t     syntaxes;
    debar_str_t  id, other;

    id = debar_list_text(list, list->marks[first].format);
    syntaxes = 0;

    for (i = first; i < list->nmarks; i++) {
        other = debar_list_text(list, list->marks[i].format);

        if (id.len != other.len
            || strncasecmp(id.data, other.data, id.len) != 0)
        {
            break;
        }

        syntaxes |= list->marks[i].syntaxes;
    }

    *next = i;

    return (syntaxes & (1u << DEBAR_SYNTAX_FORM | 1u << DEBAR_SYNTAX_JSON
                        | 1u << DEBAR_SYNTAX_XML)) != 0;
}


/* The roles that formats give a field or a container of this name. */

static uint32_t
debar_lean_marks(debar_list_t *list, debar_str_t name, debar_str_t plain)
{
    size_t               i, next;
    uint32_t             roles;
    debar_str_t          path;
    const debar_mark_t  *m;

    roles = 0;

    for (i = 0; i < list->nmarks; i = next) {

        if (!debar_lean_format(list, i, &next)) {
            continue;
        }

        for ( /* void */ ; i < next; i++) {
            m = &list->marks[i];
            path = debar_list_text(list, m->path);

            if ((m->use == DEBAR_MARK_FIELD || m->use == DEBAR_MARK_JOIN)
                && (debar_lean_mark(path, name)
                    || debar_lean_mark(path, plain)))
            {
                roles |= debar_lean_bit(m->role);
            }
        }
    }

    return roles;
}


/* As debar_request_event() has it, and more. */

static uint32_t
debar_lean_request(debar_str_t name)
{
    size_t  i;

    static const debar_str_t  targets[] = {
        debar_string("url"), debar_string("uri"), debar_string("relative_url"),
        debar_string("relativeUrl"), debar_string("path")
    };

    if (name.len && name.data[0] == '@') {
        name.data++;
        name.len--;
    }

    if (name.len == 6 && strncasecmp(name.data, "method", 6) == 0) {
        return DEBAR_LEAN_METHOD;
    }

    for (i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        if (name.len == targets[i].len
            && strncasecmp(name.data, targets[i].data, name.len) == 0)
        {
            return DEBAR_LEAN_TARGET;
        }
    }

    return 0;
}


/* Every role that a field or a container of this name may give. */

static uint32_t
debar_lean_roles(debar_list_t *list, debar_str_t name)
{
    char         base[DEBAR_DOC_NAME * 2];
    size_t       i;
    uint32_t     index, roles;
    unsigned     covered;
    debar_str_t  plain;

    static const debar_str_t  values[] = {
        debar_string("value"), debar_string("val"), debar_string("values"),
        debar_string("@value")
    };

    /* what its key says it is, which is a value itself */

    for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        if (name.len == values[i].len
            && strncasecmp(name.data, values[i].data, name.len) == 0)
        {
            return DEBAR_LEAN_EVERY;
        }
    }

    roles = debar_lean_bit(debar_name_role(list, name));
    roles |= debar_lean_bit(debar_form_role(list, name, &index, &covered));
    roles |= debar_lean_bit(covered);

    plain = debar_str(base, debar_form_base(base, sizeof(base), name, &index));

    return roles | debar_lean_marks(list, name, plain)
           | debar_lean_request(name);
}


static uint32_t
debar_lean_known(debar_lean_pass_t *l, debar_str_t name)
{
    uint64_t            hash;
    unsigned            set, way;
    debar_lean_t       *room = l->room;
    debar_lean_name_t  *n;

    hash = debar_hash(name.data, name.len);
    set = (hash ^ hash >> 32) & (DEBAR_LEAN_SETS - 1);

    for (way = 0; way < DEBAR_LEAN_WAYS; way++) {
        n = &room->names[set][way];

        if (n->len == name.len && memcmp(n->data, name.data, name.len) == 0) {
            return n->roles;
        }
    }

    n = &room->names[set][room->next[set]++ % DEBAR_LEAN_WAYS];
    n->roles = debar_lean_roles(l->list, name);
    n->len = name.len;
    memcpy(n->data, name.data, name.len);

    return n->roles;
}


/*
 * "items[12][sku]" as "items[0][sku]": the first number in brackets is what
 * debar_form_base() takes out, and the roles of a form's field are those of what
 * is left.
 */

static size_t
debar_lean_unnumbered(char *out, const char *name, size_t len)
{
    size_t       from, to;
    const char  *p;

    for (p = name; (p = memchr(p, '[', name + len - p)) != NULL; p++) {

        from = p + 1 - name;

        for (to = from; to < len && name[to] >= '0' && name[to] <= '9'; to++) {
            /* void */
        }

        if (to > from && to < len && name[to] == ']') {
            memcpy(out, name, from);
            out[from] = '0';
            memcpy(out + from + 1, name + to, len - to);

            return len - (to - from) + 1;
        }
    }

    memcpy(out, name, len);

    return len;
}


/* A name is judged, too: it may be goods. */

int
debar_lean_name(debar_lean_pass_t *l, const char *name, size_t len,
    unsigned bytes, int form)
{
    char  plain[DEBAR_LEAN_SPELT + 1];

    if (len == 0) {
        return 1;
    }

    if (len > DEBAR_LEAN_SPELT || (bytes & (DEBAR_LEAN_BAD|DEBAR_LEAN_CODE))
        || ((bytes & DEBAR_LEAN_COLON) && (bytes & DEBAR_LEAN_SLASH))
        || (len > 2 && debar_lean_slash(name[0]) && debar_lean_slash(name[1])))
    {
        return 0;
    }

    if (form) {
        len = debar_lean_unnumbered(plain, name, len);
        name = plain;
    }

    l->roles |= debar_lean_known(l, debar_str(name, len));

    return 1;
}


/* --- values --------------------------------------------------------------- */

/* Whether a value may be an encoding or a document: what debar_peel_look_value()
 * wants of its first bytes, or of all of them. */

static int
debar_lean_may_be_more(const debar_lean_value_t *v)
{
    size_t          i, n, spaces;
    const uint8_t  *p = (const uint8_t *) v->data;

    if (v->bytes & (DEBAR_LEAN_CODE|DEBAR_LEAN_MORE)) {
        return 1;
    }

    switch (p[0]) {

    case ' ': case '\t': case '\r': case '\n':
    case '<': case '[': case '"': case ')': case '-': case '#':
        return 1;

    case 'I': case 'U':
        if (v->len >= 9 && (p[1] == 'S' || p[1] == 'N')) {
            return 1;                     /* EDI */
        }

        break;

    case 'e':
        if ((v->bytes & DEBAR_LEAN_DOT) && v->len >= 20) {
            return 1;                     /* a token */
        }

        break;

    case 'd': case 'D':
        if (v->bytes & DEBAR_LEAN_COLON) {
            return 1;
        }

        break;

    case '(': case '8': case 'H': case 'X': case 'h': case 'x':
        if (v->len >= 4 && (p[0] << 8 | p[1]) % 31 == 0) {
            return 1;
        }
    }

    if (!(v->bytes & DEBAR_LEAN_NOHEX) && v->len >= 16) {
        return 1;
    }

    if ((v->bytes & DEBAR_LEAN_NO64) || v->len < 8) {
        return 0;
    }

    /* one alphabet or the other */

    if ((v->bytes & DEBAR_LEAN_SLASH) && memchr(p, '-', v->len) != NULL) {
        return 0;
    }

    if (!(v->bytes & DEBAR_LEAN_SPACE)) {
        return v->len % 4 != 1 || (v->bytes & DEBAR_LEAN_BLANK);
    }

    /* words parted by spaces are no base64 */

    for (n = v->len; n > 0 && p[n - 1] <= ' '; n--) { /* void */ }

    for (i = 0, spaces = 0; i < n; i++) {
        spaces += p[i] == ' ';
    }

    return spaces * 16 <= n;
}


/* Whether nothing was found; what was found is not kept. */

static int
debar_lean_nothing(debar_lean_pass_t *l)
{
    const debar_verdict_t  *v = &l->room->found;

    return v->nevidence == 0 && !v->cut && !v->more;
}


/* The value as a part number: its letters and digits alone. */

static int
debar_lean_part(debar_lean_pass_t *l, const char *data, size_t len)
{
    char            part[DEBAR_MAX_IDENT + 1];
    size_t          i, n;
    debar_list_t   *list = l->list;
    unsigned char   c;

    for (i = 0, n = 0; i < len && n <= DEBAR_MAX_IDENT; i++) {
        c = data[i];
        part[n] = c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c;
        n += (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')
             || c == '*';
    }

    if (n > DEBAR_MAX_IDENT) {
        return 1;
    }

    debar_match_id(list, &l->room->found, DEBAR_KIND_PART_NUMBER, "", part, n,
                   0, DEBAR_BLOCK);
    debar_match_exprs(list, &l->room->found, DEBAR_KIND_PART_NUMBER, "", part,
                      n, DEBAR_BLOCK);

    return debar_lean_nothing(l);
}


/* The value as a number of the shop's own: as debar_body_shop() has it. */

static int
debar_lean_shop(debar_lean_pass_t *l, const debar_lean_value_t *v)
{
    char          ident[DEBAR_MAX_KEY], key[DEBAR_MAX_KEY], *p;
    size_t        i, klen;
    unsigned      k;

    for (k = 0; k < l->nshops; k++) {

        if (l->shops[k].len > DEBAR_MAX_IDENT) {
            continue;
        }

        memcpy(ident, "shop:", 5);
        memcpy(ident + 5, l->shops[k].data, l->shops[k].len);
        p = ident + 5 + l->shops[k].len;
        *p++ = '/';

        for (i = 0; i < v->len; i++) {
            *p++ = v->data[i] >= 'A' && v->data[i] <= 'Z' ? v->data[i] | 0x20
                                                          : v->data[i];
        }

        if (debar_id_may_be(l->list, key, &klen, DEBAR_KIND_PACKAGE, ident,
                            p - ident))
        {
            debar_match_id(l->list, &l->room->found, DEBAR_KIND_PACKAGE, "",
                           ident, p - ident, 0, DEBAR_BLOCK);
        }
    }

    return debar_lean_nothing(l);
}


/* What a value is asked for its role alone. */

static int
debar_lean_in_role(debar_lean_pass_t *l, const debar_lean_value_t *v)
{
    char              gtin[DEBAR_MAX_IDENT];
    size_t            n;
    debar_list_t     *list = l->list;
    debar_verdict_t  *found = &l->room->found;

    if (l->roles & (1u << DEBAR_ROLE_PART | 1u << DEBAR_ROLE_SUPPLIER_PART)) {

        if (list->has[DEBAR_KIND_PART_NUMBER]
            && !debar_lean_part(l, v->data, v->len))
        {
            return 0;
        }

        if (list->has[DEBAR_KIND_PACKAGE] && v->len <= DEBAR_SHOP_ITEM
            && !debar_lean_shop(l, v))
        {
            return 0;
        }
    }

    if ((l->roles & 1u << DEBAR_ROLE_GTIN)
        && !(v->bytes & DEBAR_LEAN_NOGTIN) && list->has[DEBAR_KIND_GTIN])
    {
        n = debar_ident_gtin(gtin, sizeof(gtin), v->data, v->len);
        debar_match_id(list, found, DEBAR_KIND_GTIN, "", gtin, n, 0,
                       DEBAR_BLOCK);
    }

    if ((l->roles & 1u << DEBAR_ROLE_FILE) && list->has[DEBAR_KIND_FILE]) {
        debar_match_file(list, found, "", v->data, v->len, DEBAR_LOG);
    }

    if ((l->roles & 1u << DEBAR_ROLE_PACKAGE)
        && list->has[DEBAR_KIND_PACKAGE])
    {
        debar_match_package(list, found, "", v->data, v->len, DEBAR_BLOCK);
    }

    return debar_lean_nothing(l);
}


/* --- all of the text ------------------------------------------------------ */

static int
debar_lean_hit(void *data, uint32_t term, size_t off, size_t len)
{
    return DEBAR_DECLINED;
}


/* Part numbers and GTINs among tokens: as debar_match_tokens() finds them. */

static int
debar_lean_tokens(debar_lean_pass_t *l, const char *p, size_t len)
{
    char             gtin[DEBAR_MAX_IDENT];
    size_t           from, i, n;
    unsigned         digits;
    debar_list_t    *list = l->list;

    for (from = 0; from < len; from = i + 1) {

        for (i = from, digits = 0; i < len && p[i] > ' '; i++) {
            digits += p[i] <= '9';
        }

        n = i - from;

        if (digits == 0) {
            continue;
        }

        if (digits < n) {
            if (list->has[DEBAR_KIND_PART_NUMBER] && n >= 4
                && !debar_lean_part(l, p + from, n))
            {
                return 0;
            }

        } else if (debar_gtin_length(n) && list->has[DEBAR_KIND_GTIN]) {
            n = debar_ident_gtin(gtin, sizeof(gtin), p + from, n);
            debar_match_id(list, &l->room->found, DEBAR_KIND_GTIN, "", gtin, n,
                           0, DEBAR_BLOCK);

            if (!debar_lean_nothing(l)) {
                return 0;
            }
        }
    }

    return 1;
}


static int
debar_lean_text(debar_lean_pass_t *l, const char *data, size_t len)
{
    char           *tokens = l->room->tokens;
    size_t          n;
    unsigned        flags;
    debar_list_t   *list = l->list;

    n = debar_text_block(tokens, data, len, &flags);

    return flags == 0
           && debar_term_scan(&l->room->terms, list->entries, list->rules,
                              tokens, n, debar_lean_hit, NULL) == DEBAR_OK
           && ((!list->has[DEBAR_KIND_PART_NUMBER]
                && !list->has[DEBAR_KIND_GTIN])
               || debar_lean_tokens(l, tokens, n));
}


static int
debar_lean_look(debar_lean_pass_t *l, const debar_lean_value_t *v)
{
    unsigned          flags, role, rounds;
    debar_list_t     *list = l->list;

    if (v->len == 0) {
        return 1;
    }

    if (debar_lean_may_be_more(v)
        && debar_peel_look_value(v->data, v->len) != NULL)
    {
        return 0;
    }

    if (v->bytes & DEBAR_LEAN_CODE) {
        (void) debar_text_decode(list->decoded, sizeof(list->decoded), v->data,
                                 v->len, 0, &flags, &rounds);
        if (flags) {
            return 0;
        }
    }

    role = l->roles & 1u << DEBAR_ROLE_URL ? DEBAR_ROLE_URL : DEBAR_ROLE_OTHER;

    if (((v->bytes & DEBAR_LEAN_COLON) && (v->bytes & DEBAR_LEAN_SLASH))
        || debar_lean_slash(v->data[0])
        || (role == DEBAR_ROLE_URL && (v->bytes & DEBAR_LEAN_DOT)))
    {
        debar_match_mentions(list, &l->room->found, v->data, v->len, "", role);
    }

    return debar_lean_in_role(l, v);
}


/* --- the pass ------------------------------------------------------------- */

static int debar_lean_room(debar_list_t *list);


int
debar_lean_sign(debar_list_t *list, const char *data, size_t len)
{
    size_t             n;
    unsigned           flags;
    debar_lean_pass_t  l;

    if (!debar_lean_room(list)) {
        return 1;
    }

    memset(&l, 0, sizeof(debar_lean_pass_t));
    l.list = list;
    l.room = list->lean;
    l.room->found.nevidence = 0;
    l.room->found.cut = 0;
    l.room->found.more = 0;

    n = debar_text_tokens(l.room->tokens, sizeof(l.room->tokens), data, len,
                          NULL, &flags);

    return debar_term_scan(&list->terms, list->entries, list->rules,
                           l.room->tokens, n, debar_lean_hit, NULL) != DEBAR_OK
           || !debar_lean_tokens(&l, l.room->tokens, n);
}


static int
debar_lean_room(debar_list_t *list)
{
    debar_lean_t  *room;

    if (list->lean) {
        return 1;
    }

    room = malloc(sizeof(debar_lean_t));

    if (room == NULL) {
        return 0;
    }

    memset(room, 0, offsetof(debar_lean_t, values));
    room->terms = list->terms;
    room->terms.longest_not = 0;
    list->lean = room;

    return 1;
}


void
debar_lean_free(debar_list_t *list)
{
    free(list->lean);
    list->lean = NULL;
}


static int
debar_lean_read(debar_lean_pass_t *l, const debar_peel_input_t *in)
{
    size_t                 i, n;
    const debar_reader_t  *r;

    /* as the engine begins, with as many bytes as it */

    n = l->end - l->data;

    /* the one charset in which ASCII is not ASCII */

    for (i = 0; i + 5 <= in->content_type.len; i++) {
        if (strncasecmp(in->content_type.data + i, "utf-7", 5) == 0) {
            return 0;
        }
    }

    r = n < DEBAR_PEEL_BLOCK ? debar_peel_look(in, l->data, n, 1)
                             : debar_peel_look(in, l->data, DEBAR_PEEL_BLOCK,
                                               0);

    if (r == &debar_reader_media) {
        l->data = NULL;                  /* nothing of it is read */
        return 1;
    }

    return (r == &debar_reader_form && debar_lean_form(l))
           || (r == &debar_reader_json && debar_lean_json(l))
           || (r == &debar_reader_xml && debar_lean_xml(l));
}


int
debar_lean_clean(debar_list_t *list, const debar_host_t *host,
    const debar_peel_input_t *in, const debar_peel_limits_t *limits,
    const char *data, size_t len)
{
    size_t              i;
    debar_lean_pass_t   l;

    if (len == 0 || len > DEBAR_LEAN_MOST || in->content_encoding.len != 0
        || in->syntax != DEBAR_SYNTAX_TEXT || limits->held < DEBAR_LEAN_MOST
        || !debar_lean_room(list))
    {
        return 0;
    }

    memset(&l, 0, sizeof(debar_lean_pass_t));

    l.list = list;
    l.room = list->lean;
    l.data = data;
    l.end = data + len;
    l.put = l.room->decoded;
    l.nshops = debar_body_shops(host, l.shops);
    l.most = limits->leaves < DEBAR_LEAN_VALUES ? limits->leaves
                                                : DEBAR_LEAN_VALUES;
    l.levels = limits->nesting <= DEBAR_LEAN_LEVELS ? limits->nesting / 2
                                                    : DEBAR_LEAN_LEVELS;
    l.room->found.nevidence = 0;
    l.room->found.cut = 0;
    l.room->found.more = 0;

    if (!debar_lean_read(&l, in)
        || (l.roles & DEBAR_LEAN_REQUEST) == DEBAR_LEAN_REQUEST)
    {
        return 0;
    }

    for (i = 0; i < l.nvalues; i++) {
        if (!debar_lean_look(&l, &l.room->values[i])) {
            return 0;
        }
    }

    /* of a form all of it was decoded */

    return (l.put == l.room->decoded
            || debar_lean_text(&l, l.room->decoded, l.put - l.room->decoded))
           && (l.data == NULL || debar_lean_text(&l, data, len));
}

/*
 * vendors/: a vendor a file, with its identifiers, products and permits.
 */

#include <stdio.h>
#include <stdlib.h>

#include "guard.h"
#include "ident.h"
#include "text.h"


typedef struct {
    debar_doc_t  *doc;
    uint32_t      entry;
    uint32_t      product;        /* of the rows being read, or DEBAR_NONE */
    uint64_t      authorities;
    debar_set_t   seen;           /* kind, authorities, flags, key -> line */
    debar_set_t   products;       /* id -> line */
    debar_set_t   permits;        /* authorities, key -> line */
} debar_vendor_t;

/* Values of a map: its own keys first, then two for each kind of value. */

#define DEBAR_VENDOR_KEYS    5
#define DEBAR_PRODUCT_KEYS   2
#define DEBAR_MAX_KEYS       (DEBAR_VENDOR_KEYS + 2 * DEBAR_VALUE_KINDS + 1)

static const debar_yaml_key_t  debar_vendor_keys[DEBAR_VENDOR_KEYS] = {
    { "id", 1 }, { "name", 1 }, { "authorities", 1 }, { "products", 0 },
    { "permits", 0 }
};

static const debar_yaml_key_t  debar_product_keys[DEBAR_PRODUCT_KEYS] = {
    { "id", 1 }, { "name", 1 }
};


static int debar_vendor_map(debar_doc_t *doc, const debar_node_t *node,
    const char *what, const debar_yaml_key_t *own, size_t nown, unsigned flags,
    const debar_node_t **values);
static void debar_vendor_kinds(debar_vendor_t *vendor, unsigned flags,
    const debar_node_t **values);
static void debar_vendor_ecosystems(debar_vendor_t *vendor,
    const debar_value_kind_t *kind, const debar_node_t *node);
static void debar_vendor_rows(debar_vendor_t *vendor,
    const debar_value_kind_t *kind, const debar_node_t *node,
    debar_str_t ecosystem);
static void debar_vendor_from(debar_vendor_t *vendor,
    const debar_value_kind_t *kind, const debar_node_t *node);
static void debar_vendor_row(debar_vendor_t *vendor,
    const debar_value_kind_t *kind, const debar_node_t *node,
    debar_str_t ecosystem);
static int debar_vendor_row_map(debar_vendor_t *vendor, debar_value_t *v,
    debar_rule_t *rule, const debar_node_t *node, const debar_node_t **value,
    unsigned *pattern);
static void debar_vendor_rule(debar_vendor_t *vendor,
    const debar_value_kind_t *kind, debar_rule_t *rule, unsigned *match);
static int debar_vendor_cap(debar_doc_t *doc, const debar_node_t *node,
    debar_rule_t *rule);
static int debar_vendor_seen(debar_vendor_t *vendor, const debar_value_t *v,
    const debar_rule_t *rule, const debar_node_t *node, debar_str_t said);
static void debar_vendor_product(debar_vendor_t *vendor,
    const debar_node_t *node);
static void debar_vendor_permit(debar_vendor_t *vendor,
    const debar_node_t *node);
static int debar_vendor_permit_key(debar_vendor_t *vendor,
    const debar_node_t *node, const debar_node_t *url,
    const debar_node_t *host, unsigned subdomains, char *key, size_t *len);


void
debar_source_vendor(debar_reader_t *r, debar_doc_t *doc)
{
    size_t               i, n;
    debar_str_t          id, name;
    debar_entry_t       *e;
    debar_vendor_t       vendor;
    const debar_node_t  *values[DEBAR_MAX_KEYS];

    memset(&vendor, 0, sizeof(debar_vendor_t));

    vendor.doc = doc;
    vendor.product = DEBAR_NONE;

    if (debar_vendor_map(doc, doc->root, "a vendor", debar_vendor_keys,
                         DEBAR_VENDOR_KEYS, 0, values)
        != DEBAR_OK)
    {
        r->no_vendors = 1;
        return;
    }

    e = debar_yaml_record(doc, doc->root, DEBAR_T_ENTRIES, DEBAR_MAX_RECORDS,
                          &vendor.entry);
    if (e == NULL) {
        return;
    }

    if (debar_yaml_id(doc, values[0], "id", &id) != DEBAR_OK) {
        r->no_vendors = 1;

    } else if (debar_set_add(&r->vendors, id.data, id.len, vendor.entry)) {
        debar_yaml_error(doc, values[0], "duplicate id: another file has a "
                         "vendor \"%.*s\"", (int) id.len, id.data);
    }

    e->id = debar_reader_text(r, id.data, id.len);

    debar_yaml_text(doc, values[1], "name", &name);
    e->name = debar_reader_text(r, name.data, name.len);

    if (values[2]) {
        debar_yaml_authorities(doc, values[2], "authorities", UINT64_MAX, "",
                               &e->authorities);
    }

    vendor.authorities = e->authorities;

    /* The guard rails ask for them. */

    n = debar_yaml_list(doc, values[4], "permits");

    for (i = 0; i < n; i++) {
        debar_vendor_permit(&vendor, values[4]->items[i]);
    }

    debar_vendor_kinds(&vendor, 0, values + DEBAR_VENDOR_KEYS);

    n = debar_yaml_list(doc, values[3], "products");

    for (i = 0; i < n; i++) {
        debar_vendor_product(&vendor, values[3]->items[i]);
    }

    debar_set_free(&vendor.seen);
    debar_set_free(&vendor.products);
    debar_set_free(&vendor.permits);
}


/* flags: kinds without them have no key here. */

static int
debar_vendor_map(debar_doc_t *doc, const debar_node_t *node, const char *what,
    const debar_yaml_key_t *own, size_t nown, unsigned flags,
    const debar_node_t **values)
{
    size_t                     i, n;
    debar_yaml_key_t           keys[DEBAR_MAX_KEYS];
    const debar_value_kind_t  *kind;

    memset(keys, 0, sizeof(keys));
    memcpy(keys, own, nown * sizeof(debar_yaml_key_t));
    n = nown;

    for (i = 0; i < DEBAR_VALUE_KINDS; i++) {
        kind = &debar_value_kinds[i];

        if ((kind->flags & flags) == flags) {
            keys[n++].name = kind->list;
            keys[n++].name = kind->from;
        }
    }

    return debar_yaml_map(doc, node, what, keys, values);
}


static void
debar_vendor_kinds(debar_vendor_t *vendor, unsigned flags,
    const debar_node_t **values)
{
    size_t                     i, n;
    debar_str_t                none;
    const debar_value_kind_t  *kind;

    n = 0;
    none = debar_str("", 0);

    for (i = 0; i < DEBAR_VALUE_KINDS; i++) {
        kind = &debar_value_kinds[i];

        if ((kind->flags & flags) != flags) {
            continue;
        }

        if (kind->flags & DEBAR_KIND_ECOSYSTEMS) {
            debar_vendor_ecosystems(vendor, kind, values[n]);
        } else {
            debar_vendor_rows(vendor, kind, values[n], none);
        }

        if (values[n + 1]) {
            debar_vendor_from(vendor, kind, values[n + 1]);
        }

        n += 2;
    }
}


static void
debar_vendor_ecosystems(debar_vendor_t *vendor,
    const debar_value_kind_t *kind, const debar_node_t *node)
{
    char         shown[96];
    size_t       i, k, n;
    debar_str_t  eco;

    n = debar_yaml_pairs(vendor->doc, node, "\"packages\"");

    for (i = 0; i < n; i++) {
        if (debar_yaml_text(vendor->doc, node->items[2 * i], "packages", &eco)
            != DEBAR_OK)
        {
            continue;
        }

        for (k = 0; k < eco.len; k++) {
            if (!((eco.data[k] >= 'a' && eco.data[k] <= 'z')
                  || (eco.data[k] >= '0' && eco.data[k] <= '9')
                  || (k && eco.data[k] == '-')))
            {
                break;
            }
        }

        if (k < eco.len || eco.len > DEBAR_MAX_ID) {
            debar_yaml_error(vendor->doc, node->items[2 * i], "%s is not an "
                             "ecosystem: lower-case letters, digits and \"-\"",
                             debar_shown(shown, eco.data, eco.len));
            continue;
        }

        debar_vendor_rows(vendor, kind, node->items[2 * i + 1], eco);
    }
}


static void
debar_vendor_rows(debar_vendor_t *vendor, const debar_value_kind_t *kind,
    const debar_node_t *node, debar_str_t ecosystem)
{
    size_t  i, n;

    n = debar_yaml_list(vendor->doc, node, kind->list);

    for (i = 0; i < n; i++) {
        debar_vendor_row(vendor, kind, node->items[i], ecosystem);
    }
}


static void
debar_vendor_from(debar_vendor_t *vendor, const debar_value_kind_t *kind,
    const debar_node_t *node)
{
    debar_rule_t   rule;
    debar_value_t  v;

    memset(&v, 0, sizeof(debar_value_t));

    v.kind = kind;
    debar_vendor_rule(vendor, kind, &rule, &v.match);
    v.rule = debar_reader_rule(vendor->doc->r, &rule);
    v.means = &rule;

    debar_source_from(vendor->doc->r, vendor->doc, node, &v);
}


static void
debar_vendor_row(debar_vendor_t *vendor, const debar_value_kind_t *kind,
    const debar_node_t *node, debar_str_t ecosystem)
{
    int                  rc;
    unsigned             pattern;
    debar_str_t          s;
    debar_rule_t         rule;
    debar_value_t        v;
    debar_fault_t        why;
    const debar_node_t  *value;

    v.kind = kind;
    v.ecosystem = ecosystem;
    v.means = &rule;
    v.forced = 0;
    v.suffix = 0;
    debar_vendor_rule(vendor, kind, &rule, &v.match);

    value = node;
    pattern = 0;

    if (node->type == DEBAR_NODE_LIST) {
        debar_yaml_error(vendor->doc, node, "a row of \"%s\" is a value or a "
                         "map, not a list", kind->list);
        return;
    }

    if (node->type == DEBAR_NODE_MAP
        && debar_vendor_row_map(vendor, &v, &rule, node, &value, &pattern)
           != DEBAR_OK)
    {
        return;
    }

    if (debar_yaml_text(vendor->doc, value, pattern ? "pattern" : kind->value,
                        &s)
        != DEBAR_OK)
    {
        return;
    }

    rc = pattern ? debar_value_pattern(&v, s.data, s.len, &why)
                 : debar_value_read(&v, s.data, s.len, &why);

    if (rc != DEBAR_OK && !(v.suffix && vendor->doc->r->guard)) {
        debar_yaml_error(vendor->doc, value, "%s", why.text);
        return;
    }

    if (rc != DEBAR_OK
        || (vendor->doc->r->guard && !v.forced
            && debar_guard_value(vendor->doc->r->guard, vendor->doc->r->src,
                                 &v, s.data, s.len, &why)
               != DEBAR_OK))
    {
        debar_yaml_error(vendor->doc, value, "%s; if it is meant, say why in "
                         "its row: forced: \"the reason\"", why.text);
        return;
    }

    if (debar_vendor_seen(vendor, &v, &rule, value, s)) {
        return;
    }

    v.rule = debar_reader_rule(vendor->doc->r, &rule);

    if (debar_value_add(vendor->doc->r, &v, s.data, s.len, &why) != DEBAR_OK) {
        debar_yaml_error(vendor->doc, value, "%s", why.text);
    }
}


/* {host: ..., subdomains: false, activity: browse, ...} */

static int
debar_vendor_row_map(debar_vendor_t *vendor, debar_value_t *v,
    debar_rule_t *rule, const debar_node_t *node, const debar_node_t **value,
    unsigned *pattern)
{
    char                       what[64];
    unsigned                   bad, flag;
    debar_doc_t               *doc;
    debar_str_t                s;
    const debar_node_t        *values[9];
    const debar_value_kind_t  *kind;

    doc = vendor->doc;
    kind = v->kind;

    debar_yaml_key_t  keys[] = {
        { kind->value, 0 }, { "source", 0 }, { "action", 0 },
        { "authorities", 0 }, { "activity", 0 }, { "forced", 0 }, { NULL, 0 },
        { NULL, 0 }, { NULL, 0 }
    };

    if (kind->flags & DEBAR_KIND_IS_NOT) {
        keys[2].name = NULL;
    }

    if (kind->flags & DEBAR_KIND_PATTERNS) {
        keys[6].name = "pattern";
    }

    if (kind->kind == DEBAR_KIND_HOST) {
        keys[7].name = "subdomains";
    }

    if (kind->kind == DEBAR_KIND_NAME) {
        keys[6].name = (kind->flags & DEBAR_KIND_IS_NOT) ? NULL : "match";
    }

    memset(values, 0, sizeof(values));
    snprintf(what, sizeof(what), "a row of \"%s\"", kind->list);

    if (debar_yaml_map(doc, node, what, keys, values) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    *pattern = (kind->flags & DEBAR_KIND_PATTERNS) && values[6];
    *value = *pattern ? values[6] : values[0];

    if (*value == NULL || (*pattern && values[0])) {
        debar_yaml_error(doc, node, "a row of \"%s\" needs \"%s\"%s",
                         kind->list, kind->value,
                         !(kind->flags & DEBAR_KIND_PATTERNS) ? ""
                         : *value ? " or \"pattern\", not both"
                                  : " or \"pattern\"");
        return DEBAR_ERROR;
    }

    bad = 0;

    if (values[1] && debar_yaml_text(doc, values[1], "source", &s) == DEBAR_OK)
    {
        rule->source = debar_reader_text(doc->r, s.data, s.len);
    }

    if (values[2]) {
        bad |= debar_vendor_cap(doc, values[2], rule) != DEBAR_OK;
    }

    if (values[3]) {
        bad |= debar_yaml_authorities(doc, values[3], "authorities",
                                      vendor->authorities, "its vendor",
                                      &rule->authorities)
               != DEBAR_OK;
    }

    if (values[4] && debar_yaml_activity(doc, values[4], &flag) == DEBAR_OK) {
        rule->floor = (uint8_t) flag;
    }

    if (values[5] && debar_yaml_text(doc, values[5], "forced", &s) == DEBAR_OK)
    {
        v->forced = 1;            /* the reason stays in the source */
    }

    if (values[7]
        && debar_yaml_bool(doc, values[7], "subdomains", &flag) == DEBAR_OK)
    {
        rule->flags = flag ? DEBAR_RULE_SUBDOMAINS : 0;
    }

    if (kind->kind == DEBAR_KIND_NAME && values[6]
        && debar_yaml_text(doc, values[6], "match", &s) == DEBAR_OK)
    {
        if (s.len == 8 && memcmp(s.data, "anywhere", 8) == 0) {
            v->match = DEBAR_TERM_ANYWHERE;

        } else if (s.len != 4 || memcmp(s.data, "word", 4) != 0) {
            debar_yaml_error(doc, values[6], "\"match\" is word or anywhere, "
                             "not \"%.*s\"", (int) (s.len > 64 ? 64 : s.len),
                             s.data);
        }
    }

    return bad ? DEBAR_ERROR : DEBAR_OK;
}


/* What a row means that says nothing more. */

static void
debar_vendor_rule(debar_vendor_t *vendor, const debar_value_kind_t *kind,
    debar_rule_t *rule, unsigned *match)
{
    memset(rule, 0, sizeof(debar_rule_t));

    rule->authorities = vendor->authorities;
    rule->entry = vendor->entry;
    rule->product = vendor->product;
    rule->kind = (uint8_t) kind->kind;
    rule->cap = DEBAR_BLOCK;
    rule->floor = (uint8_t) kind->floor;

    if (kind->kind == DEBAR_KIND_HOST) {
        rule->flags = DEBAR_RULE_SUBDOMAINS;
    }

    if (kind->kind == DEBAR_KIND_NAME && vendor->product != DEBAR_NONE) {
        rule->kind = DEBAR_KIND_PRODUCT_NAME;
    }

    *match = (kind->flags & DEBAR_KIND_IS_NOT) ? DEBAR_TERM_NOT
                                               : DEBAR_TERM_WORD;
}


static int
debar_vendor_cap(debar_doc_t *doc, const debar_node_t *node,
    debar_rule_t *rule)
{
    int          n;
    char         shown[96];
    debar_str_t  s;

    if (debar_yaml_text(doc, node, "action", &s) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    n = debar_action_by_name(s.data, s.len);

    if (n != DEBAR_LOG && n != DEBAR_BLOCK) {
        debar_yaml_error(doc, node, "\"action\" of a row is log or block, not "
                         "%s", debar_shown(shown, s.data, s.len));
        return DEBAR_ERROR;
    }

    rule->cap = (uint8_t) n;

    return DEBAR_OK;
}


/* The same value may be listed again for other authorities only. */

static int
debar_vendor_seen(debar_vendor_t *vendor, const debar_value_t *v,
    const debar_rule_t *rule, const debar_node_t *node, debar_str_t said)
{
    char       key[DEBAR_MAX_VALUE + 16], shown[96];
    uint64_t  *line;

    key[0] = (char) v->kind->kind;
    key[1] = (char) v->type;
    key[2] = (char) rule->flags;
    memcpy(key + 3, &rule->authorities, sizeof(uint64_t));
    memcpy(key + 11, v->key, v->len);

    line = debar_set_add(&vendor->seen, key, 11 + v->len, node->line);

    if (line == NULL) {
        return 0;
    }

    debar_yaml_error(vendor->doc, node, "duplicate row: %s is listed at line "
                     "%llu already", debar_shown(shown, said.data, said.len),
                     (unsigned long long) *line);

    return 1;
}


static void
debar_vendor_product(debar_vendor_t *vendor, const debar_node_t *node)
{
    uint64_t            *line;
    debar_doc_t         *doc;
    debar_str_t          id, name;
    debar_buf_t          key;
    debar_product_t     *p;
    const debar_node_t  *values[DEBAR_MAX_KEYS];

    doc = vendor->doc;

    if (debar_vendor_map(doc, node, "a product", debar_product_keys,
                         DEBAR_PRODUCT_KEYS, DEBAR_KIND_PRODUCTS, values)
        != DEBAR_OK)
    {
        return;
    }

    p = debar_yaml_record(doc, node, DEBAR_T_PRODUCTS, DEBAR_MAX_RECORDS,
                          &vendor->product);
    if (p == NULL) {
        return;
    }

    p->entry = vendor->entry;

    if (debar_yaml_id(doc, values[0], "id", &id) == DEBAR_OK) {
        line = debar_set_add(&vendor->products, id.data, id.len,
                             values[0]->line);
        if (line) {
            debar_yaml_error(doc, values[0], "duplicate id: product \"%.*s\" "
                             "is at line %llu already", (int) id.len, id.data,
                             (unsigned long long) *line);
        }

        memset(&key, 0, sizeof(debar_buf_t));
        debar_buf_add(&key, &vendor->entry, sizeof(uint32_t));
        debar_buf_add(&key, id.data, id.len);
        debar_set_add(&doc->r->products, key.data, key.len, vendor->product);
        debar_buf_free(&key);
    }

    p->id = debar_reader_text(doc->r, id.data, id.len);

    debar_yaml_text(doc, values[1], "name", &name);
    p->name = debar_reader_text(doc->r, name.data, name.len);

    debar_vendor_kinds(vendor, DEBAR_KIND_PRODUCTS,
                       values + DEBAR_PRODUCT_KEYS);
}


/* Either of them alone, or none: 0. */

static int
debar_vendor_permit_dates(debar_doc_t *doc, const debar_node_t *first,
    const debar_node_t *last, uint32_t *from, uint32_t *until)
{
    int64_t  begins, ends;

    begins = 0;
    ends = 0;

    if ((first && debar_yaml_date(doc, first, "from", 0, &begins) != DEBAR_OK)
        || (last && debar_yaml_date(doc, last, "until", 1, &ends) != DEBAR_OK))
    {
        return DEBAR_ERROR;
    }

    if (begins < 0 || begins > UINT32_MAX || ends < 0 || ends > UINT32_MAX) {
        debar_yaml_error(doc, first ? first : last, "a permit's dates are from "
                         "1970 to 2105");
        return DEBAR_ERROR;
    }

    if (last && doc->r->calendar && ends <= begins) {
        debar_yaml_error(doc, last, "\"until\" is before \"from\"");
        return DEBAR_ERROR;
    }

    *from = (uint32_t) begins;
    *until = (uint32_t) ends;

    return DEBAR_OK;
}


static void
debar_vendor_permit(debar_vendor_t *vendor, const debar_node_t *node)
{
    char                 key[DEBAR_MAX_KEY + sizeof(uint64_t)], hash[32];
    char                 shown[96], name[DEBAR_MAX_KEY];
    size_t               len, n;
    uint64_t             mask, *line;
    unsigned             flags, subdomains;
    debar_doc_t         *doc;
    debar_str_t          s, product;
    debar_permit_t      *p;
    uint32_t             from, until;
    debar_buf_t          why;
    const debar_node_t  *values[10];

    static const debar_yaml_key_t  keys[] = {
        { "url", 0 }, { "host", 0 }, { "subdomains", 0 }, { "why", 1 },
        { "sha256", 0 }, { "product", 0 }, { "authorities", 0 }, { "from", 0 },
        { "until", 0 }, { "approved-by", 0 }, { NULL, 0 }
    };

    doc = vendor->doc;

    if (debar_yaml_map(doc, node, "a permit", keys, values) != DEBAR_OK) {
        return;
    }

    subdomains = 0;
    mask = vendor->authorities;

    if (values[2]) {
        debar_yaml_bool(doc, values[2], "subdomains", &subdomains);
    }

    if (values[6]) {
        debar_yaml_authorities(doc, values[6], "authorities",
                               vendor->authorities, "its vendor", &mask);
    }

    if (debar_vendor_permit_key(vendor, node, values[0], values[1],
                                subdomains, key + sizeof(uint64_t), &len)
        != DEBAR_OK)
    {
        return;
    }

    n = 0;

    if (values[4]
        && debar_yaml_text(doc, values[4], "sha256", &s) == DEBAR_OK)
    {
        n = debar_ident_sha256(hash, sizeof(hash), s.data, s.len);

        if (n == 0) {
            debar_yaml_error(doc, values[4], "bad sha256 %s: 64 hexadecimal "
                             "digits", debar_shown(shown, s.data, s.len));
        }
    }

    flags = 0;
    product = debar_str("", 0);

    if (values[5]
        && debar_yaml_text(doc, values[5], "product", &s) == DEBAR_OK)
    {
        product.data = name;
        product.len = debar_text_tokens(name, sizeof(name), s.data, s.len,
                                        NULL, &flags);
        if (product.len == 0) {
            debar_yaml_error(doc, values[5], "\"product\" has no letters or "
                             "digits");
        }
    }

    memcpy(key, &mask, sizeof(uint64_t));
    line = debar_set_add(&vendor->permits, key, sizeof(uint64_t) + len,
                         node->line);
    if (line && n == 0 && product.len == 0) {
        debar_yaml_error(doc, values[0] ? values[0] : values[1], "duplicate "
                         "row: this is permitted at line %llu already",
                         (unsigned long long) *line);
        return;
    }

    if (debar_yaml_text(doc, values[3], "why", &s) != DEBAR_OK
        || debar_vendor_permit_dates(doc, values[7], values[8], &from, &until)
           != DEBAR_OK)
    {
        return;
    }

    memset(&why, 0, sizeof(debar_buf_t));
    debar_buf_add(&why, s.data, s.len);

    if (values[9]
        && debar_yaml_text(doc, values[9], "approved-by", &s) == DEBAR_OK)
    {
        debar_buf_printf(&why, " (approved by %.*s)", (int) s.len, s.data);
    }

    p = debar_yaml_record(doc, node, DEBAR_T_PERMITS, DEBAR_MAX_RECORDS, NULL);
    if (p == NULL) {
        debar_buf_free(&why);
        return;
    }

    p->from = from;
    p->until = until;

    p->authorities = mask;
    p->entry = vendor->entry;
    p->key = debar_reader_text(doc->r, key + sizeof(uint64_t), len);
    p->why = debar_reader_text(doc->r, why.data, why.len);
    p->sha256 = debar_reader_text(doc->r, hash, n);
    p->product = debar_reader_text(doc->r, product.data, product.len);
    p->subdomains = subdomains;

    debar_buf_free(&why);
}


static int
debar_vendor_permit_key(debar_vendor_t *vendor, const debar_node_t *node,
    const debar_node_t *url, const debar_node_t *host, unsigned subdomains,
    char *key, size_t *len)
{
    size_t         hostlen;
    debar_str_t    s;
    debar_host_t   h;
    debar_fault_t  why;

    if ((url == NULL) == (host == NULL)) {
        debar_yaml_error(vendor->doc, node,
                         "a permit needs \"url\" or \"host\", not both");
        return DEBAR_ERROR;
    }

    if (debar_yaml_text(vendor->doc, url ? url : host, url ? "url" : "host", &s)
        != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    if (url) {
        *len = debar_value_url(key, &hostlen, s.data, s.len, DEBAR_URL_BELOW,
                               &why);
        if (subdomains) {
            debar_yaml_error(vendor->doc, url, "\"subdomains\" is for permits "
                             "of a \"host\"");
        }

    } else {
        *len = 0;

        if (debar_value_host(&h, s.data, s.len, &why) == DEBAR_OK
            && (!subdomains
                || debar_value_suffix(&h, s.data, s.len, &why) == DEBAR_OK))
        {
            *len = debar_key_host(key, &h);
        }
    }

    if (*len == 0) {
        debar_yaml_error(vendor->doc, url ? url : host, "%s", why.text);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}

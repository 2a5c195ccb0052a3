/*
 * waivers.yaml: dated, approved exceptions.
 */

#include <stdlib.h>

#include "source_private.h"


typedef struct {
    debar_doc_t     *doc;
    debar_waiver_t   waiver;
    uint32_t         vendor;      /* or DEBAR_NONE */
    debar_set_t     *ids;         /* -> line */
} debar_waiving_t;

enum {
    DEBAR_W_ID = 0, DEBAR_W_VENDOR, DEBAR_W_FROM, DEBAR_W_UNTIL,
    DEBAR_W_APPROVED_BY, DEBAR_W_WHY, DEBAR_W_PRODUCTS, DEBAR_W_AUTHORITIES,
    DEBAR_W_USERS, DEBAR_W_CLIENTS, DEBAR_W_ORDERS, DEBAR_W_URLS,
    DEBAR_W_ACTIVITIES, DEBAR_W_KEYS
};


static void debar_waiver(debar_waiving_t *w, const debar_node_t *node);
static void debar_waiver_id(debar_waiving_t *w, const debar_node_t *node);
static void debar_waiver_vendor(debar_waiving_t *w, const debar_node_t *node,
    const debar_node_t *authorities);
static void debar_waiver_dates(debar_waiving_t *w, const debar_node_t *from,
    const debar_node_t *until);
static void debar_waiver_refs(debar_waiving_t *w, const debar_node_t *node,
    const char *what, int urls, uint32_t *first, uint32_t *n);
static void debar_waiver_clients(debar_waiving_t *w, const debar_node_t *node);
static void debar_waiver_activities(debar_waiving_t *w,
    const debar_node_t *node);
static void debar_waiver_products(debar_waiving_t *w, const debar_node_t *node,
    const debar_node_t *products);
static void debar_waiver_put(debar_waiving_t *w, const debar_node_t *node,
    uint32_t product);


void
debar_source_waivers(debar_reader_t *r, debar_doc_t *doc)
{
    size_t               i, n;
    debar_set_t          ids;
    debar_waiving_t      w;
    const debar_node_t  *values[2];

    static const debar_yaml_key_t  keys[] = { { "waivers", 1 }, { NULL, 0 } };

    if (debar_yaml_map(doc, doc->root, "waivers.yaml", keys, values)
        != DEBAR_OK)
    {
        return;
    }

    memset(&ids, 0, sizeof(debar_set_t));
    n = debar_yaml_list(doc, values[0], "waivers");

    for (i = 0; i < n; i++) {
        memset(&w, 0, sizeof(debar_waiving_t));

        w.doc = doc;
        w.ids = &ids;

        debar_waiver(&w, values[0]->items[i]);
    }

    debar_set_free(&ids);
}


static void
debar_waiver(debar_waiving_t *w, const debar_node_t *node)
{
    debar_str_t          s;
    const debar_node_t  *v[DEBAR_W_KEYS + 1];

    static const debar_yaml_key_t  keys[] = {
        { "id", 1 }, { "vendor", 1 }, { "from", 1 }, { "until", 1 },
        { "approved-by", 1 }, { "why", 1 }, { "products", 0 },
        { "authorities", 0 }, { "users", 0 }, { "clients", 0 },
        { "orders", 0 }, { "urls", 0 }, { "activities", 0 }, { NULL, 0 }
    };

    if (debar_yaml_map(w->doc, node, "a waiver", keys, v) != DEBAR_OK) {
        return;
    }

    debar_waiver_id(w, v[DEBAR_W_ID]);
    debar_waiver_vendor(w, v[DEBAR_W_VENDOR], v[DEBAR_W_AUTHORITIES]);
    debar_waiver_dates(w, v[DEBAR_W_FROM], v[DEBAR_W_UNTIL]);

    debar_yaml_text(w->doc, v[DEBAR_W_APPROVED_BY], "approved-by", &s);
    w->waiver.approved_by = debar_reader_text(w->doc->r, s.data, s.len);

    debar_yaml_text(w->doc, v[DEBAR_W_WHY], "why", &s);
    w->waiver.why = debar_reader_text(w->doc->r, s.data, s.len);

    debar_waiver_refs(w, v[DEBAR_W_USERS], "users", 0, &w->waiver.user,
                      &w->waiver.nusers);
    debar_waiver_clients(w, v[DEBAR_W_CLIENTS]);
    debar_waiver_refs(w, v[DEBAR_W_ORDERS], "orders", 0, &w->waiver.order,
                      &w->waiver.norders);
    debar_waiver_refs(w, v[DEBAR_W_URLS], "urls", 1, &w->waiver.url,
                      &w->waiver.nurls);

    /* An empty list of users is not a waiver for everyone. */

    if (v[DEBAR_W_USERS] == NULL && v[DEBAR_W_CLIENTS] == NULL
        && v[DEBAR_W_ORDERS] == NULL && v[DEBAR_W_URLS] == NULL)
    {
        debar_yaml_error(w->doc, node, "a waiver is for someone or something: "
                         "it needs \"users\", \"clients\", \"orders\" or "
                         "\"urls\"");
    }

    debar_waiver_activities(w, v[DEBAR_W_ACTIVITIES]);
    debar_waiver_products(w, node, v[DEBAR_W_PRODUCTS]);
}


static void
debar_waiver_id(debar_waiving_t *w, const debar_node_t *node)
{
    uint64_t     *line;
    debar_str_t   id;

    if (debar_yaml_id(w->doc, node, "id", &id) != DEBAR_OK) {
        return;
    }

    line = debar_set_add(w->ids, id.data, id.len, node->line);

    if (line) {
        debar_yaml_error(w->doc, node, "duplicate id: waiver \"%.*s\" is at "
                         "line %llu already", (int) id.len, id.data,
                         (unsigned long long) *line);
    }

    w->waiver.id = debar_reader_text(w->doc->r, id.data, id.len);
}


static void
debar_waiver_vendor(debar_waiving_t *w, const debar_node_t *node,
    const debar_node_t *authorities)
{
    char            shown[96];
    uint64_t       *known;
    debar_str_t     id;
    debar_entry_t  *e;

    w->vendor = DEBAR_NONE;

    if (debar_yaml_text(w->doc, node, "vendor", &id) != DEBAR_OK) {
        return;
    }

    known = debar_set_find(&w->doc->r->vendors, id.data, id.len);

    if (known == NULL) {
        if (!w->doc->r->no_vendors) {
            debar_yaml_error(w->doc, node, "unknown vendor %s: no file of "
                             "vendors/ has that id",
                             debar_shown(shown, id.data, id.len));
        }

        return;
    }

    w->vendor = (uint32_t) *known;
    w->waiver.entry = w->vendor;

    e = w->doc->r->src->tables[DEBAR_T_ENTRIES].data;
    w->waiver.authorities = e[w->vendor].authorities;

    if (authorities) {
        debar_yaml_authorities(w->doc, authorities, "authorities",
                               e[w->vendor].authorities, "its vendor",
                               &w->waiver.authorities);
    }
}


static void
debar_waiver_dates(debar_waiving_t *w, const debar_node_t *from,
    const debar_node_t *until)
{
    if (debar_yaml_date(w->doc, from, "from", 0, &w->waiver.from) == DEBAR_OK
        && debar_yaml_date(w->doc, until, "until", 1, &w->waiver.until)
           == DEBAR_OK
        && w->doc->r->calendar && w->waiver.until <= w->waiver.from)
    {
        debar_yaml_error(w->doc, until, "\"until\" is before \"from\"");
    }
}


static void
debar_waiver_refs(debar_waiving_t *w, const debar_node_t *node,
    const char *what, int urls, uint32_t *first, uint32_t *n)
{
    char           key[DEBAR_MAX_KEY];
    size_t         i, k, hostlen;
    uint32_t       at;
    debar_str_t    s;
    debar_ref_t   *ref;
    debar_fault_t  why;

    k = debar_yaml_list(w->doc, node, what);

    if (node && k == 0 && (node->null || node->type == DEBAR_NODE_LIST)) {
        debar_yaml_error(w->doc, node, "\"%s\" is empty", what);
    }

    for (i = 0; i < k; i++) {
        if (debar_yaml_text(w->doc, node->items[i], what, &s) != DEBAR_OK) {
            continue;
        }

        if (urls) {
            s.len = debar_value_url(key, &hostlen, s.data, s.len,
                                    DEBAR_URL_BELOW|DEBAR_URL_HOST_ONLY, &why);
            s.data = key;

            if (s.len == 0) {
                debar_yaml_error(w->doc, node->items[i], "%s", why.text);
                continue;
            }
        }

        ref = debar_yaml_record(w->doc, node->items[i], DEBAR_T_REFS,
                                DEBAR_MAX_TERMS, &at);
        if (ref == NULL) {
            return;
        }

        *ref = debar_reader_text(w->doc->r, s.data, s.len);

        if ((*n)++ == 0) {
            *first = at;
        }
    }
}


static void
debar_waiver_clients(debar_waiving_t *w, const debar_node_t *node)
{
    char           shown[96];
    size_t         i, n;
    uint8_t        addr[16];
    uint32_t       at;
    unsigned       bits;
    debar_str_t    s;
    const char    *why;
    debar_cidr_t  *cidr;

    n = debar_yaml_list(w->doc, node, "clients");

    if (node && n == 0 && (node->null || node->type == DEBAR_NODE_LIST)) {
        debar_yaml_error(w->doc, node, "\"clients\" is empty");
    }

    for (i = 0; i < n; i++) {
        if (debar_yaml_text(w->doc, node->items[i], "clients", &s) != DEBAR_OK)
        {
            continue;
        }

        if (debar_cidr_parse(addr, &bits, s.data, s.len, &why) != DEBAR_OK) {
            debar_yaml_error(w->doc, node->items[i], "bad network %s: %s",
                             debar_shown(shown, s.data, s.len), why);
            continue;
        }

        cidr = debar_yaml_record(w->doc, node->items[i], DEBAR_T_CIDRS,
                                 DEBAR_MAX_TERMS, &at);
        if (cidr == NULL) {
            return;
        }

        memcpy(cidr->addr, addr, sizeof(addr));
        cidr->bits = bits;

        if (w->waiver.nclients++ == 0) {
            w->waiver.client = at;
        }
    }
}


static void
debar_waiver_activities(debar_waiving_t *w, const debar_node_t *node)
{
    size_t    i, n;
    unsigned  activity;

    if (node == NULL) {
        w->waiver.activities = (1u << DEBAR_ACTIVITIES) - 1;
        return;
    }

    n = debar_yaml_list(w->doc, node, "activities");

    if (n == 0 && (node->null || node->type == DEBAR_NODE_LIST)) {
        debar_yaml_error(w->doc, node, "\"activities\" is empty");
    }

    for (i = 0; i < n; i++) {
        if (debar_yaml_activity(w->doc, node->items[i], &activity) == DEBAR_OK)
        {
            w->waiver.activities |= 1u << activity;
        }
    }
}


/* A record for each product, all of them with the id of the waiver. */

static void
debar_waiver_products(debar_waiving_t *w, const debar_node_t *node,
    const debar_node_t *products)
{
    char          shown[96];
    size_t        i, n;
    uint64_t     *known;
    debar_buf_t   key;
    debar_str_t   id;

    if (products == NULL) {
        debar_waiver_put(w, node, DEBAR_NONE);
        return;
    }

    n = debar_yaml_list(w->doc, products, "products");

    if (n == 0 && (products->null || products->type == DEBAR_NODE_LIST)) {
        debar_yaml_error(w->doc, products, "\"products\" is empty");
    }

    for (i = 0; i < n; i++) {
        if (debar_yaml_text(w->doc, products->items[i], "products", &id)
            != DEBAR_OK
            || w->vendor == DEBAR_NONE)
        {
            continue;
        }

        memset(&key, 0, sizeof(debar_buf_t));
        debar_buf_add(&key, &w->vendor, sizeof(uint32_t));
        debar_buf_add(&key, id.data, id.len);

        known = debar_set_find(&w->doc->r->products, key.data, key.len);
        debar_buf_free(&key);

        if (known) {
            debar_waiver_put(w, node, (uint32_t) *known);

        } else {
            debar_yaml_error(w->doc, products->items[i], "unknown product %s: "
                             "its vendor has none of that id",
                             debar_shown(shown, id.data, id.len));
        }
    }
}


static void
debar_waiver_put(debar_waiving_t *w, const debar_node_t *node,
    uint32_t product)
{
    debar_waiver_t  *p;

    p = debar_yaml_record(w->doc, node, DEBAR_T_WAIVERS, DEBAR_MAX_RECORDS,
                          NULL);
    if (p) {
        *p = w->waiver;
        p->product = product;
    }
}

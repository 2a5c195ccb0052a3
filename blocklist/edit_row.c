/*
 * Rows of a vendor's file: found by what they mean, and written as the schema
 * has them.
 */

#include <stdio.h>
#include <stdlib.h>

#include "edit_private.h"


typedef struct {
    const char          *product;
    const char          *kind;
    unsigned             pattern;
    debar_buf_t          key;
    debar_buf_t          other;
    debar_edit_found_t  *found;
    size_t               max;
    size_t               n;
} debar_edit_search_t;


static int debar_edit_rows_in(const debar_edit_node_t *map,
    const char *product, debar_edit_row_pt row, void *data);
static int debar_edit_rows_list(debar_edit_found_t *f, debar_edit_node_t *list,
    debar_edit_row_pt row, void *data);
static const debar_value_kind_t *debar_edit_value_kind(const char *kind);
static void debar_edit_pair(debar_buf_t *out, const char *key,
    const char *value, unsigned typed);
static void debar_edit_authorities(debar_buf_t *out,
    const char *const *authorities, size_t n);


static const char *const  debar_permit_lists[] = { "permits" };


const char *
debar_edit_kind(const char *name, const char **near)
{
    size_t                     i, n;
    const char                *names[2 * DEBAR_VALUE_KINDS + 2];
    const debar_value_kind_t  *kind;

    *near = NULL;

    for (i = 0, n = 0; i < DEBAR_VALUE_KINDS; i++) {
        kind = &debar_value_kinds[i];

        if (strcmp(name, kind->list) == 0
            || (strcmp(name, kind->value) == 0
                && !(kind->flags & DEBAR_KIND_IS_NOT))
            || ((kind->flags & DEBAR_KIND_IS_NOT)
                && strcmp(name, "not-name") == 0)
            || (kind->kind == DEBAR_KIND_NAME
                && !(kind->flags & DEBAR_KIND_IS_NOT)
                && strcmp(name, "name") == 0)
            || (kind->kind == DEBAR_KIND_CERTIFICATE_ORGANIZATION
                && strcmp(name, "certificate-organization") == 0))
        {
            return kind->list;
        }

        names[n++] = kind->list;
        names[n++] = kind->value;
    }

    if (strcmp(name, "permit") == 0 || strcmp(name, "permits") == 0) {
        return debar_permit_lists[0];
    }

    names[n++] = "permits";
    *near = debar_nearest(name, names, n);

    return NULL;
}


static const debar_value_kind_t *
debar_edit_value_kind(const char *kind)
{
    size_t  i;

    for (i = 0; i < DEBAR_VALUE_KINDS; i++) {
        if (strcmp(kind, debar_value_kinds[i].list) == 0) {
            return &debar_value_kinds[i];
        }
    }

    return NULL;
}


const char *
debar_edit_from(const char *kind)
{
    const debar_value_kind_t  *k;

    k = debar_edit_value_kind(kind);

    return k ? k->from : NULL;
}


const char *
debar_edit_value(const char *kind)
{
    const debar_value_kind_t  *k;

    k = debar_edit_value_kind(kind);

    return k ? k->value : NULL;
}


const char *const *
debar_edit_order(void)
{
    static const char *const  vendor[] = {
        "id", "name", "authorities", "names", "names-from", "not-names",
        "not-names-from", "hosts", "hosts-from", "urls", "urls-from",
        "networks", "networks-from", "asns", "asns-from", "countries",
        "countries-from", "files", "files-from", "sha256", "sha256-from",
        "signers", "signers-from", "certificate-organizations",
        "certificate-organizations-from", "packages", "packages-from",
        "part-numbers", "part-numbers-from", "gtins", "gtins-from", "uei",
        "uei-from", "cage", "cage-from", "products", "permits", NULL
    };

    return vendor;
}


debar_edit_node_t *
debar_edit_entry(debar_edit_t *e, const char *product, debar_fault_t *why)
{
    size_t              i;
    debar_edit_node_t  *list, *id;

    if (e->root->type != DEBAR_EDIT_MAP) {
        debar_fault(why, "a vendor is a map of keys and values");
        return NULL;
    }

    if (product == NULL) {
        return e->root;
    }

    list = debar_edit_get(e->root, "products");

    for (i = 0; list && list->type == DEBAR_EDIT_LIST && i < list->n; i++) {
        id = debar_edit_get(list->items[i], "id");

        if (id && id->type == DEBAR_EDIT_SCALAR && strcmp(id->text, product) == 0
            && !list->items[i]->removed)
        {
            return list->items[i];
        }
    }

    debar_fault(why, "there is no product \"%.64s\" of this vendor", product);

    return NULL;
}


/* --- rows ----------------------------------------------------------------- */

int
debar_edit_rows(debar_edit_t *e, debar_edit_row_pt row, void *data)
{
    int                 rc;
    size_t              i;
    debar_edit_node_t  *list, *id;
    debar_edit_found_t  f;

    if (e->root->type != DEBAR_EDIT_MAP) {
        return 0;
    }

    rc = debar_edit_rows_in(e->root, NULL, row, data);
    list = debar_edit_get(e->root, "products");

    for (i = 0; !rc && list && list->type == DEBAR_EDIT_LIST && i < list->n;
         i++)
    {
        id = debar_edit_get(list->items[i], "id");

        if (id && id->type == DEBAR_EDIT_SCALAR && !list->items[i]->removed) {
            rc = debar_edit_rows_in(list->items[i], id->text, row, data);
        }
    }

    if (rc) {
        return rc;
    }

    memset(&f, 0, sizeof(f));
    f.kind = debar_permit_lists[0];

    return debar_edit_rows_list(&f, debar_edit_get(e->root, f.kind), row, data);
}


static int
debar_edit_rows_in(const debar_edit_node_t *map, const char *product,
    debar_edit_row_pt row, void *data)
{
    int                        rc;
    size_t                     i, k;
    debar_edit_node_t         *list;
    debar_edit_found_t         f;
    const debar_value_kind_t  *kind;

    for (i = 0; i < DEBAR_VALUE_KINDS; i++) {
        kind = &debar_value_kinds[i];
        list = debar_edit_get(map, kind->list);

        if (list == NULL) {
            continue;
        }

        memset(&f, 0, sizeof(f));
        f.kind = kind->list;
        f.product = product;

        if (!(kind->flags & DEBAR_KIND_ECOSYSTEMS)) {
            rc = debar_edit_rows_list(&f, list, row, data);

            if (rc) {
                return rc;
            }

            continue;
        }

        for (k = 0; list->type == DEBAR_EDIT_MAP && k < list->n; k += 2) {
            if (list->items[k]->type != DEBAR_EDIT_SCALAR
                || list->items[k]->removed)
            {
                continue;
            }

            f.ecosystem = list->items[k]->text;
            rc = debar_edit_rows_list(&f, list->items[k + 1], row, data);

            if (rc) {
                return rc;
            }
        }
    }

    return 0;
}


static int
debar_edit_rows_list(debar_edit_found_t *f, debar_edit_node_t *list,
    debar_edit_row_pt row, void *data)
{
    int          rc;
    size_t       i;
    const char  *key;

    if (list == NULL || list->type != DEBAR_EDIT_LIST) {
        return 0;
    }

    key = debar_edit_value(f->kind);

    for (i = 0; i < list->n; i++) {
        if (list->items[i]->removed) {
            continue;
        }

        f->list = list;
        f->i = i;
        f->node = list->items[i];
        f->value = f->node;
        f->pattern = 0;

        if (f->node->type == DEBAR_EDIT_MAP) {
            f->value = key ? debar_edit_get(f->node, key)
                           : debar_edit_get(f->node, "url");

            if (f->value == NULL) {
                f->value = debar_edit_get(f->node, key ? "pattern" : "host");
                f->pattern = key && f->value;
            }
        }

        if (f->value && f->value->type != DEBAR_EDIT_SCALAR) {
            f->value = NULL;
        }

        rc = row(data, f);

        if (rc) {
            return rc;
        }
    }

    return 0;
}


int
debar_edit_canonical(debar_buf_t *out, const char *kind, const char *ecosystem,
    const char *value, unsigned pattern, debar_fault_t *why)
{
    int            rc;
    size_t         len, host;
    debar_host_t   h;
    debar_value_t  v;

    while (*value == ' ' || *value == '\t' || *value == '\n') {
        value++;
    }

    for (len = strlen(value); len && strchr(" \t\n", value[len - 1]); len--) {
        /* void */
    }

    if (len == 0 || len > DEBAR_MAX_TEXT) {
        debar_fault(why, "a value has 1 to %d bytes", DEBAR_MAX_TEXT);
        return DEBAR_ERROR;
    }

    if (strcmp(kind, debar_permit_lists[0]) == 0) {

        if (memchr(value, '/', len)) {
            v.len = debar_value_url(v.key, &host, value, len, DEBAR_URL_BELOW,
                                    why);
            rc = v.len ? DEBAR_OK : DEBAR_ERROR;

        } else {
            rc = debar_value_host(&h, value, len, why);
            v.len = rc == DEBAR_OK ? debar_key_host(v.key, &h) : 0;
        }

        v.type = 0;

    } else {
        v.kind = debar_edit_value_kind(kind);
        v.match = 0;
        v.rule = 0;
        v.forced = 1;             /* whether it may stand is not asked here */
        v.ecosystem = debar_str(ecosystem ? ecosystem : "",
                                ecosystem ? strlen(ecosystem) : 0);

        /* an expression has its ecosystem before it on the command line only */

        if (pattern && ecosystem == NULL
            && (v.kind->flags & DEBAR_KIND_ECOSYSTEMS)
            && memchr(value, ':', len))
        {
            v.ecosystem = debar_str(value, strcspn(value, ":"));
            len -= v.ecosystem.len + 1;
            value += v.ecosystem.len + 1;
        }

        rc = pattern ? debar_value_pattern(&v, value, len, why)
                     : debar_value_read(&v, value, len, why);
    }

    if (rc != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    debar_buf_printf(out, "%s %u ", kind, v.type);
    debar_buf_add(out, v.key, v.len);

    return DEBAR_OK;
}


void
debar_edit_canonical_row(debar_buf_t *out, const debar_edit_found_t *f)
{
    size_t         before;
    debar_fault_t  why;

    before = out->len;

    if (f->value
        && debar_edit_canonical(out, f->kind, f->ecosystem, f->value->text,
                                f->pattern, &why) == DEBAR_OK)
    {
        return;
    }

    out->len = before;
    debar_buf_printf(out, "? %u %u", f->node->line, f->node->col);
}


static int
debar_edit_text_cmp(const void *one, const void *two)
{
    return strcmp(*(const char *const *) one, *(const char *const *) two);
}


static void
debar_edit_scope_ids(debar_buf_t *out, const char **ids, size_t n)
{
    size_t  i;

    if (n) {
        qsort(ids, n, sizeof(*ids), debar_edit_text_cmp);
    }

    for (i = 0; i < n; i++) {
        debar_buf_printf(out, "%s,", ids[i]);
    }
}


void
debar_edit_scope(debar_edit_t *e, debar_buf_t *out,
    const debar_edit_found_t *f, const debar_edit_row_t *row)
{
    size_t              i, n;
    const char         *ids[DEBAR_MAX_AUTHORITIES], *flag, *no;
    debar_edit_node_t  *list, *node;

    n = 0;
    list = NULL;
    flag = NULL;
    no = f && strcmp(f->kind, debar_permit_lists[0]) == 0 ? "false" : "true";

    if (row) {
        for (i = 0; i < row->nauthorities && n < DEBAR_MAX_AUTHORITIES; i++) {
            ids[n++] = row->authorities[i];
        }

        flag = row->subdomains;

    } else {
        list = debar_edit_get(f->node, "authorities");
        node = debar_edit_get(f->node, "subdomains");
        flag = node && node->type == DEBAR_EDIT_SCALAR ? node->text : NULL;
    }

    if (n == 0 && list == NULL) {
        list = debar_edit_get(e->root, "authorities");
    }

    for (i = 0; list && list->type == DEBAR_EDIT_LIST && i < list->n
                && n < DEBAR_MAX_AUTHORITIES; i++)
    {
        if (list->items[i]->type == DEBAR_EDIT_SCALAR) {
            ids[n++] = list->items[i]->text;
        }
    }

    debar_edit_scope_ids(out, ids, n);
    debar_buf_printf(out, " %s", flag ? flag : no);
}


static int
debar_edit_search(void *data, const debar_edit_found_t *f)
{
    debar_edit_search_t  *s = data;

    if (strcmp(f->kind, s->kind) != 0
        || (s->product && (f->product == NULL
                           || strcmp(f->product, s->product) != 0)))
    {
        return 0;
    }

    s->other.len = 0;
    debar_edit_canonical_row(&s->other, f);

    if (s->other.len == s->key.len
        && memcmp(s->other.data, s->key.data, s->key.len) == 0)
    {
        if (s->n < s->max) {
            s->found[s->n] = *f;
        }

        s->n++;
    }

    return 0;
}


int
debar_edit_find(debar_edit_t *e, const char *product, const char *kind,
    const char *value, unsigned pattern, debar_edit_found_t *found, size_t max,
    debar_fault_t *why)
{
    int                  rc;
    debar_edit_search_t  s;

    memset(&s, 0, sizeof(s));

    s.product = product;
    s.kind = kind;
    s.found = found;
    s.max = max;

    rc = debar_edit_canonical(&s.key, kind, NULL, value, pattern, why);

    if (rc == DEBAR_OK) {
        (void) debar_edit_rows(e, debar_edit_search, &s);
    }

    debar_buf_free(&s.key);
    debar_buf_free(&s.other);

    return rc == DEBAR_OK ? (int) (s.n > INT32_MAX ? INT32_MAX : s.n)
                          : DEBAR_ERROR;
}


/* --- a row as YAML -------------------------------------------------------- */

static void
debar_edit_pair(debar_buf_t *out, const char *key, const char *value,
    unsigned typed)
{
    if (value == NULL) {
        return;
    }

    debar_buf_printf(out, "%s%s: ", out->len && out->data[out->len - 1] != '{'
                                    ? ", " : "", key);
    debar_edit_quote(out, value, strlen(value), typed);
}


static void
debar_edit_authorities(debar_buf_t *out, const char *const *authorities,
    size_t n)
{
    size_t  i;

    if (n == 0) {
        return;
    }

    debar_buf_printf(out, ", authorities: [");

    for (i = 0; i < n; i++) {
        debar_buf_printf(out, "%s", i ? ", " : "");
        debar_edit_quote(out, authorities[i], strlen(authorities[i]), 0);
    }

    debar_buf_add(out, "]", 1);
}


int
debar_edit_row_yaml(debar_buf_t *out, const char *kind, const char *value,
    const debar_edit_row_t *row, debar_fault_t *why)
{
    unsigned                   number;
    const debar_value_kind_t  *k;

    k = debar_edit_value_kind(kind);

    if (k == NULL) {
        if (row->why == NULL) {
            debar_fault(why, "a permit says why: --why TEXT");
            return DEBAR_ERROR;
        }

        if (row->forced) {
            debar_fault(why, "guard rails are for what is listed: a permit "
                        "needs no reason against them");
            return DEBAR_ERROR;
        }

        debar_buf_add(out, "{", 1);
        debar_edit_pair(out, strchr(value, '/') ? "url" : "host", value, 0);
        debar_edit_pair(out, "subdomains", row->subdomains, 1);
        debar_edit_pair(out, "sha256", row->sha256, 0);
        debar_edit_pair(out, "product", row->product, 0);
        debar_edit_pair(out, "why", row->why, 0);
        debar_edit_authorities(out, row->authorities, row->nauthorities);
        debar_buf_add(out, "}", 1);

        return DEBAR_OK;
    }

    if (row->why || row->sha256 || row->product) {
        debar_fault(why, "\"why\", \"sha256\" and \"product\" belong to a "
                    "permit; a row has \"source\": --source TEXT");
        return DEBAR_ERROR;
    }

    number = k->kind == DEBAR_KIND_ASN;

    if (row->action == NULL && row->activity == NULL && row->match == NULL
        && row->subdomains == NULL && row->source == NULL
        && row->forced == NULL && !row->pattern && row->nauthorities == 0)
    {
        debar_edit_quote(out, value, strlen(value), number);
        return DEBAR_OK;
    }

    debar_buf_add(out, "{", 1);
    debar_edit_pair(out, row->pattern ? "pattern" : k->value, value, number);
    debar_edit_pair(out, "match", row->match, 0);
    debar_edit_pair(out, "subdomains", row->subdomains, 1);
    debar_edit_pair(out, "activity", row->activity, 0);
    debar_edit_pair(out, "action", row->action, 0);
    debar_edit_authorities(out, row->authorities, row->nauthorities);
    debar_edit_pair(out, "source", row->source, 0);
    debar_edit_pair(out, "forced", row->forced, 0);
    debar_buf_add(out, "}", 1);

    return DEBAR_OK;
}


int
debar_edit_row_add(debar_edit_t *e, const char *product, const char *kind,
    const char *value, const debar_edit_row_t *row, debar_fault_t *why)
{
    int                        rc;
    char                       eco[DEBAR_MAX_ID + 1];
    const char                *colon;
    debar_buf_t                yaml, named;
    debar_edit_node_t         *map, *list;
    const debar_value_kind_t  *k;

    map = debar_edit_entry(e, product, why);

    if (map == NULL) {
        return DEBAR_ERROR;
    }

    k = debar_edit_value_kind(kind);
    colon = strchr(value, ':');
    eco[0] = '\0';

    if (k && (k->flags & DEBAR_KIND_ECOSYSTEMS)) {
        if (colon == NULL || colon == value
            || (size_t) (colon - value) > DEBAR_MAX_ID)
        {
            debar_fault(why, "a package is ECOSYSTEM:IDENTIFIER, \"npm:left-pad"
                        "\"");
            return DEBAR_ERROR;
        }

        memcpy(eco, value, (size_t) (colon - value));
        eco[colon - value] = '\0';
        value = colon + 1;
    }

    if (product && (k == NULL || !(k->flags & DEBAR_KIND_PRODUCTS))) {
        debar_fault(why, "a product has no \"%s\": they are the vendor's",
                    kind);
        return DEBAR_ERROR;
    }

    memset(&yaml, 0, sizeof(yaml));
    memset(&named, 0, sizeof(named));

    rc = debar_edit_row_yaml(&yaml, kind, value, row, why);
    debar_buf_add(&yaml, "", 1);

    if (rc == DEBAR_OK) {
        list = debar_edit_get(map, kind);

        if (eco[0] && list && list->type == DEBAR_EDIT_MAP
            && debar_edit_get(list, eco) == NULL)
        {
            rc = debar_edit_key(e, list, eco, yaml.data, 1, row->comment, NULL,
                                why);

        } else if (eco[0] && list && !list->null) {
            list = debar_edit_get(list, eco);
            rc = list ? debar_edit_append(e, list, yaml.data, row->comment, why)
                      : DEBAR_ERROR;

        } else if (list && eco[0]) {
            debar_buf_printf(&named, "{%s: [%s]}", eco, yaml.data);
            rc = debar_edit_replace(e, list, named.data, why);

        } else if (list) {
            rc = debar_edit_append(e, list, yaml.data, row->comment, why);

        } else if (eco[0]) {
            debar_buf_printf(&named, "{%s: [%s]}", eco, yaml.data);
            rc = debar_edit_key(e, map, kind, named.data, 0, row->comment,
                                debar_edit_order(), why);

        } else {
            rc = debar_edit_key(e, map, kind, yaml.data, 1, row->comment,
                                debar_edit_order(), why);
        }
    }

    debar_buf_free(&yaml);
    debar_buf_free(&named);

    return rc;
}


/* --- plain files ---------------------------------------------------------- */

int
debar_edit_line_find(const char *data, size_t len, const char *kind,
    const char *value, size_t *start, size_t *end, size_t *line,
    debar_fault_t *why)
{
    int             rc;
    size_t          n;
    const char     *p, *q, *nl, *from, *stop;
    debar_fault_t   bad;
    debar_value_t   v, w;

    memset(&v, 0, sizeof(v));
    v.kind = debar_edit_value_kind(kind);
    w = v;

    if (debar_value_read(&v, value, strlen(value), why) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    rc = DEBAR_DECLINED;
    stop = data + len;

    for (p = data, n = 1; p < stop; p = nl, n++) {
        nl = memchr(p, '\n', (size_t) (stop - p));
        nl = nl ? nl + 1 : stop;

        from = p;
        q = nl;

        if (n == 1 && q - from >= 3 && memcmp(from, "\xef\xbb\xbf", 3) == 0) {
            from += 3;
        }

        while (from < q && (*from == ' ' || *from == '\t')) {
            from++;
        }

        for (q = from; q < nl && !(*q == '#' && (q == from || q[-1] == ' '
                                                 || q[-1] == '\t')); q++)
        {
            /* void */
        }

        while (q > from && strchr(" \t\r\n", q[-1])) {
            q--;
        }

        if (q == from || q - from > DEBAR_MAX_LINE
            || debar_value_read(&w, from, (size_t) (q - from), &bad)
               != DEBAR_OK
            || w.type != v.type || w.len != v.len
            || memcmp(w.key, v.key, v.len) != 0)
        {
            continue;
        }

        *start = (size_t) (p - data);
        *end = (size_t) (nl - data);
        *line = n;
        rc = DEBAR_OK;
        break;
    }

    return rc;
}


void
debar_edit_line_add(debar_buf_t *out, const char *data, size_t len,
    const char *value, const char *comment)
{
    const char  *nl, *eol;

    nl = len ? memchr(data, '\n', len) : NULL;
    eol = nl && nl > data && nl[-1] == '\r' ? "\r\n" : "\n";

    debar_buf_add(out, data, len);

    if (len && data[len - 1] != '\n') {
        debar_buf_add(out, eol, strlen(eol));
    }

    debar_buf_printf(out, "%s%s%s%s", value, comment ? "  # " : "",
                     comment ? comment : "", eol);
}

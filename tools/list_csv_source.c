/*
 * Of debar list csv export: what stands in the sheets of a source.
 */

#include "sheet.h"


#define DEBAR_SHEET_DEPTH  24         /* more than an edit may have */

typedef struct {
    debar_edit_t    *e;
    debar_sheets_t  *sheets;
    const char      *vendor;
    const char      *file;        /* "vendors/acme.yaml" */
    unsigned         bad;
} debar_sheet_vendor_t;


static int debar_sheets_list(debar_changes_t *c, debar_sheets_t *s);
static int debar_sheets_vendor(debar_changes_t *c, debar_sheets_t *s,
    const char *name);
static int debar_sheets_row(void *data, const debar_edit_found_t *f);
static int debar_sheets_from(debar_changes_t *c, debar_sheets_t *s,
    const char *vendor, const char *product, const debar_edit_node_t *map);
static int debar_sheets_waivers(debar_changes_t *c, debar_sheets_t *s);
static void debar_sheet_node(debar_sheet_row_t *row, unsigned column,
    const debar_edit_node_t *node);


int
debar_sheets_of(debar_changes_t *c, debar_sheets_t *s)
{
    int      rc;
    char   **names;
    size_t   i;

    rc = debar_sheets_list(c, s);
    names = debar_changes_names(c, "vendors");

    for (i = 0; rc == DEBAR_OK && names[i]; i++) {
        rc = debar_sheets_vendor(c, s, names[i]);
    }

    debar_changes_names_free(names);

    return rc == DEBAR_OK ? debar_sheets_waivers(c, s) : rc;
}


/* A sheet has what is written at its place: NULL, or what is written elsewhere
 * (an alias).  At most 16 levels, as debar_edit_open() has it. */

static const debar_edit_node_t *
debar_sheets_alias(const debar_edit_node_t *root)
{
    unsigned                  depth;
    const debar_edit_node_t  *node;
    struct {
        const debar_edit_node_t  *node;
        size_t                    i;
    } stack[DEBAR_SHEET_DEPTH];

    stack[0].node = root;
    stack[0].i = 0;
    depth = 1;

    if (root->type == DEBAR_EDIT_ALIAS) {
        return root;
    }

    while (depth) {
        node = stack[depth - 1].node;

        if (stack[depth - 1].i == node->n
            || (node->type != DEBAR_EDIT_LIST && node->type != DEBAR_EDIT_MAP))
        {
            depth--;
            continue;
        }

        node = node->items[stack[depth - 1].i++];

        if (node->type == DEBAR_EDIT_ALIAS || depth == DEBAR_SHEET_DEPTH) {
            return node;
        }

        stack[depth].node = node;
        stack[depth++].i = 0;
    }

    return NULL;
}


static debar_edit_t *
debar_sheets_open(debar_changes_t *c, const char *name, int optional)
{
    debar_edit_t             *e;
    debar_fault_t             why;
    debar_change_t           *f;
    const debar_edit_node_t  *alias;

    f = debar_changes_file(c, name, optional);

    if (f == NULL) {
        return NULL;
    }

    e = debar_edit_open(f->text.data ? f->text.data : "", f->text.len, &why);

    if (e == NULL) {
        debar_say("%s/%s: %s", c->source, name, why.text);
        return NULL;
    }

    alias = debar_sheets_alias(debar_edit_root(e));

    if (alias) {
        debar_say("%s/%s:%u: \"*%.64s\" stands for what is written elsewhere, "
                  "which a sheet has no place for: write it out here, then "
                  "again", c->source, name, alias->line, alias->text
                                                         ? alias->text : "");
        debar_edit_free(e);
        return NULL;
    }

    return e;
}


/* A scalar, or the values of a list with "; " between: a line each where one of
 * them has a semicolon. */

static void
debar_sheet_node(debar_sheet_row_t *row, unsigned column,
    const debar_edit_node_t *node)
{
    size_t       i, n;
    debar_buf_t  b;

    if (node == NULL || node->null) {
        return;
    }

    if (node->type == DEBAR_EDIT_SCALAR) {
        debar_sheet_put(row, column, node->text, node->n);
        return;
    }

    memset(&b, 0, sizeof(b));

    for (i = 0, n = 0; node->type == DEBAR_EDIT_LIST && i < node->n; i++) {
        n += node->items[i]->type == DEBAR_EDIT_SCALAR
             && strchr(node->items[i]->text, ';') != NULL;
    }

    for (i = 0; node->type == DEBAR_EDIT_LIST && i < node->n; i++) {
        if (node->items[i]->type == DEBAR_EDIT_SCALAR) {
            debar_buf_printf(&b, "%s%s", i ? n ? "\n" : "; " : "",
                             node->items[i]->text);
        }
    }

    /* one value alone with a semicolon: an empty line tells that it is one */

    if (n && node->n == 1) {
        debar_buf_add(&b, "\n|", 2);
    }

    debar_sheet_put(row, column, b.data ? b.data : "", b.len);
    debar_buf_free(&b);
}


static int
debar_sheets_list(debar_changes_t *c, debar_sheets_t *s)
{
    size_t                    i, k, n;
    debar_edit_t             *e;
    debar_edit_node_t        *root, *map, *list;
    debar_sheet_row_t        *row;
    static const char *const  keys[] = {
        "title", "publisher", "timezone", "serial", "expires", "in-force",
        "channels", "keep-open"
    };

    e = debar_sheets_open(c, "list.yaml", 0);

    if (e == NULL) {
        return DEBAR_ERROR;
    }

    root = debar_edit_root(e);

    for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (debar_edit_get(root, keys[i])) {
            row = debar_sheet_add(s, DEBAR_SHEET_LIST, 0);
            debar_sheet_put(row, 0, keys[i], strlen(keys[i]));
            debar_sheet_node(row, 1, debar_edit_get(root, keys[i]));
        }
    }

    map = debar_edit_get(root, "authorities");

    for (i = 0; map && map->type == DEBAR_EDIT_MAP && i < map->n; i += 2) {
        row = debar_sheet_add(s, DEBAR_SHEET_AUTHORITIES, 0);
        debar_sheet_node(row, 0, map->items[i]);
        debar_sheet_node(row, 1, debar_edit_get(map->items[i + 1], "title"));
        debar_sheet_node(row, 2, debar_edit_get(map->items[i + 1], "url"));

        list = debar_edit_get(map->items[i + 1], "phases");

        for (k = 0; list && list->type == DEBAR_EDIT_LIST && k < list->n; k++) {
            row = debar_sheet_add(s, DEBAR_SHEET_PHASES, 0);
            debar_sheet_node(row, 0, map->items[i]);

            for (n = 1; n < 6; n++) {
                debar_sheet_node(row, (unsigned) n, debar_edit_get(
                    list->items[k],
                    debar_sheet_kinds[DEBAR_SHEET_PHASES].columns[n]));
            }
        }
    }

    debar_edit_free(e);

    return DEBAR_OK;
}


static int
debar_sheets_vendor(debar_changes_t *c, debar_sheets_t *s, const char *name)
{
    int                    rc;
    size_t                 i;
    debar_edit_node_t     *root, *list;
    debar_sheet_row_t     *row;
    debar_sheet_vendor_t   v;

    memset(&v, 0, sizeof(v));
    v.sheets = s;
    v.file = name;
    v.e = debar_sheets_open(c, name, 0);

    if (v.e == NULL) {
        return DEBAR_ERROR;
    }

    root = debar_edit_root(v.e);
    row = debar_sheet_add(s, DEBAR_SHEET_VENDORS, 0);
    debar_sheet_node(row, 0, debar_edit_get(root, "id"));
    debar_sheet_node(row, 1, debar_edit_get(root, "name"));
    debar_sheet_node(row, 2, debar_edit_get(root, "authorities"));
    v.vendor = row->cells[0] ? row->cells[0] : "";

    list = debar_edit_get(root, "products");
    rc = debar_sheets_from(c, s, v.vendor, NULL, root);

    for (i = 0; list && list->type == DEBAR_EDIT_LIST && i < list->n; i++) {
        row = debar_sheet_add(s, DEBAR_SHEET_PRODUCTS, 0);
        debar_sheet_put(row, 0, v.vendor, strlen(v.vendor));
        debar_sheet_node(row, 1, debar_edit_get(list->items[i], "id"));
        debar_sheet_node(row, 2, debar_edit_get(list->items[i], "name"));

        if (rc == DEBAR_OK) {
            rc = debar_sheets_from(c, s, v.vendor, row->cells[1],
                                   list->items[i]);
        }
    }

    if (rc == DEBAR_OK) {
        rc = debar_edit_rows(v.e, debar_sheets_row, &v) ? DEBAR_ERROR
                                                        : DEBAR_OK;
    }

    debar_edit_free(v.e);

    return rc;
}


static int
debar_sheets_row(void *data, const debar_edit_found_t *f)
{
    size_t                 i;
    unsigned               sheet, first;
    debar_buf_t            b;
    debar_sheet_row_t     *row;
    debar_sheet_vendor_t  *v = data;
    const char *const     *column;

    if (f->value == NULL) {
        debar_say("%s:%u: what stands here is written elsewhere (an alias): "
                  "write it out first", v->file, f->node->line);
        return -1;
    }

    sheet = strcmp(f->kind, "permits") == 0 ? DEBAR_SHEET_PERMITS
                                            : DEBAR_SHEET_ROWS;
    row = debar_sheet_add(v->sheets, sheet, 0);
    debar_sheet_put(row, 0, v->vendor, strlen(v->vendor));
    memset(&b, 0, sizeof(b));

    if (f->ecosystem) {
        debar_buf_printf(&b, "%s:", f->ecosystem);
    }

    debar_buf_add(&b, f->value->text, f->value->n);

    if (sheet == DEBAR_SHEET_ROWS) {
        debar_sheet_put(row, DEBAR_ROW_PRODUCT, f->product ? f->product : "",
                        f->product ? strlen(f->product) : 0);
        debar_sheet_put(row, DEBAR_ROW_KIND, f->kind, strlen(f->kind));
        debar_sheet_put(row, DEBAR_ROW_VALUE, b.data, b.len);
        debar_sheet_put(row, DEBAR_ROW_PATTERN, "yes", f->pattern ? 3 : 0);
        first = DEBAR_ROW_MATCH;

    } else {
        debar_sheet_put(row, DEBAR_PERMIT_VALUE, b.data, b.len);
        first = DEBAR_PERMIT_SUBDOMAINS;
    }

    debar_buf_free(&b);
    column = debar_sheet_kinds[sheet].columns;

    for (i = first; column[i]; i++) {
        if (sheet == DEBAR_SHEET_ROWS && i == DEBAR_ROW_FILE) {
            break;                /* of plain files; a file's name is a value */
        }

        debar_sheet_node(row, (unsigned) i, debar_edit_get(f->node, column[i]));
    }

    return 0;
}


/* Values of plain files, with the name of the file. */

static int
debar_sheets_from(debar_changes_t *c, debar_sheets_t *s, const char *vendor,
    const char *product, const debar_edit_node_t *map)
{
    size_t               i;
    const char          *p, *q, *nl, *end, *kind, *near;
    debar_change_t      *f;
    debar_sheet_row_t   *row;
    debar_edit_node_t   *key, *value;

    for (i = 0; map->type == DEBAR_EDIT_MAP && i < map->n; i += 2) {
        char  name[64];

        key = map->items[i];
        value = map->items[i + 1];

        if (key->type != DEBAR_EDIT_SCALAR || key->n < 6 || key->n > 60
            || strcmp(key->text + key->n - 5, "-from") != 0
            || value->type != DEBAR_EDIT_SCALAR)
        {
            continue;
        }

        snprintf(name, sizeof(name), "%.*s", (int) key->n - 5, key->text);
        kind = debar_edit_kind(name, &near);
        f = kind ? debar_changes_file(c, value->text, 0) : NULL;

        if (f == NULL) {
            return DEBAR_ERROR;
        }

        end = f->text.data + f->text.len;

        for (p = f->text.data; p && p < end; p = nl) {
            nl = memchr(p, '\n', (size_t) (end - p));
            nl = nl ? nl + 1 : end;

            if (p == f->text.data && end - p >= 3
                && memcmp(p, "\xef\xbb\xbf", 3) == 0)
            {
                p += 3;
            }

            while (p < nl && (*p == ' ' || *p == '\t')) {
                p++;
            }

            for (q = p; q < nl && !(*q == '#' && (q == p || q[-1] == ' '
                                                  || q[-1] == '\t')); q++)
            {
                /* void */
            }

            while (q > p && strchr(" \t\r\n", q[-1])) {
                q--;
            }

            if (q == p) {
                continue;
            }

            row = debar_sheet_add(s, DEBAR_SHEET_ROWS, 0);
            debar_sheet_put(row, DEBAR_ROW_VENDOR, vendor, strlen(vendor));
            debar_sheet_put(row, DEBAR_ROW_PRODUCT, product ? product : "",
                            product ? strlen(product) : 0);
            debar_sheet_put(row, DEBAR_ROW_KIND, kind, strlen(kind));
            debar_sheet_put(row, DEBAR_ROW_VALUE, p, (size_t) (q - p));
            debar_sheet_put(row, DEBAR_ROW_FILE, value->text, value->n);
        }
    }

    return DEBAR_OK;
}


static int
debar_sheets_waivers(debar_changes_t *c, debar_sheets_t *s)
{
    size_t              i, k;
    debar_edit_t       *e;
    debar_edit_node_t  *list;
    debar_sheet_row_t  *row;
    const char *const  *column;

    if (debar_changes_file(c, "waivers.yaml", 1) == NULL) {
        return DEBAR_OK;
    }

    e = debar_sheets_open(c, "waivers.yaml", 0);

    if (e == NULL) {
        return DEBAR_ERROR;
    }

    list = debar_edit_get(debar_edit_root(e), "waivers");
    column = debar_sheet_kinds[DEBAR_SHEET_WAIVERS].columns;

    for (i = 0; list && list->type == DEBAR_EDIT_LIST && i < list->n; i++) {
        row = debar_sheet_add(s, DEBAR_SHEET_WAIVERS, 0);

        for (k = 0; k < DEBAR_SHEET_COLUMNS; k++) {
            debar_sheet_node(row, (unsigned) k,
                             debar_edit_get(list->items[i], column[k]));
        }
    }

    debar_edit_free(e);

    return DEBAR_OK;
}

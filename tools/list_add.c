/*
 * debar list add: a value, a vendor, a product put to a source.
 */

#include "list_edit.h"


static int debar_list_add_edit(debar_list_edit_t *le);
static int debar_list_new_vendor(debar_list_edit_t *le, const char *id);
static int debar_list_new_product(debar_list_edit_t *le, debar_place_t *p,
    const char *id);
static int debar_list_add_value(debar_list_edit_t *le, debar_place_t *p,
    const char *kind, const char *value);
static int debar_list_add_line(debar_list_edit_t *le, const char *file,
    const char *kind, const char *value);


static const char  debar_add_help[] =
    "usage: debar list add SOURCE VENDOR[/PRODUCT] KIND VALUE... [options]\n"
    "       debar list add SOURCE vendor ID --name NAME --authority A\n"
    "       debar list add SOURCE VENDOR product ID --name NAME\n"
    "\n"
    "Puts values to a source.  Comments, order and blank lines stay as they\n"
    "are; what is there already is said, and not doubled.  KIND is host, url,\n"
    "name, not-name, network, asn, country, file, sha256, signer,\n"
    "certificate-organization, package (ECOSYSTEM:ID), part-number, gtin, uei,\n"
    "cage or permit (a URL or a host, with --why).\n"
    "\n"
    "      --action log|block     the strongest that this value may do\n"
    "      --activity ACTIVITY    the request counts as at least this\n"
    "      --match word|anywhere  of a name\n"
    "      --subdomains true|false\n"
    "      --pattern              VALUE is an expression (PCRE2)\n"
    "      --source TEXT          where it is known from\n"
    "      --force TEXT           why it stands though a guard rail refuses it\n"
    "      --why TEXT             of a permit\n"
    "      --authority ID         fewer than the vendor's; may be repeated\n"
    "      --comment TEXT         a comment behind the value\n"
    "      --from-file            to the file of KIND-from, not to the YAML\n"
    "  -n, --dry-run              print the change as a diff, write nothing\n"
    "      --json                 say the outcome as one JSON object\n"
    "  -q, --quiet                say nothing but errors\n"
    "  -h, --help                 this text\n"
    "\n"
    "Exit: 0 done or there already, 1 not done (stderr says why), 2 usage.\n";


int
debar_list_add(int argc, char **argv)
{
    int                 rc;
    debar_list_edit_t   le;

    memset(&le, 0, sizeof(le));
    le.command = "debar list add";
    le.what = DEBAR_ADD;

    rc = debar_list_edit_options(&le, debar_add_help, argc, argv);

    if (rc != -1) {
        return rc;
    }

    if (le.nargs < 3 || (le.nargs == 3 && strcmp(le.args[1], "vendor") != 0)) {
        return debar_usage(le.command, "name SOURCE VENDOR KIND VALUE");
    }

    return debar_list_edit_run(&le, debar_list_add_edit);
}


static int
debar_list_add_edit(debar_list_edit_t *le)
{
    int            i, rc;
    const char    *kind;
    debar_place_t  p;

    if (le->nargs == 3) {
        return debar_list_new_vendor(le, le->args[2]);
    }

    if (debar_list_place(le, le->args[1], &p) != DEBAR_OK) {
        return DEBAR_EXIT_FAILURE;
    }

    if (strcmp(le->args[2], "product") == 0) {
        return debar_list_new_product(le, &p, le->args[3]);
    }

    kind = debar_list_kind_of(le->args[2]);

    if (kind == NULL) {
        return DEBAR_EXIT_FAILURE;
    }

    if (le->name) {
        return debar_usage(le->command, "--name is of a vendor or a product");
    }

    for (i = 3; i < le->nargs; i++) {
        rc = debar_list_add_value(le, &p, kind, le->args[i]);

        if (rc) {
            return rc;
        }
    }

    return 0;
}


static int
debar_list_id(const char *id)
{
    size_t  i;

    for (i = 0; id[i]; i++) {
        if (!((id[i] >= 'a' && id[i] <= 'z') || (id[i] >= 'A' && id[i] <= 'Z')
              || (id[i] >= '0' && id[i] <= '9')
              || (i && strchr("._-", id[i]))))
        {
            break;
        }
    }

    if (i && i <= 64 && id[i] == '\0') {
        return DEBAR_OK;
    }

    debar_say("\"%s\" is not an id: at most 64 letters, digits and \".\", "
              "\"_\", \"-\"", id);

    return DEBAR_ERROR;
}


static int
debar_list_new_vendor(debar_list_edit_t *le, const char *id)
{
    char                file[256], **names;
    size_t              i;
    debar_buf_t         b;
    debar_edit_t       *e;
    debar_edit_node_t  *node;

    if (debar_list_id(id) != DEBAR_OK) {
        return DEBAR_EXIT_FAILURE;
    }

    if (le->name == NULL || le->row.nauthorities == 0) {
        return debar_usage(le->command, "a vendor needs --name NAME and "
                           "--authority ID, an authority of list.yaml");
    }

    names = debar_changes_names(&le->changes, "vendors");

    for (i = 0; names[i]; i++) {
        e = debar_list_edit_file(le, names[i]);
        node = e ? debar_edit_get(debar_edit_root(e), "id") : NULL;

        if (node && node->type == DEBAR_EDIT_SCALAR
            && strcmp(node->text, id) == 0)
        {
            debar_list_told(le, names[i], node->line, "already there", id);
            debar_edit_free(e);
            debar_changes_names_free(names);
            return 0;
        }

        debar_edit_free(e);
    }

    debar_changes_names_free(names);
    snprintf(file, sizeof(file), "vendors/%s.yaml", id);

    if (debar_changes_file(&le->changes, file, 1)) {
        return debar_say("%s/%s is there already, with another id: choose "
                         "another id, or mend that file", le->changes.source,
                         file);
    }

    memset(&b, 0, sizeof(b));

    if (le->row.comment) {
        debar_buf_printf(&b, "# %s\n\n", le->row.comment);
    }

    debar_buf_printf(&b, "id: ");
    debar_edit_quote(&b, id, strlen(id), 0);
    debar_buf_printf(&b, "\nname: ");
    debar_edit_quote(&b, le->name, strlen(le->name), 0);
    debar_buf_printf(&b, "\nauthorities: [");

    for (i = 0; i < le->row.nauthorities; i++) {
        debar_buf_printf(&b, "%s", i ? ", " : "");
        debar_edit_quote(&b, le->authorities[i], strlen(le->authorities[i]),
                         0);
    }

    debar_buf_printf(&b, "]\n");
    debar_changes_put(&le->changes, file, &b);
    debar_list_told(le, file, 0, "added", id);

    return 0;
}


static int
debar_list_new_product(debar_list_edit_t *le, debar_place_t *p, const char *id)
{
    int                 rc;
    debar_buf_t         b;
    debar_edit_t       *e;
    debar_fault_t       why;
    debar_edit_node_t  *node;

    if (debar_list_id(id) != DEBAR_OK) {
        return DEBAR_EXIT_FAILURE;
    }

    if (le->name == NULL) {
        return debar_usage(le->command, "a product needs --name NAME");
    }

    e = debar_list_edit_file(le, p->file);

    if (e == NULL) {
        return DEBAR_EXIT_FAILURE;
    }

    node = debar_edit_entry(e, id, &why);

    if (node) {
        debar_list_told(le, p->file, node->line, "already there", id);
        debar_edit_free(e);
        return 0;
    }

    memset(&b, 0, sizeof(b));
    debar_buf_printf(&b, "{id: ");
    debar_edit_quote(&b, id, strlen(id), 0);
    debar_buf_printf(&b, ", name: ");
    debar_edit_quote(&b, le->name, strlen(le->name), 0);
    debar_buf_add(&b, "}", 2);

    node = debar_edit_get(debar_edit_root(e), "products");
    rc = node ? debar_edit_append(e, node, b.data, le->row.comment, &why)
              : debar_edit_key(e, debar_edit_root(e), "products", b.data, 1,
                               le->row.comment, debar_edit_order(), &why);

    debar_list_told(le, p->file, 0, "added", b.data);
    debar_buf_free(&b);

    return debar_list_edit_done(le, p->file, e, rc, &why);
}


/* What a row that is here already says otherwise than asked for. */

static int
debar_list_differs(const debar_edit_found_t *f, const debar_edit_row_t *row)
{
    size_t  i;
    struct {
        const char  *key;
        const char  *value;
        const char  *none;
    } asked[] = {
        { "action", row->action, "block" },
        { "activity", row->activity, "" },
        { "match", row->match, "word" },
        { "forced", row->forced, "" },
    };
    debar_edit_node_t  *node;

    for (i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        node = debar_edit_get(f->node, asked[i].key);

        if (asked[i].value
            && strcmp(asked[i].value,
                      node && node->type == DEBAR_EDIT_SCALAR
                      ? node->text : asked[i].none) != 0)
        {
            return 1;
        }
    }

    return 0;
}


static int
debar_list_add_value(debar_list_edit_t *le, debar_place_t *p, const char *kind,
    const char *value)
{
    int                 i, n, rc, known;
    char                from[4096];
    size_t              start, end, line;
    unsigned            listed;
    debar_buf_t         a, b;
    debar_edit_t       *e;
    debar_fault_t       why;
    debar_change_t     *f;
    debar_edit_found_t  found[64];

    e = debar_list_edit_file(le, p->file);

    if (e == NULL) {
        return DEBAR_EXIT_FAILURE;
    }

    if (debar_edit_entry(e, p->product, &why) == NULL) {
        debar_edit_free(e);
        return debar_say("%s/%s: %s; a new one: debar list add %s %s product "
                         "%s --name NAME", le->changes.source, p->file,
                         why.text, le->changes.source, p->vendor, p->product);
    }

    found[0].kind = kind;
    n = debar_edit_find(e, NULL, kind, value, le->row.pattern, found, 64, &why);

    if (n == DEBAR_ERROR) {
        debar_edit_free(e);
        return debar_say("%s", why.text);
    }

    memset(&a, 0, sizeof(a));
    memset(&b, 0, sizeof(b));
    debar_edit_scope(e, &a, &found[0], &le->row);

    for (i = 0, known = -1; i < n && i < 64; i++) {
        b.len = 0;
        debar_edit_scope(e, &b, &found[i], NULL);

        if (a.len == b.len && memcmp(a.data, b.data, a.len) == 0) {
            known = i;
        }
    }

    debar_buf_free(&a);
    debar_buf_free(&b);

    if (known >= 0 && debar_list_differs(&found[known], &le->row)) {
        line = found[known].node->line;
        debar_edit_free(e);
        return debar_say("%s/%s:%zu: %s is listed here otherwise: remove it "
                         "first, or change that line", le->changes.source,
                         p->file, line, value);
    }

    if (known >= 0) {
        debar_list_told(le, p->file, found[known].node->line, "already there",
                        value);
        debar_edit_free(e);
        return 0;
    }

    rc = debar_list_from_file(le, p, kind, from, sizeof(from), &listed);

    if (rc == DEBAR_OK) {
        f = debar_changes_file(&le->changes, from, 0);

        if (f == NULL) {
            debar_edit_free(e);
            return DEBAR_EXIT_FAILURE;
        }

        if (!le->row.pattern && le->row.nauthorities == 0
            && debar_edit_line_find(f->text.data, f->text.len, kind, value,
                                    &start, &end, &line, &why) == DEBAR_OK)
        {
            debar_list_told(le, from, (unsigned) line, "already there", value);
            debar_edit_free(e);
            return 0;
        }
    }

    if (le->from_file && rc != DEBAR_OK) {
        debar_edit_free(e);
        return debar_say("%s/%s has no \"%s\": leave out --from-file",
                         le->changes.source, p->file,
                         debar_edit_from(kind) ? debar_edit_from(kind) : kind);
    }

    memset(&a, 0, sizeof(a));

    if (rc == DEBAR_OK && (le->from_file || !listed)
        && debar_edit_row_yaml(&a, kind, value, &le->row, &why) == DEBAR_OK
        && a.len && a.data[0] != '{' && strstr(value, " #") == NULL
        && value[0] != '#')
    {
        debar_buf_free(&a);
        debar_edit_free(e);
        return debar_list_add_line(le, from, kind, value);
    }

    debar_buf_free(&a);

    if (le->from_file) {
        debar_edit_free(e);
        return debar_say("a line of %s is a value alone: leave out "
                         "--from-file", from);
    }

    rc = debar_edit_row_add(e, p->product, kind, value, &le->row, &why);
    rc = debar_list_edit_done(le, p->file, e, rc, &why);

    if (rc == 0) {
        e = debar_list_edit_file(le, p->file);
        n = e ? debar_edit_find(e, p->product, kind, value, le->row.pattern,
                                found, 64, &why) : 0;
        debar_list_told(le, p->file, n > 0
                        ? found[n > 64 ? 63 : n - 1].node->line : 0, "added",
                        value);
        debar_edit_free(e);
    }

    return rc;
}


/* The file of KIND-from in the vendor or product; DEBAR_DECLINED: none.
 * listed: there is a list of the kind, too. */

int
debar_list_from_file(debar_list_edit_t *le, debar_place_t *p, const char *kind,
    char *file, size_t size, unsigned *listed)
{
    int                 rc;
    const char         *key;
    debar_edit_t       *e;
    debar_fault_t       why;
    debar_edit_node_t  *map, *node;

    rc = DEBAR_DECLINED;
    *listed = 0;
    key = debar_edit_from(kind);
    e = key ? debar_list_edit_file(le, p->file) : NULL;
    map = e ? debar_edit_entry(e, p->product, &why) : NULL;
    node = map ? debar_edit_get(map, key) : NULL;

    if (node && node->type == DEBAR_EDIT_SCALAR && node->n) {
        snprintf(file, size, "%s", node->text);
        *listed = debar_edit_get(map, kind) != NULL;
        rc = DEBAR_OK;
    }

    debar_edit_free(e);

    return rc;
}


static int
debar_list_add_line(debar_list_edit_t *le, const char *file, const char *kind,
    const char *value)
{
    debar_buf_t      out;
    debar_change_t  *f;

    f = debar_changes_file(&le->changes, file, 0);

    if (f == NULL) {
        return DEBAR_EXIT_FAILURE;
    }

    memset(&out, 0, sizeof(out));
    debar_edit_line_add(&out, f->text.data, f->text.len, value,
                        le->row.comment);
    debar_changes_put(&le->changes, file, &out);
    debar_list_told(le, file, 0, "added", value);

    return 0;
}

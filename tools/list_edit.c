/*
 * debar list add, remove, set: a source changed in place.
 */

#include <errno.h>
#include <stdlib.h>

#include "change.h"
#include "edit.h"


#define DEBAR_MAX_NAMED  64           /* authorities on one command line */

enum { DEBAR_ADD = 0, DEBAR_REMOVE, DEBAR_SET };

typedef struct {
    const char         *command;      /* "debar list add" */
    unsigned            what;
    debar_edit_row_t    row;
    const char         *authorities[DEBAR_MAX_NAMED];
    const char         *name;
    unsigned            dry_run;
    unsigned            json;
    unsigned            quiet;
    unsigned            unset;
    unsigned            from_file;
    unsigned            all;
    char              **args;         /* behind the options */
    int                 nargs;

    debar_changes_t     changes;
    debar_buf_t         done;         /* JSON members of what was done */
    size_t              ndone;
    size_t              nhere;        /* what was there already */
} debar_list_edit_t;

typedef struct {
    char                file[4200];   /* "vendors/acme.yaml" */
    char                vendor[256];
    const char         *product;      /* in vendor, or NULL */
} debar_place_t;


static int debar_list_edit_options(debar_list_edit_t *le, const char *help,
    int argc, char **argv);
static int debar_list_edit_run(debar_list_edit_t *le,
    int (*edit)(debar_list_edit_t *le));
static int debar_list_add_edit(debar_list_edit_t *le);
static int debar_list_remove_edit(debar_list_edit_t *le);
static int debar_list_set_edit(debar_list_edit_t *le);
static int debar_list_new_vendor(debar_list_edit_t *le, const char *id);
static int debar_list_new_product(debar_list_edit_t *le, debar_place_t *p,
    const char *id);
static int debar_list_add_value(debar_list_edit_t *le, debar_place_t *p,
    const char *kind, const char *value);
static int debar_list_add_line(debar_list_edit_t *le, const char *file,
    const char *kind, const char *value);
static int debar_list_remove_value(debar_list_edit_t *le, debar_place_t *p,
    const char *kind, const char *value);
static int debar_list_remove_line(debar_list_edit_t *le, debar_place_t *p,
    const char *kind, const char *value);
static int debar_list_place(debar_list_edit_t *le, const char *name,
    debar_place_t *p);
static int debar_list_from_file(debar_list_edit_t *le, debar_place_t *p,
    const char *kind, char *file, size_t size, unsigned *listed);
static const char *debar_list_kind_of(const char *name);
static void debar_list_told(debar_list_edit_t *le, const char *file,
    unsigned line, const char *what, const char *text);


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

static const char  debar_remove_help[] =
    "usage: debar list remove SOURCE VENDOR[/PRODUCT] KIND VALUE... [options]\n"
    "       debar list remove SOURCE VENDOR product ID\n"
    "\n"
    "Takes values out of a source, and the comment on the line of each.\n"
    "\n"
    "      --authority ID         of several rows, that with just these\n"
    "      --pattern              VALUE is an expression (PCRE2)\n"
    "      --all                  all rows with this value\n"
    "  -n, --dry-run              print the change as a diff, write nothing\n"
    "      --json                 say the outcome as one JSON object\n"
    "  -q, --quiet                say nothing but errors\n"
    "  -h, --help                 this text\n"
    "\n"
    "Exit: 0 done, 1 not done (stderr says why), 2 usage.\n";

static const char  debar_set_help[] =
    "usage: debar list set SOURCE KEY VALUE             of list.yaml\n"
    "       debar list set SOURCE VENDOR[/PRODUCT] KEY VALUE\n"
    "       debar list set SOURCE waivers/ID KEY VALUE\n"
    "       debar list set SOURCE [VENDOR] KEY --unset\n"
    "\n"
    "Changes one value: \"set SOURCE serial +1\", \"set SOURCE expires\n"
    "2027-06-30\", \"set SOURCE acme authorities far-52.204-23,ndaa-1634\".  A\n"
    "value inside another is named with \"/\": authorities/ID/title.\n"
    "\n"
    "      --unset                take the key out\n"
    "  -n, --dry-run              print the change as a diff, write nothing\n"
    "      --json                 say the outcome as one JSON object\n"
    "  -q, --quiet                say nothing but errors\n"
    "  -h, --help                 this text\n"
    "\n"
    "Exit: 0 done, 1 not done (stderr says why), 2 usage.\n";


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


int
debar_list_remove(int argc, char **argv)
{
    int                 rc;
    debar_list_edit_t   le;

    memset(&le, 0, sizeof(le));
    le.command = "debar list remove";
    le.what = DEBAR_REMOVE;

    rc = debar_list_edit_options(&le, debar_remove_help, argc, argv);

    if (rc != -1) {
        return rc;
    }

    if (le.nargs == 3 && strcmp(le.args[1], "vendor") == 0) {
        return debar_usage(le.command, "a whole vendor is a file of vendors/: "
                           "remove that, or its values one by one");
    }

    if (le.nargs < 4) {
        return debar_usage(le.command, "name SOURCE VENDOR KIND VALUE");
    }

    return debar_list_edit_run(&le, debar_list_remove_edit);
}


int
debar_list_set(int argc, char **argv)
{
    int                 rc;
    debar_list_edit_t   le;

    memset(&le, 0, sizeof(le));
    le.command = "debar list set";
    le.what = DEBAR_SET;

    rc = debar_list_edit_options(&le, debar_set_help, argc, argv);

    if (rc != -1) {
        return rc;
    }

    if (le.nargs + (int) le.unset < 3 || le.nargs + (int) le.unset > 4) {
        return debar_usage(le.command, "name SOURCE [VENDOR] KEY %s",
                           le.unset ? "--unset" : "VALUE");
    }

    return debar_list_edit_run(&le, debar_list_set_edit);
}


/* -1: go on; else the exit code. */

static int
debar_list_edit_options(debar_list_edit_t *le, const char *help, int argc,
    char **argv)
{
    int                         c;
    static const struct option  options[] = {
        { "action",     required_argument, NULL, 1 },
        { "activity",   required_argument, NULL, 2 },
        { "match",      required_argument, NULL, 3 },
        { "subdomains", required_argument, NULL, 4 },
        { "source",     required_argument, NULL, 5 },
        { "why",        required_argument, NULL, 6 },
        { "sha256",     required_argument, NULL, 7 },
        { "product",    required_argument, NULL, 8 },
        { "comment",    required_argument, NULL, 9 },
        { "authority",  required_argument, NULL, 10 },
        { "name",       required_argument, NULL, 11 },
        { "pattern",    no_argument,       NULL, 12 },
        { "from-file",  no_argument,       NULL, 13 },
        { "unset",      no_argument,       NULL, 14 },
        { "all",        no_argument,       NULL, 15 },
        { "force",      required_argument, NULL, 16 },
        { "json",       no_argument,       NULL, 'j' },
        { "dry-run",    no_argument,       NULL, 'n' },
        { "quiet",      no_argument,       NULL, 'q' },
        { "help",       no_argument,       NULL, 'h' },
        { NULL, 0, NULL, 0 }
    };
    static const unsigned       takes[] = {   /* by what, from 1 on */
        0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 3, 1, 3, 1, 4, 2, 1
    };

    opterr = 0;

    while ((c = getopt_long(argc, argv, ":nqh", options, NULL)) != -1) {

        if (c < 17 && c > 0 && !(takes[c] & (1u << le->what))) {
            return debar_usage(le->command, "this option is of another "
                               "command: %s", argv[optind - 1]);
        }

        switch (c) {
        case 1: le->row.action = optarg; break;
        case 2: le->row.activity = optarg; break;
        case 3: le->row.match = optarg; break;
        case 4: le->row.subdomains = optarg; break;
        case 5: le->row.source = optarg; break;
        case 6: le->row.why = optarg; break;
        case 7: le->row.sha256 = optarg; break;
        case 8: le->row.product = optarg; break;
        case 9: le->row.comment = optarg; break;
        case 10:
            if (le->row.nauthorities == DEBAR_MAX_NAMED) {
                return debar_usage(le->command, "more than %d authorities",
                                   DEBAR_MAX_NAMED);
            }

            le->authorities[le->row.nauthorities++] = optarg;
            break;
        case 11: le->name = optarg; break;
        case 12: le->row.pattern = 1; break;
        case 13: le->from_file = 1; break;
        case 14: le->unset = 1; break;
        case 15: le->all = 1; break;
        case 16: le->row.forced = optarg; break;
        case 'j': le->json = 1; break;
        case 'n': le->dry_run = 1; break;
        case 'q': le->quiet = 1; break;
        case 'h':
            fputs(help, stdout);
            return 0;
        default:
            return debar_bad_option(le->command, c, argv);
        }
    }

    if (le->row.forced && le->row.forced[strspn(le->row.forced, " \t\r\n")]
                          == '\0')
    {
        return debar_usage(le->command, "--force says why the value is listed "
                           "against a guard rail: --force \"REASON\"");
    }

    if (le->row.comment && strpbrk(le->row.comment, "\r\n")) {
        return debar_usage(le->command, "a comment is one line");
    }

    le->row.authorities = le->authorities;
    le->args = argv + optind;
    le->nargs = argc - optind;

    return -1;
}


static int
debar_list_edit_run(debar_list_edit_t *le, int (*edit)(debar_list_edit_t *le))
{
    int     rc;
    size_t  i, n;

    if (debar_changes_open(&le->changes, le->args[0]) != DEBAR_OK) {
        return DEBAR_EXIT_FAILURE;
    }

    rc = edit(le);

    for (i = 0, n = 0; i < le->changes.n; i++) {
        n += le->changes.list[i].changed;
    }

    if (rc == 0 && n
        && debar_changes_check(&le->changes, NULL, le->quiet || le->json)
           != DEBAR_OK)
    {
        rc = DEBAR_EXIT_FAILURE;
    }

    if (rc == 0 && n && le->dry_run) {
        rc = debar_changes_diff(&le->changes);

    } else if (rc == 0 && n
               && debar_changes_write(&le->changes) != DEBAR_OK)
    {
        rc = DEBAR_EXIT_FAILURE;
    }

    if (rc == 0 && le->json && !le->dry_run) {
        printf("{\"ok\":true,\"changed\":%zu,\"already\":%zu,\"what\":[%.*s]}\n",
               le->ndone - le->nhere, le->nhere, (int) le->done.len,
               le->done.data ? le->done.data : "");

    } else if (rc == 0 && !le->quiet && !le->json && le->done.len) {
        fwrite(le->done.data, 1, le->done.len, le->dry_run ? stderr : stdout);
    }

    debar_buf_free(&le->done);
    debar_changes_free(&le->changes);

    return rc;
}


/* "vendors/acme.yaml:12: added ..." */

static void
debar_list_told(debar_list_edit_t *le, const char *file, unsigned line,
    const char *what, const char *text)
{
    debar_buf_t  *b = &le->done;

    le->ndone++;
    le->nhere += strcmp(what, "already there") == 0;

    if (!le->json) {
        debar_buf_printf(b, "%s", file);

        if (line) {
            debar_buf_printf(b, ":%u", line);
        }

        debar_buf_printf(b, ": %s: %s\n", what, text);
        return;
    }

    debar_buf_printf(b, "%s{", b->len ? "," : "");
    debar_json_text(b, "file", file, strlen(file));

    if (line) {
        debar_json_number(b, "line", line);
    }

    debar_json_text(b, "did", what, strlen(what));
    debar_json_text(b, "value", text, strlen(text));
    debar_buf_printf(b, "}");
}


/* --- where ---------------------------------------------------------------- */

/* The file of a vendor by its id: that of the same name first. */

static int
debar_list_place(debar_list_edit_t *le, const char *name, debar_place_t *p)
{
    int                 found;
    char              **names, *slash;
    size_t              i, n;
    debar_buf_t         known;
    debar_edit_t       *e;
    debar_fault_t       why;
    debar_change_t     *f;
    debar_edit_node_t  *id;

    memset(p, 0, sizeof(*p));
    snprintf(p->vendor, sizeof(p->vendor), "%s", name);
    slash = strchr(p->vendor, '/');

    if (slash) {
        *slash = '\0';
        p->product = slash + 1;
    }

    memset(&known, 0, sizeof(known));
    names = debar_changes_names(&le->changes, "vendors");
    found = 0;

    for (i = 0, n = 0; names[i] && !found; i++) {
        f = debar_changes_file(&le->changes, names[i], 0);

        if (f == NULL) {
            break;
        }

        e = debar_edit_open(f->text.data ? f->text.data : "", f->text.len,
                            &why);

        if (e == NULL) {
            continue;             /* the reader will say so */
        }

        id = debar_edit_get(debar_edit_root(e), "id");

        if (id && id->type == DEBAR_EDIT_SCALAR) {
            found = strcmp(id->text, p->vendor) == 0;

            if (!found && n++ < 8) {
                debar_buf_printf(&known, "%s%.64s", known.len ? ", " : "",
                                 id->text);
            }
        }

        if (found) {
            snprintf(p->file, sizeof(p->file), "%s", names[i]);
        }

        debar_edit_free(e);
    }

    debar_changes_names_free(names);

    if (!found) {
        debar_say("%s has no vendor \"%s\": it has %.*s%s; a new one: "
                  "debar list add %s vendor %s --name NAME --authority ID",
                  le->changes.source, p->vendor, (int) known.len,
                  known.len ? known.data : "none", n > 8 ? ", ..." : "",
                  le->changes.source, p->vendor);
    }

    debar_buf_free(&known);

    return found ? DEBAR_OK : DEBAR_ERROR;
}


static const char *
debar_list_kind_of(const char *name)
{
    const char  *kind, *near;

    kind = debar_edit_kind(name, &near);

    if (kind == NULL) {
        debar_say("there is no kind \"%s\"%s%s%s; kinds are host, url, name, "
                  "network, file, package, part-number, gtin, permit, ... "
                  "(debar list add --help)", name, near ? ": \"" : "",
                  near ? near : "", near ? "\" is meant?" : "");
    }

    return kind;
}


static debar_edit_t *
debar_list_edit_file(debar_list_edit_t *le, const char *name)
{
    debar_edit_t    *e;
    debar_fault_t    why;
    debar_change_t  *f;

    f = debar_changes_file(&le->changes, name, 0);

    if (f == NULL) {
        return NULL;
    }

    e = debar_edit_open(f->text.data ? f->text.data : "", f->text.len, &why);

    if (e == NULL) {
        debar_say("%s/%s: %s; mend this first", le->changes.source, name,
                  why.text);
    }

    return e;
}


/* What the edits make of it becomes the file's text.  e is freed. */

static int
debar_list_edit_done(debar_list_edit_t *le, const char *name, debar_edit_t *e,
    int rc, debar_fault_t *why)
{
    debar_buf_t  out;

    memset(&out, 0, sizeof(out));

    if (rc == DEBAR_OK) {
        rc = debar_edit_finish(e, &out, why);
    }

    debar_edit_free(e);

    if (rc != DEBAR_OK) {
        debar_buf_free(&out);
        return debar_say("%s/%s: %s", le->changes.source, name, why->text);
    }

    debar_changes_put(&le->changes, name, &out);

    return 0;
}


/* --- add ------------------------------------------------------------------ */

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

static int
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


/* --- remove --------------------------------------------------------------- */

static int
debar_list_remove_edit(debar_list_edit_t *le)
{
    int                 i, rc;
    const char         *kind;
    debar_edit_t       *e;
    debar_fault_t       why;
    debar_place_t       p;
    debar_edit_node_t  *list, *item;

    if (debar_list_place(le, le->args[1], &p) != DEBAR_OK) {
        return DEBAR_EXIT_FAILURE;
    }

    if (strcmp(le->args[2], "product") == 0) {
        e = debar_list_edit_file(le, p.file);
        item = e ? debar_edit_entry(e, le->args[3], &why) : NULL;
        list = item ? debar_edit_get(debar_edit_root(e), "products") : NULL;

        if (e && list == NULL) {
            debar_say("%s/%s: %s", le->changes.source, p.file, why.text);
        }

        if (list == NULL) {
            debar_edit_free(e);
            return DEBAR_EXIT_FAILURE;
        }

        for (i = 0; list->items[i] != item; i++) {
            /* void */
        }

        debar_list_told(le, p.file, item->line, "removed", le->args[3]);
        rc = debar_edit_remove(e, list, (size_t) i, &why);

        return debar_list_edit_done(le, p.file, e, rc, &why);
    }

    kind = debar_list_kind_of(le->args[2]);

    for (i = 3; kind && i < le->nargs; i++) {
        rc = debar_list_remove_value(le, &p, kind, le->args[i]);

        if (rc) {
            return rc;
        }
    }

    return kind ? 0 : DEBAR_EXIT_FAILURE;
}


static int
debar_list_remove_value(debar_list_edit_t *le, debar_place_t *p,
    const char *kind, const char *value)
{
    int                 i, n, rc, k;
    debar_buf_t         a, b, lines;
    debar_edit_t       *e;
    debar_fault_t       why;
    debar_edit_found_t  found[256];

    e = debar_list_edit_file(le, p->file);

    if (e == NULL) {
        return DEBAR_EXIT_FAILURE;
    }

    n = debar_edit_find(e, p->product, kind, value, le->row.pattern, found, 256,
                        &why);

    if (n == DEBAR_ERROR) {
        debar_edit_free(e);
        return debar_say("%s", why.text);
    }

    n = n > 256 ? 256 : n;

    if (n == 0) {
        debar_edit_free(e);
        return debar_list_remove_line(le, p, kind, value);
    }

    memset(&a, 0, sizeof(a));
    memset(&b, 0, sizeof(b));
    memset(&lines, 0, sizeof(lines));

    /* of several those with the authorities that were named */

    for (i = 0, k = 0; le->row.nauthorities && i < n; i++) {
        a.len = 0;
        b.len = 0;
        debar_edit_scope(e, &a, &found[i], &le->row);
        debar_edit_scope(e, &b, &found[i], NULL);

        if (strcspn(a.data, " ") == strcspn(b.data, " ")
            && memcmp(a.data, b.data, strcspn(a.data, " ")) == 0)
        {
            found[k++] = found[i];
        }
    }

    if (le->row.nauthorities) {
        n = k;
    }

    for (i = 0; i < n; i++) {
        debar_buf_printf(&lines, "%s%u", i ? ", " : "", found[i].node->line);
    }

    debar_buf_add(&lines, "", 1);
    rc = DEBAR_OK;

    if (n == 0) {
        debar_fault(&why, "%s is not listed for just these authorities", value);
        rc = DEBAR_ERROR;

    } else if (n > 1 && !le->all) {
        debar_fault(&why, "%s stands at lines %.200s: say which with "
                    "VENDOR/PRODUCT or --authority, or --all", value,
                    lines.data);
        rc = DEBAR_ERROR;
    }

    for (i = 0; rc == DEBAR_OK && i < n; i++) {
        debar_list_told(le, p->file, found[i].node->line, "removed", value);
        rc = debar_edit_remove(e, found[i].list, found[i].i, &why);
    }

    debar_buf_free(&a);
    debar_buf_free(&b);
    debar_buf_free(&lines);

    return debar_list_edit_done(le, p->file, e, rc, &why);
}


static int
debar_list_remove_line(debar_list_edit_t *le, debar_place_t *p,
    const char *kind, const char *value)
{
    int              rc;
    char             from[4096];
    size_t           start, end, line;
    unsigned         listed;
    debar_buf_t      out;
    debar_fault_t    why;
    debar_change_t  *f;

    rc = debar_list_from_file(le, p, kind, from, sizeof(from), &listed);

    if (rc == DEBAR_OK) {
        f = debar_changes_file(&le->changes, from, 0);

        if (f == NULL) {
            return DEBAR_EXIT_FAILURE;
        }

        rc = debar_edit_line_find(f->text.data, f->text.len, kind, value,
                                  &start, &end, &line, &why);

        if (rc == DEBAR_OK) {
            memset(&out, 0, sizeof(out));
            debar_buf_add(&out, f->text.data, start);
            debar_buf_add(&out, f->text.data + end, f->text.len - end);
            debar_changes_put(&le->changes, from, &out);
            debar_list_told(le, from, (unsigned) line, "removed", value);
            return 0;
        }
    }

    return debar_say("%s/%s: %s is not listed under %s%s%s: nothing to remove",
                     le->changes.source, p->file, value, kind,
                     p->product ? " of product " : "",
                     p->product ? p->product : "");
}


/* --- set ------------------------------------------------------------------ */

static const char *const  debar_list_order[] = {
    "title", "publisher", "timezone", "serial", "expires", "in-force",
    "channels", "keep-open", "authorities", NULL
};


/* The value of a key as it will stand in YAML. */

static int
debar_list_set_value(debar_buf_t *b, const debar_edit_node_t *now,
    const char *key, const char *value, debar_fault_t *why)
{
    int                       list;
    char                     *end;
    size_t                    n;
    unsigned                  typed;
    unsigned long long        number;
    static const char *const  lists[] = {
        "authorities", "in-force", "keep-open", "products", "users", "clients",
        "orders", "urls", "activities"
    };

    list = now && now->type == DEBAR_EDIT_LIST;

    for (n = 0; now == NULL && n < sizeof(lists) / sizeof(lists[0]); n++) {
        list |= strcmp(key, lists[n]) == 0;
    }

    typed = strcmp(key, "serial") == 0 || strcmp(key, "expires") == 0
            || strcmp(key, "from") == 0 || strcmp(key, "until") == 0
            || strcmp(key, "subdomains") == 0;

    if (now && now->type == DEBAR_EDIT_MAP) {
        debar_fault(why, "\"%s\" holds more than one value: name the one that "
                    "is meant with \"/\"", key);
        return DEBAR_ERROR;
    }

    if (strcmp(key, "serial") == 0 && value[0] == '+') {
        if (now == NULL || now->type != DEBAR_EDIT_SCALAR) {
            debar_fault(why, "there is no serial to add to");
            return DEBAR_ERROR;
        }

        errno = 0;
        number = strtoull(now->text, &end, 10);

        if (errno || *end || number > (1ull << 62)) {
            debar_fault(why, "serial %.32s is no number", now->text);
            return DEBAR_ERROR;
        }

        n = strtoull(value + 1, &end, 10);

        if (*end || n == 0 || n > 1000000) {
            debar_fault(why, "\"%.32s\" is not +1", value);
            return DEBAR_ERROR;
        }

        debar_buf_printf(b, "%llu", number + n);

    } else if (list) {
        debar_buf_add(b, "[", 1);

        for (/* void */; *value; value += n + (value[n] == ',')) {
            while (*value == ' ') {
                value++;
            }

            n = strcspn(value, ",");

            if (n) {
                debar_buf_printf(b, "%s", b->len > 1 ? ", " : "");
                debar_edit_quote(b, value, n, 0);
            }
        }

        debar_buf_add(b, "]", 1);

    } else {
        debar_edit_quote(b, value, strlen(value), typed);
    }

    debar_buf_add(b, "", 1);

    return DEBAR_OK;
}


/* Down to the map that has the key: "authorities/far-52.204-23/title".  *key:
 * the last part. */

static debar_edit_node_t *
debar_list_set_map(debar_edit_node_t *map, char *path, char **key,
    debar_fault_t *why)
{
    char               *slash;
    size_t              i;
    debar_edit_node_t  *next, *id;

    *key = path;

    while (map && (slash = strchr(*key, '/')) != NULL) {
        *slash = '\0';
        next = debar_edit_get(map, *key);

        for (i = 0; map->type == DEBAR_EDIT_LIST && i < map->n; i++) {
            id = debar_edit_get(map->items[i], "id");

            if (id && id->type == DEBAR_EDIT_SCALAR
                && strcmp(id->text, *key) == 0)
            {
                next = map->items[i];
            }
        }

        if (next == NULL) {
            debar_fault(why, "there is no \"%s\" here", *key);
        }

        map = next;
        *key = slash + 1;
    }

    return map;
}


static int
debar_list_set_edit(debar_list_edit_t *le)
{
    int                 rc, k;
    char               *key, *path;
    const char         *value;
    debar_buf_t         b;
    debar_edit_t       *e;
    debar_fault_t       why;
    debar_place_t       p;
    debar_edit_node_t  *map, *node;

    k = le->nargs + (int) le->unset == 4 ? 2 : 1;
    memset(&p, 0, sizeof(p));
    snprintf(p.file, sizeof(p.file), "list.yaml");
    value = le->unset ? "" : le->args[k + 1];

    if (k == 2 && strncmp(le->args[1], "waivers/", 8) == 0) {
        snprintf(p.file, sizeof(p.file), "waivers.yaml");

    } else if (k == 2 && debar_list_place(le, le->args[1], &p) != DEBAR_OK) {
        return DEBAR_EXIT_FAILURE;
    }

    e = debar_list_edit_file(le, p.file);

    if (e == NULL) {
        return DEBAR_EXIT_FAILURE;
    }

    if (asprintf(&path, "%s%s%s",
                 strcmp(p.file, "waivers.yaml") == 0 ? le->args[1] : "",
                 strcmp(p.file, "waivers.yaml") == 0 ? "/" : "", le->args[k])
        == -1)
    {
        abort();
    }

    map = debar_edit_entry(e, p.product, &why);
    map = map ? debar_list_set_map(map, path, &key, &why) : NULL;
    node = map ? debar_edit_get(map, key) : NULL;

    memset(&b, 0, sizeof(b));
    rc = map ? DEBAR_OK : DEBAR_ERROR;

    if (rc == DEBAR_OK && le->unset) {
        rc = debar_edit_unset(e, map, key, &why);

    } else if (rc == DEBAR_OK) {
        rc = debar_list_set_value(&b, node, key, value, &why);
    }

    if (rc == DEBAR_OK && !le->unset) {
        rc = node ? debar_edit_replace(e, node, b.data, &why)
                  : debar_edit_key(e, map, key, b.data, 0, le->row.comment,
                                   k == 1 ? debar_list_order
                                          : debar_edit_order(), &why);
    }

    if (rc == DEBAR_OK) {
        debar_list_told(le, p.file, node ? node->line : 0,
                        le->unset ? "taken out" : "set", le->unset
                        ? le->args[k] : b.data);
    }

    debar_buf_free(&b);
    free(path);

    return debar_list_edit_done(le, p.file, e, rc, &why);
}

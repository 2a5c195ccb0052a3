/*
 * A source changed in place: what debar list add, remove and set share.
 */

#include "list_edit.h"


/* -1: go on; else the exit code. */

int
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


int
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

void
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

int
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


const char *
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


debar_edit_t *
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

int
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

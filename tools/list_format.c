/*
 * debar list format: the files of a source in canonical form.
 */

#include "change.h"
#include "edit.h"


static int debar_format_file(debar_changes_t *c, const char *name,
    unsigned file, int optional);
static int debar_format_run(debar_changes_t *c, unsigned check,
    unsigned dry_run, unsigned quiet);


static const char  debar_format_help[] =
    "usage: debar list format SOURCE [--check] [-n]\n"
    "\n"
    "Writes the YAML of a source in its canonical form: keys in the order of\n"
    "the schema, two spaces a level, quotes where they are needed, one blank\n"
    "line at most.  Comments stay with what they stand at.  The digest of the\n"
    "list is the same before and after, or nothing is written.\n"
    "\n"
    "      --check    write nothing: say which files are not in form\n"
    "  -n, --dry-run  print the changes as a diff, write nothing\n"
    "  -q, --quiet    say nothing but errors\n"
    "  -h, --help     this text\n"
    "\n"
    "Exit: 0 in form (with --check: and was so), 1 not, 2 usage.\n";


int
debar_list_format(int argc, char **argv)
{
    int                         c, rc;
    char                      **names;
    size_t                      i;
    unsigned                    check, dry_run, quiet;
    debar_changes_t             changes;
    static const struct option  options[] = {
        { "check",   no_argument, NULL, 'c' },
        { "dry-run", no_argument, NULL, 'n' },
        { "quiet",   no_argument, NULL, 'q' },
        { "help",    no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 }
    };

    check = 0;
    dry_run = 0;
    quiet = 0;
    opterr = 0;

    while ((c = getopt_long(argc, argv, ":nqh", options, NULL)) != -1) {

        switch (c) {
        case 'c':
            check = 1;
            break;
        case 'n':
            dry_run = 1;
            break;
        case 'q':
            quiet = 1;
            break;
        case 'h':
            fputs(debar_format_help, stdout);
            return 0;
        default:
            return debar_bad_option("debar list format", c, argv);
        }
    }

    if (argc - optind != 1) {
        return debar_usage("debar list format", argc == optind
                           ? "name the source of the list"
                           : "one source at a time");
    }

    if (debar_changes_open(&changes, argv[optind]) != DEBAR_OK) {
        return DEBAR_EXIT_FAILURE;
    }

    rc = debar_format_file(&changes, "list.yaml", DEBAR_FORMAT_LIST, 0);
    rc |= debar_format_file(&changes, "waivers.yaml", DEBAR_FORMAT_WAIVERS, 1);
    names = debar_changes_names(&changes, "vendors");

    for (i = 0; names[i]; i++) {
        rc |= debar_format_file(&changes, names[i], DEBAR_FORMAT_VENDOR, 0);
    }

    debar_changes_names_free(names);
    names = debar_changes_names(&changes, "channels");

    for (i = 0; names[i]; i++) {
        rc |= debar_format_file(&changes, names[i], DEBAR_FORMAT_CHANNEL, 0);
    }

    debar_changes_names_free(names);

    if (rc == 0) {
        rc = debar_format_run(&changes, check, dry_run, quiet);
    }

    debar_changes_free(&changes);

    return rc;
}


static int
debar_format_file(debar_changes_t *c, const char *name, unsigned file,
    int optional)
{
    debar_buf_t      out;
    debar_fault_t    why;
    debar_change_t  *f;

    f = debar_changes_file(c, name, optional);

    if (f == NULL) {
        return optional ? 0 : DEBAR_EXIT_FAILURE;
    }

    memset(&out, 0, sizeof(out));

    if (debar_edit_format(&out, f->text.data ? f->text.data : "", f->text.len,
                          file, &why)
        != DEBAR_OK)
    {
        debar_buf_free(&out);
        return debar_say("%s/%s: %s", c->source, name, why.text);
    }

    debar_changes_put(c, name, &out);

    return 0;
}


static int
debar_format_run(debar_changes_t *c, unsigned check, unsigned dry_run,
    unsigned quiet)
{
    char    was[65], is[65];
    size_t  i, n;

    for (i = 0, n = 0; i < c->n; i++) {
        if (!c->list[i].changed) {
            continue;
        }

        n++;

        if (!quiet && !dry_run) {
            printf("%s/%s: %s\n", c->source, c->list[i].name,
                   check ? "is not in form: debar list format"
                         : "brought into form");
        }
    }

    if (n == 0) {
        return 0;
    }

    if (dry_run) {
        return debar_changes_diff(c);
    }

    if (check) {
        return DEBAR_EXIT_FAILURE;
    }

    /* A source with errors has no digest: its trees are the same, which was
     * proved file by file. */

    if (debar_changes_digest(c, was, 1) == DEBAR_OK
        && (debar_changes_check(c, is, 1) != DEBAR_OK || strcmp(was, is) != 0))
    {
        return debar_say("%s: in form it would be another list; nothing was "
                         "written", c->source);
    }

    return debar_changes_write(c) == DEBAR_OK ? 0 : DEBAR_EXIT_FAILURE;
}

/*
 * debar list csv import: sheets to a source.
 *
 * All of it is first written to a source of its own, one row a line, and read:
 * what the reader finds wrong there is said by sheet and cell.
 */

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "sheet_import.h"


static int debar_intake_digest(debar_intake_t *im, char *digest);


static const char  debar_csv_import_help[] =
    "usage: debar list csv import DIR --into SOURCE [--replace] [-n]\n"
    "\n"
    "Reads the sheets of a folder, as exported or made anew, into a source.\n"
    "Every error is said with its cell (rows.csv:C17), and with one of them\n"
    "nothing is imported.  Separators are comma, semicolon or tab.\n"
    "\n"
    "      --into SOURCE  a folder; where there is a list, files of which the\n"
    "                     sheets say the same stay as they are\n"
    "      --replace      write those that differ anew, without their comments\n"
    "  -n, --dry-run      print the changes as a diff, write nothing\n"
    "  -q, --quiet        say nothing but errors\n"
    "  -h, --help         this text\n";


int
debar_csv_import_command(int argc, char **argv)
{
    int                         c, rc;
    char                        digest[65];
    size_t                      i, n;
    unsigned                    replace, dry_run, quiet;
    const char                 *into;
    debar_intake_t              im;
    static const struct option  options[] = {
        { "into",    required_argument, NULL, 'i' },
        { "replace", no_argument,       NULL, 'R' },
        { "dry-run", no_argument,       NULL, 'n' },
        { "quiet",   no_argument,       NULL, 'q' },
        { "help",    no_argument,       NULL, 'h' },
        { NULL, 0, NULL, 0 }
    };

    into = NULL;
    replace = 0;
    dry_run = 0;
    quiet = 0;
    opterr = 0;

    while ((c = getopt_long(argc, argv, ":nqh", options, NULL)) != -1) {

        switch (c) {
        case 'i':
            into = optarg;
            break;
        case 'R':
            replace = 1;
            break;
        case 'n':
            dry_run = 1;
            break;
        case 'q':
            quiet = 1;
            break;
        case 'h':
            fputs(debar_csv_import_help, stdout);
            return 0;
        default:
            return debar_bad_option("debar list csv import", c, argv);
        }
    }

    if (argc - optind != 1 || into == NULL) {
        return debar_usage("debar list csv import",
                           "name DIR and --into SOURCE");
    }

    memset(&im, 0, sizeof(im));
    im.dir = argv[optind];
    rc = debar_intake_read(&im);

    if (rc == DEBAR_OK) {
        rc = debar_intake_digest(&im, digest);
    }

    if (im.nerrors) {
        debar_say("%s: %zu error%s; nothing was imported", im.dir, im.nerrors,
                  im.nerrors == 1 ? "" : "s");
        rc = DEBAR_ERROR;
    }

    if (rc == DEBAR_OK) {
        rc = debar_intake_into(&im, into, digest, replace, dry_run);
    }

    for (i = 0, n = 0; i < DEBAR_SHEETS; i++) {
        n += im.sheets.sheets[i].n;
    }

    if (rc == DEBAR_OK && !quiet && !dry_run) {
        printf("%s: %zu rows, digest %s\n", into, n, digest);
    }

    debar_intake_free(&im);
    debar_sheets_free(&im.sheets);

    return rc == DEBAR_OK ? 0 : DEBAR_EXIT_FAILURE;
}


/* The source that its sheets make, and the digest of that. */

static int
debar_intake_digest(debar_intake_t *im, char *digest)
{
    char         folder[PATH_MAX];
    const char  *tmp;

    debar_intake_make(im);

    tmp = getenv("TMPDIR");
    snprintf(folder, sizeof(folder), "%s/debar.XXXXXX",
             tmp && *tmp ? tmp : "/tmp");

    if (mkdtemp(folder) == NULL) {
        debar_say("%s: %s; TMPDIR names another place", folder,
                  strerror(errno));
        return DEBAR_ERROR;
    }

    return debar_intake_try(im, folder, digest);
}


int
debar_csv_proved(debar_changes_t *c, const debar_sheets_t *s)
{
    int             rc;
    char            digest[65], is[65];
    debar_intake_t  im;

    memset(&im, 0, sizeof(im));
    im.dir = c->source;
    im.sheets = *s;

    rc = debar_intake_digest(&im, is);

    if (rc == DEBAR_OK && im.nerrors == 0) {
        rc = debar_changes_digest(c, digest, 1);
    }

    if (rc != DEBAR_OK || im.nerrors || strcmp(digest, is) != 0) {
        debar_say("%s: its sheets would not come back as the same list, so "
                  "they are not written: write what is unusual in it as "
                  "blocklist/README.md does, then again", c->source);
        rc = DEBAR_ERROR;
    }

    debar_intake_free(&im);

    return rc;
}


void
debar_intake_free(debar_intake_t *im)
{
    size_t  i;

    for (i = 0; i < im->nfiles; i++) {
        free(im->files[i].name);
        free(im->files[i].lines);
        debar_buf_free(&im->files[i].text);
    }

    free(im->files);
}

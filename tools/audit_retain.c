/*
 * debar audit retain: files of the log that are older than policy keeps them
 * are deleted with the secret of their salts.  Their hashes stay in the tiles,
 * so that the rest still verifies; without salts nobody can try a line that he
 * guesses against its leaf.
 */

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "audit_retain.h"
#include "trust.h"


static int debar_retain_args(debar_retain_t *r, int argc, char **argv);
static int debar_retain_all(debar_retain_t *r, debar_fault_t *fault);
static int debar_retain_plan(debar_retain_t *r, debar_fault_t *fault);
static int debar_retain_check(debar_retain_t *r, debar_fault_t *fault);
static int debar_retain_index(debar_retain_t *r, debar_fault_t *fault);
static void debar_retain_print(const debar_retain_t *r);
static void debar_retain_json(const debar_retain_t *r);


static const char  debar_retain_name[] = "debar audit retain";

static const char  debar_retain_help[] =
    "usage: debar audit retain DIR/audit [options]\n"
    "\n"
    "Deletes what policy need not keep: rotated files whose lines are all\n"
    "older than --keep, each with the secret of its salts.  Their hashes\n"
    "stay, so that `debar audit verify` still holds over the rest and counts\n"
    "what is gone.  Lines older than --searchable leave the index, their\n"
    "files stay.\n"
    "Nothing is deleted unless all of the log is as it was sealed.\n"
    "\n"
    "      --keep TIME        a number with d, w, mo or y; default 12mo, and\n"
    "                         30mo is the other usual setting\n"
    "      --searchable TIME  default 6mo, or --keep where that is shorter\n"
    "  -k, --key FILE.pub     the sealer's key (or its text): without it the\n"
    "                         log is checked to be consistent\n"
    "  -n, --dry-run          say what would be done\n"
    "  -q, --quiet            no progress, no words when all went well\n"
    "      --json             say the outcome as one JSON object\n"
    "  -h, --help             this text\n"
    "\n"
    "Run it once a day.  Exit: 0 done, 1 not (stderr says why), 2 usage.\n";


static const struct option  debar_retain_options[] = {
    { "keep",       required_argument, NULL, 'K' },
    { "searchable", required_argument, NULL, 'S' },
    { "key",        required_argument, NULL, 'k' },
    { "dry-run",    no_argument,       NULL, 'n' },
    { "quiet",      no_argument,       NULL, 'q' },
    { "json",       no_argument,       NULL, 'j' },
    { "help",       no_argument,       NULL, 'h' },
    { NULL, 0, NULL, 0 }
};


int
debar_audit_retain(int argc, char **argv)
{
    int             rc;
    debar_fault_t   fault;
    debar_retain_t  r;

    rc = debar_retain_args(&r, argc, argv);
    if (rc != -1) {
        return rc;
    }

    if (debar_audit_log_open(&r.log, r.dir, r.key, &fault) != DEBAR_OK) {
        return debar_trust_failed(r.json, &fault);
    }

    rc = debar_retain_all(&r, &fault);
    debar_progress_end();

    if (rc != DEBAR_OK) {
        rc = debar_trust_failed(r.json, &fault);

    } else if (r.json) {
        debar_retain_json(&r);

    } else if (!r.quiet) {
        debar_retain_print(&r);
    }

    free(r.files);
    debar_audit_log_close(&r.log);

    return rc;
}


static int
debar_retain_args(debar_retain_t *r, int argc, char **argv)
{
    int      c;
    int64_t  now;

    memset(r, 0, sizeof(*r));
    r->keep = "12mo";
    now = (int64_t) time(NULL);
    opterr = 0;

    while ((c = getopt_long(argc, argv, ":k:nqh", debar_retain_options, NULL))
           != -1)
    {
        switch (c) {

        case 'K':
            r->keep = optarg;
            break;

        case 'S':
            r->searchable = optarg;
            break;

        case 'k':
            r->key = optarg;
            break;

        case 'n':
            r->dry = 1;
            break;

        case 'q':
            r->quiet = 1;
            break;

        case 'j':
            r->json = 1;
            break;

        case 'h':
            fputs(debar_retain_help, stdout);
            return 0;

        default:
            return debar_bad_option(debar_retain_name, c, argv);
        }
    }

    if (argc - optind != 1) {
        return debar_usage(debar_retain_name, "name one folder, DIR/audit of a "
                           "gateway");
    }

    r->dir = argv[optind];

    if (debar_retain_since(&r->keep_from, now, r->keep) != DEBAR_OK) {
        return debar_usage(debar_retain_name, "--keep \"%s\": a time like "
                           "12mo, 30mo, 400d, 52w or 2y is wanted, up to 100 "
                           "years", r->keep);
    }

    if (debar_retain_since(&r->search_from, now,
                           r->searchable ? r->searchable : "6mo") != DEBAR_OK)
    {
        return debar_usage(debar_retain_name, "--searchable \"%s\": a time "
                           "like 6mo, 180d, 26w or 1y is wanted, up to 100 "
                           "years", r->searchable);
    }

    if (r->searchable && r->search_from < r->keep_from) {
        return debar_usage(debar_retain_name, "--searchable %s is longer than "
                           "--keep %s: what is deleted cannot be searched",
                           r->searchable, r->keep);
    }

    if (r->search_from < r->keep_from) {
        r->search_from = r->keep_from;
    }

    return -1;
}


static int
debar_retain_all(debar_retain_t *r, debar_fault_t *fault)
{
    size_t  i;

    if (debar_retain_plan(r, fault) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    if (r->old && debar_retain_check(r, fault) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    if (r->dry) {
        return DEBAR_OK;
    }

    /* first: what is deleted is then not in the index any more */

    if (debar_retain_mark(&r->log.audit, r->from, fault) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    for (i = 0; i < r->log.files.n; i++) {

        if (r->files[i].act != DEBAR_RETAIN_DELETE
            && r->files[i].act != DEBAR_RETAIN_FINISH)
        {
            continue;
        }

        if (debar_retain_delete(&r->log.audit, &r->log.files.list[i], fault)
            != DEBAR_OK)
        {
            return DEBAR_ERROR;
        }
    }

    return debar_retain_index(r, fault);
}


/* What is to be done with each file that is closed. */

static int
debar_retain_plan(debar_retain_t *r, debar_fault_t *fault)
{
    int                   rc;
    size_t                i, n;
    debar_audit_part_t    part;
    debar_retain_file_t  *f;

    n = r->log.files.n;
    r->files = calloc(n + 1, sizeof(*r->files));
    r->from = 1;

    if (r->files == NULL) {
        debar_fault(fault, "no memory for %zu files", n);
        return DEBAR_ERROR;
    }

    for (i = 0; i < n; i++) {

        f = &r->files[i];

        if (debar_audit_part(&part, &r->log, i, fault) != DEBAR_OK) {
            return DEBAR_ERROR;
        }

        rc = debar_retain_age(f, r, &part, fault);
        debar_audit_part_close(&part);

        if (rc != DEBAR_OK) {
            return DEBAR_ERROR;
        }

        r->old += f->act == DEBAR_RETAIN_DELETE;
        r->finished += f->act == DEBAR_RETAIN_FINISH;

        if (f->act == DEBAR_RETAIN_DELETE) {
            r->old_lines += r->log.files.list[i].lines;
        }

        if (f->act == DEBAR_RETAIN_GONE || f->act == DEBAR_RETAIN_FINISH) {
            r->gone++;
            r->gone_lines += r->log.files.list[i].lines;
        }

        /* the index goes on from the first that is young enough */

        if (f->act != DEBAR_RETAIN_KEEP && r->from == i + 1) {
            r->from = i + 2;
        }
    }

    return DEBAR_OK;
}


/* Somebody who changed the log shall not have it deleted as well. */

static int
debar_retain_check(debar_retain_t *r, debar_fault_t *fault)
{
    debar_audit_check_t  check;

    memset(&check, 0, sizeof(check));
    check.log = &r->log;
    check.quiet = r->quiet || r->json;

    if (debar_audit_check(&check, fault) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    if (check.blame.what) {
        debar_fault(fault, "%s/%s:%" PRIu64 ": %s: nothing is deleted of a log "
                    "that is not as it was sealed; see `debar audit verify`",
                    r->log.audit.path, check.blame.file, check.blame.line,
                    check.blame.what);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


/* Where there is an index it is made again without what left it; a process that
 * keeps it does that itself. */

static int
debar_retain_index(debar_retain_t *r, debar_fault_t *fault)
{
    int                 rc;
    char                path[DEBAR_MAX_DIR + 64];
    debar_index_t       x;
    debar_index_told_t  told;

    debar_audit_path(&r->log.audit, "index.sqlite", path, sizeof(path));

    if (access(path, F_OK) == -1) {
        r->index = "none";
        return DEBAR_OK;
    }

    rc = debar_index_update(&x, &r->log.audit, 0, &told, fault);

    if (rc == DEBAR_ERROR) {
        return DEBAR_ERROR;
    }

    debar_index_close(&x);
    r->index = rc == DEBAR_DECLINED ? "busy" : told.again ? "made again"
                                                          : "in step";

    return DEBAR_OK;
}


static const char *
debar_retain_word(const debar_retain_t *r, unsigned act)
{
    switch (act) {
    case DEBAR_RETAIN_DELETE:
        return r->dry ? "to be deleted" : "deleted";
    case DEBAR_RETAIN_FINISH:
        return r->dry ? "deletion to be finished" : "deletion finished";
    case DEBAR_RETAIN_UNSEARCHED:
        return r->dry ? "to leave the index" : "kept, not in the index";
    default:
        return NULL;
    }
}


static void
debar_retain_day(char out[16], int64_t t)
{
    time_t     when = (time_t) t;
    struct tm  tm;

    out[0] = '\0';

    if (gmtime_r(&when, &tm)) {
        (void) strftime(out, 16, "%Y-%m-%d", &tm);
    }
}


static void
debar_retain_print(const debar_retain_t *r)
{
    char         name[DEBAR_SEALED_NAME], day[16], keep[16], search[16];
    size_t       i;
    const char  *word;

    for (i = 0; i < r->log.files.n; i++) {

        word = debar_retain_word(r, r->files[i].act);

        if (word) {
            debar_sealed_file_name(name, r->log.files.list[i].number);
            debar_retain_day(day, r->files[i].last);
            printf("%s  %" PRIu64 " lines to %s  %s\n", name,
                   r->log.files.list[i].lines, day, word);
        }
    }

    debar_retain_day(keep, r->keep_from);
    debar_retain_day(search, r->search_from);
    printf("%s: %zu file%s with %" PRIu64 " lines older than %s %s\n",
           r->log.audit.path, r->old, r->old == 1 ? "" : "s", r->old_lines,
           keep, r->dry ? "to be deleted" : "deleted");

    if (r->gone) {
        printf("  %zu file%s with %" PRIu64 " lines deleted before\n", r->gone,
               r->gone == 1 ? "" : "s", r->gone_lines);
    }

    if (r->index && strcmp(r->index, "none") != 0) {
        printf("  index: %s, since %s\n", strcmp(r->index, "busy") == 0
               ? "whoever keeps it makes it again" : r->index, search);
    }

    if (r->old && !r->log.has_key) {
        printf("  the log was consistent, not authenticated: --key names the "
               "sealer's key\n");
    }
}


static void
debar_retain_json(const debar_retain_t *r)
{
    char         name[DEBAR_SEALED_NAME], day[16];
    size_t       i;
    unsigned     n;
    debar_buf_t  b;
    const char  *act[] = { "", "", "finish", "delete", "unsearched" };

    memset(&b, 0, sizeof(b));
    debar_buf_printf(&b, "{\"ok\":true,\"dry_run\":%s,\"authenticated\":%s",
                     r->dry ? "true" : "false",
                     r->log.has_key ? "true" : "false");
    debar_json_text(&b, "audit", r->log.audit.path, strlen(r->log.audit.path));
    debar_retain_day(day, r->keep_from);
    debar_json_text(&b, "keep_from", day, strlen(day));
    debar_retain_day(day, r->search_from);
    debar_json_text(&b, "searchable_from", day, strlen(day));
    debar_json_number(&b, "deleted_files", r->old);
    debar_json_number(&b, "deleted_lines", r->old_lines);
    debar_json_number(&b, "deleted_before", r->gone);
    debar_json_text(&b, "index", r->index ? r->index : "",
                    r->index ? strlen(r->index) : 0);
    debar_buf_printf(&b, ",\"files\":[");

    for (i = 0, n = 0; i < r->log.files.n; i++) {

        if (debar_retain_word(r, r->files[i].act) == NULL) {
            continue;
        }

        debar_sealed_file_name(name, r->log.files.list[i].number);
        debar_retain_day(day, r->files[i].last);
        debar_buf_printf(&b, "%s{\"file\":\"%s\",\"lines\":%" PRIu64
                         ",\"last\":\"%s\",\"act\":\"%s\"}", n++ ? "," : "",
                         name, r->log.files.list[i].lines, day,
                         act[r->files[i].act]);
    }

    debar_buf_printf(&b, "]}\n");
    debar_flush(&b);
}

/*
 * debar audit retain: files of the log that are older than policy keeps them
 * are deleted with the secret of their salts.  Their hashes stay in the tiles,
 * so that the rest still verifies; without salts nobody can try a line that he
 * guesses against its leaf.
 */

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>
#include <openssl/evp.h>

#include "audit_retain.h"
#include "trust.h"


static int debar_retain_args(debar_retain_t *r, int argc, char **argv);
static int debar_retain_conf(debar_retain_t *r, debar_fault_t *fault);
static int debar_retain_key(debar_retain_t *r, debar_fault_t *fault);
static int debar_retain_plan(debar_retain_t *r, debar_fault_t *fault);
static int debar_retain_check(debar_retain_t *r, debar_fault_t *fault);
static int debar_retain_vouched(debar_retain_t *r, debar_fault_t *fault);
static int debar_retain_sign(debar_retain_t *r, debar_fault_t *fault);
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
    "Nothing is deleted unless all of the log is as it was sealed, and each\n"
    "deletion is signed by the sealer's key: `verify` tells one by somebody\n"
    "else.\n"
    "\n"
    "      --keep TIME        a number with d, w, mo or y; default what\n"
    "                         `debar_audit_keep` in DIR/nginx.conf says, or\n"
    "                         12mo; 30mo is the other usual setting\n"
    "      --searchable TIME  default 6mo, or --keep where that is shorter\n"
    "  -k, --key FILE.pub     the sealer's key (or its text), as it was kept\n"
    "                         elsewhere: the log has to be sealed by it\n"
    "      --sealer-key FILE  its private half, which signs; default\n"
    "                         DIR/audit/sealer.key\n"
    "      --pass-file FILE   its first line is the passphrase; default\n"
    "                         DIR/audit/sealer.pass where that is there\n"
    "  -n, --dry-run          say what would be done\n"
    "  -q, --quiet            no progress, no words when all went well\n"
    "      --json             say the outcome as one JSON object\n"
    "  -h, --help             this text\n"
    "\n"
    "The sealer of a gateway does this once a day, by debar_audit_keep.\n"
    "Exit: 0 done, 1 not (stderr says why), 2 usage.\n";


static const struct option  debar_retain_options[] = {
    { "keep",       required_argument, NULL, 'K' },
    { "searchable", required_argument, NULL, 'S' },
    { "key",        required_argument, NULL, 'k' },
    { "sealer-key", required_argument, NULL, 's' },
    { "pass-file",  required_argument, NULL, 'p' },
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
    char            by[32];
    debar_fault_t   fault;
    debar_retain_t  r;

    rc = debar_retain_args(&r, argc, argv);
    if (rc != -1) {
        return rc;
    }

    snprintf(by, sizeof(by), "uid %ld", (long) geteuid());
    r.by = by;

    rc = debar_audit_find(&r.log.audit, r.dir, &fault);

    if (rc == DEBAR_OK) {
        rc = debar_retain_conf(&r, &fault);
    }

    if (rc == DEBAR_OK && !r.dry) {
        rc = debar_retain_key(&r, &fault);
    }

    if (rc == DEBAR_OK) {
        rc = debar_audit_log_read(&r.log, r.key, &fault);
    }

    if (rc == DEBAR_OK) {
        rc = debar_retain_run(&r, &fault);
        debar_progress_end();
    }

    if (rc != DEBAR_OK) {
        rc = debar_trust_failed(r.json, &fault);

    } else if (r.json) {
        debar_retain_json(&r);

    } else if (!r.quiet) {
        debar_retain_print(&r);
    }

    EVP_PKEY_free(r.private);
    free(r.files);
    debar_audit_log_close(&r.log);

    return rc;
}


static int
debar_retain_args(debar_retain_t *r, int argc, char **argv)
{
    int            c;
    debar_fault_t  fault;

    memset(r, 0, sizeof(*r));
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

        case 's':
            r->sealer_key = optarg;
            break;

        case 'p':
            r->pass_file = optarg;
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

    if ((r->keep || r->searchable)
        && debar_retain_times(r, (int64_t) time(NULL), &fault) != DEBAR_OK)
    {
        return debar_usage(debar_retain_name, "%s", fault.text);
    }

    return -1;
}


/* What is not said is as the gateway's sealer has it. */

static int
debar_retain_conf(debar_retain_t *r, debar_fault_t *fault)
{
    int   rc;
    char  path[DEBAR_MAX_DIR + 64];

    debar_audit_path(&r->log.audit, "../nginx.conf", path, sizeof(path));

    if (r->keep == NULL && access(path, F_OK) == 0) {

        rc = debar_retain_policy(&r->policy, AT_FDCWD, path, fault);

        if (rc == DEBAR_ERROR) {
            return DEBAR_ERROR;
        }

        if (strcmp(r->policy.keep, "off") == 0) {
            debar_fault(fault, "%s: says debar_audit_keep off: nothing is "
                        "deleted unless --keep says how much is kept", path);
            return DEBAR_ERROR;
        }

        if (rc == DEBAR_OK) {
            r->keep = r->policy.keep;
        }

        if (rc == DEBAR_OK && r->searchable == NULL
            && r->policy.searchable[0])
        {
            r->searchable = r->policy.searchable;
        }
    }

    return debar_retain_times(r, (int64_t) time(NULL), fault);
}


/* The log is then checked to be of this key, too. */

static int
debar_retain_key(debar_retain_t *r, debar_fault_t *fault)
{
    char           key[DEBAR_MAX_DIR + 64], pass[DEBAR_MAX_DIR + 64];
    debar_vkey_t   named;
    const char    *file, *pass_file;

    debar_audit_path(&r->log.audit, "sealer.key", key, sizeof(key));
    debar_audit_path(&r->log.audit, "sealer.pass", pass, sizeof(pass));
    file = r->sealer_key ? r->sealer_key : key;
    pass_file = r->pass_file;

    if (r->sealer_key == NULL) {

        if (access(file, R_OK) == -1) {
            return DEBAR_OK;
        }

        if (pass_file == NULL && access(pass, F_OK) == 0) {
            pass_file = pass;
        }
    }

    r->private = debar_trust_open_key(&r->vkey, file, pass_file, fault);

    if (r->private == NULL) {
        return DEBAR_ERROR;
    }

    if (r->key) {
        if (debar_trust_public(&named, r->key, fault) != DEBAR_OK) {
            return DEBAR_ERROR;
        }

        if (!debar_vkey_same(&named, &r->vkey)) {
            debar_fault(fault, "%s: is not the key that --key names", file);
            return DEBAR_ERROR;
        }
    }

    r->signer = &r->vkey;
    debar_vkey_text(r->vkey_text, &r->vkey);
    r->key = r->vkey_text;

    return DEBAR_OK;
}


int
debar_retain_times(debar_retain_t *r, int64_t now, debar_fault_t *fault)
{
    const char  *keep, *search;

    keep = r->keep ? r->keep : "12mo";
    search = r->searchable ? r->searchable : "6mo";
    r->keep = keep;

    if (debar_period_before(&r->keep_from, now, keep, strlen(keep))
        != DEBAR_OK)
    {
        debar_fault(fault, "--keep \"%s\": a time like 12mo, 30mo, 400d, 52w "
                    "or 2y is wanted, up to 100 years", keep);
        return DEBAR_ERROR;
    }

    if (debar_period_before(&r->search_from, now, search, strlen(search))
        != DEBAR_OK)
    {
        debar_fault(fault, "--searchable \"%s\": a time like 6mo, 180d, 26w "
                    "or 1y is wanted, up to 100 years", search);
        return DEBAR_ERROR;
    }

    if (r->searchable && r->search_from < r->keep_from) {
        debar_fault(fault, "--searchable %s is longer than --keep %s: what is "
                    "deleted cannot be searched", search, keep);
        return DEBAR_ERROR;
    }

    if (r->search_from < r->keep_from) {
        r->search_from = r->keep_from;
    }

    return DEBAR_OK;
}


int
debar_retain_run(debar_retain_t *r, debar_fault_t *fault)
{
    size_t  i;

    if (debar_retain_plan(r, fault) != DEBAR_OK
        || debar_retain_vouched(r, fault) != DEBAR_OK
        || (r->old && debar_retain_check(r, fault) != DEBAR_OK))
    {
        return DEBAR_ERROR;
    }

    if (r->dry) {
        return DEBAR_OK;
    }

    if (r->old && r->signer == NULL) {
        debar_fault(fault, "%s/sealer.key: is not to be read, and deletions "
                    "are signed by it: run as root, or name it by "
                    "--sealer-key", r->log.audit.path);
        return DEBAR_ERROR;
    }

    /* first: what is deleted is then not in the index any more */

    if (debar_retain_mark(&r->log.audit, r->from, fault) != DEBAR_OK
        || (r->old && debar_retain_sign(r, fault) != DEBAR_OK))
    {
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


/* What somebody else marked is neither finished nor signed for. */

static int
debar_retain_vouched(debar_retain_t *r, debar_fault_t *fault)
{
    int                      rc;
    char                     name[DEBAR_SEALED_NAME];
    debar_audit_deletions_t  d;

    rc = debar_audit_deletions(&d, &r->log, fault);

    if (rc == DEBAR_OK && d.first_bad) {
        debar_sealed_file_name(name, d.first_bad);
        debar_fault(fault, "%s/%s: is marked as deleted, and the sealer did "
                    "not sign that: nothing is deleted of such a log; see "
                    "`debar audit verify`", r->log.audit.path, name);
        return DEBAR_ERROR;
    }

    return rc == DEBAR_OK ? DEBAR_OK : DEBAR_ERROR;
}


/* One note for many files. */

static int
debar_retain_sign(debar_retain_t *r, debar_fault_t *fault)
{
    size_t                    i, n;
    uint64_t                  numbers[DEBAR_DELETION_FILES];
    debar_sealed_deletion_t   d;

    for (i = 0, n = 0; i < r->log.files.n; i++) {

        if (r->files[i].act == DEBAR_RETAIN_DELETE) {
            numbers[n++] = i + 1;
        }

        if (n == 0 || (n < DEBAR_DELETION_FILES && i + 1 < r->log.files.n)) {
            continue;
        }

        memset(&d, 0, sizeof(d));
        snprintf(d.policy, sizeof(d.policy), "keep %s", r->keep);
        snprintf(d.by, sizeof(d.by), "%s", r->by);

        if (debar_audit_delete(&r->log, numbers, n, &d, r->signer, r->private,
                               fault) != DEBAR_OK)
        {
            return DEBAR_ERROR;
        }

        n = 0;
    }

    return DEBAR_OK;
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
    check.threads = r->threads;

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


/* Where there is an index what left it is dropped there; a process that
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

    /* another user's: whoever keeps it does that, yet what was deleted goes */

    if (access(path, W_OK) == -1) {
        r->index = r->old || r->finished ? "removed" : "busy";
        return r->old || r->finished
               ? debar_index_remove(&r->log.audit, fault) : DEBAR_OK;
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
               ? "whoever keeps it drops them" : r->index, search);
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

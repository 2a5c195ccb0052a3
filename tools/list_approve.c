/*
 * debar list approve: what a list would change, shown to one of those who
 * approve it, and their signature.
 */

#include <openssl/evp.h>

#include "proposal.h"


typedef struct {
    const char  *proposal;
    const char  *snapshot;
    const char  *root;
    const char  *key;
    const char  *pass_file;
    const char  *previous;
    const char  *preview;
    const char  *diff;
    const char  *merge;
    const char  *against;
    unsigned     yes;
    unsigned     show;
    unsigned     json;
} debar_approve_args_t;

typedef struct {
    debar_buf_t        file;
    debar_note_t       note;
    debar_root_t       root;
    debar_manifest_t   m;
    debar_manifest_t   previous;
    debar_fault_t      doubt;      /* of the previous one's signatures */
    debar_proposed_t   p;
    debar_vkey_t       key;
    debar_buf_t        preview;
    debar_buf_t        diff;
    debar_proposal_diff_t  found;  /* of --against */
    uint8_t            who[DEBAR_ROOT_APPROVERS];
    int                approvals;
} debar_approve_t;


static int debar_approve_args(debar_approve_args_t *a, int argc, char **argv);
static int debar_approve_read(debar_approve_t *ap,
    const debar_approve_args_t *a, debar_fault_t *fault);
static int debar_approve_follows(debar_approve_t *ap,
    const debar_approve_args_t *a, debar_fault_t *fault);
static int debar_approve_key(debar_approve_t *ap,
    const debar_approve_args_t *a, debar_fault_t *fault);
static int debar_approve_json(debar_buf_t *data, const char *path,
    const char *file, const char *what, const char *digest, const char *list,
    debar_fault_t *fault);
static int debar_approve_against(debar_approve_t *ap,
    const debar_approve_args_t *a, debar_fault_t *fault);
static void debar_approve_print(const debar_approve_t *ap,
    const debar_approve_args_t *a);
static void debar_approve_beside(const debar_buf_t *data, const char *head,
    const char *none);
static int debar_approve_sign(debar_approve_t *ap,
    const debar_approve_args_t *a, debar_fault_t *fault);
static int debar_approve_merge(debar_approve_t *ap,
    const debar_approve_args_t *a, debar_fault_t *fault);
static void debar_approve_said(const debar_approve_t *ap,
    const debar_approve_args_t *a);


static const char  debar_approve_help[] =
    "usage: debar list approve PROPOSAL SNAPSHOT.mdb --root ROOT --key FILE\n"
    "                          [options]\n"
    "       debar list approve PROPOSAL SNAPSHOT.mdb --root ROOT --merge COPY\n"
    "\n"
    "Reads the snapshot that is proposed, shows what it would change and who has\n"
    "approved it, asks, and adds your signature to PROPOSAL.\n"
    "\n"
    "      --root ROOT          who may approve, and how many it takes\n"
    "      --key FILE           your private key (debar key new)\n"
    "      --pass-file FILE     its first line is the passphrase\n"
    "      --previous WHAT      what is published now: the folder, its manifest,\n"
    "                           or none; the proposal has to follow it\n"
    "      --against OLD.mdb    the snapshot that is published: what changes is\n"
    "                           found out here, not believed\n"
    "      --merge COPY         add the approvals that a copy of PROPOSAL has\n"
    "      --preview FILE.json  default PROPOSAL.preview.json\n"
    "      --diff FILE.json     default PROPOSAL.diff.json\n"
    "      --show               show it all, sign nothing\n"
    "      --yes                do not ask\n"
    "      --json               say the outcome as one JSON object on stdout\n"
    "  -h, --help               this text\n"
    "\n"
    "Exit: 0 approved or shown, 1 not (stderr says why), 2 usage.\n";


int
debar_list_approve(int argc, char **argv)
{
    int                    rc;
    debar_fault_t          fault;
    debar_approve_t        ap;
    debar_approve_args_t   a;

    rc = debar_approve_args(&a, argc, argv);

    if (rc != -1) {
        return rc;
    }

    memset(&ap, 0, sizeof(ap));
    rc = debar_approve_read(&ap, &a, &fault);

    if (rc == DEBAR_OK) {

        if (!a.json) {
            debar_approve_print(&ap, &a);
        }

        if (a.merge && !a.show) {
            rc = debar_approve_merge(&ap, &a, &fault);

        } else if (!a.show) {
            rc = a.yes || debar_trust_agreed("Approve this list?", &fault)
                 ? debar_approve_sign(&ap, &a, &fault) : DEBAR_ERROR;
        }
    }

    if (rc == DEBAR_OK) {
        debar_approve_said(&ap, &a);
    }

    if (ap.p.snapshot) {
        debar_snapshot_close(ap.p.snapshot);
    }

    debar_buf_free(&ap.file);
    debar_buf_free(&ap.preview);
    debar_buf_free(&ap.diff);
    debar_proposal_diff_free(&ap.found);

    return rc == DEBAR_OK ? 0 : debar_trust_failed(a.json, &fault);
}


/* -1: go on; else the exit code. */

static int
debar_approve_args(debar_approve_args_t *a, int argc, char **argv)
{
    int                         c;
    const char                 *command = "debar list approve";
    static const struct option  options[] = {
        { "root",      required_argument, NULL, 'r' },
        { "key",       required_argument, NULL, 'k' },
        { "pass-file", required_argument, NULL, 'P' },
        { "previous",  required_argument, NULL, 'p' },
        { "preview",   required_argument, NULL, 'v' },
        { "diff",      required_argument, NULL, 'd' },
        { "merge",     required_argument, NULL, 'm' },
        { "against",   required_argument, NULL, 'a' },
        { "show",      no_argument,       NULL, 's' },
        { "yes",       no_argument,       NULL, 'y' },
        { "json",      no_argument,       NULL, 'j' },
        { "help",      no_argument,       NULL, 'h' },
        { NULL, 0, NULL, 0 }
    };

    memset(a, 0, sizeof(*a));
    opterr = 0;

    while ((c = getopt_long(argc, argv, ":h", options, NULL)) != -1) {

        switch (c) {
        case 'r':
            a->root = optarg;
            break;
        case 'k':
            a->key = optarg;
            break;
        case 'P':
            a->pass_file = optarg;
            break;
        case 'p':
            a->previous = optarg;
            break;
        case 'v':
            a->preview = optarg;
            break;
        case 'd':
            a->diff = optarg;
            break;
        case 'a':
            a->against = optarg;
            break;
        case 'm':
            a->merge = optarg;
            break;
        case 's':
            a->show = 1;
            break;
        case 'y':
            a->yes = 1;
            break;
        case 'j':
            a->json = 1;
            break;
        case 'h':
            fputs(debar_approve_help, stdout);
            return 0;
        default:
            return debar_bad_option(command, c, argv);
        }
    }

    if (argc - optind != 2) {
        return debar_usage(command, argc - optind == 1
                           ? "name the snapshot, too, that it is for: what you "
                             "approve is what is in it"
                           : "name a proposal of `debar list propose` and its "
                             "snapshot");
    }

    a->proposal = argv[optind];
    a->snapshot = argv[optind + 1];

    if (a->root == NULL) {
        return debar_usage(command, "--root ROOT is missing, which says who "
                           "may approve (`debar root new`)");
    }

    if (a->against && a->diff) {
        return debar_usage(command, "--against finds out what changes: leave "
                           "--diff out");
    }

    if (a->key && a->merge) {
        return debar_usage(command, "--merge takes approvals that are there "
                           "already: leave --key out");
    }

    if (a->key == NULL && a->merge == NULL && !a->show) {
        return debar_usage(command, "--key FILE is missing, your private key "
                           "of `debar key new`; --show signs nothing");
    }

    return -1;
}


/* All that is shown, read and checked before anything is. */

static int
debar_approve_read(debar_approve_t *ap, const debar_approve_args_t *a,
    debar_fault_t *fault)
{
    int  rc;

    if (debar_trust_root(&ap->root, a->root, fault) != DEBAR_OK
        || debar_root_current(&ap->root, a->root, time(NULL), fault)
           != DEBAR_OK
        || debar_trust_read(&ap->file, a->proposal, DEBAR_NOTE_MAX,
                            "a proposal of `debar list propose`", fault)
           != DEBAR_OK
        || debar_note_parse(&ap->note, a->proposal, ap->file.data,
                            ap->file.len, 1, fault) != DEBAR_OK
        || debar_manifest_parse(&ap->m, a->proposal, ap->note.text, fault)
           != DEBAR_OK
        || debar_manifest_current(&ap->m, a->proposal, time(NULL), NULL, fault)
           != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    ap->approvals = debar_root_count(&ap->root, &ap->note, a->proposal,
                                     ap->who, fault);

    if (ap->approvals == -1
        || (a->key && debar_approve_key(ap, a, fault) != DEBAR_OK)
        || (a->previous && debar_approve_follows(ap, a, fault) != DEBAR_OK)
        || debar_proposed_open(&ap->p, a->snapshot, fault) != DEBAR_OK
        || debar_proposed_is(&ap->p, &ap->m, a->proposal, fault) != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    rc = a->diff ? DEBAR_DECLINED : debar_approve_against(ap, a, fault);

    if (rc == DEBAR_DECLINED) {
        rc = debar_approve_json(&ap->diff, a->diff, a->proposal, "diff",
                                ap->m.diff, ap->m.digest, fault);
    }

    if (rc != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    return debar_approve_json(&ap->preview, a->preview, a->proposal, "preview",
                              ap->m.preview, ap->m.digest, fault);
}


/* The key is an approver's, and has not signed yet. */

static int
debar_approve_key(debar_approve_t *ap, const debar_approve_args_t *a,
    debar_fault_t *fault)
{
    size_t               i;
    const debar_vkey_t  *k;

    if (debar_trust_public(&ap->key, a->key, fault) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    k = &ap->key;

    for (i = 0; i < ap->root.n; i++) {
        if (debar_vkey_same(&ap->root.approvers[i], k)
            && strcmp(ap->root.approvers[i].name, k->name) == 0)
        {
            break;
        }
    }

    if (i == ap->root.n) {

        for (i = 0; i < ap->root.nrevoked; i++) {
            if (debar_vkey_same(&ap->root.revoked[i], k)) {
                break;
            }
        }

        debar_fault(fault, "%s: the key of %s (%02x%02x%02x%02x) %s in %s "
                    "(version %llu): who is to approve is named there by "
                    "`debar root next`", a->key, k->name, k->id[0], k->id[1],
                    k->id[2], k->id[3], i < ap->root.nrevoked
                    ? "is revoked" : "is not an approver's", a->root,
                    (unsigned long long) ap->root.version);
        return DEBAR_ERROR;
    }

    if (ap->who[i]) {
        debar_fault(fault, "%s: %s has approved it already: it takes another "
                    "approver, with a key of their own", a->proposal, k->name);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


static int
debar_approve_follows(debar_approve_t *ap, const debar_approve_args_t *a,
    debar_fault_t *fault)
{
    unsigned long long       serial, was;
    const debar_manifest_t  *now;

    now = &ap->previous;

    if (debar_proposal_previous(&ap->previous, a->previous, &ap->root,
                                &ap->doubt, fault) != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    serial = ap->m.serial;
    was = now->serial;

    if (serial <= was) {
        debar_fault(fault, "%s: serial %llu goes back: %llu is published "
                    "already; have it built and proposed under a higher one",
                    a->proposal, serial, was);
        return DEBAR_ERROR;
    }

    if (ap->m.previous != was
        || strcmp(ap->m.previous_digest, now->digest) != 0)
    {
        debar_fault(fault, "%s: it follows serial %llu, and what is published "
                    "is %llu%s: have it proposed anew", a->proposal,
                    (unsigned long long) ap->m.previous, was,
                    ap->m.previous == was ? " with other rows" : "");
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


/* What goes with the proposal is what its manifest names. */

static int
debar_approve_json(debar_buf_t *data, const char *path, const char *file,
    const char *what, const char *digest, const char *list,
    debar_fault_t *fault)
{
    char  sha256[65];

    if (digest[0] == '\0') {

        if (path == NULL) {
            return DEBAR_OK;
        }

        debar_fault(fault, "%s: it was proposed without a %s: leave --%s out, "
                    "or have it proposed anew with one", file, what, what);
        return DEBAR_ERROR;
    }

    if (debar_proposal_json(data, sha256, path, file, what, fault)
        != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    if (strcmp(sha256, digest) != 0) {
        debar_fault(fault, "%s: the %s at hand is not the one that it was "
                    "proposed with (SHA-256 %.16s..., wanted %.16s...): get "
                    "that one", file, what, sha256, digest);
        return DEBAR_ERROR;
    }

    return debar_proposal_of(data, file, what, list, fault);
}


/*
 * What changes, found out by --against or the folder's own last snapshot; it
 * has to be what was proposed, if that says so.  DEBAR_DECLINED: nothing to find it
 * out from.
 */

static int
debar_approve_against(debar_approve_t *ap, const debar_approve_args_t *a,
    debar_fault_t *fault)
{
    int          rc;
    char         base[4096];
    const char  *old;

    old = a->against ? a->against
                     : debar_proposal_base(base, sizeof(base), a->previous);

    if (old == NULL) {
        return DEBAR_DECLINED;
    }

    rc = debar_proposal_diff(&ap->found, old, &ap->p, ap->m.previous,
                             ap->m.previous_digest, fault);

    if (rc != DEBAR_OK) {
        return a->against ? DEBAR_ERROR : rc;
    }

    if (ap->m.diff[0] && strcmp(ap->m.diff, ap->found.sha256) != 0) {
        debar_fault(fault, "%s: what it was said to change (SHA-256 %.16s...) "
                    "is not what is found to change (%.16s...): have it "
                    "proposed anew, by the same version of debar", a->proposal,
                    ap->m.diff, ap->found.sha256);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


static void
debar_approve_print(const debar_approve_t *ap, const debar_approve_args_t *a)
{
    char                     when[21], away[32], rows[256];
    size_t                   i;
    int64_t                  now;
    const debar_root_t      *root;
    const debar_manifest_t  *m;

    m = &ap->m;
    root = &ap->root;
    now = time(NULL);

    printf("%s: serial %llu of \"%s\"\n", a->proposal,
           (unsigned long long) m->serial, m->title);

    if (m->previous) {
        printf("follows    serial %llu, digest %.16s...%s\n",
               (unsigned long long) m->previous, m->previous_digest,
               a->previous ? ", which is published"
                           : "; --previous would compare what is published");
    } else {
        printf("follows    nothing: it is the first\n");
    }

    debar_root_time(when, m->created);
    printf("proposed   %s (%s)\n", when, debar_trust_away(away, m->created,
                                                          now));
    debar_root_time(when, m->expires);
    printf("expires    %s (%s)\n", when, debar_trust_away(away, m->expires,
                                                          now));
    printf("snapshot   %s: the one that is proposed, every row read\n"
           "rows       %s\ndigest     %s\n", a->snapshot,
           debar_proposed_rows(&ap->p, rows), m->digest);

    if (ap->found.words.len) {
        printf("\nWhat changes, found out here:\n");
        fwrite(ap->found.words.data, 1, ap->found.words.len, stdout);

    } else {
        debar_approve_beside(&ap->diff, "What changes (--against OLD.mdb says "
                             "it in words)", "What changes was not proposed "
                             "with it: --against OLD.mdb finds it out.");
    }

    debar_approve_beside(&ap->preview, "What it would have done to recorded "
                         "traffic", "It was proposed without a preview of "
                         "recorded traffic: see `debar list preview`.");

    printf("\nApprovals: %d of %u (%s, version %llu)\n", ap->approvals,
           root->threshold, a->root, (unsigned long long) root->version);

    for (i = 0; i < root->n; i++) {
        debar_trust_print_key(&root->approvers[i],
                              ap->who[i] ? "approved" : "not yet");
    }

    if (ap->doubt.text[0]) {
        printf("Of what is published: %s\n", ap->doubt.text);
    }

    printf("\n");
}


static void
debar_approve_beside(const debar_buf_t *data, const char *head,
    const char *none)
{
    if (data->len == 0) {
        printf("\n%s\n", none);
        return;
    }

    printf("\n%s:\n", head);

    if (debar_proposal_print(data) != DEBAR_OK) {
        printf("  it is not a JSON object, and cannot be shown\n");
    }
}


static int
debar_approve_sign(debar_approve_t *ap, const debar_approve_args_t *a,
    debar_fault_t *fault)
{
    int        rc;
    EVP_PKEY  *private;

    private = debar_trust_open_key(&ap->key, a->key, a->pass_file, fault);

    if (private == NULL) {
        return DEBAR_ERROR;
    }

    /* an answer may have taken its time */

    rc = debar_manifest_current(&ap->m, a->proposal, time(NULL), NULL, fault);

    if (rc == DEBAR_OK) {
        rc = debar_trust_sign(a->proposal, ap->note.text, &ap->key, private,
                              fault);
    }

    EVP_PKEY_free(private);
    ap->approvals += rc == DEBAR_OK;

    return rc;
}


/* Approvals out of a copy that was signed elsewhere. */

static int
debar_approve_merge(debar_approve_t *ap, const debar_approve_args_t *a,
    debar_fault_t *fault)
{
    int           rc, added;
    debar_buf_t   data;
    debar_note_t  copy;

    if (debar_trust_read(&data, a->merge, DEBAR_NOTE_MAX, "a copy of the "
                         "proposal that was approved", fault) != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    rc = debar_note_parse(&copy, a->merge, data.data, data.len, 0, fault);

    if (rc == DEBAR_OK
        && (copy.text.len != ap->note.text.len
            || memcmp(copy.text.data, ap->note.text.data, copy.text.len) != 0))
    {
        debar_fault(fault, "%s: not a copy of %s: it says something else; the "
                    "approvals in it are of that", a->merge, a->proposal);
        rc = DEBAR_ERROR;
    }

    if (rc == DEBAR_OK
        && debar_root_count(&ap->root, &copy, a->merge, NULL, fault) == -1)
    {
        rc = DEBAR_ERROR;
    }

    if (rc == DEBAR_OK) {
        added = debar_trust_merge(a->proposal, ap->note.text, &ap->root, &copy,
                                  fault);
        ap->approvals += added;

        if (added == 0) {
            debar_fault(fault, "%s: no approval in it that %s has not: nothing "
                        "was added", a->merge, a->proposal);
        }

        rc = added > 0 ? DEBAR_OK : DEBAR_ERROR;
    }

    debar_buf_free(&data);

    return rc;
}


static void
debar_approve_said(const debar_approve_t *ap, const debar_approve_args_t *a)
{
    int          missing;
    debar_buf_t  b;

    missing = (int) ap->root.threshold - ap->approvals;
    missing = missing > 0 ? missing : 0;

    if (a->json) {
        memset(&b, 0, sizeof(b));
        debar_buf_printf(&b, "{\"ok\":true");
        debar_json_text(&b, "file", a->proposal, strlen(a->proposal));
        debar_json_number(&b, "serial", ap->m.serial);
        debar_json_number(&b, "approvals", (uint64_t) ap->approvals);
        debar_json_number(&b, "threshold", ap->root.threshold);
        debar_json_number(&b, "missing", (uint64_t) missing);
        debar_buf_printf(&b, "}\n");
        debar_flush(&b);
        return;
    }

    if (a->key && !a->show) {
        printf("%s: approved by %s\n", a->proposal, ap->key.name);

    } else if (a->merge && !a->show) {
        printf("%s: with the approvals of %s, %d\n", a->proposal, a->merge,
               ap->approvals);
    }

    if (missing) {
        printf("%d more of the approvers %s to approve it\n", missing,
               missing == 1 ? "has" : "have");
    } else {
        printf("it has all the approvals that it takes: debar list publish %s "
               "%s --to FOLDER --root %s\n", a->proposal, a->snapshot,
               a->root);
    }
}

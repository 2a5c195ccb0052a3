/*
 * debar list propose: the manifest of a snapshot, for those who approve it.
 */

#include <stdlib.h>
#include <sys/stat.h>

#include "proposal.h"


typedef struct {
    const char  *snapshot;
    const char  *previous;
    const char  *expires;
    const char  *preview;
    const char  *diff;
    const char  *against;
    const char  *root;
    const char  *output;
    unsigned     replace;
    unsigned     json;
} debar_propose_args_t;


static int debar_propose_args(debar_propose_args_t *a, int argc, char **argv);
static int debar_propose_manifest(debar_manifest_t *m,
    const debar_propose_args_t *a, const debar_proposed_t *p,
    debar_fault_t *fault);
static int debar_propose_beside(char sha256[65], const char *digest,
    const debar_propose_args_t *a, const char *from, const char *what,
    debar_fault_t *fault);
static int debar_propose_diff(debar_manifest_t *m,
    const debar_propose_args_t *a, const debar_proposed_t *p,
    debar_fault_t *fault);
static int debar_propose_write(const debar_manifest_t *m,
    const debar_propose_args_t *a, const debar_proposed_t *p,
    debar_fault_t *fault);
static void debar_propose_print(const debar_manifest_t *m,
    const debar_propose_args_t *a, const debar_proposed_t *p);


static const char  debar_propose_help[] =
    "usage: debar list propose SNAPSHOT.mdb --previous FOLDER|MANIFEST|none\n"
    "                          --expires WHEN -o PROPOSAL [options]\n"
    "\n"
    "Reads the whole snapshot and writes PROPOSAL, the manifest that approvers\n"
    "sign: its serial, what it follows, until when it is to hold, its digests.\n"
    "\n"
    "      --previous WHAT      what is published now: the folder, its manifest,\n"
    "                           or none for the first list\n"
    "      --expires WHEN       a day, a time, or days from now (30d), when\n"
    "                           gateways stop taking it for current\n"
    "      --preview FILE.json  of `debar list preview --json`; goes beside\n"
    "                           PROPOSAL, and approvers are shown it\n"
    "      --against OLD.mdb    the snapshot that is published: what changes is\n"
    "                           found out, and approvers are shown it (default:\n"
    "                           that of FOLDER, if it was published from here)\n"
    "      --diff FILE.json     or what `debar list diff --json` found out\n"
    "      --root FILE          check the previous manifest's signatures by it\n"
    "  -o, --output PROPOSAL    where it goes\n"
    "      --replace            write over a proposal that is there\n"
    "      --json               say the outcome as one JSON object on stdout\n"
    "  -h, --help               this text\n"
    "\n"
    "Exit: 0 proposed, 1 not (stderr says why), 2 usage.\n";


int
debar_list_propose(int argc, char **argv)
{
    int                    rc;
    debar_fault_t          fault;
    debar_manifest_t       m;
    debar_proposed_t       p;
    debar_propose_args_t   a;

    rc = debar_propose_args(&a, argc, argv);

    if (rc != -1) {
        return rc;
    }

    if (debar_proposed_open(&p, a.snapshot, &fault) != DEBAR_OK) {
        return debar_trust_failed(a.json, &fault);
    }

    rc = debar_propose_manifest(&m, &a, &p, &fault);

    if (rc == DEBAR_OK) {
        rc = debar_propose_write(&m, &a, &p, &fault);
    }

    if (rc == DEBAR_OK) {
        debar_propose_print(&m, &a, &p);
    }

    debar_snapshot_close(p.snapshot);

    return rc == DEBAR_OK ? 0 : debar_trust_failed(a.json, &fault);
}


/* -1: go on; else the exit code. */

static int
debar_propose_args(debar_propose_args_t *a, int argc, char **argv)
{
    int                         c;
    const char                 *command = "debar list propose";
    static const struct option  options[] = {
        { "previous", required_argument, NULL, 'p' },
        { "expires",  required_argument, NULL, 'e' },
        { "preview",  required_argument, NULL, 'v' },
        { "diff",     required_argument, NULL, 'd' },
        { "against",  required_argument, NULL, 'a' },
        { "root",     required_argument, NULL, 'r' },
        { "output",   required_argument, NULL, 'o' },
        { "replace",  no_argument,       NULL, 'R' },
        { "json",     no_argument,       NULL, 'j' },
        { "help",     no_argument,       NULL, 'h' },
        { NULL, 0, NULL, 0 }
    };

    memset(a, 0, sizeof(*a));
    opterr = 0;

    while ((c = getopt_long(argc, argv, ":o:h", options, NULL)) != -1) {

        switch (c) {
        case 'p':
            a->previous = optarg;
            break;
        case 'e':
            a->expires = optarg;
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
        case 'r':
            a->root = optarg;
            break;
        case 'o':
            a->output = optarg;
            break;
        case 'R':
            a->replace = 1;
            break;
        case 'j':
            a->json = 1;
            break;
        case 'h':
            fputs(debar_propose_help, stdout);
            return 0;
        default:
            return debar_bad_option(command, c, argv);
        }
    }

    if (argc - optind != 1) {
        return debar_usage(command, "name one snapshot that `debar list build` "
                           "made");
    }

    a->snapshot = argv[optind];

    if (a->previous == NULL) {
        return debar_usage(command, "--previous is missing: the folder that "
                           "lists are published in, or none for the first");
    }

    if (a->expires == NULL) {
        return debar_usage(command, "--expires is missing: a day, or 30d for "
                           "thirty days");
    }

    if (a->against && a->diff) {
        return debar_usage(command, "--against finds out what changes: leave "
                           "--diff out");
    }

    if (a->output == NULL) {
        return debar_usage(command, "-o PROPOSAL is missing, where it goes");
    }

    return -1;
}


static int
debar_propose_manifest(debar_manifest_t *m, const debar_propose_args_t *a,
    const debar_proposed_t *p, debar_fault_t *fault)
{
    debar_root_t                  root;
    debar_fault_t                 doubt;
    debar_manifest_t              previous;
    const debar_snapshot_meta_t  *s;

    s = debar_snapshot_meta(p->snapshot);
    memset(m, 0, sizeof(*m));
    m->serial = s->serial;
    m->size = p->size;
    m->created = time(NULL);
    memcpy(m->digest, s->digest, sizeof(m->digest));
    memcpy(m->sha256, p->sha256, sizeof(m->sha256));
    snprintf(m->title, sizeof(m->title), "%.*s",
             (int) (s->title.len > DEBAR_MANIFEST_TITLE ? DEBAR_MANIFEST_TITLE
                                                        : s->title.len),
             s->title.data);

    if (s->title.len > DEBAR_MANIFEST_TITLE) {
        debar_fault(fault, "%s: its title has more than %d bytes: shorten it "
                    "in list.yaml", a->snapshot, DEBAR_MANIFEST_TITLE);
        return DEBAR_ERROR;
    }

    if (debar_trust_when(&m->expires, "--expires", a->expires, m->created,
                         fault) != DEBAR_OK
        || (a->root && debar_trust_root(&root, a->root, fault) != DEBAR_OK)
        || debar_proposal_previous(&previous, a->previous,
                                   a->root ? &root : NULL, &doubt, fault)
           != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    if (doubt.text[0]) {
        *fault = doubt;
        return DEBAR_ERROR;
    }

    if (m->serial <= previous.serial) {
        debar_fault(fault, "%s: serial %llu does not go beyond %llu, which is "
                    "published: raise serial in list.yaml and build anew",
                    a->snapshot, (unsigned long long) m->serial,
                    (unsigned long long) previous.serial);
        return DEBAR_ERROR;
    }

    if (s->expires && s->expires <= m->created) {
        debar_fault(fault, "%s: the list itself has expired: set expires in "
                    "list.yaml and build anew", a->snapshot);
        return DEBAR_ERROR;
    }

    m->previous = previous.serial;
    memcpy(m->previous_digest, previous.digest, sizeof(m->previous_digest));

    return DEBAR_OK;
}


/* The JSON of from goes beside the proposal, its digest into the manifest. */

static int
debar_propose_beside(char sha256[65], const char *digest,
    const debar_propose_args_t *a, const char *from, const char *what,
    debar_fault_t *fault)
{
    int          rc;
    char         path[4096];
    debar_buf_t  data;

    if (from == NULL) {
        return DEBAR_OK;
    }

    if (debar_proposal_json(&data, sha256, from, NULL, what, fault)
        != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    snprintf(path, sizeof(path), "%s.%s.json", a->output, what);
    rc = debar_proposal_of(&data, from, what, digest, fault);

    if (rc == DEBAR_OK) {
        rc = debar_trust_write(path, data.data, data.len, 0644, 0, fault);
    }

    debar_buf_free(&data);

    return rc;
}


/* What changes, of --against or the folder's own last snapshot: printed, and
 * kept as --diff would be. */

static int
debar_propose_diff(debar_manifest_t *m, const debar_propose_args_t *a,
    const debar_proposed_t *p, debar_fault_t *fault)
{
    int                    rc;
    char                   path[4096];
    const char            *old;
    debar_proposal_diff_t  diff;

    old = a->against ? a->against
                     : debar_proposal_base(path, sizeof(path), a->previous);

    if (old == NULL) {
        return DEBAR_OK;
    }

    rc = debar_proposal_diff(&diff, old, p, m->previous, m->previous_digest,
                             fault);

    if (rc == DEBAR_DECLINED && a->against == NULL) {
        return DEBAR_OK;         /* the folder's own is not of that serial */
    }

    if (rc == DEBAR_OK) {
        snprintf(path, sizeof(path), "%s.diff.json", a->output);
        memcpy(m->diff, diff.sha256, sizeof(m->diff));
        rc = debar_trust_write(path, diff.json.data, diff.json.len, 0644, 0,
                               fault);
    }

    if (rc == DEBAR_OK && !a->json) {
        fwrite(diff.words.data, 1, diff.words.len, stdout);
    }

    debar_proposal_diff_free(&diff);

    return rc;
}


static int
debar_propose_write(const debar_manifest_t *m, const debar_propose_args_t *a,
    const debar_proposed_t *p, debar_fault_t *fault)
{
    int               rc;
    debar_buf_t       text;
    struct stat       st;
    debar_manifest_t  whole;

    if (!a->replace && stat(a->output, &st) == 0) {
        debar_fault(fault, "%s: is there already; name another file, or say "
                    "--replace: its approvals are lost then", a->output);
        return DEBAR_ERROR;
    }

    whole = *m;
    memset(&text, 0, sizeof(text));

    rc = debar_propose_beside(whole.preview, m->digest, a, a->preview,
                              "preview", fault);

    if (rc == DEBAR_OK) {
        rc = a->diff ? debar_propose_beside(whole.diff, m->digest, a,
                                            a->diff, "diff", fault)
                     : debar_propose_diff(&whole, a, p, fault);
    }

    if (rc == DEBAR_OK) {
        rc = debar_manifest_text(&text, &whole, fault);
    }

    if (rc == DEBAR_OK) {
        rc = debar_trust_write(a->output, text.data, text.len, 0644,
                               !a->replace, fault);
    }

    debar_buf_free(&text);

    return rc;
}


static void
debar_propose_print(const debar_manifest_t *m, const debar_propose_args_t *a,
    const debar_proposed_t *p)
{
    char         expires[21], away[32], rows[256];
    debar_buf_t  b;

    debar_root_time(expires, m->expires);

    if (a->json) {
        memset(&b, 0, sizeof(b));
        debar_buf_printf(&b, "{\"ok\":true");
        debar_json_text(&b, "file", a->output, strlen(a->output));
        debar_json_number(&b, "serial", m->serial);
        debar_json_number(&b, "previous", m->previous);
        debar_json_text(&b, "expires", expires, strlen(expires));
        debar_json_text(&b, "digest", m->digest, strlen(m->digest));
        debar_json_text(&b, "sha256", m->sha256, strlen(m->sha256));
        debar_json_number(&b, "size", m->size);
        debar_buf_printf(&b, "}\n");
        debar_flush(&b);
        return;
    }

    printf("%s: serial %llu proposed, until %s (%s)\n", a->output,
           (unsigned long long) m->serial, expires,
           debar_trust_away(away, m->expires, m->created));
    printf("rows       %s\ndigest     %s\nSHA-256    %s\n",
           debar_proposed_rows(p, rows), m->digest, m->sha256);

    if (m->previous) {
        printf("follows    serial %llu\n", (unsigned long long) m->previous);
    }

    printf("approvers  debar list approve %s %s --root ROOT --key KEY\n",
           a->output, a->snapshot);
}

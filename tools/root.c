/*
 * debar root: who may approve lists, made, followed, signed, checked.
 */

#include <stdlib.h>
#include <openssl/evp.h>

#include "trust.h"


#define DEBAR_ROOT_UNTIL  "365d"


typedef struct {
    const char     *file;         /* the operand, if there is one */
    const char     *output;
    const char     *from;
    const char     *key;
    const char     *pass_file;
    const char     *until;
    const char     *threshold;
    const char    **add;          /* argc of each at most */
    const char    **revoke;
    size_t          nadd;
    size_t          nrevoke;
    unsigned        yes;
    unsigned        json;
} debar_root_args_t;


static int debar_root_new(int argc, char **argv);
static int debar_root_next(int argc, char **argv);
static int debar_root_sign(int argc, char **argv);
static int debar_root_check_command(int argc, char **argv);


static const char  debar_root_help[] =
    "usage: debar root new --approver KEY.pub... [--threshold N] -o ROOT\n"
    "       debar root next OLD [--approver KEY.pub]... [--revoke NAME]...\n"
    "                  -o ROOT\n"
    "       debar root sign ROOT --key FILE [--from OLD]\n"
    "       debar root check ROOT [--from OLD]\n"
    "\n"
    "A root file says who may approve lists, how many of them it takes (two by\n"
    "default), and until when.  Machines that fetch lists are given it once.\n";

static const char  debar_root_new_help[] =
    "usage: debar root new --approver KEY.pub... [options] -o ROOT\n"
    "       debar root next OLD [--approver KEY.pub]... [--revoke NAME]...\n"
    "                  [options] -o ROOT\n"
    "\n"
    "`new` begins: version 1.  `next` makes the version after OLD: with its\n"
    "approvers, those of --approver beside them, those of --revoke no more.  A\n"
    "revoked key never comes back.  Either is then signed (debar root sign) by\n"
    "the threshold of its approvers, and `next` by that of OLD's too.\n"
    "\n"
    "      --approver KEY.pub  somebody's public key; repeatable\n"
    "      --revoke NAME|ID    an approver's key that no longer counts\n"
    "      --threshold N       approvals that a list takes (default 2, then as\n"
    "                          before)\n"
    "      --until WHEN        a day, a time or days from now (default 365d)\n"
    "  -o, --output ROOT       where it goes\n"
    "      --json              say the outcome as one JSON object on stdout\n"
    "  -h, --help              this text\n"
    "\n"
    "Exit: 0 made, 1 not made (stderr says why), 2 usage.\n";

static const char  debar_root_sign_help[] =
    "usage: debar root sign ROOT --key FILE [options]\n"
    "\n"
    "Shows what ROOT says, asks, and adds your signature.\n"
    "\n"
    "      --key FILE          your private key\n"
    "      --pass-file FILE    its first line is the passphrase\n"
    "      --from OLD          the version before: its approvers sign, too\n"
    "      --yes               do not ask\n"
    "      --json              say the outcome as one JSON object on stdout\n"
    "  -h, --help              this text\n"
    "\n"
    "Exit: 0 signed, 1 not signed (stderr says why), 2 usage.\n";

static const char  debar_root_check_help[] =
    "usage: debar root check ROOT [--from OLD] [--json]\n"
    "\n"
    "Says who may approve lists by ROOT, who signed it, and whether it is to be\n"
    "trusted: signed by enough of its own approvers, in its time, and (with\n"
    "--from) by enough of those of the version before, which it follows.\n"
    "\n"
    "      --from OLD          the version before, which is trusted\n"
    "      --json              say it as one JSON object on stdout\n"
    "  -h, --help              this text\n"
    "\n"
    "Exit: 0 to be trusted, 1 not (stderr says why), 2 usage.\n";


static const debar_command_t  debar_root_commands[] = {
    { "new", debar_root_new, "say who may approve lists" },
    { "next", debar_root_next, "other approvers: the version after a root" },
    { "sign", debar_root_sign, "sign a root as one of its approvers" },
    { "check", debar_root_check_command, "who approves, who signed, is it good" },
    { NULL, NULL, NULL }
};


int
debar_root_command(int argc, char **argv)
{
    return debar_dispatch("debar root", debar_root_help, debar_root_commands,
                          argc, argv);
}


/* -1: go on; else the exit code.  operand: whether there is one. */

static int
debar_root_args(debar_root_args_t *a, const char *command, const char *help,
    const char *allowed, int operand, int argc, char **argv)
{
    int                         c;
    static const struct option  options[] = {
        { "approver",  required_argument, NULL, 'a' },
        { "revoke",    required_argument, NULL, 'r' },
        { "threshold", required_argument, NULL, 't' },
        { "until",     required_argument, NULL, 'u' },
        { "output",    required_argument, NULL, 'o' },
        { "from",      required_argument, NULL, 'f' },
        { "key",       required_argument, NULL, 'k' },
        { "pass-file", required_argument, NULL, 'p' },
        { "yes",       no_argument,       NULL, 'y' },
        { "json",      no_argument,       NULL, 'j' },
        { "help",      no_argument,       NULL, 'h' },
        { NULL, 0, NULL, 0 }
    };

    memset(a, 0, sizeof(*a));
    a->add = calloc((size_t) argc + 1, sizeof(char *));
    a->revoke = calloc((size_t) argc + 1, sizeof(char *));
    opterr = 0;

    if (a->add == NULL || a->revoke == NULL) {
        return debar_say("no memory");
    }

    while ((c = getopt_long(argc, argv, ":o:h", options, NULL)) != -1) {

        if (c != ':' && c != '?' && strchr(allowed, c) == NULL) {
            return debar_usage(command, "%s does not belong to it",
                               argv[optind - 1]);
        }

        switch (c) {
        case 'a':
            a->add[a->nadd++] = optarg;
            break;
        case 'r':
            a->revoke[a->nrevoke++] = optarg;
            break;
        case 't':
            a->threshold = optarg;
            break;
        case 'u':
            a->until = optarg;
            break;
        case 'o':
            a->output = optarg;
            break;
        case 'f':
            a->from = optarg;
            break;
        case 'k':
            a->key = optarg;
            break;
        case 'p':
            a->pass_file = optarg;
            break;
        case 'y':
            a->yes = 1;
            break;
        case 'j':
            a->json = 1;
            break;
        case 'h':
            fputs(help, stdout);
            return 0;
        default:
            return debar_bad_option(command, c, argv);
        }
    }

    if (argc - optind != operand) {
        return debar_usage(command, operand ? "name one root file"
                           : "it takes options only");
    }

    a->file = operand ? argv[optind] : NULL;

    return -1;
}


/* Ends what args began. */

static int
debar_root_end(debar_root_args_t *a, int rc)
{
    free(a->add);
    free(a->revoke);

    return rc;
}


/* Approvers of the command line into the root. */

static int
debar_root_add(debar_root_t *root, const debar_root_args_t *a,
    debar_fault_t *fault)
{
    size_t  i;

    for (i = 0; i < a->nadd; i++) {

        if (root->n == DEBAR_ROOT_APPROVERS) {
            debar_fault(fault, "more than %d approvers", DEBAR_ROOT_APPROVERS);
            return DEBAR_ERROR;
        }

        if (debar_trust_public(&root->approvers[root->n++], a->add[i], fault)
            != DEBAR_OK)
        {
            return DEBAR_ERROR;
        }
    }

    return DEBAR_OK;
}


static int
debar_root_revoke(debar_root_t *root, const char *who, debar_fault_t *fault)
{
    char    id[9];
    size_t  i;

    for (i = 0; i < root->n; i++) {

        snprintf(id, sizeof(id), "%02x%02x%02x%02x", root->approvers[i].id[0],
                 root->approvers[i].id[1], root->approvers[i].id[2],
                 root->approvers[i].id[3]);

        if (strcmp(root->approvers[i].name, who) == 0 || strcmp(id, who) == 0) {
            break;
        }
    }

    if (i == root->n || root->nrevoked == DEBAR_ROOT_REVOKED) {
        debar_fault(fault, i == root->n
                    ? "--revoke %s: no approver of this name or id: `debar "
                      "root check` names them"
                    : "--revoke %s: too many keys are revoked already: begin "
                      "anew by `debar root new`", who);
        return DEBAR_ERROR;
    }

    root->revoked[root->nrevoked++] = root->approvers[i];
    root->n--;
    memmove(&root->approvers[i], &root->approvers[i + 1],
            (root->n - i) * sizeof(debar_vkey_t));

    return DEBAR_OK;
}


/* Threshold, until and output of a root that is otherwise made. */

static int
debar_root_write(debar_root_t *root, const debar_root_args_t *a,
    debar_fault_t *fault)
{
    int          rc;
    uint64_t     n;
    debar_buf_t  text;

    root->created = time(NULL);

    if (a->threshold) {

        if (debar_root_number(debar_str(a->threshold, strlen(a->threshold)),
                              DEBAR_ROOT_APPROVERS, &n) != DEBAR_OK || n == 0)
        {
            debar_fault(fault, "--threshold %s: a number from 1 to %d",
                        a->threshold, DEBAR_ROOT_APPROVERS);
            return DEBAR_ERROR;
        }

        root->threshold = (unsigned) n;
    }

    if (debar_trust_when(&root->until, "--until",
                         a->until ? a->until : DEBAR_ROOT_UNTIL, root->created,
                         fault) != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    memset(&text, 0, sizeof(text));
    rc = debar_root_text(&text, root, fault);

    if (rc == DEBAR_OK) {
        rc = debar_trust_write(a->output, text.data, text.len, 0644, 1, fault);
    }

    debar_buf_free(&text);

    return rc;
}


static void
debar_root_json(const debar_root_t *root, const char *file, const uint8_t *who,
    int trusted)
{
    char         when[21], key[DEBAR_VKEY_TEXT];
    size_t       i;
    debar_buf_t  b;

    memset(&b, 0, sizeof(b));
    debar_buf_printf(&b, "{\"ok\":%s", trusted ? "true" : "false");
    debar_json_text(&b, "file", file, strlen(file));
    debar_json_number(&b, "version", root->version);
    debar_json_number(&b, "threshold", root->threshold);
    debar_root_time(when, root->until);
    debar_json_text(&b, "until", when, strlen(when));
    debar_json_text(&b, "digest", root->digest, strlen(root->digest));
    debar_buf_printf(&b, ",\"approvers\":[");

    for (i = 0; i < root->n; i++) {
        debar_buf_printf(&b, i ? ",{" : "{");
        debar_vkey_text(key, &root->approvers[i]);
        debar_json_text(&b, "name", root->approvers[i].name,
                        strlen(root->approvers[i].name));
        debar_json_text(&b, "key", key, strlen(key));
        debar_buf_printf(&b, ",\"signed\":%s}",
                         who && who[i] ? "true" : "false");
    }

    debar_buf_printf(&b, "]}\n");
    debar_flush(&b);
}


static void
debar_root_print(const debar_root_t *root, const char *file,
    const uint8_t *who, const debar_note_t *note, const debar_root_t *old)
{
    char    when[21], away[32];
    size_t  i;

    debar_root_time(when, root->until);
    printf("%s: root version %llu, takes %u of %zu approvals, until %s (%s)\n",
           file, (unsigned long long) root->version, root->threshold, root->n,
           when, debar_trust_away(away, root->until, time(NULL)));

    for (i = 0; i < root->n; i++) {
        debar_trust_print_key(&root->approvers[i],
                              who[i] ? "signed this root" : "has not signed");
    }

    for (i = 0; i < root->nrevoked; i++) {
        debar_trust_print_key(&root->revoked[i], "revoked");
    }

    if (old == NULL) {
        return;
    }

    printf("of version %llu before it, which takes %u:\n",
           (unsigned long long) old->version, old->threshold);

    for (i = 0; i < old->n; i++) {
        debar_trust_print_key(&old->approvers[i],
                              debar_note_signed(note, &old->approvers[i])
                              == DEBAR_OK ? "signed this root"
                                          : "has not signed");
    }
}


static int
debar_root_made(const debar_root_t *root, const debar_root_args_t *a)
{
    if (a->json) {
        debar_root_json(root, a->output, NULL, 1);
        return 0;
    }

    printf("%s: root version %llu, takes %u of %zu approvals\n", a->output,
           (unsigned long long) root->version, root->threshold, root->n);
    printf("now %u of them sign it: debar root sign %s --key FILE%s%s\n",
           root->threshold, a->output, a->file ? " --from " : "",
           a->file ? a->file : "");

    if (root->threshold == 1) {
        printf("one person alone can approve a list by it: --threshold 2 is "
               "safer\n");
    }

    return 0;
}


static int
debar_root_new(int argc, char **argv)
{
    int                 rc;
    debar_root_t        root;
    debar_fault_t       fault;
    debar_root_args_t   a;

    rc = debar_root_args(&a, "debar root new", debar_root_new_help, "atuojh", 0,
                         argc, argv);

    if (rc == -1 && (a.output == NULL || a.nadd == 0)) {
        rc = debar_usage("debar root new", a.nadd
                         ? "-o ROOT is missing, where it goes"
                         : "name approvers by --approver KEY.pub, which "
                           "`debar key new` makes for each");
    }

    if (rc != -1) {
        return debar_root_end(&a, rc);
    }

    memset(&root, 0, sizeof(root));
    root.version = 1;
    root.threshold = 2;

    if (debar_root_add(&root, &a, &fault) != DEBAR_OK
        || debar_root_write(&root, &a, &fault) != DEBAR_OK)
    {
        return debar_root_end(&a, debar_trust_failed(a.json, &fault));
    }

    return debar_root_end(&a, debar_root_made(&root, &a));
}


static int
debar_root_next(int argc, char **argv)
{
    int                 rc;
    size_t              i;
    debar_root_t        root;
    debar_fault_t       fault;
    debar_root_args_t   a;

    rc = debar_root_args(&a, "debar root next", debar_root_new_help,
                         "artuojh", 1, argc, argv);

    if (rc == -1 && a.output == NULL) {
        rc = debar_usage("debar root next", "-o ROOT is missing, where it "
                         "goes");
    }

    if (rc != -1) {
        return debar_root_end(&a, rc);
    }

    rc = debar_trust_root(&root, a.file, &fault);

    for (i = 0; i < a.nrevoke && rc == DEBAR_OK; i++) {
        rc = debar_root_revoke(&root, a.revoke[i], &fault);
    }

    if (rc == DEBAR_OK) {
        root.version++;
        memcpy(root.previous, root.digest, sizeof(root.previous));
        rc = debar_root_add(&root, &a, &fault);
    }

    if (rc == DEBAR_OK) {
        rc = debar_root_write(&root, &a, &fault);
    }

    return debar_root_end(&a, rc == DEBAR_OK ? debar_root_made(&root, &a)
                              : debar_trust_failed(a.json, &fault));
}


/* Reads a root that need not be signed enough yet. */

static int
debar_root_open(debar_root_t *root, debar_note_t *note, debar_buf_t *data,
    const char *path, debar_fault_t *fault)
{
    if (debar_trust_read(data, path, DEBAR_NOTE_MAX, "a root file of `debar "
                         "root new`", fault) != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    if (debar_note_parse(note, path, data->data, data->len, 1, fault)
        != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    return debar_root_parse(root, path, note->text, fault);
}


/* Whether key may sign root, and the file is not one to leave alone. */

static int
debar_root_may_sign(const debar_root_t *root, const debar_root_t *old,
    const debar_note_t *note, const char *file, const debar_vkey_t *key,
    debar_fault_t *fault)
{
    size_t               i, n;
    const debar_root_t  *of;

    if (debar_root_count(root, note, file, NULL, fault) == -1
        || debar_root_current(root, file, time(NULL), fault) != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    if (debar_note_find(note, key)) {
        debar_fault(fault, "%s: %s has signed it already: it takes a second "
                    "approver, with a key of their own", file, key->name);
        return DEBAR_ERROR;
    }

    if (old && (root->version != old->version + 1
                || strcmp(root->previous, old->digest) != 0))
    {
        debar_fault(fault, "%s: does not follow the root of --from: make it by "
                    "`debar root next`", file);
        return DEBAR_ERROR;
    }

    for (of = root; of; of = of == root ? old : NULL) {

        for (n = 0, i = 0; i < of->n; i++) {
            n += debar_vkey_same(&of->approvers[i], key)
                 && strcmp(of->approvers[i].name, key->name) == 0;
        }

        if (n) {
            return DEBAR_OK;
        }
    }

    debar_fault(fault, "%s: the key of %s (%02x%02x%02x%02x) is not an "
                "approver's in it%s", file, key->name, key->id[0], key->id[1],
                key->id[2], key->id[3], old || root->version == 1 ? ""
                : ": an approver of the version before signs with --from OLD");

    return DEBAR_ERROR;
}


static int
debar_root_sign(int argc, char **argv)
{
    int                 rc;
    EVP_PKEY           *private;
    debar_buf_t         data;
    debar_note_t        note;
    debar_root_t        root, old;
    debar_vkey_t        key;
    debar_fault_t       fault;
    uint8_t             who[DEBAR_ROOT_APPROVERS];
    debar_root_args_t   a;

    rc = debar_root_args(&a, "debar root sign", debar_root_sign_help, "fkpyjh",
                         1, argc, argv);

    if (rc == -1 && a.key == NULL) {
        rc = debar_usage("debar root sign", "--key FILE is missing, your "
                         "private key of `debar key new`");
    }

    if (rc != -1) {
        return debar_root_end(&a, rc);
    }

    memset(&data, 0, sizeof(data));
    private = NULL;
    rc = debar_root_open(&root, &note, &data, a.file, &fault);

    if (rc == DEBAR_OK && a.from) {
        rc = debar_trust_root(&old, a.from, &fault);
    }

    if (rc == DEBAR_OK) {
        rc = debar_trust_public(&key, a.key, &fault);
    }

    if (rc == DEBAR_OK) {
        rc = debar_root_may_sign(&root, a.from ? &old : NULL, &note, a.file,
                                 &key, &fault);
    }

    if (rc == DEBAR_OK) {
        (void) debar_root_count(&root, &note, a.file, who, &fault);

        if (!a.json) {
            debar_root_print(&root, a.file, who, &note, a.from ? &old : NULL);
        }

        rc = a.yes || debar_trust_agreed("Shall these people approve lists?",
                                         &fault) ? DEBAR_OK : DEBAR_ERROR;
    }

    if (rc == DEBAR_OK) {
        private = debar_trust_open_key(&key, a.key, a.pass_file, &fault);
        rc = private ? debar_trust_sign(a.file, note.text, &key, private,
                                        &fault) : DEBAR_ERROR;
        EVP_PKEY_free(private);
    }

    debar_buf_free(&data);

    if (rc != DEBAR_OK) {
        return debar_root_end(&a, debar_trust_failed(a.json, &fault));
    }

    if (a.json) {
        printf("{\"ok\":true}\n");

    } else {
        printf("%s: signed by %s\n", a.file, key.name);
    }

    return debar_root_end(&a, 0);
}


static int
debar_root_check_command(int argc, char **argv)
{
    int                 rc, told;
    uint8_t             who[DEBAR_ROOT_APPROVERS];
    debar_buf_t         data;
    debar_note_t        note;
    debar_root_t        root, old, again;
    debar_fault_t       fault;
    debar_root_args_t   a;

    rc = debar_root_args(&a, "debar root check", debar_root_check_help, "fjh",
                         1, argc, argv);

    if (rc != -1) {
        return debar_root_end(&a, rc);
    }

    told = 0;
    memset(&data, 0, sizeof(data));
    rc = debar_root_open(&root, &note, &data, a.file, &fault);

    if (rc == DEBAR_OK && a.from) {
        rc = debar_trust_root(&old, a.from, &fault);
    }

    if (rc == DEBAR_OK
        && debar_root_count(&root, &note, a.file, who, &fault) == -1)
    {
        rc = DEBAR_ERROR;
    }

    if (rc == DEBAR_OK) {

        if (!a.json) {
            debar_root_print(&root, a.file, who, &note, a.from ? &old : NULL);
        }

        rc = a.from ? debar_root_follows(&again, &old, a.file, data.data,
                                         data.len, &fault)
                    : debar_root_check(&again, a.file, data.data, data.len,
                                       &fault);

        if (rc == DEBAR_OK) {
            rc = debar_root_current(&root, a.file, time(NULL), &fault);
        }

        if (a.json) {
            debar_root_json(&root, a.file, who, rc == DEBAR_OK);
            told = 1;
        }
    }

    debar_buf_free(&data);

    /* a root that was read was told as JSON already */

    return debar_root_end(&a, rc == DEBAR_OK ? 0
                          : debar_trust_failed(a.json && !told, &fault));
}

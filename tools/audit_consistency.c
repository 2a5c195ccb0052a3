/*
 * debar audit consistency: whether a later checkpoint goes on from an earlier
 * one.
 */

#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "audit_log.h"
#include "trust.h"


typedef struct {
    const char  *a;
    const char  *b;               /* a file, or the folder of a log */
    const char  *log;
    const char  *key;
    const char  *proof;           /* to check */
    const char  *out;             /* to write */
    unsigned     json;
} debar_consistency_args_t;

typedef struct {
    debar_vkey_t         key;
    unsigned             has_key;
    debar_checkpoint_t   a;
    debar_checkpoint_t   b;
    debar_hasher_t      *hasher;
    debar_hash_t         path[DEBAR_MERKLE_DEPTH];
    int                  n;
} debar_consistency_t;


static int debar_consistency_args(debar_consistency_args_t *a, int argc,
    char **argv);
static int debar_consistency_run(debar_consistency_t *c,
    debar_consistency_args_t *a, debar_fault_t *fault);
static int debar_consistency_read(debar_checkpoint_t *c,
    const debar_consistency_t *cs, const char *path, debar_fault_t *fault);
static int debar_consistency_make(debar_consistency_t *c, const char *dir,
    debar_fault_t *fault);
static int debar_consistency_proof(debar_consistency_t *c, const char *path,
    debar_fault_t *fault);
static int debar_consistency_write(const debar_consistency_t *c,
    const char *path);
static void debar_consistency_print(const debar_consistency_t *c,
    unsigned json);


static const char  debar_consistency_name[] = "debar audit consistency";

static const char  debar_consistency_help[] =
    "usage: debar audit consistency CHECKPOINT CHECKPOINT|DIR/audit [options]\n"
    "\n"
    "Shows that the later of two checkpoints of a log goes on from the earlier:\n"
    "no line that was sealed by then was changed, removed or moved since.  The\n"
    "proof comes from the log's hashes (RFC 6962 s.2.1.2); DIR/audit stands for\n"
    "its latest checkpoint, too.\n"
    "\n"
    "  -L, --log DIR/audit  where the hashes are, if both are files\n"
    "  -k, --key FILE.pub   both have to be by this key\n"
    "  -o, --output FILE    write the proof: a hash in base64 a line\n"
    "  -p, --proof FILE     check such a one, without the log\n"
    "      --json           one JSON object instead of text\n"
    "  -h, --help           this text\n"
    "\n"
    "Exit: 0 consistent, 1 not, or it could not be shown, 2 usage.\n";


static const struct option  debar_consistency_options[] = {
    { "log",    required_argument, NULL, 'L' },
    { "key",    required_argument, NULL, 'k' },
    { "output", required_argument, NULL, 'o' },
    { "proof",  required_argument, NULL, 'p' },
    { "json",   no_argument,       NULL, 'j' },
    { "help",   no_argument,       NULL, 'h' },
    { NULL, 0, NULL, 0 }
};


int
debar_audit_consistency(int argc, char **argv)
{
    int                        rc;
    debar_fault_t              fault;
    debar_consistency_t        c;
    debar_consistency_args_t   a;

    rc = debar_consistency_args(&a, argc, argv);
    if (rc != -1) {
        return rc;
    }

    memset(&c, 0, sizeof(c));
    c.hasher = debar_hasher_new();

    if (c.hasher == NULL) {
        return debar_say("SHA-256 is not to be had from OpenSSL");
    }

    rc = debar_consistency_run(&c, &a, &fault);
    debar_hasher_free(c.hasher);

    if (rc != DEBAR_OK) {
        return debar_trust_failed(a.json, &fault);
    }

    if (a.out && debar_consistency_write(&c, a.out) != DEBAR_OK) {
        return DEBAR_EXIT_FAILURE;
    }

    debar_consistency_print(&c, a.json);

    return 0;
}


static int
debar_consistency_args(debar_consistency_args_t *a, int argc, char **argv)
{
    int          c;
    struct stat  st;

    memset(a, 0, sizeof(*a));
    opterr = 0;

    while ((c = getopt_long(argc, argv, ":L:k:o:p:h",
                            debar_consistency_options, NULL)) != -1)
    {
        switch (c) {

        case 'L':
            a->log = optarg;
            break;

        case 'k':
            a->key = optarg;
            break;

        case 'o':
            a->out = optarg;
            break;

        case 'p':
            a->proof = optarg;
            break;

        case 'j':
            a->json = 1;
            break;

        case 'h':
            fputs(debar_consistency_help, stdout);
            return 0;

        default:
            return debar_bad_option(debar_consistency_name, c, argv);
        }
    }

    if (argc - optind != 2) {
        return debar_usage(debar_consistency_name, "name two checkpoints, or "
                           "one and DIR/audit of a gateway");
    }

    a->a = argv[optind];
    a->b = argv[optind + 1];

    if (stat(a->b, &st) == 0 && S_ISDIR(st.st_mode)) {
        a->log = a->log ? a->log : a->b;
    }

    return -1;
}


static int
debar_consistency_run(debar_consistency_t *c, debar_consistency_args_t *a,
    debar_fault_t *fault)
{
    int                  rc;
    struct stat          st;
    debar_audit_log_t    log;
    debar_checkpoint_t   swap;

    if (a->key) {
        if (debar_trust_public(&c->key, a->key, fault) != DEBAR_OK) {
            return DEBAR_ERROR;
        }

        c->has_key = 1;
    }

    rc = stat(a->b, &st) == 0 && S_ISDIR(st.st_mode);

    if (debar_consistency_read(&c->a, c, a->a, fault) != DEBAR_OK
        || (!rc && debar_consistency_read(&c->b, c, a->b, fault) != DEBAR_OK))
    {
        return DEBAR_ERROR;
    }

    if (rc) {
        if (debar_audit_log_open(&log, a->b, a->key, fault) != DEBAR_OK) {
            return DEBAR_ERROR;
        }

        c->b = log.checkpoint;
        debar_audit_log_close(&log);
    }

    if (strcmp(c->a.origin, c->b.origin) != 0) {
        debar_fault(fault, "%s is a checkpoint of %s, %s of %s: name two of "
                    "one log", a->a, c->a.origin, a->b, c->b.origin);
        return DEBAR_ERROR;
    }

    if (c->a.size > c->b.size) {
        swap = c->a;
        c->a = c->b;
        c->b = swap;
    }

    if (c->a.size && c->a.size < c->b.size) {

        if (a->proof == NULL && a->log == NULL) {
            debar_fault(fault, "%s and %s: a proof needs the log's hashes: "
                        "name it with --log, or a proof with --proof", a->a,
                        a->b);
            return DEBAR_ERROR;
        }

        rc = a->proof ? debar_consistency_proof(c, a->proof, fault)
                      : debar_consistency_make(c, a->log, fault);

        if (rc != DEBAR_OK) {
            return DEBAR_ERROR;
        }
    }

    if (debar_merkle_consistent(c->hasher, c->a.size, c->b.size, c->a.root,
                                c->b.root, (const debar_hash_t *) c->path,
                                (size_t) c->n) != DEBAR_OK)
    {
        debar_fault(fault, "%s, %s: the log of %" PRIu64 " lines does not go "
                    "on from the one of %" PRIu64 ": lines that had been "
                    "sealed were changed (`debar audit verify --checkpoint` says "
                    "more)", a->a, a->b, c->b.size, c->a.size);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


static int
debar_consistency_read(debar_checkpoint_t *c, const debar_consistency_t *cs,
    const char *path, debar_fault_t *fault)
{
    int          rc;
    debar_buf_t  data;

    if (debar_trust_read(&data, path, DEBAR_NOTE_MAX, "a checkpoint", fault)
        != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    rc = debar_checkpoint_read(c, path, data.data, data.len,
                               cs->has_key ? &cs->key : NULL, fault);
    debar_buf_free(&data);

    return rc;
}


static int
debar_consistency_make(debar_consistency_t *c, const char *dir,
    debar_fault_t *fault)
{
    debar_audit_t         audit;
    debar_tiles_t         tiles;
    debar_audit_tiles_t  *store;

    store = malloc(sizeof(*store));

    if (store == NULL) {
        debar_fault(fault, "no memory for the log's hashes");
        return DEBAR_ERROR;
    }

    c->n = -1;

    if (debar_audit_find(&audit, dir, fault) == DEBAR_OK) {
        debar_audit_tiles(&tiles, store, &audit, c->b.size, c->hasher);
        c->n = debar_tiles_consistency(c->path, &tiles, c->a.size, c->b.size,
                                       fault);
    }

    free(store);

    return c->n < 0 ? DEBAR_ERROR : DEBAR_OK;
}


static int
debar_consistency_proof(debar_consistency_t *c, const char *path,
    debar_fault_t *fault)
{
    char         *p, *eol, *end;
    debar_buf_t   data;

    if (debar_trust_read(&data, path, 64 * DEBAR_MERKLE_DEPTH, "a proof of "
                         "`debar audit consistency`", fault) != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    p = data.data;
    end = p + data.len;

    while (p < end && (eol = memchr(p, '\n', (size_t) (end - p)))
           && c->n < DEBAR_MERKLE_DEPTH
           && debar_base64_decode(c->path[c->n], DEBAR_HASH, p,
                                  (size_t) (eol - p)) == DEBAR_HASH)
    {
        c->n++;
        p = eol + 1;
    }

    debar_buf_free(&data);

    if (p != end) {
        debar_fault(fault, "%s: line %d is not a hash in base64: have the "
                    "proof made again", path, c->n + 1);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


static int
debar_consistency_write(const debar_consistency_t *c, const char *path)
{
    int          i, rc;
    char         b64[4 * ((DEBAR_HASH + 2) / 3) + 1];
    debar_buf_t  out;

    memset(&out, 0, sizeof(out));

    for (i = 0; i < c->n; i++) {
        debar_base64_encode(b64, c->path[i], DEBAR_HASH);
        debar_buf_printf(&out, "%s\n", b64);
    }

    rc = debar_write_whole(path, &out);
    debar_buf_free(&out);

    return rc;
}


static void
debar_consistency_print(const debar_consistency_t *c, unsigned json)
{
    debar_buf_t  b;

    if (json) {
        memset(&b, 0, sizeof(b));
        debar_buf_printf(&b, "{\"ok\":true,\"authenticated\":%s",
                         c->has_key ? "true" : "false");
        debar_json_text(&b, "origin", c->a.origin, strlen(c->a.origin));
        debar_json_number(&b, "from", c->a.size);
        debar_json_number(&b, "to", c->b.size);
        debar_buf_printf(&b, "}\n");
        debar_flush(&b);
        return;
    }

    printf("%s: consistent: its first %" PRIu64 " lines are as they were, %"
           PRIu64 " came behind\n%s", c->a.origin, c->a.size,
           c->b.size - c->a.size, c->has_key ? ""
           : "  not authenticated: --key names the sealer's key\n");
}

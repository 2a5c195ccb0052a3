/*
 * debar audit prove: one incident's lines, as a file that proves them.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "audit_prove_private.h"
#include "audit_witness.h"
#include "trust.h"


typedef struct {
    const char  *incident;
    const char  *dir;
    const char  *key;
    const char  *manifest;
    const char  *out;
} debar_prove_args_t;

/* Of the checkpoints that have all lines, the last that most witnesses have
 * cosigned.  They stand behind each other. */

typedef struct {
    const debar_prove_t  *s;
    uint64_t              leaves; /* that it has to have */
    debar_buf_t           note;   /* the one that is looked at */
    debar_checkpoint_t    c;
    unsigned              n;      /* its cosignatures */
    debar_buf_t           best;
    debar_checkpoint_t    best_c;
    unsigned              best_n;
} debar_prove_group_t;


static int debar_prove_args(debar_prove_args_t *a, int argc, char **argv);
static int debar_prove_place(debar_prove_args_t *a, int argc, char **argv);
static int debar_prove_paths(debar_prove_t *s, debar_fault_t *fault);
static int debar_prove_cosigned(debar_prove_t *s, debar_fault_t *fault);
static int debar_prove_group(void *data, const debar_note_t *note,
    debar_str_t bytes, const debar_checkpoint_t *c);
static int debar_prove_has(const debar_buf_t *text,
    const debar_note_signature_t *s);
static int debar_prove_manifest(const debar_prove_args_t *a,
    const debar_audit_log_t *log, debar_proof_t *p, debar_fault_t *fault);


static const char  debar_prove_name[] = "debar audit prove";

static const char  debar_prove_help[] =
    "usage: debar audit prove INCIDENT [DIR/audit] [-o FILE]\n"
    "\n"
    "Writes the lines of an incident, and what shows that they were sealed, as\n"
    "one JSON file, which `debar audit check-proof` checks with the sealer's\n"
    "public key alone.  DIR/audit: default audit, or here.  Of a log that has\n"
    "witnesses the checkpoint is the last that most of them have cosigned.\n"
    "\n"
    "  -o, --output FILE    default: stdout\n"
    "  -k, --key FILE.pub   the checkpoint has to be by this key\n"
    "  -m, --manifest FILE  the manifest of the list of those days, to go with\n"
    "                       it; default: that of the gateway, if it is of that\n"
    "                       serial\n"
    "  -h, --help           this text\n"
    "\n"
    "Exit: 0 done, 1 not found, not sealed yet, or not as it was sealed.\n";


static const struct option  debar_prove_options[] = {
    { "output",   required_argument, NULL, 'o' },
    { "key",      required_argument, NULL, 'k' },
    { "manifest", required_argument, NULL, 'm' },
    { "help",     no_argument,       NULL, 'h' },
    { NULL, 0, NULL, 0 }
};


int
debar_audit_prove(int argc, char **argv)
{
    int                  rc;
    debar_buf_t          out;
    debar_fault_t        fault;
    debar_proof_t        p;
    debar_audit_log_t    log;
    debar_prove_args_t   a;

    rc = debar_prove_args(&a, argc, argv);
    if (rc != -1) {
        return rc;
    }

    if (debar_audit_log_open(&log, a.dir, a.key, &fault) != DEBAR_OK) {
        return debar_say("%s", fault.text);
    }

    rc = debar_proof_make(&p, &log, a.incident, 0, &fault);
    debar_progress_end();

    if (rc == DEBAR_OK) {
        rc = debar_prove_manifest(&a, &log, &p, &fault);
    }

    debar_audit_log_close(&log);

    if (rc != DEBAR_OK) {
        return debar_say("%s", fault.text);
    }

    if (p.more) {
        debar_say("%u more lines have this incident; the first %u are in the "
                  "proof", p.more, p.n);
    }

    memset(&out, 0, sizeof(out));
    debar_proof_text(&out, &p);
    rc = debar_write_whole(a.out, &out);

    debar_buf_free(&out);
    debar_proof_free(&p);

    return rc == DEBAR_OK ? 0 : DEBAR_EXIT_FAILURE;
}


static int
debar_prove_args(debar_prove_args_t *a, int argc, char **argv)
{
    int  c;

    memset(a, 0, sizeof(*a));
    opterr = 0;

    while ((c = getopt_long(argc, argv, ":o:k:m:h", debar_prove_options, NULL))
           != -1)
    {
        switch (c) {

        case 'o':
            a->out = optarg;
            break;

        case 'k':
            a->key = optarg;
            break;

        case 'm':
            a->manifest = optarg;
            break;

        case 'h':
            fputs(debar_prove_help, stdout);
            return 0;

        default:
            return debar_bad_option(debar_prove_name, c, argv);
        }
    }

    return debar_prove_place(a, argc, argv);
}


/* Incident and folder, whichever comes first. */

static int
debar_prove_place(debar_prove_args_t *a, int argc, char **argv)
{
    int  n;

    n = argc - optind;

    if (n < 1 || n > 2) {
        return debar_usage(debar_prove_name, "name an incident, and DIR/audit "
                           "of a gateway");
    }

    a->incident = argv[optind];
    a->dir = n == 2 ? argv[optind + 1]
             : access("audit/sealed", F_OK) == 0 ? "audit" : ".";

    if (n == 2 && !debar_proof_incident(a->incident)
        && debar_proof_incident(a->dir))
    {
        a->dir = argv[optind];
        a->incident = argv[optind + 1];
    }

    if (!debar_proof_incident(a->incident)) {
        return debar_usage(debar_prove_name, "\"%s\": an incident has 32 hex "
                           "digits, as the page of a refusal shows it",
                           a->incident);
    }

    return -1;
}


int
debar_proof_make(debar_proof_t *p, debar_audit_log_t *log,
    const char *incident, unsigned quiet, debar_fault_t *fault)
{
    int             rc;
    debar_prove_t  *s;

    memset(p, 0, sizeof(*p));
    memcpy(p->incident, incident, DEBAR_PROOF_INCIDENT + 1);
    p->checkpoint = log->checkpoint;
    debar_buf_add(&p->note, log->note.data, log->note.len);

    s = calloc(1, sizeof(*s));

    if (s) {
        s->tiles.hasher = debar_hasher_new();
    }

    if (s == NULL || s->tiles.hasher == NULL) {
        debar_fault(fault, "no memory to look for the incident");
        free(s);
        debar_proof_free(p);
        return DEBAR_ERROR;
    }

    s->proof = p;
    s->log = log;
    s->quiet = quiet;
    s->len = (size_t) snprintf(s->needle, sizeof(s->needle),
                               "\"incident\":\"%s\"", incident);
    debar_audit_tiles(&s->tiles, &s->store, &log->audit, log->checkpoint.size,
                      s->tiles.hasher);

    rc = debar_prove_search(s, fault);

    if (rc == DEBAR_OK) {
        rc = debar_prove_paths(s, fault);
    }

    debar_hasher_free(s->tiles.hasher);
    free(s);

    if (rc == DEBAR_OK) {
        rc = debar_proof_list(p, log->audit.path, fault);
    }

    if (rc == DEBAR_OK) {
        rc = debar_proof_check(p, log->audit.path,
                               log->has_key ? &log->key : NULL, fault);
    }

    if (rc != DEBAR_OK) {
        debar_proof_free(p);
    }

    return rc;
}


static int
debar_prove_paths(debar_prove_t *s, debar_fault_t *fault)
{
    int                  n;
    unsigned             i;
    debar_proof_line_t  *l;

    if (debar_prove_cosigned(s, fault) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    for (i = 0; i < s->proof->n; i++) {

        l = &s->proof->lines[i];
        n = debar_tiles_inclusion(l->path, &s->tiles, l->leaf,
                                  s->proof->checkpoint.size, fault);
        if (n < 0) {
            return DEBAR_ERROR;
        }

        l->npath = (unsigned) n;
    }

    return DEBAR_OK;
}


/* The proof's checkpoint becomes a cosigned one, where there is one. */

static int
debar_prove_cosigned(debar_prove_t *s, debar_fault_t *fault)
{
    int                   rc;
    uint64_t              size;
    unsigned              i;
    debar_hash_t          root;
    debar_checkpoint_t    c;
    debar_prove_group_t   g;

    size = debar_cosigned_size(&s->log->audit);
    memset(&g, 0, sizeof(g));
    g.s = s;

    for (i = 0; i < s->proof->n; i++) {
        if (s->proof->lines[i].leaf >= g.leaves) {
            g.leaves = s->proof->lines[i].leaf + 1;
        }
    }

    rc = debar_cosigned_each(&s->log->audit, size, debar_prove_group, &g,
                             fault);

    if (rc == DEBAR_OK && g.n) {
        (void) debar_prove_group(&g, NULL, debar_str("", 0), NULL);
    }

    if (rc != DEBAR_OK || g.best_n == 0) {

        if (rc == DEBAR_OK && size && !s->quiet) {
            debar_say("no witness has cosigned it yet: its proof has the "
                      "sealer's word");
        }

    } else if (debar_tiles_root(root, &s->tiles, g.best_c.size, fault)
               != DEBAR_OK)
    {
        rc = DEBAR_ERROR;

    } else if (memcmp(root, g.best_c.root, DEBAR_HASH) != 0
               || debar_checkpoint_read(&c, "sealed/cosigned", g.best.data,
                                        g.best.len, s->log->has_key
                                        ? &s->log->key : NULL, fault)
                  != DEBAR_OK)
    {
        debar_say("%s/sealed/cosigned: has a checkpoint that is not of this "
                  "log as it is: `debar audit verify --witness` says more",
                  s->log->audit.path);

    } else {
        s->proof->checkpoint = c;
        s->proof->note.len = 0;
        debar_buf_add(&s->proof->note, g.best.data, g.best.len);
    }

    debar_buf_free(&g.note);
    debar_buf_free(&g.best);

    return rc;
}


/* note NULL: the last group ends. */

static int
debar_prove_group(void *data, const debar_note_t *note, debar_str_t bytes,
    const debar_checkpoint_t *c)
{
    size_t                i;
    debar_prove_group_t  *g = data;

    if (note == NULL || g->n == 0 || note->text.len >= g->note.len
        || memcmp(note->text.data, g->note.data, note->text.len) != 0)
    {
        if (g->n && g->n >= g->best_n) {
            g->best.len = 0;
            debar_buf_add(&g->best, g->note.data, g->note.len);
            g->best_c = g->c;
            g->best_n = g->n;
        }

        g->n = 0;
        g->note.len = 0;

        if (note == NULL || c->size < g->leaves
            || c->size > g->s->log->checkpoint.size
            || strcmp(c->origin, g->s->log->checkpoint.origin) != 0)
        {
            return DEBAR_OK;
        }

        g->c = *c;
        debar_buf_add(&g->note, bytes.data, bytes.len);

        for (i = 0; i < note->n; i++) {
            g->n += note->signatures[i].timed;
        }

        return DEBAR_OK;
    }

    /* the same by another witness; who cosigned it before did so earlier */

    for (i = 0; i < note->n && g->n < DEBAR_COSIGNERS; i++) {

        if (note->signatures[i].timed
            && !debar_prove_has(&g->note, &note->signatures[i]))
        {
            debar_note_line_text(&g->note, &note->signatures[i]);
            g->n++;
        }
    }

    return DEBAR_OK;
}


/* Whether a line of the same key is there. */

static int
debar_prove_has(const debar_buf_t *text, const debar_note_signature_t *s)
{
    size_t         i;
    debar_note_t   note;
    debar_fault_t  fault;

    if (debar_note_parse(&note, "cosigned", text->data, text->len, 0, &fault)
        != DEBAR_OK)
    {
        return 1;
    }

    for (i = 0; i < note.n; i++) {
        if (note.signatures[i].name.len == s->name.len
            && memcmp(note.signatures[i].name.data, s->name.data, s->name.len)
               == 0
            && memcmp(note.signatures[i].id, s->id, sizeof(s->id)) == 0)
        {
            return 1;
        }
    }

    return 0;
}


/* That of the list under which it was decided; another one is left out, unless
 * somebody named it. */

static int
debar_prove_manifest(const debar_prove_args_t *a, const debar_audit_log_t *log,
    debar_proof_t *p, debar_fault_t *fault)
{
    int                rc;
    char               path[DEBAR_MAX_DIR + 64];
    const char        *file;
    debar_buf_t        data;
    debar_note_t       note;
    debar_manifest_t   m;

    file = a->manifest;

    if (file == NULL) {
        debar_audit_path(&log->audit, "../list.mdb.manifest", path,
                         sizeof(path));
        file = path;

        if (access(file, R_OK) == -1) {
            return DEBAR_OK;
        }
    }

    if (debar_trust_read(&data, file, DEBAR_NOTE_MAX, "a manifest", fault)
        != DEBAR_OK)
    {
        return a->manifest ? DEBAR_ERROR : DEBAR_OK;
    }

    rc = debar_note_parse(&note, file, data.data, data.len, 0, fault);

    if (rc == DEBAR_OK) {
        rc = debar_manifest_parse(&m, file, note.text, fault);
    }

    if (rc == DEBAR_OK
        && (m.serial != p->serial || strcmp(m.digest, p->digest) != 0))
    {
        debar_fault(fault, "%s: is of list %" PRIu64 ", and the verdict was "
                    "reached under list %" PRIu64 ", digest %.12s...: name "
                    "that one's manifest", file, m.serial, p->serial,
                    p->digest[0] ? p->digest : "unknown");
        rc = DEBAR_ERROR;
    }

    if (rc == DEBAR_OK) {
        p->manifest = data;
        return DEBAR_OK;
    }

    debar_buf_free(&data);

    return a->manifest ? DEBAR_ERROR : DEBAR_OK;
}

/*
 * A proof as a file, and debar audit check-proof.
 */

#include <inttypes.h>
#include <stdlib.h>
#include <jansson.h>

#include "audit_proof.h"
#include "audit_witness.h"
#include "trust.h"


/* What check-proof is asked. */

typedef struct {
    const char         *path;
    const char         *named;
    debar_vkey_t        key;
    debar_cosigners_t   cosigners;
    unsigned            unasked;  /* cosignatures that nobody named */
    unsigned            json;
} debar_check_proof_t;


static int debar_proof_members(debar_proof_t *p, json_t *root);
static int debar_proof_parse_line(debar_proof_line_t *l, json_t *o);
static int debar_proof_text_of(debar_buf_t *out, json_t *o, const char *key);
static int debar_proof_bytes(uint8_t *out, size_t n, json_t *o);
static void debar_proof_hex(debar_buf_t *out, const uint8_t *in, size_t n);
static int debar_check_proof_args(debar_check_proof_t *a, int argc,
    char **argv);
static int debar_check_proof_cosigned(debar_check_proof_t *a,
    const debar_proof_t *p, debar_fault_t *fault);
static void debar_check_proof_print(const debar_check_proof_t *a,
    const debar_proof_t *p);
static void debar_check_proof_json(const debar_check_proof_t *a,
    const debar_proof_t *p);


static const char  debar_check_proof_name[] = "debar audit check-proof";

static const char  debar_check_proof_help[] =
    "usage: debar audit check-proof FILE --key FILE.pub [--witness KEY]...\n"
    "\n"
    "Checks a file of `debar audit prove` without the log: that its lines were\n"
    "sealed as they stand there, by the holder of the key.\n"
    "\n"
    "  -k, --key FILE.pub  the sealer's key, or its text, as it was kept\n"
    "                      elsewhere\n"
    "  -w, --witness KEY   the key of a witness, which has to have cosigned the\n"
    "                      checkpoint; several times: all of them\n"
    "      --witness-quorum N  so many of them\n"
    "      --json          one JSON object instead of text\n"
    "  -h, --help          this text\n"
    "\n"
    "Exit: 0 proved, 1 not, 2 usage.\n";


static const struct option  debar_check_proof_options[] = {
    { "key",            required_argument, NULL, 'k' },
    { "witness",        required_argument, NULL, 'w' },
    { "witness-quorum", required_argument, NULL, 'Q' },
    { "json",           no_argument,       NULL, 'j' },
    { "help",           no_argument,       NULL, 'h' },
    { NULL, 0, NULL, 0 }
};


int
debar_proof_incident(const char *text)
{
    size_t  n;

    n = strspn(text, "0123456789abcdef");

    return n == DEBAR_PROOF_INCIDENT && text[n] == '\0';
}


int
debar_proof_read(debar_proof_t *p, const char *path, debar_fault_t *fault)
{
    int          rc;
    debar_buf_t  data;

    memset(p, 0, sizeof(*p));

    if (debar_trust_read(&data, path, DEBAR_PROOF_MAX, "a file of `debar audit "
                         "prove`", fault) != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    rc = debar_proof_parse(p, path, data.data, data.len, fault);
    debar_buf_free(&data);

    return rc;
}


int
debar_proof_parse(debar_proof_t *p, const char *path, const void *data,
    size_t len, debar_fault_t *fault)
{
    int           rc;
    json_t       *root;
    json_error_t  error;

    memset(p, 0, sizeof(*p));
    root = json_loadb(data, len, JSON_REJECT_DUPLICATES, &error);

    if (root == NULL) {
        debar_fault(fault, "%s:%d:%d: is no JSON: a file of `debar audit prove` "
                    "is wanted", path, error.line, error.column);
        return DEBAR_ERROR;
    }

    rc = debar_proof_members(p, root);
    json_decref(root);

    if (rc != DEBAR_OK) {
        debar_fault(fault, "%s: not a whole file of `debar audit prove` ("
                    DEBAR_PROOF_FORMAT "): have it made again", path);

    } else {
        rc = debar_checkpoint_read(&p->checkpoint, path, p->note.data,
                                   p->note.len, NULL, fault);
    }

    if (rc == DEBAR_OK) {
        rc = debar_proof_list(p, path, fault);
    }

    if (rc != DEBAR_OK) {
        debar_proof_free(p);
    }

    return rc;
}


static int
debar_proof_members(debar_proof_t *p, json_t *root)
{
    size_t       n;
    json_t      *lines;
    const char  *text;

    text = json_string_value(json_object_get(root, "format"));

    if (text == NULL || strcmp(text, DEBAR_PROOF_FORMAT) != 0) {
        return DEBAR_ERROR;
    }

    text = json_string_value(json_object_get(root, "incident"));

    if (text == NULL || !debar_proof_incident(text)
        || debar_proof_text_of(&p->note, root, "checkpoint") != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    memcpy(p->incident, text, sizeof(p->incident));
    (void) debar_proof_text_of(&p->manifest, root, "manifest");

    lines = json_object_get(root, "lines");
    n = json_array_size(lines);

    if (n == 0 || n > DEBAR_PROOF_LINES) {
        return DEBAR_ERROR;
    }

    for (p->n = 0; p->n < n; p->n++) {
        if (debar_proof_parse_line(&p->lines[p->n],
                                   json_array_get(lines, p->n)) != DEBAR_OK)
        {
            p->n++;
            return DEBAR_ERROR;
        }
    }

    return DEBAR_OK;
}


static int
debar_proof_parse_line(debar_proof_line_t *l, json_t *o)
{
    int          n;
    size_t       i, len;
    json_t      *path, *number, *leaf, *b64;
    const char  *file;

    file = json_string_value(json_object_get(o, "file"));
    number = json_object_get(o, "number");
    leaf = json_object_get(o, "leaf");
    path = json_object_get(o, "path");
    len = json_array_size(path);

    if (file == NULL || strlen(file) >= sizeof(l->file)
        || (strcmp(file, DEBAR_SEALED_LIVE) != 0
            && debar_sealed_number(file, strlen(file)) == 0)
        || !json_is_integer(number) || json_integer_value(number) < 1
        || !json_is_integer(leaf) || json_integer_value(leaf) < 0
        || !json_is_array(path) || len > DEBAR_MERKLE_DEPTH
        || debar_proof_bytes(l->salt, DEBAR_SALT, json_object_get(o, "salt"))
           != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    memcpy(l->file, file, strlen(file) + 1);
    l->number = (uint64_t) json_integer_value(number);
    l->leaf = (uint64_t) json_integer_value(leaf);
    l->npath = (unsigned) len;

    for (i = 0; i < len; i++) {
        if (debar_proof_bytes(l->path[i], DEBAR_HASH, json_array_get(path, i))
            != DEBAR_OK)
        {
            return DEBAR_ERROR;
        }
    }

    b64 = json_object_get(o, "base64");

    if (b64 == NULL) {
        return debar_proof_text_of(&l->line, o, "line");
    }

    len = json_string_length(b64);

    if (len == 0 || (l->line.data = malloc(len)) == NULL) {
        return DEBAR_ERROR;
    }

    n = debar_base64_decode((uint8_t *) l->line.data, len,
                            json_string_value(b64), len);
    l->line.size = len;
    l->line.len = n < 0 ? 0 : (size_t) n;

    return n < 0 ? DEBAR_ERROR : DEBAR_OK;
}


static int
debar_proof_text_of(debar_buf_t *out, json_t *o, const char *key)
{
    json_t  *s;

    s = json_object_get(o, key);

    if (!json_is_string(s) || json_string_length(s) == 0) {
        return DEBAR_ERROR;
    }

    debar_buf_add(out, json_string_value(s), json_string_length(s));

    return DEBAR_OK;
}


static int
debar_proof_bytes(uint8_t *out, size_t n, json_t *o)
{
    int                i, v;
    const char        *p, *at;
    static const char  digits[] = "0123456789abcdef";

    p = json_string_value(o);

    if (p == NULL || strlen(p) != 2 * n) {
        return DEBAR_ERROR;
    }

    for (v = 0, i = 0; p[i]; i++) {

        at = strchr(digits, p[i]);

        if (at == NULL) {
            return DEBAR_ERROR;
        }

        v = (v << 4 | (int) (at - digits)) & 0xff;
        out[i / 2] = (uint8_t) v;
    }

    return DEBAR_OK;
}


/* The line with a verdict is the decision, which may be torn away: then there
 * is an outcome alone. */

int
debar_proof_list(debar_proof_t *p, const char *path, debar_fault_t *fault)
{
    json_t       *o, *list;
    unsigned      i, found;
    const char   *text;
    json_error_t  error;

    found = 0;
    p->decision = p->n;

    for (i = 0; i < p->n; i++) {

        o = json_loadb(p->lines[i].line.data, p->lines[i].line.len,
                       JSON_REJECT_DUPLICATES|JSON_ALLOW_NUL, &error);
        text = json_string_value(json_object_get(o, "incident"));

        if (text == NULL || strcmp(text, p->incident) != 0) {
            json_decref(o);
            debar_fault(fault, "%s: line %" PRIu64 " of %s is not of incident "
                        "%s: have the proof made again", path,
                        p->lines[i].number, p->lines[i].file, p->incident);
            return DEBAR_ERROR;
        }

        if (json_object_get(o, "verdict") && p->decision == p->n) {

            p->decision = i;
            list = json_object_get(o, "list");
            text = json_string_value(json_object_get(list, "digest"));

            if (text && strlen(text) == 64) {
                memcpy(p->digest, text, sizeof(p->digest));
                p->serial = (uint64_t) json_integer_value(
                                           json_object_get(list, "serial"));
            }
        }

        found++;
        json_decref(o);
    }

    if (found == 0) {
        debar_fault(fault, "%s: has no line", path);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


int
debar_proof_check(debar_proof_t *p, const char *path, const debar_vkey_t *key,
    debar_fault_t *fault)
{
    int                  rc;
    unsigned             i;
    debar_hash_t         leaf;
    debar_hasher_t      *hasher;
    debar_proof_line_t  *l;

    if (debar_checkpoint_read(&p->checkpoint, path, p->note.data, p->note.len,
                              key, fault) != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    hasher = debar_hasher_new();

    if (hasher == NULL) {
        debar_fault(fault, "SHA-256 is not to be had from OpenSSL");
        return DEBAR_ERROR;
    }

    rc = DEBAR_OK;

    for (i = 0; i < p->n && rc == DEBAR_OK; i++) {

        l = &p->lines[i];
        debar_merkle_leaf(hasher, leaf, l->salt, l->line.data, l->line.len);
        rc = debar_merkle_included(hasher, leaf, l->leaf, p->checkpoint.size,
                                   (const debar_hash_t *) l->path, l->npath,
                                   p->checkpoint.root);
        if (rc != DEBAR_OK) {
            debar_fault(fault, "%s: line %" PRIu64 " of %s is not what was "
                        "sealed as leaf %" PRIu64 ": it, or the proof, was "
                        "changed", path, l->number, l->file, l->leaf);
        }
    }

    debar_hasher_free(hasher);

    return rc;
}


void
debar_proof_text(debar_buf_t *out, const debar_proof_t *p)
{
    char                      *b64;
    size_t                     at, n;
    unsigned                   i, k;
    const debar_proof_line_t  *l;

    debar_buf_printf(out, "{\"format\":\"" DEBAR_PROOF_FORMAT "\"");
    debar_json_text(out, "incident", p->incident, strlen(p->incident));
    debar_json_text(out, "checkpoint", p->note.data, p->note.len);
    debar_buf_printf(out, ",\"lines\":[");

    for (i = 0; i < p->n; i++) {

        l = &p->lines[i];
        debar_buf_printf(out, "%s{", i ? "," : "");
        debar_json_text(out, "file", l->file, strlen(l->file));
        debar_json_number(out, "number", l->number);
        debar_json_number(out, "leaf", l->leaf);

        for (at = 0; at < l->line.len; at += n) {
            n = debar_utf8_len(l->line.data + at, l->line.len - at);

            if (n == 0 || l->line.data[at] == '\0') {
                break;
            }
        }

        if (at == l->line.len) {
            debar_json_text(out, "line", l->line.data, l->line.len);

        } else if ((b64 = malloc(4 * ((l->line.len + 2) / 3) + 1))) {
            n = debar_base64_encode(b64, l->line.data, l->line.len);
            debar_json_text(out, "base64", b64, n);
            free(b64);
        }

        debar_buf_printf(out, ",\"salt\":");
        debar_proof_hex(out, l->salt, DEBAR_SALT);
        debar_buf_printf(out, ",\"path\":[");

        for (k = 0; k < l->npath; k++) {
            debar_buf_printf(out, "%s", k ? "," : "");
            debar_proof_hex(out, l->path[k], DEBAR_HASH);
        }

        debar_buf_printf(out, "]}");
    }

    debar_buf_printf(out, "]");

    if (p->digest[0]) {
        debar_buf_printf(out, ",\"list\":{");
        debar_json_number(out, "serial", p->serial);
        debar_json_text(out, "digest", p->digest, 64);
        debar_buf_printf(out, "}");
    }

    debar_json_text(out, "manifest", p->manifest.data, p->manifest.len);
    debar_buf_printf(out, "}\n");
}


static void
debar_proof_hex(debar_buf_t *out, const uint8_t *in, size_t n)
{
    size_t  i;

    debar_buf_add(out, "\"", 1);

    for (i = 0; i < n; i++) {
        debar_buf_printf(out, "%02x", in[i]);
    }

    debar_buf_add(out, "\"", 1);
}


void
debar_proof_free(debar_proof_t *p)
{
    unsigned  i;

    for (i = 0; i < p->n; i++) {
        debar_buf_free(&p->lines[i].line);
    }

    debar_buf_free(&p->note);
    debar_buf_free(&p->manifest);
    p->n = 0;
}


/* --- debar audit check-proof ---------------------------------------------- */

int
debar_audit_check_proof(int argc, char **argv)
{
    int                   rc;
    debar_fault_t         fault;
    debar_proof_t         p;
    debar_check_proof_t   a;

    rc = debar_check_proof_args(&a, argc, argv);
    if (rc != -1) {
        return rc;
    }

    if (debar_trust_public(&a.key, a.named, &fault) != DEBAR_OK
        || debar_proof_read(&p, a.path, &fault) != DEBAR_OK)
    {
        return debar_trust_failed(a.json, &fault);
    }

    rc = debar_proof_check(&p, a.path, &a.key, &fault);

    if (rc == DEBAR_OK) {
        rc = debar_check_proof_cosigned(&a, &p, &fault);
    }

    if (rc != DEBAR_OK) {
        rc = debar_trust_failed(a.json, &fault);

    } else if (a.json) {
        debar_check_proof_json(&a, &p);

    } else {
        debar_check_proof_print(&a, &p);
    }

    debar_proof_free(&p);

    return rc;
}


static int
debar_check_proof_args(debar_check_proof_t *a, int argc, char **argv)
{
    int  c, n;

    memset(a, 0, sizeof(*a));
    opterr = 0;

    while ((c = getopt_long(argc, argv, ":k:w:h", debar_check_proof_options,
                            NULL)) != -1)
    {
        n = -1;

        switch (c) {

        case 'k':
            a->named = optarg;
            break;

        case 'w':
            n = debar_cosigners_add(&a->cosigners, debar_check_proof_name,
                                    optarg);
            break;

        case 'Q':
            n = debar_cosigners_quorum(&a->cosigners, debar_check_proof_name,
                                       optarg);
            break;

        case 'j':
            a->json = 1;
            break;

        case 'h':
            fputs(debar_check_proof_help, stdout);
            return 0;

        default:
            return debar_bad_option(debar_check_proof_name, c, argv);
        }

        if (n != -1) {
            return n;
        }
    }

    if (argc - optind != 1) {
        return debar_usage(debar_check_proof_name, "name one file of `debar "
                           "audit prove`");
    }

    if (a->named == NULL) {
        return debar_usage(debar_check_proof_name, "--key is missing: the "
                           "sealer's public key, without which a proof is "
                           "anyone's");
    }

    a->path = argv[optind];

    return debar_cosigners_enough(&a->cosigners, debar_check_proof_name);
}


/* Who else has signed the checkpoint, and when. */

static int
debar_check_proof_cosigned(debar_check_proof_t *a, const debar_proof_t *p,
    debar_fault_t *fault)
{
    int                      rc;
    size_t                   k;
    unsigned                 i;
    debar_note_t             note;
    debar_cosigner_t        *c;
    const debar_cosigner_t  *missing;

    if (debar_note_parse(&note, a->path, p->note.data, p->note.len, 0, fault)
        != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    for (k = 0; k < note.n; k++) {
        a->unasked += note.signatures[k].timed;
    }

    for (i = 0; i < a->cosigners.n; i++) {

        c = &a->cosigners.list[i];
        rc = debar_note_cosigned(&note, &c->key, &c->time);

        if (rc == DEBAR_ERROR) {
            debar_fault(fault, "%s: has a false cosignature by %s: somebody "
                        "changed it or made it up", a->path, c->key.name);
            return DEBAR_ERROR;
        }

        if (rc == DEBAR_OK) {
            c->found = 1;
            c->size = p->checkpoint.size;
            a->unasked--;
        }
    }

    if (!debar_cosigners_agree(&a->cosigners, &missing)) {
        debar_fault(fault, "%s: its checkpoint is not cosigned by %s: have the "
                    "proof made again once it is (`debar audit witness ask`)",
                    a->path, missing->key.name);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


static void
debar_check_proof_print(const debar_check_proof_t *a, const debar_proof_t *p)
{
    char                     when[24];
    unsigned                 i;
    const debar_cosigner_t  *c;

    printf("proved: incident %s, %u line%s of %s, sealed by %s\n", p->incident,
           p->n, p->n == 1 ? "" : "s", p->checkpoint.origin, a->key.name);

    for (i = 0; i < a->cosigners.n; i++) {

        c = &a->cosigners.list[i];

        if (c->found) {
            printf("cosigned by %s at %s\n", c->key.name,
                   debar_witness_time(when, c->time));
        }
    }

    if (a->unasked) {
        printf("cosigned by %u that %s not checked (--witness KEY)\n",
               a->unasked, a->unasked == 1 ? "was" : "were");
    }

    for (i = 0; i < p->n; i++) {
        printf("\n%s:%" PRIu64 " (leaf %" PRIu64 " of %" PRIu64 ")\n  ",
               p->lines[i].file, p->lines[i].number, p->lines[i].leaf,
               p->checkpoint.size);
        debar_put(stdout, p->lines[i].line.data, p->lines[i].line.len);
        putchar('\n');
    }

    if (p->digest[0]) {
        printf("\nunder list %" PRIu64 ", digest %s\n", p->serial, p->digest);
    }

    if (p->manifest.len) {
        printf("its manifest is in the file; `debar list sync` and `debar root "
               "show` say who may sign one\n");
    }
}


static void
debar_check_proof_json(const debar_check_proof_t *a, const debar_proof_t *p)
{
    char                     when[24];
    unsigned                 i, n;
    debar_buf_t              b;
    const debar_cosigner_t  *c;

    memset(&b, 0, sizeof(b));
    debar_buf_printf(&b, "{\"ok\":true");
    debar_json_text(&b, "incident", p->incident, strlen(p->incident));
    debar_json_text(&b, "key", a->key.name, strlen(a->key.name));
    debar_json_number(&b, "size", p->checkpoint.size);

    for (n = 0, i = 0; i < a->cosigners.n; i++) {

        c = &a->cosigners.list[i];

        if (c->found) {
            debar_buf_printf(&b, "%s{\"ok\":true", n++ ? ","
                             : ",\"witnesses\":[");
            debar_json_text(&b, "witness", c->key.name, strlen(c->key.name));
            debar_witness_time(when, c->time);
            debar_json_text(&b, "time", when, strlen(when));
            debar_buf_printf(&b, "}");
        }
    }

    if (n) {
        debar_buf_printf(&b, "]");
    }

    if (p->digest[0]) {
        debar_json_number(&b, "serial", p->serial);
        debar_json_text(&b, "digest", p->digest, 64);
    }

    debar_buf_printf(&b, ",\"lines\":[");

    for (i = 0; i < p->n; i++) {
        debar_buf_printf(&b, "%s", i ? "," : "");
        debar_buf_json(&b, p->lines[i].line.data, p->lines[i].line.len);
    }

    debar_buf_printf(&b, "]}\n");
    debar_flush(&b);
}

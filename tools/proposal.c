/*
 * Of proposals: the snapshot, the list before it, what goes with them.
 */

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <openssl/sha.h>
#include <jansson.h>

#include "proposal.h"


#define DEBAR_PROPOSAL_LINES  200


static unsigned debar_proposal_member(const char *key, json_t *value,
    const char *indent);


int
debar_proposed_open(debar_proposed_t *p, const char *path,
    debar_fault_t *fault)
{
    struct stat                   st;
    debar_open_opts_t             opts;
    const debar_snapshot_meta_t  *m;

    memset(p, 0, sizeof(*p));
    p->path = path;

    if (stat(path, &st) == -1 || !S_ISREG(st.st_mode)) {
        debar_fault(fault, "%s: %s; name a snapshot that `debar list build` "
                    "made", path, errno && !S_ISDIR(st.st_mode)
                    ? strerror(errno) : "not a file");
        return DEBAR_ERROR;
    }

    memset(&opts, 0, sizeof(opts));
    opts.uid = st.st_uid;
    p->snapshot = debar_snapshot_open(path, &opts, fault);

    if (p->snapshot == NULL) {
        return DEBAR_ERROR;
    }

    m = debar_snapshot_meta(p->snapshot);

    if (debar_snapshot_verify(p->snapshot, fault) == DEBAR_OK
        && debar_trust_digest(path, p->sha256, &p->size, fault) == DEBAR_OK)
    {
        /* the rows that were read are those of the bytes that were digested */

        if (stat(path, &st) == 0 && st.st_ino == m->inode
            && st.st_dev == m->device && p->size == m->bytes)
        {
            return DEBAR_OK;
        }

        debar_fault(fault, "%s: it was replaced while it was read: once more",
                    path);
    }

    debar_snapshot_close(p->snapshot);
    p->snapshot = NULL;

    return DEBAR_ERROR;
}


int
debar_proposed_is(const debar_proposed_t *p, const debar_manifest_t *m,
    const char *file, debar_fault_t *fault)
{
    const char                   *what;
    const debar_snapshot_meta_t  *s;

    s = debar_snapshot_meta(p->snapshot);
    what = NULL;

    if (m->serial != s->serial) {
        what = "another serial";

    } else if (strcmp(m->digest, s->digest) != 0) {
        what = "other rows";

    } else if (strlen(m->title) != s->title.len
               || memcmp(m->title, s->title.data, s->title.len) != 0)
    {
        what = "another title";

    } else if (m->size != p->size || strcmp(m->sha256, p->sha256) != 0) {
        what = "the same rows in another file, by its SHA-256";
    }

    if (what == NULL) {
        return DEBAR_OK;
    }

    debar_fault(fault, "%s: not the snapshot that %s is for: it has %s (serial "
                "%llu, SHA-256 %.16s..., wanted is serial %llu, %.16s...); get "
                "the one that was proposed", p->path, file, what,
                (unsigned long long) s->serial, p->sha256,
                (unsigned long long) m->serial, m->sha256);

    return DEBAR_ERROR;
}


const char *
debar_proposed_rows(const debar_proposed_t *p, char out[256])
{
    size_t                        n, len;
    unsigned                      i;
    const debar_snapshot_meta_t  *m;

    static const char *const  rows[DEBAR_DBS] = {
        "host", "URL", "network", "AS number", "identifier"
    };

    static const struct {
        unsigned     which;
        const char  *name;
    } tables[] = {
        { DEBAR_T_ENTRIES, "vendor" },
        { DEBAR_T_TERMS, "name" },
        { DEBAR_T_PATTERNS, "pattern" },
        { DEBAR_T_PERMITS, "permit" },
        { DEBAR_T_WAIVERS, "waiver" },
    };

    m = debar_snapshot_meta(p->snapshot);
    len = 0;

    for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        (void) debar_snapshot_table(p->snapshot, tables[i].which, &n);

        if (n || i == 0) {
            len += (size_t) snprintf(out + len, 256 - len, "%s%zu %s%s",
                                     len ? ", " : "", n, tables[i].name,
                                     n == 1 ? "" : "s");
        }
    }

    for (i = 0; i < DEBAR_DBS; i++) {
        if (m->rows[i]) {
            len += (size_t) snprintf(out + len, 256 - len, ", %llu %s%s",
                                     (unsigned long long) m->rows[i], rows[i],
                                     m->rows[i] == 1 ? "" : "s");
        }
    }

    return out;
}


int
debar_proposal_previous(debar_manifest_t *m, const char *arg,
    const debar_root_t *root, debar_fault_t *doubt, debar_fault_t *fault)
{
    int           rc;
    char          path[4096];
    debar_buf_t   data;
    debar_note_t  note;
    struct stat   st;

    memset(m, 0, sizeof(*m));
    doubt->text[0] = '\0';

    if (strcmp(arg, "none") == 0) {
        return DEBAR_OK;
    }

    rc = stat(arg, &st) == 0 && S_ISDIR(st.st_mode);
    rc = snprintf(path, sizeof(path), rc ? "%s/manifest" : "%s", arg);

    if (rc < 0 || rc >= (int) sizeof(path)) {
        debar_fault(fault, "--previous: too long a path");
        return DEBAR_ERROR;
    }

    if (debar_trust_read(&data, path, DEBAR_NOTE_MAX, "the folder that lists "
                         "are published in, its manifest, or \"none\" for the "
                         "first list", fault) != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    rc = debar_note_parse(&note, path, data.data, data.len, 0, fault);

    if (rc == DEBAR_OK) {
        rc = debar_manifest_parse(m, path, note.text, fault);
    }

    if (rc == DEBAR_OK && root) {
        (void) debar_root_threshold(root, &note, path, doubt);
    }

    debar_buf_free(&data);

    return rc;
}


int
debar_proposal_json(debar_buf_t *data, char sha256[65], const char *path,
    const char *file, const char *what, debar_fault_t *fault)
{
    char      beside[4096], wanted[128];
    uint8_t   md[SHA256_DIGEST_LENGTH];
    unsigned  i;

    if (path == NULL) {
        snprintf(beside, sizeof(beside), "%s.%s.json", file, what);
        path = beside;
    }

    snprintf(wanted, sizeof(wanted), "the %s that goes with the proposal, by "
             "--%s FILE.json", what, what);

    if (debar_trust_read(data, path, DEBAR_PROPOSAL_JSON, wanted, fault)
        != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    SHA256((const uint8_t *) data->data, data->len, md);

    for (i = 0; i < sizeof(md); i++) {
        snprintf(sha256 + 2 * i, 3, "%02x", md[i]);
    }

    return DEBAR_OK;
}


int
debar_proposal_of(const debar_buf_t *data, const char *file, const char *what,
    const char *digest, debar_fault_t *fault)
{
    int          is;
    json_t      *top, *list;
    const char  *of;

    top = json_loadb(data->data, data->len, JSON_REJECT_DUPLICATES, NULL);
    is = json_is_object(top);
    list = json_object_get(top, strcmp(what, "diff") == 0 ? "to" : "candidate");
    of = json_string_value(json_object_get(list, "digest"));

    if (!is) {
        debar_fault(fault, "%s: the %s is not a JSON object: name what `debar "
                    "list %s --json` printed", file, what, what);

    } else if (of && strcmp(of, digest) != 0) {
        is = 0;
        debar_fault(fault, "%s: the %s is of another list (digest %.16s..., "
                    "wanted %.16s...): make it of the snapshot that is "
                    "proposed", file, what, of, digest);
    }

    json_decref(top);

    return is ? DEBAR_OK : DEBAR_ERROR;
}


/* "words": lines that were made to be read; 0 if there are none. */

static size_t
debar_proposal_words(json_t *top)
{
    size_t       i;
    json_t      *words;
    const char  *line;

    words = json_object_get(top, "words");

    for (i = 0; i < json_array_size(words) && i < DEBAR_PROPOSAL_LINES; i++) {

        line = json_string_value(json_array_get(words, i));

        if (line) {
            fputs("  ", stdout);
            debar_put(stdout, line, strlen(line));
            fputc('\n', stdout);
        }
    }

    if (i < json_array_size(words)) {
        printf("  and %zu lines more\n", json_array_size(words) - i);
    }

    return i;
}


int
debar_proposal_print(const debar_buf_t *data)
{
    void        *at, *in;
    json_t      *top, *value;
    unsigned     lines;
    const char  *key;

    top = json_loadb(data->data, data->len, JSON_REJECT_DUPLICATES, NULL);

    if (!json_is_object(top)) {
        json_decref(top);
        return DEBAR_ERROR;
    }

    lines = debar_proposal_words(top) ? DEBAR_PROPOSAL_LINES : 0;

    for (at = json_object_iter(top); at && lines < DEBAR_PROPOSAL_LINES;
         at = json_object_iter_next(top, at))
    {
        key = json_object_iter_key(at);
        value = json_object_iter_value(at);
        lines += debar_proposal_member(key, value, "  ");

        if (!json_is_object(value)) {
            continue;
        }

        for (in = json_object_iter(value); in && lines < DEBAR_PROPOSAL_LINES;
             in = json_object_iter_next(value, in))
        {
            lines += debar_proposal_member(json_object_iter_key(in),
                                           json_object_iter_value(in),
                                           "    ");
        }
    }

    json_decref(top);

    return DEBAR_OK;
}


static unsigned
debar_proposal_member(const char *key, json_t *value, const char *indent)
{
    const char  *text;

    fputs(indent, stdout);
    debar_put(stdout, key, strlen(key));

    switch (json_typeof(value)) {

    case JSON_OBJECT:
        printf(" (%zu)\n", json_object_size(value));
        break;

    case JSON_ARRAY:
        printf(": %zu\n", json_array_size(value));
        break;

    case JSON_STRING:
        text = json_string_value(value);
        fputs(": ", stdout);
        debar_put(stdout, text, strlen(text));
        fputc('\n', stdout);
        break;

    case JSON_INTEGER:
        printf(": %lld\n", (long long) json_integer_value(value));
        break;

    case JSON_REAL:
        printf(": %g\n", json_real_value(value));
        break;

    default:
        printf(": %s\n", json_is_true(value) ? "yes"
               : json_is_false(value) ? "no" : "none");
    }

    return 1;
}

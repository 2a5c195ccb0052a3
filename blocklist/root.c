/*
 * The root of trust: its text, who counts, how one follows another.
 */

#include <stdio.h>
#include <openssl/sha.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/uspoof.h>
#include <unicode/utf8.h>

#include "glass.h"
#include "root.h"


#define DEBAR_ROOT_NAME      64
#define DEBAR_ROOT_SKELETON  512


typedef struct {
    char     text[2][DEBAR_ROOT_SKELETON];   /* as written, case folded */
    int32_t  len[2];
} debar_root_skeleton_t;


static int debar_root_keys(debar_root_t *root, const char *file,
    debar_str_t *text, debar_fault_t *fault);
static int debar_root_distinct(const debar_root_t *root, const char *file,
    debar_fault_t *fault);
static int debar_root_alike(const debar_root_t *root, const char *file,
    debar_fault_t *fault);
static int debar_root_skeleton(USpoofChecker *spoof, const char *name,
    debar_root_skeleton_t *s);
static int debar_root_read(debar_root_t *root, debar_note_t *note,
    const char *file, const void *data, size_t len, debar_fault_t *fault);
static const debar_vkey_t *debar_root_key(const debar_vkey_t *keys, size_t n,
    const debar_vkey_t *key);


int
debar_root_parse(debar_root_t *root, const char *file, debar_str_t text,
    debar_fault_t *fault)
{
    size_t       i;
    uint8_t      md[SHA256_DIGEST_LENGTH];
    uint64_t     n;
    const char  *what;
    debar_str_t  v;

    memset(root, 0, sizeof(*root));

    SHA256((const uint8_t *) text.data, text.len, md);

    for (i = 0; i < sizeof(md); i++) {
        snprintf(root->digest + 2 * i, 3, "%02x", md[i]);
    }

    what = DEBAR_ROOT_FORMAT " as its first line, is this a root file?";

    if (debar_root_line(&text, NULL, &v) != DEBAR_OK
        || v.len != sizeof(DEBAR_ROOT_FORMAT) - 1
        || memcmp(v.data, DEBAR_ROOT_FORMAT, v.len) != 0)
    {
        goto wanted;
    }

    what = "a version from 1";

    if (debar_root_line(&text, "version", &v) != DEBAR_OK
        || debar_root_number(v, UINT32_MAX, &root->version) != DEBAR_OK
        || root->version == 0)
    {
        goto wanted;
    }

    what = "a threshold from 1 to 64";

    if (debar_root_line(&text, "threshold", &v) != DEBAR_OK
        || debar_root_number(v, DEBAR_ROOT_APPROVERS, &n) != DEBAR_OK
        || n == 0)
    {
        goto wanted;
    }

    root->threshold = (unsigned) n;
    what = "created and until as YYYY-MM-DDTHH:MM:SSZ, one after the other";

    if (debar_root_line(&text, "created", &v) != DEBAR_OK
        || debar_root_when(v, &root->created) != DEBAR_OK
        || debar_root_line(&text, "until", &v) != DEBAR_OK
        || debar_root_when(v, &root->until) != DEBAR_OK
        || root->until <= root->created)
    {
        goto wanted;
    }

    what = "the digest of the version before, which version 1 has none of";

    if (debar_root_line(&text, "previous", &v) != DEBAR_OK
        || debar_root_hex(v, 1, root->previous) != DEBAR_OK
        || (root->previous[0] == '\0') != (root->version == 1))
    {
        goto wanted;
    }

    return debar_root_keys(root, file, &text, fault);

wanted:

    debar_fault(fault, "%s: not a root file: wanted is %s; fetch it again, and "
                "do not change it by hand", file, what);

    return DEBAR_ERROR;
}


static int
debar_root_keys(debar_root_t *root, const char *file, debar_str_t *text,
    debar_fault_t *fault)
{
    debar_str_t    v;
    debar_vkey_t  *key;

    while (debar_root_line(text, "approver", &v) == DEBAR_OK) {

        if (root->n == DEBAR_ROOT_APPROVERS) {
            debar_fault(fault, "%s: more than %d approvers", file,
                        DEBAR_ROOT_APPROVERS);
            return DEBAR_ERROR;
        }

        key = &root->approvers[root->n++];

        if (debar_vkey_parse(key, file, v.data, v.len, fault) != DEBAR_OK) {
            return DEBAR_ERROR;
        }

        if (debar_root_name(key->name, strlen(key->name)) != DEBAR_OK) {
            debar_fault(fault, "%s: the name of the approver %02x%02x%02x%02x: "
                        "letters, digits and . _ - @ /, at most %d bytes", file,
                        key->id[0], key->id[1], key->id[2], key->id[3],
                        DEBAR_ROOT_NAME);
            return DEBAR_ERROR;
        }
    }

    while (debar_root_line(text, "revoked", &v) == DEBAR_OK) {

        if (root->nrevoked == DEBAR_ROOT_REVOKED) {
            debar_fault(fault, "%s: more than %d revoked keys: begin a new "
                        "chain by `debar root new`", file, DEBAR_ROOT_REVOKED);
            return DEBAR_ERROR;
        }

        if (debar_vkey_parse(&root->revoked[root->nrevoked++], file, v.data,
                             v.len, fault) != DEBAR_OK)
        {
            return DEBAR_ERROR;
        }
    }

    if (text->len) {
        debar_fault(fault, "%s: not a root file: its last lines name approvers "
                    "and revoked keys, and nothing else; fetch it again", file);
        return DEBAR_ERROR;
    }

    return debar_root_distinct(root, file, fault);
}


/* Each approver once, and enough of them. */

static int
debar_root_distinct(const debar_root_t *root, const char *file,
    debar_fault_t *fault)
{
    size_t               i;
    const debar_vkey_t  *key, *other;

    if (root->n < root->threshold) {
        debar_fault(fault, "%s: %u approvals are wanted of %zu approvers: name "
                    "more of them, or a lower threshold", file, root->threshold,
                    root->n);
        return DEBAR_ERROR;
    }

    for (i = 0; i < root->n; i++) {

        key = &root->approvers[i];
        other = debar_root_key(root->approvers, i, key);

        if (other) {
            debar_fault(fault, "%s: %s and %s have the same key: each approver "
                        "makes one of their own by `debar key new`", file,
                        other->name, key->name);
            return DEBAR_ERROR;
        }

        if (debar_root_key(root->revoked, root->nrevoked, key)) {
            debar_fault(fault, "%s: the key of %s is revoked: who lost it and "
                        "is to approve still makes a new one by `debar key "
                        "new`", file, key->name);
            return DEBAR_ERROR;
        }
    }

    return debar_root_alike(root, file, fault);
}


static int
debar_root_alike(const debar_root_t *root, const char *file,
    debar_fault_t *fault)
{
    int                     rc;
    size_t                  i, j, k;
    UErrorCode              err;
    USpoofChecker          *spoof;
    debar_root_skeleton_t   s[DEBAR_ROOT_APPROVERS];

    err = U_ZERO_ERROR;
    spoof = uspoof_open(&err);
    rc = U_SUCCESS(err) ? DEBAR_OK : DEBAR_ERROR;

    for (i = 0; i < root->n && rc == DEBAR_OK; i++) {

        rc = debar_root_skeleton(spoof, root->approvers[i].name, &s[i]);

        for (j = 0; j < 2 * i && rc == DEBAR_OK; j++) {
            k = j & 1;

            if (s[i].len[k] == s[j / 2].len[k]
                && memcmp(s[i].text[k], s[j / 2].text[k], s[i].len[k]) == 0)
            {
                uspoof_close(spoof);
                debar_fault(fault, "%s: two approvers have names that look "
                            "alike, %s and %s: name one of them otherwise, and "
                            "make sure that they are two people", file,
                            root->approvers[j / 2].name,
                            root->approvers[i].name);
                return DEBAR_ERROR;
            }
        }
    }

    uspoof_close(spoof);

    if (rc != DEBAR_OK) {
        debar_fault(fault, "%s: names of approvers cannot be compared: give "
                    "them shorter ones (ICU: %s)", file, u_errorName(err));
    }

    return rc;
}


/* What a name looks like, as it is written and with its case folded: "Ian" is
 * like "lan", and "ian" is "IAN". */

static int
debar_root_skeleton(USpoofChecker *spoof, const char *name,
    debar_root_skeleton_t *s)
{
    int32_t             n;
    UChar               wide[DEBAR_ROOT_NAME + 1];
    UChar               folded[DEBAR_ROOT_SKELETON];
    UChar               out[DEBAR_ROOT_SKELETON];
    unsigned            k;
    UErrorCode          err;
    const UNormalizer2  *cf;

    err = U_ZERO_ERROR;
    cf = unorm2_getNFKCCasefoldInstance(&err);
    u_strFromUTF8(wide, DEBAR_ROOT_NAME + 1, &n, name, -1, &err);

    for (k = 0; k < 2 && U_SUCCESS(err); k++) {

        if (k == 1) {
            n = unorm2_normalize(cf, wide, n, folded, DEBAR_ROOT_SKELETON,
                                 &err);
        }

        s->len[k] = uspoof_getSkeleton(spoof, 0, k ? folded : wide, n, out,
                                       DEBAR_ROOT_SKELETON, &err);
        u_strToUTF8(s->text[k], DEBAR_ROOT_SKELETON, &s->len[k], out,
                    s->len[k], &err);
    }

    return U_SUCCESS(err) ? DEBAR_OK : DEBAR_ERROR;
}


int
debar_root_name(const char *name, size_t len)
{
    UChar32  c;
    int32_t  i;

    if (len == 0 || len > DEBAR_ROOT_NAME) {
        return DEBAR_ERROR;
    }

    for (i = 0; i < (int32_t) len; /* void */) {
        U8_NEXT(name, i, (int32_t) len, c);

        if (c <= 0
            || (!u_isalnum(c) && (c > 0x7f || strchr("._-@/", c) == NULL)))
        {
            return DEBAR_ERROR;
        }
    }

    return DEBAR_OK;
}


int
debar_root_text(debar_buf_t *out, debar_root_t *root, debar_fault_t *fault)
{
    char          created[21], until[21], key[DEBAR_VKEY_TEXT];
    size_t        i, from;
    debar_root_t  again;

    from = out->len;
    debar_root_time(created, root->created);
    debar_root_time(until, root->until);

    debar_buf_printf(out, DEBAR_ROOT_FORMAT "\nversion %llu\nthreshold %u\n"
                     "created %s\nuntil %s\nprevious %s\n",
                     (unsigned long long) root->version, root->threshold,
                     created, until,
                     root->previous[0] ? root->previous : "none");

    for (i = 0; i < root->n; i++) {
        debar_vkey_text(key, &root->approvers[i]);
        debar_buf_printf(out, "approver %s\n", key);
    }

    for (i = 0; i < root->nrevoked; i++) {
        debar_vkey_text(key, &root->revoked[i]);
        debar_buf_printf(out, "revoked %s\n", key);
    }

    if (debar_root_parse(&again, "the new root",
                         debar_str(out->data + from, out->len - from), fault)
        != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    memcpy(root->digest, again.digest, sizeof(root->digest));

    return DEBAR_OK;
}


int
debar_root_count(const debar_root_t *root, const debar_note_t *note,
    const char *file, uint8_t *who, debar_fault_t *fault)
{
    int                  count, rc;
    size_t               i;
    const debar_vkey_t  *key;

    for (count = 0, i = 0; i < root->n; i++) {

        key = &root->approvers[i];
        rc = debar_note_signed(note, key);

        if (rc == DEBAR_ERROR) {
            debar_fault(fault, "%s: the signature of %s (%02x%02x%02x%02x) is "
                        "not of this text: it was changed after signing, or "
                        "the line is from another file; fetch it again, or "
                        "have it approved anew", file, key->name, key->id[0],
                        key->id[1], key->id[2], key->id[3]);
            return -1;
        }

        if (who) {
            who[i] = rc == DEBAR_OK;
        }

        count += rc == DEBAR_OK;
    }

    return count;
}


int
debar_root_threshold(const debar_root_t *root, const debar_note_t *note,
    const char *file, debar_fault_t *fault)
{
    int                            count;
    char                           other[256];
    size_t                         i, j;
    const debar_vkey_t            *key;
    const debar_note_signature_t  *s;

    count = debar_root_count(root, note, file, NULL, fault);

    if (count == -1) {
        return DEBAR_ERROR;
    }

    if (count >= (int) root->threshold) {
        return DEBAR_OK;
    }

    /* the first signer that does not count: most likely why there are few */

    other[0] = '\0';

    for (i = 0; i < note->n && other[0] == '\0'; i++) {

        s = &note->signatures[i];

        for (j = 0; j < root->n; j++) {
            if (debar_note_find(note, &root->approvers[j]) == s) {
                break;
            }
        }

        if (j < root->n) {
            continue;
        }

        /* a name that could not be an approver's is not shown */

        snprintf(other, sizeof(other), " (%.*s %02x%02x%02x%02x does not "
                 "count: not an approver of root version %llu)",
                 debar_root_name(s->name.data, s->name.len) == DEBAR_OK
                 ? (int) s->name.len : 0, s->name.data, s->id[0], s->id[1],
                 s->id[2], s->id[3], (unsigned long long) root->version);

        for (j = 0; j < root->nrevoked; j++) {
            key = &root->revoked[j];

            if (debar_note_find(note, key) == s) {
                snprintf(other, sizeof(other), " (%s %02x%02x%02x%02x does not "
                         "count: root version %llu revokes that key)",
                         key->name, key->id[0], key->id[1], key->id[2],
                         key->id[3], (unsigned long long) root->version);
            }
        }
    }

    debar_fault(fault, "%s: %d of %u approvals%s: have it signed by %u more of "
                "the approvers (`debar root check`)", file, count,
                root->threshold, other, root->threshold - (unsigned) count);

    return DEBAR_ERROR;
}


static int
debar_root_read(debar_root_t *root, debar_note_t *note, const char *file,
    const void *data, size_t len, debar_fault_t *fault)
{
    if (debar_note_parse(note, file, data, len, 0, fault) != DEBAR_OK
        || debar_root_parse(root, file, note->text, fault) != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    return debar_root_threshold(root, note, file, fault);
}


int
debar_root_check(debar_root_t *root, const char *file, const void *data,
    size_t len, debar_fault_t *fault)
{
    debar_note_t  note;

    return debar_root_read(root, &note, file, data, len, fault);
}


int
debar_root_follows(debar_root_t *root, const debar_root_t *old,
    const char *file, const void *data, size_t len, debar_fault_t *fault)
{
    size_t        i;
    debar_note_t  note;

    if (debar_root_read(root, &note, file, data, len, fault) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    if (root->version != old->version + 1
        || strcmp(root->previous, old->digest) != 0)
    {
        debar_fault(fault, "%s: root version %llu does not follow version %llu "
                    "that is known here%s: fetch those between, or bring the "
                    "right root file by hand", file,
                    (unsigned long long) root->version,
                    (unsigned long long) old->version,
                    root->version == old->version + 1
                    ? ", but another version of that number" : "");
        return DEBAR_ERROR;
    }

    for (i = 0; i < old->nrevoked; i++) {
        if (!debar_root_key(root->revoked, root->nrevoked, &old->revoked[i])) {
            debar_fault(fault, "%s: the key of %s that root version %llu "
                        "revokes is no longer revoked: make the root anew by "
                        "`debar root next`", file, old->revoked[i].name,
                        (unsigned long long) old->version);
            return DEBAR_ERROR;
        }
    }

    if (debar_root_threshold(old, &note, file, fault) != DEBAR_OK) {
        i = strlen(fault->text);
        snprintf(fault->text + i, sizeof(fault->text) - i, "; a next root is "
                 "signed by the old approvers, too");
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


int
debar_root_current(const debar_root_t *root, const char *file, int64_t now,
    debar_fault_t *fault)
{
    char  until[21];

    if (now < root->until) {
        return DEBAR_OK;
    }

    debar_root_time(until, root->until);
    debar_fault(fault, "%s: root version %llu expired on %s: its approvers "
                "make the next one by `debar root next` and sign it; if that is not "
                "so, this machine's clock is wrong", file,
                (unsigned long long) root->version, until);

    return DEBAR_ERROR;
}


static const debar_vkey_t *
debar_root_key(const debar_vkey_t *keys, size_t n, const debar_vkey_t *key)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        if (debar_vkey_same(&keys[i], key)) {
            return &keys[i];
        }
    }

    return NULL;
}


void
debar_root_time(char out[21], int64_t t)
{
    time_t     when;
    struct tm  tm;

    when = (time_t) t;

    if (gmtime_r(&when, &tm) == NULL || tm.tm_year < 0 || tm.tm_year > 8099
        || strftime(out, 21, "%Y-%m-%dT%H:%M:%SZ", &tm) != 20)
    {
        memcpy(out, "out of range", sizeof("out of range"));
    }
}


int
debar_root_line(debar_str_t *text, const char *key, debar_str_t *value)
{
    size_t       n, k;
    const char  *eol;

    eol = text->len ? memchr(text->data, '\n', text->len) : NULL;

    if (eol == NULL) {
        return DEBAR_ERROR;
    }

    n = (size_t) (eol - text->data);
    k = 0;

    if (key) {
        k = strlen(key) + 1;

        if (n <= k || memcmp(text->data, key, k - 1) != 0
            || text->data[k - 1] != ' ')
        {
            return DEBAR_ERROR;
        }
    }

    *value = debar_str(text->data + k, n - k);
    text->data += n + 1;
    text->len -= n + 1;

    return DEBAR_OK;
}


int
debar_root_number(debar_str_t s, uint64_t max, uint64_t *n)
{
    size_t    i;
    uint64_t  v;

    if (s.len == 0 || s.len > 19 || (s.data[0] == '0' && s.len > 1)) {
        return DEBAR_ERROR;
    }

    for (v = 0, i = 0; i < s.len; i++) {

        if (s.data[i] < '0' || s.data[i] > '9') {
            return DEBAR_ERROR;
        }

        v = v * 10 + (uint64_t) (s.data[i] - '0');
    }

    *n = v;

    return v <= max ? DEBAR_OK : DEBAR_ERROR;
}


int
debar_root_when(debar_str_t s, int64_t *t)
{
    char    again[21];
    time_t  when;

    if (debar_glass_time(&when, s.data, s.len) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    /* 24:00:00, or a 60th second, would be a second form of a time */

    *t = (int64_t) when;
    debar_root_time(again, *t);

    return s.len == 20 && memcmp(again, s.data, 20) == 0 ? DEBAR_OK
                                                         : DEBAR_ERROR;
}


int
debar_root_hex(debar_str_t s, int none, char out[65])
{
    size_t  i;

    out[0] = '\0';

    if (none && s.len == 4 && memcmp(s.data, "none", 4) == 0) {
        return DEBAR_OK;
    }

    if (s.len != 64) {
        return DEBAR_ERROR;
    }

    for (i = 0; i < 64; i++) {
        if (!(s.data[i] >= '0' && s.data[i] <= '9')
            && !(s.data[i] >= 'a' && s.data[i] <= 'f'))
        {
            return DEBAR_ERROR;
        }
    }

    memcpy(out, s.data, 64);
    out[64] = '\0';

    return DEBAR_OK;
}

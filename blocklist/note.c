/*
 * Signed notes: reading, verifying, signing.
 */

#include <inttypes.h>
#include <stdio.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include "note.h"


#define DEBAR_NOTE_DASH  "\xe2\x80\x94 "     /* em dash and space */
#define DEBAR_NOTE_RAW   (4 + 8 + 64)        /* id, time, signature */


static int debar_note_characters(const char *p, size_t len, const char **what);
static int debar_note_line(debar_note_t *note, const char *p, size_t len,
    const char **what);
static int debar_note_verify(const debar_note_signature_t *s,
    const debar_vkey_t *key, const char *text, size_t len);
static int debar_note_put(debar_buf_t *out, const char *text, size_t len,
    const debar_vkey_t *key, const uint64_t *seconds,
    struct evp_pkey_st *private, debar_fault_t *fault);
static void debar_note_cosigned_text(debar_buf_t *out, debar_str_t text,
    uint64_t seconds);
static void debar_note_time(uint8_t out[8], uint64_t seconds);
static int debar_key_name(const char *p, size_t len);
static void debar_key_id(debar_vkey_t *key, size_t len);
static int debar_key_small(const uint8_t pub[32]);


/*
 * Points of small order, with the sign bit cleared, as Edwards25519 has them
 * (0, 1, the two of order 8, p - 1, and p, p + 1 that encode 0 and 1 again):
 * for such a key there are signatures that fit any text.
 */

static const uint8_t  debar_key_points[][32] = {
    { 0x00 },
    { 0x01 },
    { 0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89,
      0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39,
      0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05 },
    { 0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76,
      0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6,
      0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a },
    { 0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f },
    { 0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f },
    { 0xee, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f },
};


int
debar_note_parse(debar_note_t *note, const char *file, const void *data,
    size_t len, int unsigned_too, debar_fault_t *fault)
{
    size_t       n, at;
    const char  *p, *what, *eol;

    p = data;
    note->n = 0;

    if (len > DEBAR_NOTE_MAX) {
        debar_fault(fault, "%s: %zu bytes, a signed note has at most %d: fetch "
                    "it again from who made it", file, len, DEBAR_NOTE_MAX);
        return DEBAR_ERROR;
    }

    what = "is empty or its last line is cut";

    if (len == 0 || p[len - 1] != '\n'
        || debar_note_characters(p, len, &what) != DEBAR_OK)
    {
        goto refused;
    }

    /* the last blank line ends the text */

    for (at = len - 1; at > 0 && !(p[at] == '\n' && p[at - 1] == '\n'); at--) {
        /* void */
    }

    if (at == 0) {
        note->text = debar_str(p, len);

        if (unsigned_too) {
            return DEBAR_OK;
        }

        debar_fault(fault, "%s: nobody has signed it: have it signed (`debar "
                    "list approve` for a list, `debar root sign` for a root)",
                    file);

        return DEBAR_ERROR;
    }

    note->text = debar_str(p, at);
    what = "has no signature behind its last blank line";

    if (at + 1 == len) {
        goto refused;
    }

    for (at++; at < len; at += n + 1) {

        eol = memchr(p + at, '\n', len - at);
        n = (size_t) (eol - (p + at));

        if (debar_note_line(note, p + at, n, &what) != DEBAR_OK) {
            goto refused;
        }
    }

    return DEBAR_OK;

refused:

    debar_fault(fault, "%s: not a signed note: it %s; fetch it again, and do "
                "not open it in an editor", file, what);

    return DEBAR_ERROR;
}


static int
debar_note_characters(const char *p, size_t len, const char **what)
{
    size_t  i, n;

    for (i = 0; i < len; i += n) {

        if ((uint8_t) p[i] < 0x20 && p[i] != '\n') {
            *what = p[i] == '\r'
                    ? "has lines that end in CR LF, as another system or mail "
                      "program leaves them"
                    : "has a control character";
            return DEBAR_ERROR;
        }

        n = debar_utf8_len(p + i, len - i);

        if (n == 0) {
            *what = "is not UTF-8";
            return DEBAR_ERROR;
        }
    }

    return DEBAR_OK;
}


/* One signature, without its newline. */

static int
debar_note_line(debar_note_t *note, const char *p, size_t len,
    const char **what)
{
    int                      n;
    uint8_t                  raw[DEBAR_NOTE_RAW];
    size_t                   dash, i;
    const char              *space;
    debar_note_signature_t  *s;

    dash = sizeof(DEBAR_NOTE_DASH) - 1;
    *what = "has a line behind its last blank line that is no signature";

    if (len <= dash || memcmp(p, DEBAR_NOTE_DASH, dash) != 0) {
        return DEBAR_ERROR;
    }

    p += dash;
    len -= dash;
    space = memchr(p, ' ', len);

    if (space == NULL || !debar_key_name(p, (size_t) (space - p))) {
        return DEBAR_ERROR;
    }

    if (note->n == DEBAR_NOTE_SIGNATURES) {
        *what = "has more than 100 signatures";
        return DEBAR_ERROR;
    }

    s = &note->signatures[note->n];
    s->name = debar_str(p, (size_t) (space - p));
    len -= s->name.len + 1;
    n = debar_base64_decode(raw, sizeof(raw), space + 1, len);
    s->ed25519 = n == 4 + 64;
    s->timed = n == DEBAR_NOTE_RAW;
    s->time = 0;

    if (n == -1) {

        /* of another algorithm, perhaps: any length, but base64 */

        n = debar_base64_decode(NULL, SIZE_MAX, space + 1, len);

        if (n != -1) {
            (void) debar_base64_decode(raw, 6, space + 1, 8);
        }
    }

    if (n < 5) {
        *what = "has a signature that is not base64";
        return DEBAR_ERROR;
    }

    memcpy(s->id, raw, 4);

    if (s->ed25519 || s->timed) {
        memcpy(s->sig, raw + n - 64, sizeof(s->sig));
    }

    for (i = 4; s->timed && i < 12; i++) {
        s->time = s->time << 8 | raw[i];
    }

    note->n++;

    return DEBAR_OK;
}


const debar_note_signature_t *
debar_note_find(const debar_note_t *note, const debar_vkey_t *key)
{
    size_t                         i, len;
    const debar_note_signature_t  *s;

    len = strlen(key->name);

    for (i = 0; i < note->n; i++) {

        s = &note->signatures[i];

        if (s->name.len == len && memcmp(s->name.data, key->name, len) == 0
            && memcmp(s->id, key->id, sizeof(key->id)) == 0)
        {
            return s;
        }
    }

    return NULL;
}


int
debar_note_signed(const debar_note_t *note, const debar_vkey_t *key)
{
    const debar_note_signature_t  *s;

    s = debar_note_find(note, key);

    if (s == NULL) {
        return DEBAR_DECLINED;
    }

    if (!s->ed25519 || key->type != DEBAR_KEY_ED25519) {
        return DEBAR_ERROR;
    }

    return debar_note_verify(s, key, note->text.data, note->text.len);
}


int
debar_note_cosigned(const debar_note_t *note, const debar_vkey_t *key,
    uint64_t *seconds)
{
    int                            rc;
    debar_buf_t                    text;
    const debar_note_signature_t  *s;

    s = debar_note_find(note, key);

    if (s == NULL) {
        return DEBAR_DECLINED;
    }

    if (!s->timed || s->time > DEBAR_COSIGNED_MAX
        || key->type != DEBAR_KEY_COSIGNER)
    {
        return DEBAR_ERROR;
    }

    memset(&text, 0, sizeof(text));
    debar_note_cosigned_text(&text, note->text, s->time);
    rc = debar_note_verify(s, key, text.data, text.len);
    debar_buf_free(&text);
    *seconds = s->time;

    return rc;
}


static int
debar_note_verify(const debar_note_signature_t *s, const debar_vkey_t *key,
    const char *text, size_t len)
{
    int          rc;
    EVP_PKEY    *pkey;
    EVP_MD_CTX  *ctx;

    if (debar_key_small(key->pub)) {
        return DEBAR_ERROR;
    }

    rc = DEBAR_ERROR;
    pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key->pub,
                                       sizeof(key->pub));
    ctx = EVP_MD_CTX_new();

    if (pkey != NULL && ctx != NULL
        && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) == 1
        && EVP_DigestVerify(ctx, s->sig, sizeof(s->sig),
                            (const uint8_t *) text, len) == 1)
    {
        rc = DEBAR_OK;
    }

    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(pkey);

    return rc;
}


int
debar_note_sign(debar_buf_t *out, debar_str_t text, const debar_vkey_t *key,
    struct evp_pkey_st *private, debar_fault_t *fault)
{
    return debar_note_put(out, text.data, text.len, key, NULL, private, fault);
}


int
debar_note_new(debar_buf_t *out, debar_str_t text, const debar_vkey_t *key,
    struct evp_pkey_st *private, debar_fault_t *fault)
{
    debar_buf_add(out, text.data, text.len);
    debar_buf_add(out, "\n", 1);

    return debar_note_sign(out, text, key, private, fault);
}


int
debar_note_cosign(debar_buf_t *out, debar_str_t text, const debar_vkey_t *key,
    uint64_t seconds, struct evp_pkey_st *private, debar_fault_t *fault)
{
    int          rc;
    debar_buf_t  all;

    if (seconds > DEBAR_COSIGNED_MAX) {
        debar_fault(fault, "a cosignature of the second %" PRIu64 ": set the "
                    "clock", seconds);
        return DEBAR_ERROR;
    }

    memset(&all, 0, sizeof(all));
    debar_note_cosigned_text(&all, text, seconds);
    rc = debar_note_put(out, all.data, all.len, key, &seconds, private, fault);
    debar_buf_free(&all);

    return rc;
}


/* The line of a signature of len bytes; seconds: NULL, or the time in it. */

static int
debar_note_put(debar_buf_t *out, const char *text, size_t len,
    const debar_vkey_t *key, const uint64_t *seconds,
    struct evp_pkey_st *private, debar_fault_t *fault)
{
    char         b64[4 * ((DEBAR_NOTE_RAW + 2) / 3) + 1];
    size_t       n, at;
    uint8_t      pub[32], raw[DEBAR_NOTE_RAW];
    EVP_MD_CTX  *ctx;

    n = sizeof(pub);

    if (EVP_PKEY_get_raw_public_key(private, pub, &n) != 1
        || n != sizeof(pub) || memcmp(pub, key->pub, n) != 0)
    {
        debar_fault(fault, "the private key is not that of %s: name the key "
                    "file that belongs to it", key->name);
        return DEBAR_ERROR;
    }

    if (key->type != (seconds ? DEBAR_KEY_COSIGNER : DEBAR_KEY_ED25519)) {
        debar_fault(fault, "the key of %s is %s: name another, or make one "
                    "(`debar key new`)", key->name, seconds
                    ? "none of a witness" : "a witness's, which signs nothing "
                    "else");
        return DEBAR_ERROR;
    }

    memcpy(raw, key->id, 4);
    at = 4;

    if (seconds) {
        debar_note_time(raw + at, *seconds);
        at += 8;
    }

    ctx = EVP_MD_CTX_new();
    n = 64;

    if (ctx == NULL
        || EVP_DigestSignInit(ctx, NULL, NULL, NULL, private) != 1
        || EVP_DigestSign(ctx, raw + at, &n, (const uint8_t *) text, len) != 1
        || n != 64)
    {
        EVP_MD_CTX_free(ctx);
        debar_fault(fault, "OpenSSL does not sign with Ed25519 here: it has to "
                    "be allowed by its configuration");
        return DEBAR_ERROR;
    }

    EVP_MD_CTX_free(ctx);
    debar_base64_encode(b64, raw, at + 64);
    debar_buf_printf(out, DEBAR_NOTE_DASH "%s %s\n", key->name, b64);

    return DEBAR_OK;
}


static void
debar_note_cosigned_text(debar_buf_t *out, debar_str_t text, uint64_t seconds)
{
    debar_buf_printf(out, "cosignature/v1\ntime %" PRIu64 "\n", seconds);
    debar_buf_add(out, text.data, text.len);
}


static void
debar_note_time(uint8_t out[8], uint64_t seconds)
{
    int  i;

    for (i = 7; i >= 0; i--) {
        out[i] = (uint8_t) seconds;
        seconds >>= 8;
    }
}


void
debar_note_line_text(debar_buf_t *out, const debar_note_signature_t *s)
{
    char     b64[4 * ((DEBAR_NOTE_RAW + 2) / 3) + 1];
    size_t   n;
    uint8_t  raw[DEBAR_NOTE_RAW];

    if (!s->ed25519 && !s->timed) {
        return;
    }

    memcpy(raw, s->id, 4);
    n = 4;

    if (s->timed) {
        debar_note_time(raw + n, s->time);
        n += 8;
    }

    memcpy(raw + n, s->sig, 64);
    debar_base64_encode(b64, raw, n + 64);

    debar_buf_add(out, DEBAR_NOTE_DASH, sizeof(DEBAR_NOTE_DASH) - 1);
    debar_buf_add(out, s->name.data, s->name.len);
    debar_buf_printf(out, " %s\n", b64);
}


int
debar_vkey_parse(debar_vkey_t *key, const char *file, const char *data,
    size_t len, debar_fault_t *fault)
{
    return debar_vkey_parse_as(key, DEBAR_KEY_ED25519, file, data, len, fault);
}


int
debar_vkey_parse_as(debar_vkey_t *key, unsigned type, const char *file,
    const char *data, size_t len, debar_fault_t *fault)
{
    char         id[9];
    uint8_t      raw[1 + 32];
    const char  *plus;

    plus = memchr(data, '+', len);

    if (plus == NULL || len - (size_t) (plus - data) < 1 + 8 + 1 + 44
        || plus[9] != '+'
        || debar_base64_decode(raw, sizeof(raw), plus + 10,
                               len - (size_t) (plus - data) - 10)
           != (int) sizeof(raw))
    {
        debar_fault(fault, "%s: not a public key: it reads NAME+8 HEX "
                    "DIGITS+BASE64, as the .pub file of `debar key new`", file);
        return DEBAR_ERROR;
    }

    if (type && raw[0] != type
        && (raw[0] == DEBAR_KEY_ED25519 || raw[0] == DEBAR_KEY_COSIGNER))
    {
        debar_fault(fault, raw[0] == DEBAR_KEY_ED25519
                    ? "%s: not a witness's key: take the one of `debar key new "
                      "--witness`"
                    : "%s: a witness's key, which signs checkpoints that "
                      "others made, and nothing else: take one of `debar key "
                      "new`",
                    file);
        return DEBAR_ERROR;
    }

    if (debar_vkey_set_as(key, raw[0], data, (size_t) (plus - data), raw + 1)
        != DEBAR_OK)
    {
        debar_fault(fault, "%s: not an Ed25519 key with a name: take one of "
                    "`debar key new`", file);
        return DEBAR_ERROR;
    }

    snprintf(id, sizeof(id), "%02x%02x%02x%02x", key->id[0], key->id[1],
             key->id[2], key->id[3]);

    if (memcmp(id, plus + 1, 8) != 0) {
        debar_fault(fault, "%s: the key of %s has the id %s, but %.8s stands "
                    "there: copy the whole line anew", file, key->name, id,
                    plus + 1);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


int
debar_vkey_set(debar_vkey_t *key, const char *name, size_t len,
    const uint8_t pub[32])
{
    return debar_vkey_set_as(key, DEBAR_KEY_ED25519, name, len, pub);
}


int
debar_vkey_set_as(debar_vkey_t *key, unsigned type, const char *name,
    size_t len, const uint8_t pub[32])
{
    if ((type != DEBAR_KEY_ED25519 && type != DEBAR_KEY_COSIGNER)
        || len > DEBAR_KEY_NAME || !debar_key_name(name, len)
        || debar_key_small(pub))
    {
        return DEBAR_ERROR;
    }

    memset(key->name, 0, sizeof(key->name));
    memcpy(key->name, name, len);
    memcpy(key->pub, pub, sizeof(key->pub));
    key->type = (uint8_t) type;
    debar_key_id(key, len);

    return DEBAR_OK;
}


size_t
debar_vkey_text(char out[DEBAR_VKEY_TEXT], const debar_vkey_t *key)
{
    char     b64[45];
    uint8_t  raw[1 + 32];

    raw[0] = key->type;
    memcpy(raw + 1, key->pub, 32);
    debar_base64_encode(b64, raw, sizeof(raw));

    return (size_t) snprintf(out, DEBAR_VKEY_TEXT, "%s+%02x%02x%02x%02x+%s",
                             key->name, key->id[0], key->id[1], key->id[2],
                             key->id[3], b64);
}


int
debar_vkey_same(const debar_vkey_t *a, const debar_vkey_t *b)
{
    return memcmp(a->pub, b->pub, sizeof(a->pub)) == 0;
}


/* A key's name by the specification: no space of Unicode, no plus. */

static int
debar_key_name(const char *p, size_t len)
{
    UChar32  c;
    int32_t  i;

    if (len == 0 || len > DEBAR_NOTE_MAX) {
        return 0;
    }

    for (i = 0; i < (int32_t) len; /* void */) {
        U8_NEXT(p, i, (int32_t) len, c);

        if (c < 0x20 || c == '+' || c == 0x7f || u_isUWhiteSpace(c)) {
            return 0;
        }
    }

    return 1;
}


static void
debar_key_id(debar_vkey_t *key, size_t len)
{
    uint8_t  in[DEBAR_KEY_NAME + 2 + 32], out[SHA256_DIGEST_LENGTH];

    memcpy(in, key->name, len);
    in[len] = '\n';
    in[len + 1] = key->type;
    memcpy(in + len + 2, key->pub, 32);

    SHA256(in, len + 2 + 32, out);
    memcpy(key->id, out, 4);
}


static int
debar_key_small(const uint8_t pub[32])
{
    size_t   i;
    uint8_t  y[32];

    memcpy(y, pub, sizeof(y));
    y[31] &= 0x7f;

    for (i = 0; i < sizeof(debar_key_points) / sizeof(debar_key_points[0]);
         i++)
    {
        if (memcmp(y, debar_key_points[i], sizeof(y)) == 0) {
            return 1;
        }
    }

    return 0;
}


static const char  debar_base64[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";


size_t
debar_base64_encode(char *out, const void *in, size_t len)
{
    char           *p;
    size_t          i;
    uint32_t        v;
    const uint8_t  *u;

    u = in;
    p = out;

    for (i = 0; i < len; i += 3) {
        v = (uint32_t) u[i] << 16;
        v |= i + 1 < len ? (uint32_t) u[i + 1] << 8 : 0;
        v |= i + 2 < len ? u[i + 2] : 0;

        *p++ = debar_base64[v >> 18];
        *p++ = debar_base64[(v >> 12) & 63];
        *p++ = i + 1 < len ? debar_base64[(v >> 6) & 63] : '=';
        *p++ = i + 2 < len ? debar_base64[v & 63] : '=';
    }

    *p = '\0';

    return (size_t) (p - out);
}


/* out NULL: only looked at. */

int
debar_base64_decode(uint8_t *out, size_t size, const char *in, size_t len)
{
    size_t       i, n, pad;
    uint32_t     v;
    const char  *at;

    if (len == 0 || len % 4 != 0 || len > DEBAR_NOTE_MAX) {
        return -1;
    }

    pad = in[len - 1] == '=' ? 1 + (in[len - 2] == '=') : 0;
    n = len / 4 * 3 - pad;

    if (n > size) {
        return -1;
    }

    for (v = 0, i = 0; i < len - pad; i++) {

        at = in[i] ? strchr(debar_base64, in[i]) : NULL;

        if (at == NULL) {
            return -1;
        }

        v = v << 6 | (uint32_t) (at - debar_base64);

        if (i % 4 == 3 && out) {
            out[i / 4 * 3] = (uint8_t) (v >> 16);
            out[i / 4 * 3 + 1] = (uint8_t) (v >> 8);
            out[i / 4 * 3 + 2] = (uint8_t) v;
        }
    }

    /* what is left of the last four: bits that say nothing are zero */

    if (pad && (v & (pad == 1 ? 3u : 15u))) {
        return -1;
    }

    if (pad && out) {
        v <<= 6 * pad;
        out[n - n % 3] = (uint8_t) (v >> 16);

        if (pad == 1) {
            out[n - 1] = (uint8_t) (v >> 8);
        }
    }

    return (int) n;
}

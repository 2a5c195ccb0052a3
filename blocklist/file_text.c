/*
 * Signed scripts of Windows (PowerShell, VBScript, JScript): a message in base64
 * behind the text, each line of it a comment, between two lines that say so.
 * What is signed is the text before, in UTF-16.
 */

#include <stdlib.h>

#include <openssl/evp.h>

#include "file_read.h"


#define DEBAR_TEXT_TAIL   (512 << 10)
#define DEBAR_TEXT_BEGIN  " Begin signature block"
#define DEBAR_TEXT_END    " End signature block"


typedef struct {
    debar_reader_t  *rd;
    unsigned         wide;        /* UTF-16, little-endian */
    uint64_t         end;         /* of the text that is signed */
    unsigned         appended;
} debar_signed_text_t;


static int debar_text_block(debar_signed_text_t *t, char *tail, uint64_t from,
    size_t n);
static size_t debar_text_narrow(char *p, size_t n);
static size_t debar_text_base64(const char *p, const char *end, uint8_t *out,
    const char **next);
static void debar_text_token(const char *p, const char *end, debar_str_t *tok);
static int debar_text_digest(void *data, int nid, uint8_t *out, unsigned *len);
static int debar_text_update(EVP_MD_CTX *md, const char *p, size_t n);


int
debar_file_read_signed_text(debar_reader_t *rd)
{
    int                   rc;
    char                 *tail, bom[2];
    uint64_t              n, from;
    debar_signed_text_t   t;

    memset(&t, 0, sizeof(t));
    t.rd = rd;
    n = debar_reader_source(rd)->size;

    if (n < 128 || debar_reader_at(rd, 0, bom, 2) != DEBAR_OK) {
        return DEBAR_OK;
    }

    t.wide = memcmp(bom, "\xff\xfe", 2) == 0;
    from = n > DEBAR_TEXT_TAIL ? (n - DEBAR_TEXT_TAIL) & ~1ULL : 0;
    tail = debar_reader_bytes(rd, from, n - from);

    if (tail == NULL) {
        return DEBAR_OK;
    }

    rc = debar_text_block(&t, tail, from, n - from);
    free(tail);

    return rc;
}


static int
debar_text_block(debar_signed_text_t *t, char *tail, uint64_t from, size_t n)
{
    int           rc;
    char         *mark;
    size_t        at, len;
    uint8_t      *der;
    const char   *next;
    debar_cms_t   cms;

    if (t->wide) {
        n = debar_text_narrow(tail, n);
    }

    mark = memmem(tail, n, DEBAR_TEXT_BEGIN, sizeof(DEBAR_TEXT_BEGIN) - 1);

    if (mark == NULL) {
        return DEBAR_OK;
    }

    /* the mark's line, and the end of the one before it, are not signed */

    for (at = mark - tail; at && tail[at - 1] != '\n'; at--) { /* void */ }

    at -= at >= 1;
    at -= at >= 1 && tail[at - 1] == '\r';
    t->end = from + (t->wide ? 2 * at : at);

    mark += sizeof(DEBAR_TEXT_BEGIN) - 1;
    der = malloc(tail + n - mark + 64);

    if (der == NULL) {
        debar_reader_bound(t->rd, DEBAR_FILE_HELD);
        return DEBAR_OK;
    }

    len = debar_text_base64(mark, tail + n, der, &next);

    while (next < tail + n && strchr(" \t\r\n", *next)) {
        next++;
    }

    t->appended = next < tail + n;

    memset(&cms, 0, sizeof(cms));
    cms.how = "authenticode";
    cms.digest = debar_text_digest;
    cms.data = t;
    cms.spc = 1;

    rc = len ? debar_reader_signatures(t->rd, der, len, &cms) : DEBAR_OK;
    free(der);

    return rc;
}


/* What is not ASCII stays no ASCII; where it stood is kept. */

static size_t
debar_text_narrow(char *p, size_t n)
{
    size_t  i;

    for (i = 0; i < n / 2; i++) {
        p[i] = p[2 * i + 1] == 0 ? p[2 * i] : '\x01';
    }

    return n / 2;
}


/* Lines up to the one that ends the block; next: what follows that. */

static size_t
debar_text_base64(const char *p, const char *end, uint8_t *out,
    const char **next)
{
    int               n;
    size_t            len;
    const char       *line;
    debar_str_t       tok;
    EVP_ENCODE_CTX   *ctx;

    ctx = EVP_ENCODE_CTX_new();
    len = 0;

    if (ctx != NULL) {
        EVP_DecodeInit(ctx);
    }

    /* the rest of the first line */

    p = memchr(p, '\n', end - p);
    p = p ? p + 1 : end;

    for ( /* void */ ; p < end; p = line) {
        line = memchr(p, '\n', end - p);
        line = line ? line + 1 : end;

        if (memmem(p, line - p, DEBAR_TEXT_END, sizeof(DEBAR_TEXT_END) - 1)) {
            p = line;
            break;
        }

        debar_text_token(p, line, &tok);

        if (ctx == NULL
            || EVP_DecodeUpdate(ctx, out + len, &n, (uint8_t *) tok.data,
                                tok.len) < 0)
        {
            break;
        }

        len += n;
    }

    if (ctx != NULL && EVP_DecodeFinal(ctx, out + len, &n) == 1) {
        len += n;
    }

    EVP_ENCODE_CTX_free(ctx);
    *next = p;

    return len;
}


/* The longest word of base64: others are the comment's. */

static void
debar_text_token(const char *p, const char *end, debar_str_t *tok)
{
    size_t       n;
    const char  *word;

    *tok = debar_str(p, 0);

    while (p < end) {
        word = p;

        while (p < end && *p && strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijkl"
                                       "mnopqrstuvwxyz0123456789+/=", *p))
        {
            p++;
        }

        n = p - word;

        /* "SIG" of the comment may stand beside a last digit or two */

        if (n && n >= tok->len && (n != 3 || memcmp(word, "SIG", 3) != 0)) {
            *tok = debar_str(word, n);
        }

        p++;
    }
}


/* --- the digest ---------------------------------------------------------- */

static int
debar_text_digest(void *data, int nid, uint8_t *out, unsigned *len)
{
    int                   rc;
    char                 *text;
    EVP_MD_CTX           *md;
    const EVP_MD         *type;
    debar_signed_text_t  *t = data;

    type = EVP_get_digestbynid(nid);
    text = type ? debar_reader_bytes(t->rd, 0, t->end) : NULL;
    md = EVP_MD_CTX_new();
    rc = DEBAR_ERROR;

    if (text != NULL && md != NULL && EVP_DigestInit_ex(md, type, NULL) == 1) {
        if (t->wide) {
            rc = EVP_DigestUpdate(md, text, t->end) == 1 ? DEBAR_OK
                                                         : DEBAR_ERROR;
        } else {
            rc = debar_text_update(md, text, t->end);
        }
    }

    if (rc == DEBAR_OK && EVP_DigestFinal_ex(md, out, len) != 1) {
        rc = DEBAR_ERROR;
    }

    EVP_MD_CTX_free(md);
    free(text);

    return rc == DEBAR_OK && t->appended ? DEBAR_DECLINED : rc;
}


/* UTF-8 as UTF-16.  DEBAR_ERROR: it is in some other charset. */

static int
debar_text_update(EVP_MD_CTX *md, const char *p, size_t n)
{
    size_t          used, k, i;
    uint8_t         out[1024];
    uint32_t        cp;
    const uint8_t  *s = (const uint8_t *) p;

    for (k = 0; n; s += used, n -= used) {
        used = debar_utf8_len((const char *) s, n);

        if (used == 0) {
            return DEBAR_ERROR;
        }

        cp = used == 1 ? s[0] : s[0] & (0x7f >> used);

        for (i = 1; i < used; i++) {
            cp = cp << 6 | (s[i] & 0x3f);
        }

        if (cp >= 0x10000) {
            cp -= 0x10000;
            out[k++] = (cp >> 10) & 0xff;
            out[k++] = 0xd8 | cp >> 18;
            cp = 0xdc00 | (cp & 0x3ff);
        }

        out[k++] = cp & 0xff;
        out[k++] = cp >> 8;

        if (k > sizeof(out) - 8 || n == used) {
            if (EVP_DigestUpdate(md, out, k) != 1) {
                return DEBAR_ERROR;
            }

            k = 0;
        }
    }

    return DEBAR_OK;
}

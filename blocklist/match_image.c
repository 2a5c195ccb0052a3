/*
 * Images of containers by what is asked of a registry (OCI distribution 1.1):
 * /v2/NAME/manifests/REFERENCE, /v2/NAME/blobs/DIGEST and the like, wherever the
 * registry is and whatever stands before it, and the scope for which its server
 * of tokens is asked.  A mirror keeps the name, often with a word or the
 * registry's host before it; "ns" names the registry that it stands for.
 */

#include <stdio.h>

#include "ident.h"
#include "judge_private.h"


#define DEBAR_IMAGE_PARTS   8         /* of a name, that are tried as its start */
#define DEBAR_IMAGE_SCOPES  8


typedef struct {
    debar_list_t     *list;
    debar_verdict_t  *v;
    const char       *where;
    unsigned          cap;
} debar_image_t;


static int debar_image_name(debar_str_t path, debar_str_t *name,
    debar_str_t *ref);
static int debar_image_word(debar_str_t s);
static void debar_image_names(debar_image_t *im, debar_str_t name);
static void debar_image_at(debar_image_t *im, const char *host, size_t hlen,
    debar_str_t name);
static void debar_image_one(debar_image_t *im, debar_str_t name);
static void debar_image_digest(debar_image_t *im, debar_str_t ref);
static size_t debar_image_ns(debar_str_t query, char ns[DEBAR_MAX_IDENT]);


int
debar_image_path(debar_str_t path)
{
    debar_str_t  name, ref;

    return debar_image_name(path, &name, &ref) == DEBAR_OK;
}


void
debar_match_image(debar_list_t *list, debar_verdict_t *v,
    const debar_host_t *h, const char *where, debar_str_t path,
    debar_str_t query)
{
    char           ns[DEBAR_MAX_IDENT];
    debar_str_t    name, ref;
    debar_image_t  im;

    if ((!list->has[DEBAR_KIND_PACKAGE] && !list->has[DEBAR_KIND_SHA256])
        || debar_image_name(path, &name, &ref) != DEBAR_OK)
    {
        return;
    }

    im.list = list;
    im.v = v;
    im.where = where;
    im.cap = DEBAR_BLOCK;

    debar_image_digest(&im, ref);
    debar_image_names(&im, name);

    if (h != NULL) {
        debar_image_at(&im, h->name, h->len, name);
    }

    debar_image_at(&im, ns, debar_image_ns(query, ns), name);
}


/* "repository:acme/rocket:pull", and more of them with spaces between. */

void
debar_match_image_scope(debar_list_t *list, debar_verdict_t *v,
    const char *where, debar_str_t value)
{
    size_t         n;
    unsigned       i;
    const char    *p, *end, *last;
    debar_image_t  im;

    static const debar_str_t  head = debar_string("repository:");

    if (!list->has[DEBAR_KIND_PACKAGE]) {
        return;
    }

    im.list = list;
    im.v = v;
    im.where = where;
    im.cap = DEBAR_BLOCK;
    end = value.data + value.len;

    for (p = value.data, i = 0; p < end && i < DEBAR_IMAGE_SCOPES; i++) {
        last = memchr(p, ' ', end - p);
        n = (last ? last : end) - p;

        if (n > head.len && memcmp(p, head.data, head.len) == 0) {
            last = memrchr(p, ':', n);
            debar_image_names(&im, debar_str(p + head.len,
                                             last > p + head.len
                                             ? (size_t) (last - p) - head.len
                                             : n - head.len));
        }

        p += n + (p + n < end);
    }
}


/* Behind the first "/v2/", up to the word before the last segment. */

static int
debar_image_name(debar_str_t path, debar_str_t *name, debar_str_t *ref)
{
    const char   *p, *slash, *word;
    debar_str_t   s;

    while (path.len && path.data[path.len - 1] == '/') {
        path.len--;
    }

    slash = path.data ? memrchr(path.data, '/', path.len) : NULL;

    if (slash == NULL) {
        return DEBAR_DECLINED;
    }

    word = memrchr(path.data, '/', slash - path.data);

    if (word == NULL) {
        return DEBAR_DECLINED;
    }

    s = debar_str(word + 1, slash - word - 1);

    if (!debar_image_word(s)) {
        return DEBAR_DECLINED;
    }

    p = memmem(path.data, word - path.data, "/v2/", 4);

    if (p == NULL || p + 4 >= word) {
        return DEBAR_DECLINED;
    }

    *name = debar_str(p + 4, word - (p + 4));
    *ref = debar_str(slash + 1, path.data + path.len - (slash + 1));

    return DEBAR_OK;
}


static int
debar_image_word(debar_str_t s)
{
    size_t  i;

    static const debar_str_t  words[] = {
        debar_string("manifests"), debar_string("blobs"),
        debar_string("tags"), debar_string("referrers")
    };

    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (s.len == words[i].len
            && strncasecmp(s.data, words[i].data, s.len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


/* The name, and what remains of it without the words that a mirror put before
 * it, as long as that is more than one. */

static void
debar_image_names(debar_image_t *im, debar_str_t name)
{
    unsigned     i;
    const char  *slash;

    debar_image_one(im, name);

    for (i = 0; i < DEBAR_IMAGE_PARTS; i++) {
        slash = name.len ? memchr(name.data, '/', name.len) : NULL;

        if (slash == NULL) {
            return;
        }

        name.len -= slash + 1 - name.data;
        name.data = slash + 1;

        if (name.len == 0 || memchr(name.data, '/', name.len) == NULL) {
            return;
        }

        debar_image_one(im, name);
    }
}


static void
debar_image_at(debar_image_t *im, const char *host, size_t hlen,
    debar_str_t name)
{
    char    full[DEBAR_MAX_IDENT];
    size_t  n;

    n = hlen + 1 + name.len;

    if (hlen == 0 || n > sizeof(full)) {
        return;
    }

    memcpy(full, host, hlen);
    full[hlen] = '/';
    memcpy(full + hlen + 1, name.data, name.len);
    debar_image_one(im, debar_str(full, n));
}


static void
debar_image_one(debar_image_t *im, debar_str_t name)
{
    char      id[DEBAR_MAX_IDENT];
    size_t    n;
    unsigned  i;

    static const debar_str_t  ecosystems[] = {
        debar_string("docker"), debar_string("oci")
    };

    for (i = 0; i < 2; i++) {
        n = debar_ident_package(id, sizeof(id), ecosystems[i].data,
                                ecosystems[i].len, name.data, name.len);

        if (n != 0) {
            debar_match_id(im->list, im->v, DEBAR_KIND_PACKAGE, im->where, id,
                           n, 0, im->cap);
            debar_match_exprs(im->list, im->v, DEBAR_KIND_PACKAGE, im->where,
                              id, n, im->cap);
        }
    }
}


/* "sha256:..." is the digest of the manifest, or of the layer as a file. */

static void
debar_image_digest(debar_image_t *im, debar_str_t ref)
{
    char      sha256[32];
    size_t    i;
    unsigned  c, d;

    if (ref.len != 7 + 64 || strncasecmp(ref.data, "sha256:", 7) != 0) {
        return;
    }

    for (i = 0, c = 0; i < 64; i++) {
        d = (uint8_t) ref.data[7 + i];
        d = d >= '0' && d <= '9' ? d - '0'
            : (d | 0x20) >= 'a' && (d | 0x20) <= 'f' ? (d | 0x20) - 'a' + 10
            : 16;

        if (d == 16) {
            return;
        }

        c = (c << 4 | d) & 0xff;
        sha256[i / 2] = c;
    }

    debar_match_id(im->list, im->v, DEBAR_KIND_SHA256, im->where, sha256, 32,
                   0, im->cap);
}


static size_t
debar_image_ns(debar_str_t query, char ns[DEBAR_MAX_IDENT])
{
    size_t       pos;
    unsigned     i, flags, rounds;
    debar_str_t  key, value;

    for (pos = 0, i = 0; query.data != NULL && i < DEBAR_IMAGE_PARTS; i++) {
        if (debar_url_pair(query.data, query.len, &pos, &key, &value)
            != DEBAR_OK)
        {
            break;
        }

        if (key.len == 2 && memcmp(key.data, "ns", 2) == 0
            && value.data != NULL)
        {
            flags = 0;
            return debar_text_decode(ns, DEBAR_MAX_IDENT, value.data,
                                     value.len, 1, &flags, &rounds);
        }
    }

    return 0;
}

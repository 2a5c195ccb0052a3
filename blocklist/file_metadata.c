/*
 * What packages say of themselves in files of their own: by the file's name in
 * its package, or, standing alone, by how it begins.  JSON, XML and property lists
 * are read by what peels bodies, which has its bounds; the others are lines.
 */

#include <stdio.h>
#include <stdlib.h>

#include <openssl/evp.h>

#include "file_metadata.h"
#include "filter.h"
#include "peel.h"


#define DEBAR_METADATA_BYTES   (1 << 20)
#define DEBAR_METADATA_IMAGES  (4 << 20)  /* manifests of registries */
#define DEBAR_METADATA_DATA    (16 << 20) /* what is installed */
#define DEBAR_METADATA_PATH    256
#define DEBAR_METADATA_LEVELS  16
#define DEBAR_METADATA_TOLD    256    /* values of one file */
#define DEBAR_METADATA_MANY    8000   /* ... that tells what is installed */
#define DEBAR_METADATA_KEY     4096   /* of an extension, in base64 */


typedef struct {
    debar_reader_t     *rd;
    unsigned            kind;
    unsigned            told;
    int                 rc;
    size_t              level[DEBAR_METADATA_LEVELS];
    size_t              len;
    char                path[DEBAR_METADATA_PATH];
    uint64_t            maker;    /* the last, of many that are the same */

    /* an identifier of two parts */

    char                group[DEBAR_FOUND_TEXT];
    char                artifact[DEBAR_FOUND_TEXT];
} debar_metadata_t;


static uint64_t debar_metadata_most(unsigned kind);
static unsigned debar_metadata_kind(debar_reader_t *rd);
static int debar_metadata_is_image(const char *p, size_t n);
static unsigned debar_metadata_installed(debar_str_t name);
static unsigned debar_metadata_named(debar_str_t name);
static unsigned debar_metadata_begins(debar_reader_t *rd);
static int debar_metadata_is(const char *p, size_t n, const char *word);
static void debar_metadata_tree(debar_metadata_t *m, const char *p, size_t n);
static int debar_metadata_event(void *data, const debar_peel_event_t *ev);
static void debar_metadata_enter(debar_metadata_t *m, unsigned depth,
    debar_str_t name);
static void debar_metadata_lines(debar_metadata_t *m, char *p, size_t n);
static size_t debar_metadata_line(debar_metadata_t *m, char *p, size_t n,
    size_t *used);
static void debar_metadata_pair(debar_metadata_t *m, const char *p, size_t n);
static int debar_metadata_tell(debar_metadata_t *m, const char *path,
    debar_str_t value);
static int debar_metadata_value(debar_metadata_t *m,
    const debar_metadata_row_t *row, debar_str_t value);
static const char *debar_metadata_label(const char *path,
    const debar_metadata_row_t **row);
static int debar_metadata_key(debar_metadata_t *m, debar_str_t value);
static void debar_metadata_dn(debar_metadata_t *m, debar_str_t dn);
static void debar_metadata_maven(debar_metadata_t *m);
static void debar_metadata_keep(char *to, debar_str_t value);


int
debar_file_read_metadata(debar_reader_t *rd)
{
    int                rc;
    char              *p;
    uint64_t           n;
    unsigned           kind;
    debar_metadata_t  *m;

    kind = debar_metadata_kind(rd);
    n = debar_reader_source(rd)->size;

    if (kind == DEBAR_METADATA_KINDS || n > debar_metadata_most(kind)) {
        return DEBAR_OK;
    }

    p = debar_reader_bytes(rd, 0, n);

    if (p == NULL) {
        return DEBAR_OK;
    }

    if (kind == DEBAR_METADATA_IMAGE && !debar_metadata_is_image(p, n)) {
        free(p);
        return DEBAR_OK;
    }

    m = debar_reader_alloc(rd, sizeof(*m));

    if (m == NULL) {
        free(p);
        return DEBAR_OK;
    }

    m->rd = rd;
    m->kind = kind;
    m->rc = DEBAR_OK;

    if (kind == DEBAR_METADATA_ANDROID) {
        m->rc = debar_metadata_android(rd, (uint8_t *) p, n);

    } else if (n > 8 && memcmp(p, "bplist00", 8) == 0) {
        m->rc = debar_metadata_bplist((uint8_t *) p, n, debar_metadata_plist,
                                      m);

    } else if (kind < DEBAR_METADATA_TREES) {
        debar_metadata_tree(m, p, n);

    } else {
        debar_metadata_lines(m, p, n);
    }

    debar_metadata_maven(m);
    rc = m->rc;

    debar_reader_free(rd, m, sizeof(*m));
    free(p);

    return rc;
}


static uint64_t
debar_metadata_most(unsigned kind)
{
    switch (kind) {
    case DEBAR_METADATA_DPKG:
    case DEBAR_METADATA_ALPINE:
        return DEBAR_METADATA_DATA;
    case DEBAR_METADATA_IMAGE:
        return DEBAR_METADATA_IMAGES;
    default:
        return DEBAR_METADATA_BYTES;
    }
}


/* JSON of another name may be of an image: it goes by its digest. */

static unsigned
debar_metadata_kind(debar_reader_t *rd)
{
    unsigned     kind;
    debar_str_t  name;

    name = debar_reader_name(rd);
    kind = name.len ? debar_metadata_named(name) : debar_metadata_begins(rd);

    return kind == DEBAR_METADATA_KINDS
           && debar_reader_is(rd) == DEBAR_FILE_JSON ? DEBAR_METADATA_IMAGE
                                                     : kind;
}


/* Whether any of it can be told: what is written otherwise is read to see. */

static int
debar_metadata_is_image(const char *p, size_t n)
{
    unsigned  i;

    static const debar_str_t  words[] = {
        debar_string("\"Labels\""), debar_string("\"annotations\""),
        debar_string("\"RepoTags\""), debar_string("\"rootfs\""),
        debar_string("\"container_config\""), debar_string("\\u00")
    };

    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (memmem(p, n, words[i].data, words[i].len) != NULL) {
            return 1;
        }
    }

    return 0;
}


/* Data of package managers, which are in the layers of an image: one of dpkg's,
 * a file a package where there is no dpkg ("distroless"), and apk's. */

static unsigned
debar_metadata_installed(debar_str_t name)
{
    size_t  i, n;

    static const struct {
        debar_str_t  path;
        unsigned     kind;
    } known[] = {
        { debar_string("var/lib/dpkg/status"), DEBAR_METADATA_DPKG },
        { debar_string("var/lib/dpkg/status-old"), DEBAR_METADATA_DPKG },
        { debar_string("lib/apk/db/installed"), DEBAR_METADATA_ALPINE }
    };

    for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        n = known[i].path.len;

        if (name.len >= n
            && memcmp(name.data + name.len - n, known[i].path.data, n) == 0)
        {
            return known[i].kind;
        }
    }

    return memmem(name.data, name.len, "lib/dpkg/status.d/", 18) != NULL
           ? DEBAR_METADATA_DPKG : DEBAR_METADATA_KINDS;
}


static unsigned
debar_metadata_named(debar_str_t name)
{
    size_t                        i, n;
    const char                   *p;
    unsigned                      kind;
    const debar_metadata_name_t  *known;

    kind = debar_metadata_installed(name);

    if (kind != DEBAR_METADATA_KINDS) {
        return kind;
    }

    for (p = name.data + name.len; p > name.data; p--) {
        if (p[-1] == '/' || p[-1] == '\\') {
            break;
        }
    }

    name.len -= p - name.data;
    name.data = p;

    for (i = 0; i < debar_metadata_nnames; i++) {
        known = &debar_metadata_names[i];
        p = known->name;
        n = strlen(p);

        if (*p == '*') {
            if (name.len >= n
                && strncasecmp(name.data + name.len - (n - 1), p + 1, n - 1)
                   == 0)
            {
                return known->kind;
            }

        } else if (name.len == n && strncasecmp(name.data, p, n) == 0) {
            return known->kind;
        }
    }

    return DEBAR_METADATA_KINDS;
}


/* What has no name here is taken for what it begins as; of XML the root says
 * what it is, and the paths of all kinds begin with one of their own. */

static unsigned
debar_metadata_begins(debar_reader_t *rd)
{
    char      head[DEBAR_FILE_HEAD + 1];
    size_t    i, n;
    uint64_t  size;

    static const struct {
        const char  *word;
        unsigned     kind;
    } words[] = {
        { "Metadata-Version:", DEBAR_METADATA_PYTHON },
        { "Package:", DEBAR_METADATA_CONTROL },
        { "Manifest-Version:", DEBAR_METADATA_MANIFEST },
        { "bplist00", DEBAR_METADATA_PLIST }
    }, roots[] = {
        { "nuspec.xsd", DEBAR_METADATA_NUSPEC },
        { "http://maven.apache.org/POM/", DEBAR_METADATA_POM },
        { "<plist", DEBAR_METADATA_PLIST },
        { "http://schemas.microsoft.com/appx/", DEBAR_METADATA_APPX }
    };

    size = debar_reader_source(rd)->size;
    n = size < sizeof(head) - 1 ? size : sizeof(head) - 1;

    if (debar_reader_at(rd, 0, head, n) != DEBAR_OK) {
        return DEBAR_METADATA_KINDS;
    }

    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (debar_metadata_is(head, n, words[i].word)) {
            return words[i].kind;
        }
    }

    for (i = 0; i < sizeof(roots) / sizeof(roots[0]); i++) {
        if (debar_reader_is(rd) == DEBAR_FILE_XML
            && memmem(head, n, roots[i].word, strlen(roots[i].word)) != NULL)
        {
            return roots[i].kind;
        }
    }

    return DEBAR_METADATA_KINDS;
}


static int
debar_metadata_is(const char *p, size_t n, const char *word)
{
    size_t  len;

    len = strlen(word);

    return n >= len && memcmp(p, word, len) == 0;
}


/* --- trees --------------------------------------------------------------- */

static void
debar_metadata_tree(debar_metadata_t *m, const char *p, size_t n)
{
    debar_peel_t         *peel;
    debar_peel_input_t    in;
    debar_peel_limits_t   limits;

    memset(&in, 0, sizeof(in));
    memset(&limits, 0, sizeof(limits));
    limits.depth = 2;
    limits.nodes = 4;
    limits.leaves = 20000;

    peel = debar_peel_new(&in, &limits, debar_metadata_event, m);

    if (peel == NULL) {
        debar_reader_bound(m->rd, DEBAR_FILE_HELD);
        return;
    }

    (void) debar_peel_push(peel, p, n);
    (void) debar_peel_finish(peel);
    debar_peel_free(peel);
}


static int
debar_metadata_event(void *data, const debar_peel_event_t *ev)
{
    size_t             len;
    debar_metadata_t  *m = data;

    if (ev->depth + 1 >= DEBAR_METADATA_LEVELS) {
        return DEBAR_OK;
    }

    if (ev->event == DEBAR_PEEL_BEGIN) {
        debar_metadata_enter(m, ev->depth, ev->name);
        return DEBAR_OK;
    }

    if (ev->event != DEBAR_PEEL_VALUE) {
        return DEBAR_OK;
    }

    debar_metadata_enter(m, ev->depth, ev->name);
    len = m->level[ev->depth + 1];
    m->path[len] = '\0';

    return debar_metadata_tell(m, m->path, ev->value);
}


/* The path to what stands in a container at a depth; a name that has no room
 * leads nowhere that is known. */

static void
debar_metadata_enter(debar_metadata_t *m, unsigned depth, debar_str_t name)
{
    size_t  len;

    len = m->level[depth];

    if (name.len != 0 && len + name.len + 2 < sizeof(m->path)) {
        if (len != 0) {
            m->path[len++] = '/';
        }

        memcpy(m->path + len, name.data, name.len);
        len += name.len;

    } else if (name.len != 0 && len + 2 < sizeof(m->path)) {
        m->path[len++] = '?';
    }

    m->level[depth + 1] = len;
}


int
debar_metadata_plist(void *data, debar_str_t key, debar_str_t value)
{
    char               path[DEBAR_METADATA_PATH];
    debar_metadata_t  *m = data;

    if (key.len >= sizeof(path)) {
        return DEBAR_OK;
    }

    memcpy(path, key.data, key.len);
    path[key.len] = '\0';

    return debar_metadata_tell(m, path, value);
}


/* --- lines --------------------------------------------------------------- */

/* Up to the first line that is empty, where that ends it. */

static void
debar_metadata_lines(debar_metadata_t *m, char *p, size_t n)
{
    size_t  len, used;

    if (n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0) {
        p += 3;
        n -= 3;
    }

    while (n != 0 && m->rc == DEBAR_OK) {
        len = debar_metadata_line(m, p, n, &used);

        if (len == 0 && m->kind != DEBAR_METADATA_PROPERTIES
            && m->kind != DEBAR_METADATA_DPKG
            && m->kind != DEBAR_METADATA_ALPINE)
        {
            break;
        }

        debar_metadata_pair(m, p, len);
        p += used;
        n -= used;
    }
}


/* The length of a line, joined in place with those that continue it: a
 * manifest's is cut at 72 bytes. */

static size_t
debar_metadata_line(debar_metadata_t *m, char *p, size_t n, size_t *used)
{
    char    *nl;
    size_t   at, len, part;

    for (at = 0, len = 0; at < n; ) {
        nl = memchr(p + at, '\n', n - at);
        part = nl ? (size_t) (nl - (p + at)) : n - at;

        memmove(p + len, p + at, part);
        len += part;
        at += part + (nl != NULL);

        if (len && p[len - 1] == '\r') {
            len--;
        }

        if (len == 0 || m->kind != DEBAR_METADATA_MANIFEST || at >= n
            || p[at] != ' ')
        {
            break;
        }

        at++;
    }

    *used = at;

    return len;
}


static void
debar_metadata_pair(debar_metadata_t *m, const char *p, size_t n)
{
    char         key[64];
    size_t       i, len;
    const char  *sep;

    sep = memchr(p, m->kind == DEBAR_METADATA_PROPERTIES ? '=' : ':', n);

    if (sep == NULL || sep == p || (size_t) (sep - p) >= sizeof(key)) {
        return;
    }

    len = sep - p;

    for (i = 0; i < len; i++) {
        key[i] = p[i] >= 'A' && p[i] <= 'Z' ? p[i] | 0x20 : p[i];
    }

    while (len && key[len - 1] == ' ') {
        len--;
    }

    key[len] = '\0';
    sep++;

    (void) debar_metadata_tell(m, key, debar_str(sep, p + n - sep));
}


/* --- telling ------------------------------------------------------------- */

static int
debar_metadata_tell(debar_metadata_t *m, const char *path, debar_str_t value)
{
    const debar_metadata_row_t  *row;

    while (value.len && (value.data[0] == ' ' || value.data[0] == '\t'
                         || value.data[0] == '\n' || value.data[0] == '\r'))
    {
        value.data++;
        value.len--;
    }

    row = debar_metadata_rows;

    if (m->kind == DEBAR_METADATA_IMAGE) {
        path = debar_metadata_label(path, &row);
    }

    for ( /* void */ ; row->path != NULL; row++) {
        if (m->rc != DEBAR_OK) {
            break;
        }

        if (row->kind == m->kind && strcmp(row->path, path) == 0) {
            m->rc = debar_metadata_value(m, row, value);
        }
    }

    return m->rc;
}


/* The name of a label, and where such are. */

static const char *
debar_metadata_label(const char *path, const debar_metadata_row_t **row)
{
    size_t              i;
    const debar_str_t  *s;

    for (i = 0; i < debar_metadata_nlabelled; i++) {
        s = &debar_metadata_labelled[i];

        if (strncmp(path, s->data, s->len) == 0) {
            *row = debar_metadata_labels;
            return path + s->len;
        }
    }

    return path;
}


static int
debar_metadata_value(debar_metadata_t *m, const debar_metadata_row_t *row,
    debar_str_t value)
{
    int          rc;
    uint64_t     maker;
    unsigned     many;
    const char  *part;

    many = m->kind == DEBAR_METADATA_DPKG || m->kind == DEBAR_METADATA_ALPINE;

    if (many && row->role == DEBAR_SAYS_MAKER) {
        maker = debar_hash(value.data, value.len);

        if (maker == m->maker) {
            return DEBAR_OK;
        }

        m->maker = maker;
    }

    if (m->told++ == (many ? DEBAR_METADATA_MANY : DEBAR_METADATA_TOLD)) {
        debar_reader_bound(m->rd, DEBAR_FILE_MEMBERS);
        return DEBAR_DECLINED;
    }

    if (m->kind == DEBAR_METADATA_WEBEXT && strcmp(row->path, "key") == 0) {
        return debar_metadata_key(m, value);
    }

    rc = DEBAR_OK;

    if (row->field != NULL) {
        rc = debar_reader_field(m->rd, row->field, row->role, value.data,
                                value.len);
    }

    if (row->ecosystem != NULL && rc == DEBAR_OK) {

        /* "name (version)" of a source, "name;options" of none */

        part = m->kind == DEBAR_METADATA_CONTROL
               ? memchr(value.data, ' ', value.len) : NULL;
        rc = debar_reader_package(m->rd, row->ecosystem, value.data,
                                  part ? (size_t) (part - value.data)
                                       : value.len);
    }

    if (m->kind == DEBAR_METADATA_POM || m->kind == DEBAR_METADATA_PROPERTIES) {
        part = strrchr(row->path, '/');
        part = part ? part + 1 : row->path;

        if (strcasecmp(part, "artifactId") == 0) {
            debar_metadata_keep(m->artifact, value);

        } else if (strcasecmp(part, "groupId") == 0
                   && (row->field != NULL || m->group[0] == '\0'))
        {
            debar_metadata_keep(m->group, value);
        }
    }

    if (m->kind == DEBAR_METADATA_APPX && rc == DEBAR_OK
        && strcmp(row->field, "Publisher") == 0)
    {
        debar_metadata_dn(m, value);
    }

    return rc;
}


/*
 * A key in base64, as PEM has it or without its lines: 16 bytes of its digest,
 * each half of one a letter from a to p, are the identifier.
 */

static int
debar_metadata_key(debar_metadata_t *m, debar_str_t value)
{
    int            n;
    char           text[DEBAR_METADATA_KEY], id[32];
    size_t         i, len;
    uint8_t        der[DEBAR_METADATA_KEY], md[EVP_MAX_MD_SIZE];
    unsigned       mdlen;
    const char    *p, *end;

    p = memmem(value.data, value.len, "KEY-----", 8);
    p = p ? p + 8 : value.data;
    end = value.data + value.len;

    for (len = 0; p < end && *p != '-' && len < sizeof(text); p++) {
        if (*p != ' ' && *p != '\t' && *p != '\r' && *p != '\n') {
            text[len++] = *p;
        }
    }

    n = len % 4 == 0 && len != 0
        ? EVP_DecodeBlock(der, (uint8_t *) text, len) : -1;

    for (i = len; n > 0 && i > len - 2 && text[i - 1] == '='; i--) {
        n--;
    }

    if (n <= 0
        || !EVP_Digest(der, n, md, &mdlen, EVP_sha256(), NULL))
    {
        return DEBAR_OK;
    }

    for (i = 0; i < 16; i++) {
        id[2 * i] = 'a' + (md[i] >> 4);
        id[2 * i + 1] = 'a' + (md[i] & 15);
    }

    return debar_reader_package(m->rd, "chrome", id, sizeof(id));
}


/* A subject as text (RFC 4514): its organization and common name. */

static void
debar_metadata_dn(debar_metadata_t *m, debar_str_t dn)
{
    size_t       len;
    const char  *p, *end, *from;

    p = dn.data;
    end = p + dn.len;

    while (p < end && m->rc == DEBAR_OK) {
        while (p < end && (*p == ' ' || *p == ',' || *p == ';')) {
            p++;
        }

        from = memchr(p, '=', end - p);

        if (from == NULL) {
            return;
        }

        len = from - p;
        dn.data = p;
        from++;

        if (from < end && *from == '"') {
            from++;
            p = memchr(from, '"', end - from);

        } else {
            p = memchr(from, ',', end - from);
        }

        p = p ? p : end;

        if ((len == 1 && (*dn.data | 0x20) == 'o')
            || (len == 2 && strncasecmp(dn.data, "CN", 2) == 0))
        {
            m->rc = debar_reader_field(m->rd, "Publisher", DEBAR_SAYS_MAKER,
                                       from, p - from);
        }

        p += p < end;
    }
}


static void
debar_metadata_maven(debar_metadata_t *m)
{
    int   n;
    char  id[2 * DEBAR_FOUND_TEXT];

    if (m->artifact[0] == '\0' || m->group[0] == '\0' || m->rc != DEBAR_OK) {
        return;
    }

    n = snprintf(id, sizeof(id), "%s:%s", m->group, m->artifact);
    m->rc = debar_reader_package(m->rd, "maven", id, n);
}


static void
debar_metadata_keep(char *to, debar_str_t value)
{
    size_t  n;

    n = value.len < DEBAR_FOUND_TEXT ? value.len : DEBAR_FOUND_TEXT - 1;
    memcpy(to, value.data, n);
    to[n] = '\0';
}

/*
 * Findings of a file as evidence.
 */

#include <stdio.h>
#include <stdlib.h>

#include "ident.h"
#include "judge_file.h"
#include "judge_private.h"
#include "peel_node.h"
#include "text.h"


#define DEBAR_FILING_DEPTH   8
#define DEBAR_FILING_NAME   40        /* of a member, in where */
#define DEBAR_FILING_NAMES  1024      /* bytes of one name */
#define DEBAR_FILING_FIELD  8192      /* bytes of it all */
#define DEBAR_FILING_AGAIN  8         /* parameters of one name */


typedef struct {
    char      name[DEBAR_FILING_NAME];
} debar_filing_member_t;

struct debar_filing_s {
    debar_list_t           *list;
    debar_facts_t           facts;
    debar_verdict_t         v;
    debar_pin_t             pin;
    unsigned                type;     /* of the file as a whole */
    unsigned                depth;
    debar_filing_member_t   members[DEBAR_FILING_DEPTH];
};


static void debar_filing_where(debar_filing_t *fl, unsigned depth,
    const char *what, size_t len, char where[DEBAR_WHERE]);
static void debar_filing_file(debar_filing_t *fl, const debar_found_t *found);
static void debar_filing_signer(debar_filing_t *fl,
    const debar_found_t *found);
static void debar_filing_field(debar_filing_t *fl, const debar_found_t *found);
static void debar_filing_organization(debar_filing_t *fl, unsigned kind,
    debar_str_t name, const char *where);
static void debar_filing_names(debar_filing_t *fl, debar_str_t text,
    const char *where, unsigned cap);
static void debar_filing_package(debar_filing_t *fl,
    const debar_found_t *found);
static void debar_filing_identified(debar_filing_t *fl, const char *ecosystem,
    size_t len, debar_str_t value, const char *where);
static void debar_filing_says(debar_filing_t *fl, debar_str_t value);
static unsigned debar_filing_unread(const debar_filing_t *fl, unsigned bounds,
    const char *failed, const debar_filing_policy_t *policy);


debar_filing_t *
debar_filing_new(debar_list_t *list, const debar_facts_t *f,
    const debar_verdict_t *v)
{
    debar_filing_t  *fl;

    fl = calloc(1, sizeof(*fl));
    if (fl == NULL) {
        return NULL;
    }

    fl->list = list;
    fl->facts = *f;
    fl->facts.filing = 1;
    fl->v = *v;
    fl->v.pin = NULL;
    fl->type = DEBAR_FILE_UNKNOWN;

    /* what comes with a body is a download, whatever the URL looks like */

    if (fl->v.activity < DEBAR_DOWNLOAD) {
        fl->v.activity = DEBAR_DOWNLOAD;
    }

    return fl;
}


void
debar_filing_free(debar_filing_t *fl)
{
    free(fl);
}


void
debar_filing_push(debar_filing_t *fl, const debar_found_t *found)
{
    switch (found->what) {

    case DEBAR_FOUND_FILE:
        debar_filing_file(fl, found);
        break;

    case DEBAR_FOUND_SIGNER:
        debar_filing_signer(fl, found);
        break;

    case DEBAR_FOUND_FIELD:
        debar_filing_field(fl, found);
        break;

    case DEBAR_FOUND_PACKAGE:
        debar_filing_package(fl, found);
        break;
    }
}


void
debar_filing_name(debar_filing_t *fl, debar_str_t name, const char *where)
{
    debar_match_file(fl->list, &fl->v, where, name.data, name.len,
                     DEBAR_BLOCK);
}


/* A name as its reader may take it. */

static void
debar_filing_called(debar_filing_t *fl, debar_str_t raw, const char *where)
{
    char      name[DEBAR_FILING_NAMES], plain[DEBAR_FILING_NAMES];
    size_t    i, len;
    unsigned  flags, rounds;

    /* quotes of a kind that the field does not have */

    if (raw.len > 2 && raw.data[0] == '\'' && raw.data[raw.len - 1] == '\'') {
        raw.data++;
        raw.len -= 2;
    }

    debar_filing_name(fl, raw, where);

    /* a backslash quotes for one reader, and ends a folder for another */

    for (i = 0, len = 0; i < raw.len; i++) {
        if (raw.data[i] != '\\') {
            name[len++] = raw.data[i];
        }
    }

    debar_filing_name(fl, debar_str(name, len), where);

    len = debar_field_words(raw, name, sizeof(name));
    debar_filing_name(fl, debar_str(name, len), where);

    /* browsers undo percents in plain ones, too */

    flags = 0;
    len = debar_text_decode(plain, sizeof(plain), name, len, 0, &flags,
                            &rounds);
    debar_filing_name(fl, debar_str(plain, len), where);
}


/*
 * Which of several parameters of a name counts is up to who reads them, and a
 * parameter without a type before it (the semicolon) is one to browsers.
 */

void
debar_filing_disposition(debar_filing_t *fl, debar_str_t field,
    const char *where)
{
    int          n;
    char         raw[DEBAR_FILING_NAMES], typed[DEBAR_FILING_FIELD];
    size_t       len;
    unsigned     i, k;
    debar_str_t  left;

    static const char *const  names[] = {
        "filename", "filename*", "name", "name*"
    };

    len = field.len < sizeof(typed) - 1 ? field.len : sizeof(typed) - 1;
    typed[0] = ';';
    memcpy(typed + 1, field.len ? field.data : "", len);

    for (k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
        left = debar_str(typed, len + 1);

        for (i = 0; i < DEBAR_FILING_AGAIN; i++) {
            n = debar_field_parameter(left, names[k], raw, sizeof(raw));

            if (n > 0) {
                debar_filing_called(fl, debar_str(raw, n), where);
            }

            if (n < 0 || !debar_field_behind(&left, names[k])) {
                break;
            }
        }
    }
}


/* "content:setup.zip/inner.exe/signer", the way shortened where it is long. */

static void
debar_filing_where(debar_filing_t *fl, unsigned depth, const char *what,
    size_t len, char where[DEBAR_WHERE])
{
    size_t      n, i;
    unsigned    d;
    const char *name;

    n = snprintf(where, DEBAR_WHERE, "content");

    for (d = 1; d <= depth && d < DEBAR_FILING_DEPTH; d++) {
        name = fl->members[d].name;

        /* room for the last one and for what it says */

        if (d < depth && n + 2 * DEBAR_FILING_NAME + len + 4 > DEBAR_WHERE) {
            continue;
        }

        n += snprintf(where + n, DEBAR_WHERE - n, "%c%s", d == 1 ? ':' : '/',
                      name);
        if (n >= DEBAR_WHERE) {
            return;
        }
    }

    if (len != 0 && n + 2 < DEBAR_WHERE) {
        where[n++] = '/';

        for (i = 0; i < len && n < DEBAR_WHERE - 1; i++) {
            where[n++] = (what[i] > 0x20 && what[i] < 0x7f) ? what[i] : '_';
        }

        where[n] = '\0';
    }
}


/* A member's own name is enough: the end of its path says the most. */

static void
debar_filing_enter(debar_filing_t *fl, const debar_found_t *found)
{
    char        *p, *last;
    size_t       i, from, n;

    if (found->depth == 0 || found->depth >= DEBAR_FILING_DEPTH) {
        return;
    }

    p = fl->members[found->depth].name;
    last = p + DEBAR_FILING_NAME - 1;

    for (from = found->name.len; from > 0; from--) {
        if (found->name.data[from - 1] == '/'
            || found->name.data[from - 1] == '\\')
        {
            break;
        }
    }

    n = found->name.len - from;

    if (n > DEBAR_FILING_NAME - 1) {
        from += n - (DEBAR_FILING_NAME - 1);
    }

    for (i = from; i < found->name.len && p < last; i++) {
        *p++ = (found->name.data[i] > 0x20 && found->name.data[i] < 0x7f)
               ? found->name.data[i] : '_';
    }

    *p = '\0';
}


static void
debar_filing_file(debar_filing_t *fl, const debar_found_t *found)
{
    char  where[DEBAR_WHERE];

    debar_filing_enter(fl, found);

    if (found->depth == 0) {
        fl->type = found->type;

        if (found->has_sha256) {
            memcpy(fl->pin.sha256, found->sha256, 32);
            fl->pin.has_sha256 = 1;
        }
    }

    if (found->has_sha256) {
        debar_filing_where(fl, found->depth, "sha256", 6, where);
        debar_match_id(fl->list, &fl->v, DEBAR_KIND_SHA256, where,
                       (const char *) found->sha256, 32, 0, DEBAR_BLOCK);
    }

    if (found->depth != 0 && found->name.len != 0) {
        debar_filing_where(fl, found->depth, NULL, 0, where);
        debar_match_file(fl->list, &fl->v, where, found->name.data,
                         found->name.len, DEBAR_BLOCK);
    }
}


static void
debar_filing_organization(debar_filing_t *fl, unsigned kind, debar_str_t name,
    const char *where)
{
    char    org[DEBAR_MAX_IDENT];
    size_t  n;

    if (name.len == 0 || !fl->list->has[kind]) {
        return;
    }

    n = debar_ident_org(org, sizeof(org), name.data, name.len);
    if (n == 0) {
        return;
    }

    debar_match_id(fl->list, &fl->v, kind, where, org, n, 0, DEBAR_BLOCK);
    debar_match_exprs(fl->list, &fl->v, kind, where, org, n, DEBAR_BLOCK);
}


/*
 * A signer is on the list by its canonical name; beside that it may bear a
 * listed name: the vendor signs as the company of each country, in its letters.
 */

static void
debar_filing_signer(debar_filing_t *fl, const debar_found_t *found)
{
    char  where[DEBAR_WHERE];

    debar_filing_where(fl, found->depth, "signer", 6, where);

    debar_filing_organization(fl, DEBAR_KIND_SIGNER, found->organization,
                              where);
    debar_filing_organization(fl, DEBAR_KIND_SIGNER, found->common_name,
                              where);
    debar_filing_names(fl, found->organization, where, DEBAR_BLOCK);
    debar_filing_names(fl, found->common_name, where, DEBAR_BLOCK);
}


static void
debar_filing_names(debar_filing_t *fl, debar_str_t text, const char *where,
    unsigned cap)
{
    size_t    n;
    unsigned  flags;

    if (text.len == 0) {
        return;
    }

    flags = 0;
    n = debar_text_tokens(fl->list->tokens, sizeof(fl->list->tokens),
                          text.data, text.len, NULL, &flags);

    debar_match_names(fl->list, &fl->v, where, fl->list->tokens, n, cap, 0);
}


/*
 * "Vendor <mail>" of Debian and RPM: the name is a maker, too.
 */

static debar_str_t
debar_filing_without_mail(debar_str_t s)
{
    const char  *lt;

    lt = memchr(s.data, '<', s.len);

    if (lt != NULL) {
        s.len = lt - s.data;
    }

    while (s.len != 0 && s.data[s.len - 1] == ' ') {
        s.len--;
    }

    return s;
}


static void
debar_filing_field(debar_filing_t *fl, const debar_found_t *found)
{
    char         where[DEBAR_WHERE];
    debar_str_t  maker;

    if (found->role == DEBAR_SAYS_VERSION || found->value.len == 0) {
        return;
    }

    debar_filing_where(fl, found->depth, found->name.data, found->name.len,
                       where);

    if (found->role == DEBAR_SAYS_FILE) {
        debar_match_file(fl->list, &fl->v, where, found->value.data,
                         found->value.len, DEBAR_BLOCK);
        return;
    }

    if (found->role == DEBAR_SAYS_MAKER) {
        maker = debar_filing_without_mail(found->value);

        debar_filing_organization(fl, DEBAR_KIND_SIGNER, maker, where);
        debar_filing_organization(fl, DEBAR_KIND_CERTIFICATE_ORGANIZATION,
                                  maker, where);

    } else if (found->role == DEBAR_SAYS_PRODUCT && found->depth == 0) {
        debar_filing_says(fl, found->value);
    }

    debar_filing_names(fl, found->value, where, DEBAR_LOG);
}


static void
debar_filing_says(debar_filing_t *fl, debar_str_t value)
{
    char      tokens[DEBAR_FOUND_TEXT * 2];
    size_t    n;
    unsigned  flags;

    if (fl->pin.nproducts == DEBAR_PIN_PRODUCTS) {
        return;
    }

    flags = 0;
    n = debar_text_tokens(tokens, sizeof(tokens), value.data, value.len, NULL,
                          &flags);

    if (n == 0 || n > DEBAR_PIN_PRODUCT) {
        return;
    }

    memcpy(fl->pin.products[fl->pin.nproducts].text, tokens, n);
    fl->pin.products[fl->pin.nproducts].len = n;
    fl->pin.nproducts++;
}


static void
debar_filing_package(debar_filing_t *fl, const debar_found_t *found)
{
    char  where[DEBAR_WHERE];

    if (!fl->list->has[DEBAR_KIND_PACKAGE]) {
        return;
    }

    debar_filing_where(fl, found->depth, "package", 7, where);
    debar_filing_identified(fl, found->name.data, found->name.len,
                            found->value, where);

    /* what Apple's files call themselves is a bundle, in URLs and in lists */

    if (found->name.len == 5 && memcmp(found->name.data, "apple", 5) == 0) {
        debar_filing_identified(fl, "apple-bundle", 12, found->value, where);
    }
}


static void
debar_filing_identified(debar_filing_t *fl, const char *ecosystem, size_t len,
    debar_str_t value, const char *where)
{
    char    id[DEBAR_MAX_IDENT];
    size_t  n;

    n = debar_ident_package(id, sizeof(id), ecosystem, len, value.data,
                            value.len);
    if (n == 0) {
        return;
    }

    debar_match_id(fl->list, &fl->v, DEBAR_KIND_PACKAGE, where, id, n, 0,
                   DEBAR_BLOCK);
    debar_match_exprs(fl->list, &fl->v, DEBAR_KIND_PACKAGE, where, id, n,
                      DEBAR_BLOCK);
}


/* What is to happen to a file that was not read, or not all of it. */

static unsigned
debar_filing_unread(const debar_filing_t *fl, unsigned bounds,
    const char *failed, const debar_filing_policy_t *policy)
{
    unsigned  action, class;

    action = DEBAR_PASS;

    if (bounds & DEBAR_FILE_SEALED) {
        action = policy->sealed;
    }

    if ((bounds & ~DEBAR_FILE_SEALED) && policy->unread > action) {
        action = policy->unread;
    }

    if (failed != NULL) {
        class = debar_file_class(fl->type);

        if (class == DEBAR_CLASS_TEXT || class == DEBAR_CLASS_DOCUMENT
            || class == DEBAR_CLASS_MEDIA)
        {
            return action > DEBAR_LOG ? action : DEBAR_LOG;
        }

        if (policy->failed > action) {
            action = policy->failed;
        }
    }

    return action;
}


void
debar_filing_finish(debar_filing_t *fl, unsigned bounds, const char *failed,
    const debar_filing_policy_t *policy, debar_verdict_t *v)
{
    unsigned  action;

    fl->v.pin = &fl->pin;
    debar_settle(fl->list, &fl->facts, &fl->v);
    fl->v.pin = NULL;

    action = debar_filing_unread(fl, bounds, failed, policy);

    /* a permit for the URL says that the file is wanted, read or not; what is
     * pinned to a digest or product had to be read */

    if (fl->v.permit != DEBAR_NONE && fl->v.verdict < DEBAR_REJECT) {
        action = action > DEBAR_LOG ? DEBAR_LOG : action;
    }

    if (action != DEBAR_PASS && fl->v.verdict < action) {
        fl->v.verdict = action;
        fl->v.fault = failed != NULL ? failed
                                     : debar_file_bound_name(bounds);
    }

    *v = fl->v;
}


int
debar_filing_pinned(debar_list_t *list, const debar_verdict_t *v)
{
    unsigned               i;
    const debar_permit_t  *p;

    for (i = 0; i < v->nevidence; i++) {

        if (v->evidence[i].permit == DEBAR_NONE) {
            continue;
        }

        p = &list->permits[v->evidence[i].permit];

        if (p->sha256.len || p->product.len) {
            return 1;
        }
    }

    return 0;
}


int
debar_filing_pins(debar_list_t *list)
{
    size_t  i;

    for (i = 0; i < list->npermits; i++) {
        if (list->permits[i].sha256.len || list->permits[i].product.len) {
            return 1;
        }
    }

    return 0;
}

/*
 * Where an answer leads: see redirect.h.
 */

#include <ctype.h>
#include <stdio.h>
#include <strings.h>

#include "peel_private.h"
#include "redirect.h"


#define DEBAR_REFRESH_NAME  128   /* bytes of http-equiv that are looked at */


/* White space of HTML; that of others is what some take for it. */

static int
debar_refresh_space(uint8_t ch)
{
    return ch == ' ' || (ch >= '\t' && ch <= '\r');
}


static size_t
debar_refresh_skip(debar_str_t s, size_t i)
{
    while (i < s.len) {

        if (debar_refresh_space((uint8_t) s.data[i])) {
            i++;

        } else if (s.len - i >= 2 && memcmp(s.data + i, "\xc2\xa0", 2) == 0) {
            i += 2;                      /* a space that does not break */

        } else {
            break;
        }
    }

    return i;
}


/* --- references ------------------------------------------------------------- */

/* Tabs and line ends are none of a URL, nor are spaces around it. */

static size_t
debar_redirect_clean(debar_str_t s, char *buf)
{
    size_t  i, n;

    while (s.len && (uint8_t) s.data[0] <= ' ') {
        s.data++;
        s.len--;
    }

    while (s.len && (uint8_t) s.data[s.len - 1] <= ' ') {
        s.len--;
    }

    for (i = 0, n = 0; i < s.len && n < DEBAR_REDIRECT; i++) {

        if (s.data[i] != '\t' && s.data[i] != '\n' && s.data[i] != '\r') {
            buf[n++] = s.data[i];
        }
    }

    return n;
}


/* Bytes of the scheme and its ":"; 0: there is none. */

static size_t
debar_redirect_scheme(const char *s, size_t len)
{
    size_t  i;

    if (len == 0 || !isalpha((uint8_t) s[0])) {
        return 0;
    }

    for (i = 1; i < len; i++) {

        if (s[i] == ':') {
            return i + 1;
        }

        if (!isalnum((uint8_t) s[i]) && s[i] != '+' && s[i] != '-'
            && s[i] != '.')
        {
            return 0;
        }
    }

    return 0;
}


static int
debar_redirect_is(debar_str_t s, const char *name)
{
    return s.len == strlen(name) && strncasecmp(s.data, name, s.len) == 0;
}


int
debar_redirect(debar_str_t reference, debar_str_t scheme, char *buf,
    debar_redirect_t *to)
{
    size_t  i, n, start, len;

    len = debar_redirect_clean(reference, buf);
    n = debar_redirect_scheme(buf, len);

    to->scheme = debar_str(buf, n ? n - 1 : 0);

    if (n && !debar_redirect_is(to->scheme, "http")
        && !debar_redirect_is(to->scheme, "https")
        && !debar_redirect_is(to->scheme, "ftp"))
    {
        return DEBAR_DECLINED;
    }

    for (i = n; i < len && (buf[i] == '/' || buf[i] == '\\'); i++) {
        /* void */
    }

    /* the request's own scheme with one slash or none is a path, another one
     * needs no slash at all */

    if (i - n < 2
        && (n == 0 || (to->scheme.len == scheme.len
                       && strncasecmp(buf, scheme.data, scheme.len) == 0)))
    {
        return DEBAR_DECLINED;
    }

    for (start = i; i < len && buf[i] != '/' && buf[i] != '\\'
         && buf[i] != '?' && buf[i] != '#'; i++)
    {
        /* void */
    }

    to->authority = debar_str(buf + start, i - start);

    if (to->authority.len == 0) {
        return DEBAR_DECLINED;
    }

    /* one byte is to spare for the "/" that a bare query lacks */

    if (i == len || buf[i] == '?' || buf[i] == '#') {
        memmove(buf + i + 1, buf + i, len - i);
        buf[i] = '/';
        len++;
    }

    for (start = i; i < len && buf[i] != '?' && buf[i] != '#'; i++) {
        if (buf[i] == '\\') {
            buf[i] = '/';
        }
    }

    while (i < len && buf[i] != '#') {
        i++;                             /* a fragment stays with the client */
    }

    to->target = debar_str(buf + start, i - start);

    return DEBAR_OK;
}


debar_str_t
debar_redirect_join(debar_str_t base, debar_str_t reference, char *buf,
    size_t size)
{
    int               n;
    char              at[DEBAR_REDIRECT + 1];
    size_t            i, k;
    debar_redirect_t  to;

    for (i = 0; i < reference.len && (uint8_t) reference.data[i] <= ' '; i++) {
        /* void */
    }

    k = reference.len - i;
    k = k && (reference.data[i] == '/' || reference.data[i] == '\\')
        ? 1 + (k > 1 && (reference.data[i + 1] == '/'
                         || reference.data[i + 1] == '\\'))
        : 0;

    if (base.len == 0 || k > 1
        || debar_redirect_scheme(reference.data + i, reference.len - i)
        || debar_redirect(base, debar_str("", 0), at, &to) != DEBAR_OK)
    {
        return reference;
    }

    /* a path from the root, or one beside the base's */

    for (i = 0; i < to.target.len && to.target.data[i] != '?'; i++) {
        /* void */
    }

    while (i && to.target.data[i - 1] != '/') {
        i--;
    }

    n = snprintf(buf, size, "%.*s%s//%.*s%.*s%.*s", (int) to.scheme.len,
                 to.scheme.data, to.scheme.len ? ":" : "",
                 (int) to.authority.len, to.authority.data,
                 k ? 0 : (int) i, to.target.data,
                 (int) reference.len, reference.data);

    return n > 0 && (size_t) n < size ? debar_str(buf, n) : reference;
}


/* --- refresh ---------------------------------------------------------------- */

int
debar_refresh_value(debar_str_t value, debar_str_t *url)
{
    char    quote;
    size_t  i, k, start;

    i = debar_refresh_skip(value, 0);

    for (start = i; i < value.len
         && (isdigit((uint8_t) value.data[i]) || value.data[i] == '.'); i++)
    {
        /* void */
    }

    k = debar_refresh_skip(value, i);

    if (k < value.len && (value.data[k] == ';' || value.data[k] == ',')) {
        k = debar_refresh_skip(value, k + 1);

    } else if (k == i && i > start) {
        return DEBAR_DECLINED;           /* "5x" is no time */
    }

    i = k;

    if (value.len - i >= 3 && strncasecmp(value.data + i, "url", 3) == 0) {
        k = debar_refresh_skip(value, i + 3);

        if (k < value.len && value.data[k] == '=') {
            i = debar_refresh_skip(value, k + 1);
        }
    }

    quote = 0;

    if (i < value.len && (value.data[i] == '"' || value.data[i] == '\'')) {
        quote = value.data[i++];
    }

    for (start = i; i < value.len && (!quote || value.data[i] != quote); i++) {
        /* void */
    }

    *url = debar_str(value.data + start, i - start);

    return url->len ? DEBAR_OK : DEBAR_DECLINED;
}


int
debar_tag_attribute(debar_str_t tag, size_t *pos, debar_str_t *name,
    debar_str_t *value)
{
    char         quote;
    size_t       i, start;
    const char  *s = tag.data;

    i = *pos;

    while (i < tag.len && (isspace((uint8_t) s[i]) || s[i] == '/')) {
        i++;
    }

    if (i == tag.len || s[i] == '>') {
        return 0;
    }

    for (start = i; i < tag.len && !isspace((uint8_t) s[i])
         && (s[i] != '=' || i == start) && s[i] != '/' && s[i] != '>'; i++)
    {
        /* void */
    }

    *name = debar_str(s + start, i - start);
    *value = debar_str("", 0);

    while (i < tag.len && isspace((uint8_t) s[i])) {
        i++;
    }

    if (i < tag.len && s[i] == '=') {
        for (i++; i < tag.len && isspace((uint8_t) s[i]); i++) { /* void */ }

        quote = i < tag.len && (s[i] == '"' || s[i] == '\'') ? s[i++] : 0;

        for (start = i; i < tag.len
             && (quote ? s[i] != quote
                       : !isspace((uint8_t) s[i]) && s[i] != '>'); i++)
        {
            /* void */
        }

        *value = debar_str(s + start, i - start);
        i += quote && i < tag.len;
    }

    *pos = i;

    return 1;
}


/* Part of an attribute, its references undone. */

static debar_str_t
debar_refresh_part(char *buf, size_t size, debar_str_t s)
{
    size_t  n = s.len < size ? s.len : size;

    memcpy(buf, s.data, n);

    return debar_str(buf, debar_html_entities(buf, n));
}


int
debar_refresh_tag(debar_str_t tag, char *buf, debar_str_t *url)
{
    char         part[DEBAR_REFRESH_NAME];
    size_t       pos;
    debar_str_t  name, value, equiv, content;

    equiv = debar_str(NULL, 0);
    content = debar_str(NULL, 0);
    pos = sizeof("<meta") - 1;

    if (tag.len < pos) {
        return DEBAR_DECLINED;
    }

    while (debar_tag_attribute(tag, &pos, &name, &value)) {

        if (equiv.data == NULL && debar_redirect_is(name, "http-equiv")) {
            equiv = debar_refresh_part(part, sizeof(part), value);

            if (!debar_redirect_is(equiv, "refresh")) {
                return DEBAR_DECLINED;
            }

        } else if (content.data == NULL && debar_redirect_is(name, "content")) {
            content = value;
        }
    }

    if (equiv.data == NULL || content.data == NULL) {
        return DEBAR_DECLINED;
    }

    return debar_refresh_value(debar_refresh_part(buf, DEBAR_REDIRECT, content),
                               url);
}


/* --- its verdict ------------------------------------------------------------ */

/* How it was known, behind where it stood. */

static void
debar_redirect_where(debar_verdict_t *v, const char *where)
{
    char      *to;
    size_t     n;
    unsigned   i;

    n = strlen(where);

    for (i = 0; i < v->nevidence; i++) {
        to = v->evidence[i].where;

        memmove(to + n + 1, to, DEBAR_WHERE - n - 1);
        memcpy(to, where, n);
        to[n] = '/';
        to[DEBAR_WHERE - 1] = '\0';
    }
}


int
debar_judge_redirect(debar_list_t *list, const debar_facts_t *facts,
    debar_str_t reference, const char *where, debar_verdict_t *v)
{
    char              buf[DEBAR_REDIRECT + 1];
    debar_facts_t     f;
    debar_redirect_t  to;

    if (debar_redirect(reference, facts->scheme.len ? facts->scheme
                                                    : debar_str("http", 4),
                       buf, &to)
        != DEBAR_OK)
    {
        return DEBAR_DECLINED;
    }

    f = *facts;

    /* hosts are listed for every scheme; that of files has no other rules */

    if (debar_redirect_is(to.scheme, "ftp")) {
        f.scheme = debar_str("http", 4);

    } else if (to.scheme.len) {
        f.scheme = to.scheme;
    }

    f.method = debar_str("GET", 3);
    f.authority = to.authority;
    f.nhosts = 0;
    f.more_hosts = 0;
    f.target = to.target;
    f.cookie = debar_str("", 0);
    f.original_url = debar_str("", 0);
    f.form = debar_str("", 0);
    f.filing = 0;

    debar_judge(list, &f, v);

    if (v->verdict != DEBAR_BLOCK) {
        return DEBAR_DECLINED;
    }

    debar_redirect_where(v, where);

    return DEBAR_OK;
}

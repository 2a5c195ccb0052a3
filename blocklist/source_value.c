/*
 * One value of any kind, from a row of YAML or a line of a plain file, to what
 * is looked up: a key, a term or an expression.
 */

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <libpsl.h>

#include "source_private.h"
#include "ident.h"
#include "term.h"
#include "text.h"
#include "url.h"


static int debar_value_name(debar_value_t *v, const char *data, size_t len,
    debar_fault_t *why);
static int debar_value_host_row(debar_value_t *v, const char *data, size_t len,
    debar_fault_t *why);
static int debar_value_url_row(debar_value_t *v, const char *data, size_t len,
    debar_fault_t *why);
static int debar_value_network(debar_value_t *v, const char *data, size_t len,
    debar_fault_t *why);
static int debar_value_asn(debar_value_t *v, const char *data, size_t len,
    debar_fault_t *why);
static int debar_value_file(debar_value_t *v, const char *data, size_t len,
    debar_fault_t *why);
static int debar_value_glob(debar_value_t *v, const char *data, size_t len,
    debar_fault_t *why);
static int debar_value_ident(debar_value_t *v, const char *data, size_t len,
    debar_fault_t *why);
static int debar_value_package(debar_value_t *v, const char *data, size_t len,
    debar_fault_t *why);
static int debar_value_id_key(debar_value_t *v, const char *data, size_t len,
    const char *canonical, size_t n, debar_fault_t *why);


const debar_value_kind_t  debar_value_kinds[DEBAR_VALUE_KINDS] = {

    { "names", "names-from", "text", DEBAR_KIND_NAME, DEBAR_BROWSE,
      DEBAR_KIND_PRODUCTS|DEBAR_KIND_TABLES },

    { "not-names", "not-names-from", "text", DEBAR_KIND_NAME, DEBAR_BROWSE,
      DEBAR_KIND_IS_NOT|DEBAR_KIND_TABLES },

    { "hosts", "hosts-from", "host", DEBAR_KIND_HOST, DEBAR_EVERY,
      DEBAR_KIND_PRODUCTS|DEBAR_KIND_PATTERNS },

    { "urls", "urls-from", "url", DEBAR_KIND_URL, DEBAR_EVERY,
      DEBAR_KIND_PRODUCTS },

    { "networks", "networks-from", "network", DEBAR_KIND_NETWORK, DEBAR_EVERY,
      DEBAR_KIND_PRODUCTS },

    { "asns", "asns-from", "asn", DEBAR_KIND_ASN, DEBAR_EVERY, 0 },

    { "countries", "countries-from", "country", DEBAR_KIND_COUNTRY,
      DEBAR_EVERY, 0 },

    { "files", "files-from", "file", DEBAR_KIND_FILE, DEBAR_DOWNLOAD,
      DEBAR_KIND_PRODUCTS|DEBAR_KIND_PATTERNS|DEBAR_KIND_TABLES },

    { "sha256", "sha256-from", "sha256", DEBAR_KIND_SHA256, DEBAR_DOWNLOAD,
      DEBAR_KIND_PRODUCTS },

    { "signers", "signers-from", "signer", DEBAR_KIND_SIGNER, DEBAR_BROWSE,
      DEBAR_KIND_PATTERNS },

    { "certificate-organizations", "certificate-organizations-from",
      "organization", DEBAR_KIND_CERTIFICATE_ORGANIZATION, DEBAR_BROWSE,
      DEBAR_KIND_PATTERNS },

    { "packages", "packages-from", "package", DEBAR_KIND_PACKAGE, DEBAR_BROWSE,
      DEBAR_KIND_PRODUCTS|DEBAR_KIND_PATTERNS|DEBAR_KIND_ECOSYSTEMS },

    { "part-numbers", "part-numbers-from", "part-number",
      DEBAR_KIND_PART_NUMBER, DEBAR_BROWSE,
      DEBAR_KIND_PRODUCTS|DEBAR_KIND_PATTERNS },

    { "gtins", "gtins-from", "gtin", DEBAR_KIND_GTIN, DEBAR_BROWSE,
      DEBAR_KIND_PRODUCTS|DEBAR_KIND_PATTERNS },

    { "uei", "uei-from", "uei", DEBAR_KIND_UEI, DEBAR_BROWSE,
      DEBAR_KIND_PATTERNS },

    { "cage", "cage-from", "cage", DEBAR_KIND_CAGE, DEBAR_BROWSE,
      DEBAR_KIND_PATTERNS }
};


int
debar_value_read(debar_value_t *v, const char *data, size_t len,
    debar_fault_t *why)
{
    v->type = DEBAR_VALUE_ROW;
    v->db = DEBAR_DB_ID;
    v->host = 0;
    v->len = 0;
    v->suffix = 0;

    switch (v->kind->kind) {

    case DEBAR_KIND_NAME:
        return debar_value_name(v, data, len, why);

    case DEBAR_KIND_HOST:
        return debar_value_host_row(v, data, len, why);

    case DEBAR_KIND_URL:
        return debar_value_url_row(v, data, len, why);

    case DEBAR_KIND_NETWORK:
        return debar_value_network(v, data, len, why);

    case DEBAR_KIND_ASN:
        return debar_value_asn(v, data, len, why);

    case DEBAR_KIND_FILE:
        return debar_value_file(v, data, len, why);

    case DEBAR_KIND_PACKAGE:
        return debar_value_package(v, data, len, why);

    default:
        return debar_value_ident(v, data, len, why);
    }
}


static int
debar_value_name(debar_value_t *v, const char *data, size_t len,
    debar_fault_t *why)
{
    char      shown[96], *end;
    size_t    n;
    unsigned  flags;

    flags = 0;
    n = debar_text_tokens(v->key, sizeof(v->key), data, len, NULL, &flags);

    /* What is appended is another reading of the same name. */

    end = memchr(v->key, DEBAR_TEXT_BREAK, n);
    if (end) {
        n = (size_t) (end - v->key);
    }

    if (n < DEBAR_MIN_TERM) {
        debar_fault(why, "over-short term %s: fewer than %d letters and digits "
                    "would be found everywhere",
                    debar_shown(shown, data, len), DEBAR_MIN_TERM);
        return DEBAR_ERROR;
    }

    if (n > DEBAR_MAX_KEY) {
        debar_fault(why, "term %s is longer than %d bytes",
                    debar_shown(shown, data, len), DEBAR_MAX_KEY);
        return DEBAR_ERROR;
    }

    v->type = DEBAR_VALUE_TERM;
    v->len = n;

    return DEBAR_OK;
}


int
debar_value_host(debar_host_t *h, const char *data, size_t len,
    debar_fault_t *why)
{
    char         shown[96];
    const char  *text;

    if (debar_host_parse(h, data, len, DEBAR_HOST_BARE, &text) != DEBAR_OK) {

        if (len > 2 && data[0] == '*' && data[1] == '.') {
            text = "names below it are meant anyway: leave out the \"*.\"";

        } else if (memchr(data, '/', len)) {
            text = "a URL goes under \"urls\", a network under \"networks\"";
        }

        debar_fault(why, "bad host %s: %s", debar_shown(shown, data, len),
                    text);
        return DEBAR_ERROR;
    }

    if (h->spelt != DEBAR_SPELT_PLAIN) {
        debar_fault(why, "bad host %s: %s: write \"%s\"",
                    debar_shown(shown, data, len), h->odd, h->name);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


static int
debar_value_host_row(debar_value_t *v, const char *data, size_t len,
    debar_fault_t *why)
{
    debar_host_t  h;

    if (debar_value_host(&h, data, len, why) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    if (!v->forced && debar_value_suffix(&h, data, len, why) != DEBAR_OK) {
        v->suffix = 1;
        return DEBAR_ERROR;
    }

    v->db = DEBAR_DB_HOST;
    v->len = debar_key_host(v->key, &h);

    return DEBAR_OK;
}


/* The longest public suffixes have six labels: longer names are not one. */

int
debar_value_suffix(const debar_host_t *h, const char *data, size_t len,
    debar_fault_t *why)
{
    char      shown[96];
    size_t    i;
    unsigned  dots;

    if (h->type != DEBAR_HOST_NAME) {
        return DEBAR_OK;
    }

    dots = 0;

    for (i = 0; i < h->len; i++) {
        dots += (h->name[i] == '.');
    }

    if (dots < 6 && psl_is_public_suffix(psl_builtin(), h->name)) {
        debar_fault(why, "%s is a public suffix: everyone's names are below it",
                    debar_shown(shown, data, len));
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


static int
debar_value_url_row(debar_value_t *v, const char *data, size_t len,
    debar_fault_t *why)
{
    v->db = DEBAR_DB_URL;
    v->len = debar_value_url(v->key, &v->host, data, len, 0, why);

    return v->len ? DEBAR_OK : DEBAR_ERROR;
}


/* Room for a key at out.  Returns its length, or 0. */

size_t
debar_value_url(char *out, size_t *hostlen, const char *data, size_t len,
    unsigned flags, debar_fault_t *why)
{
    char               buf[DEBAR_MAX_TEXT + 8], shown[96];
    char               path[2 * DEBAR_MAX_PATH];
    size_t             n;
    unsigned           below, odd, query_odd;
    debar_host_t       h;
    debar_url_parts_t  u;

    if (len > DEBAR_MAX_TEXT) {
        debar_fault(why, "bad URL: longer than %d bytes", DEBAR_MAX_TEXT);
        return 0;
    }

    if (memmem(data, len, "://", 3) == NULL) {
        memcpy(buf, "http://", 7);
        memcpy(buf + 7, data, len);
        debar_url_split(&u, buf, len + 7);

    } else {
        debar_url_split(&u, data, len);
    }

    debar_shown(shown, data, len);

    if (!(u.scheme.len == 4 && strncasecmp(u.scheme.data, "http", 4) == 0)
        && !(u.scheme.len == 5 && strncasecmp(u.scheme.data, "https", 5) == 0))
    {
        debar_fault(why, "bad URL %s: http and https only, or leave the scheme "
                    "out", shown);
        return 0;
    }

    if (u.fragment.len) {
        debar_fault(why, "bad URL %s: what is behind \"#\" is never sent",
                    shown);
        return 0;
    }

    if (memchr(u.authority.data, ':', u.authority.len)
        && memchr(u.authority.data, ']', u.authority.len) == NULL)
    {
        debar_fault(why, "bad URL %s: leave out the port: every port is meant",
                    shown);
        return 0;
    }

    if (debar_value_host(&h, u.authority.data, u.authority.len, why)
        != DEBAR_OK)
    {
        return 0;
    }

    if (u.query.data && flags) {
        debar_fault(why,
                    "bad URL %s: leave out the query: every query is meant",
                    shown);
        return 0;
    }

    if (u.path.len == 0 && u.query.data == NULL) {
        if (flags & DEBAR_URL_HOST_ONLY) {
            *hostlen = debar_key_host(out, &h);
            return *hostlen;
        }

        debar_fault(why, "bad URL %s: there is no path: a whole host goes under"
                    " \"host\"", shown);
        return 0;
    }

    below = u.path.len > 1
            && memcmp(u.path.data + u.path.len - 2, "/*", 2) == 0;

    if (below) {
        u.path.len -= 2;

        if (!flags && u.path.len == 0) {
            u.path.len = 1;
        }
    }

    odd = 0;
    n = debar_url_path(path, DEBAR_MAX_PATH, u.path.data, u.path.len, &odd);

    if (below && flags) {
        n -= (n == 1);        /* all below "/" */
        memcpy(path + n, "/*", 2);
        n += 2;
    }

    if (u.query.data && u.query.len) {
        query_odd = 0;
        path[n++] = '?';
        n += debar_url_query(path + n, sizeof(path) - n, u.query.data,
                             u.query.len, &query_odd);
        odd |= (query_odd & DEBAR_PATH_CUT);
    }

    *hostlen = debar_key_host(out, &h);
    n = (odd & DEBAR_PATH_CUT) ? 0 : debar_key_url(out, &h, path, n);

    if (n == 0) {
        debar_fault(why, "bad URL %s: its key is longer than %d bytes: list a "
                    "path above it", shown, DEBAR_MAX_KEY);
    }

    return n;
}


static int
debar_value_network(debar_value_t *v, const char *data, size_t len,
    debar_fault_t *why)
{
    char         shown[96];
    uint8_t      addr[16];
    unsigned     bits;
    const char  *text;

    if (debar_cidr_parse(addr, &bits, data, len, &text) != DEBAR_OK) {
        debar_fault(why, "bad network %s: %s", debar_shown(shown, data, len),
                    text);
        return DEBAR_ERROR;
    }

    v->db = DEBAR_DB_NETWORK;
    v->len = debar_key_network(v->key, addr, bits);

    return DEBAR_OK;
}


static int
debar_value_asn(debar_value_t *v, const char *data, size_t len,
    debar_fault_t *why)
{
    char      shown[96];
    size_t    i;
    uint64_t  asn;

    asn = 0;

    for (i = 0; i < len && i < 11; i++) {
        if (data[i] < '0' || data[i] > '9') {
            break;
        }

        asn = asn * 10 + (uint64_t) (data[i] - '0');
    }

    if (i < len || asn == 0 || asn > UINT32_MAX) {
        debar_fault(why, "bad ASN %s: a number from 1 to 4294967295",
                    debar_shown(shown, data, len));
        return DEBAR_ERROR;
    }

    v->db = DEBAR_DB_ASN;
    v->len = debar_key_asn(v->key, (uint32_t) asn);

    return DEBAR_OK;
}


static int
debar_value_file(debar_value_t *v, const char *data, size_t len,
    debar_fault_t *why)
{
    char    out[DEBAR_MAX_IDENT], shown[96];
    size_t  n;

    if (memchr(data, '/', len) || memchr(data, '\\', len)) {
        debar_fault(why, "bad file %s: the name alone, without a folder",
                    debar_shown(shown, data, len));
        return DEBAR_ERROR;
    }

    if (memchr(data, '*', len) || memchr(data, '?', len)) {
        return debar_value_glob(v, data, len, why);
    }

    n = debar_ident_file(out, sizeof(out), data, len);

    if (n && n < DEBAR_MIN_TERM) {
        debar_fault(why, "over-short file %s: fewer than %d characters",
                    debar_shown(shown, data, len), DEBAR_MIN_TERM);
        return DEBAR_ERROR;
    }

    return debar_value_id_key(v, data, len, out, n, why);
}


/* "kes*_win?.exe" -> "kes.*_win.\\.exe", over the canonical name. */

static int
debar_value_glob(debar_value_t *v, const char *data, size_t len,
    debar_fault_t *why)
{
    char      buf[DEBAR_MAX_IDENT], shown[96], *p;
    size_t    i, n, sure;
    unsigned  flags;

    flags = 0;
    n = debar_text_fold(buf, sizeof(buf), data, len, &flags);

    if (flags & DEBAR_TEXT_CUT) {
        debar_fault(why, "file %s is longer than %zu bytes",
                    debar_shown(shown, data, len), sizeof(buf));
        return DEBAR_ERROR;
    }

    p = v->key;
    sure = 0;

    for (i = 0; i < n; i++) {
        if (buf[i] == '*') {
            p = stpcpy(p, ".*");

        } else if (buf[i] == '?') {
            *p++ = '.';

        } else {
            sure++;

            if (ispunct((unsigned char) buf[i])) {
                *p++ = '\\';
            }

            *p++ = buf[i];
        }
    }

    if (sure < DEBAR_MIN_TERM + 1) {
        debar_fault(why, "over-short file %s: beside wildcards fewer than %d "
                    "characters would be found everywhere",
                    debar_shown(shown, data, len), DEBAR_MIN_TERM + 1);
        return DEBAR_ERROR;
    }

    v->type = DEBAR_VALUE_PATTERN;
    v->len = (size_t) (p - v->key);

    return debar_regex_check(v->key, v->len, -1, why);
}


/* "ecosystem:identifier"; the ecosystem is that of the list it stands in. */

static int
debar_value_package(debar_value_t *v, const char *data, size_t len,
    debar_fault_t *why)
{
    char         out[DEBAR_MAX_IDENT];
    size_t       n;
    const char  *colon;
    debar_str_t  eco;

    eco = v->ecosystem;
    n = 0;

    if (eco.len) {
        n = debar_ident_package(out, sizeof(out), eco.data, eco.len, data, len);

    } else {
        colon = memchr(data, ':', len);

        if (colon && colon > data) {
            n = debar_ident_package(out, sizeof(out), data,
                                    (size_t) (colon - data), colon + 1,
                                    len - (size_t) (colon - data) - 1);
        }
    }

    return debar_value_id_key(v, data, len, out, n, why);
}


static int
debar_value_ident(debar_value_t *v, const char *data, size_t len,
    debar_fault_t *why)
{
    char    out[DEBAR_MAX_IDENT], shown[96];
    size_t  n;

    n = 0;

    switch (v->kind->kind) {

    case DEBAR_KIND_PART_NUMBER:
        n = debar_ident_part(out, sizeof(out), data, len);
        break;

    case DEBAR_KIND_GTIN:
        n = debar_ident_gtin(out, sizeof(out), data, len);
        break;

    case DEBAR_KIND_SHA256:
        n = debar_ident_sha256(out, sizeof(out), data, len);
        break;

    case DEBAR_KIND_UEI:
        n = debar_ident_uei(out, sizeof(out), data, len);
        break;

    case DEBAR_KIND_CAGE:
        n = debar_ident_cage(out, sizeof(out), data, len);
        break;

    case DEBAR_KIND_SIGNER:
    case DEBAR_KIND_CERTIFICATE_ORGANIZATION:
        n = debar_ident_org(out, sizeof(out), data, len);

        if (n && n < DEBAR_MIN_TERM) {
            debar_fault(why, "over-short %s %s: fewer than %d letters and "
                        "digits", v->kind->value,
                        debar_shown(shown, data, len), DEBAR_MIN_TERM);
            return DEBAR_ERROR;
        }
        break;

    case DEBAR_KIND_COUNTRY:
        if (len == 2 && isalpha((unsigned char) data[0])
            && isalpha((unsigned char) data[1]))
        {
            out[0] = (char) toupper((unsigned char) data[0]);
            out[1] = (char) toupper((unsigned char) data[1]);
            n = 2;
        }
        break;
    }

    return debar_value_id_key(v, data, len, out, n, why);
}


/* The key of a canonical value; n is 0 where there is none. */

static int
debar_value_id_key(debar_value_t *v, const char *data, size_t len,
    const char *canonical, size_t n, debar_fault_t *why)
{
    char         shown[96];
    const char  *wants;

    v->db = DEBAR_DB_ID;

    if (n) {
        v->len = debar_key_id(v->key, v->kind->kind, canonical, n);

        if (v->len) {
            return DEBAR_OK;
        }
    }

    switch (v->kind->kind) {

    case DEBAR_KIND_PART_NUMBER:
        wants = "4 letters and digits at least";
        break;

    case DEBAR_KIND_GTIN:
        wants = "8, 12, 13 or 14 digits, the last of which is the check digit";
        break;

    case DEBAR_KIND_SHA256:
        wants = "64 hexadecimal digits";
        break;

    case DEBAR_KIND_UEI:
        wants = "12 letters and digits, no O and I, not 0 first";
        break;

    case DEBAR_KIND_CAGE:
        wants = "5 letters and digits";
        break;

    case DEBAR_KIND_COUNTRY:
        wants = "two letters of ISO 3166";
        break;

    case DEBAR_KIND_PACKAGE:
        wants = v->ecosystem.len ? "an identifier of at most 200 bytes"
                                 : "ecosystem:identifier";
        break;

    case DEBAR_KIND_FILE:
        wants = "a name of at most 255 bytes";
        break;

    default:
        wants = "letters and digits, at most 255 bytes";
        break;
    }

    debar_fault(why, "bad %s %s: %s", v->kind->value,
                debar_shown(shown, data, len), wants);

    return DEBAR_ERROR;
}


int
debar_value_pattern(debar_value_t *v, const char *data, size_t len,
    debar_fault_t *why)
{
    char           shown[96];
    debar_str_t    eco;
    debar_fault_t  bad;

    v->type = DEBAR_VALUE_PATTERN;
    v->db = DEBAR_DB_ID;
    v->host = 0;

    /* Checked without the ecosystem before it, so that offsets are the
     * writer's. */

    if (debar_regex_check(data, len, -1, &bad) != DEBAR_OK) {
        debar_fault(why, "bad expression %s: %s",
                    debar_shown(shown, data, len), bad.text);
        return DEBAR_ERROR;
    }

    if (debar_regex_empty(data, len)) {
        debar_fault(why, "expression %s fits the empty text, and so everything",
                    debar_shown(shown, data, len));
        return DEBAR_ERROR;
    }

    eco = v->ecosystem;

    v->len = (size_t) snprintf(v->key, sizeof(v->key), "%.*s%s%.*s%s",
                               (int) eco.len, eco.data ? eco.data : "",
                               eco.len ? ":(?:" : "", (int) len, data,
                               eco.len ? ")" : "");

    return DEBAR_OK;
}


void
debar_value_row(const debar_value_t *v, debar_rowset_t *rows)
{
    debar_rowset_add(&rows[v->db], v->key, v->len, v->rule);

    if (v->db == DEBAR_DB_URL) {
        debar_rowset_add(&rows[DEBAR_DB_HOST], v->key, v->host,
                         DEBAR_RULE_HAS_URLS);
    }
}


int
debar_value_add(debar_reader_t *r, const debar_value_t *v, const char *written,
    size_t len, debar_fault_t *why)
{
    debar_ref_t       text, said;
    debar_term_t     *term;
    debar_table_t    *tables;
    debar_pattern_t  *pattern;

    if (v->type == DEBAR_VALUE_ROW) {
        debar_value_row(v, r->src->rows);
        return DEBAR_OK;
    }

    tables = r->src->tables;

    if (v->type == DEBAR_VALUE_TERM
        && tables[DEBAR_T_TERMS].n == DEBAR_MAX_TERMS)
    {
        debar_fault(why, "too many names: a list holds %d", DEBAR_MAX_TERMS);
        return DEBAR_ERROR;
    }

    if (v->type == DEBAR_VALUE_PATTERN
        && tables[DEBAR_T_PATTERNS].n == DEBAR_MAX_PATTERNS)
    {
        debar_fault(why, "too many patterns: a list holds %d",
                    DEBAR_MAX_PATTERNS);
        return DEBAR_ERROR;
    }

    text = debar_reader_text(r, v->key, v->len);
    said = debar_reader_text(r, written, len);

    if (v->type == DEBAR_VALUE_TERM) {
        term = debar_table_add(tables, DEBAR_T_TERMS, NULL);

        term->text = text;
        term->written = said;
        term->rule = v->rule;
        term->match = (uint8_t) v->match;

        return DEBAR_OK;
    }

    pattern = debar_table_add(tables, DEBAR_T_PATTERNS, NULL);

    pattern->regex = text;
    pattern->written = said;
    pattern->rule = v->rule;

    return DEBAR_OK;
}

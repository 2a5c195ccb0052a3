/*
 * Exports for those who watch, and for spreadsheets: rules of Suricata, a
 * bundle of STIX 2.1 (OASIS), CSV (RFC 4180).
 */

#include <stdio.h>
#include <openssl/evp.h>

#include "csv.h"
#include "export_private.h"


static debar_str_t
debar_feed_vendor(debar_export_t *e, uint32_t rule)
{
    return debar_list_entry_name(e->list, e->list->rules[rule].entry);
}


/* --- Suricata ------------------------------------------------------------- */

/* Letters of a text that do not end a string or an option. */

static void
debar_suricata_text(debar_export_t *e, debar_str_t s)
{
    size_t   i;
    uint8_t  c;

    for (i = 0; i < s.len && i < 120; i++) {
        c = (uint8_t) s.data[i];
        c = c < 0x20 || c > 0x7e || strchr("\";:\\|", c) ? ' ' : c;
        debar_buf_add(&e->out, &c, 1);
    }
}


/* In a content: |XX|; in an expression: \xXX. */

static void
debar_suricata_bytes(debar_export_t *e, debar_str_t s, const char *fmt)
{
    size_t   i;
    uint8_t  c;

    for (i = 0; i < s.len; i++) {
        c = (uint8_t) s.data[i];

        if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')
            || (c >= 'A' && c <= 'Z') || c == '-' || c == '_')
        {
            debar_buf_add(&e->out, &c, 1);

        } else if (fmt[0] == '|') {
            debar_export_put(e, "|%02x|", c);

        } else {
            debar_export_put(e, "\\x%02x", c);
        }
    }
}


static int
debar_suricata_begin(debar_export_t *e, const char *protocol,
    const char *to, uint32_t rule)
{
    int64_t                   since;
    uint32_t                  max;
    const debar_authority_t  *a;

    max = e->opts->max ? e->opts->max : 300000;

    if (e->sid - (e->opts->sid ? e->opts->sid : 9100000) >= max) {
        return DEBAR_DECLINED;
    }

    a = debar_export_authority(e, rule, &since);

    debar_export_put(e, "%s %s $HOME_NET any -> %s any (msg:\"Debar ",
                     e->opts->drop ? "drop" : "alert", protocol, to);
    debar_suricata_text(e, debar_feed_vendor(e, rule));
    debar_export_put(e, ", ");
    debar_suricata_text(e, debar_export_text(e, a->title));
    debar_export_put(e, "\"; ");

    return DEBAR_OK;
}


static void
debar_suricata_end(debar_export_t *e, uint32_t rule)
{
    size_t                    i, skip;
    int64_t                   since;
    unsigned                  rev;
    debar_str_t               url;
    const debar_authority_t  *a;

    a = debar_export_authority(e, rule, &since);
    url = debar_export_text(e, a->url);

    skip = url.len > 8 && memcmp(url.data, "https://", 8) == 0 ? 8
           : url.len > 7 && memcmp(url.data, "http://", 7) == 0 ? 7 : 0;

    for (i = skip; i < url.len; i++) {
        if ((uint8_t) url.data[i] <= 0x20 || (uint8_t) url.data[i] > 0x7e
            || strchr("\";,\\()", url.data[i]))
        {
            skip = 0;
            break;
        }
    }

    if (skip) {
        debar_export_put(e, "reference:url,%.*s; ", (int) (url.len - skip),
                         url.data + skip);
    }

    rev = (unsigned) (e->list->meta->serial & 0x7fffffff);
    debar_export_put(e, "classtype:policy-violation; sid:%u; rev:%u;)\n",
                     e->sid++, rev ? rev : 1);
}


/* One rule for names in one buffer. */

static int
debar_suricata_names(debar_export_t *e, const debar_export_node_t *n,
    const char *protocol, const char *buffer, const char *nocase,
    unsigned below)
{
    size_t  i;

    if (debar_suricata_begin(e, protocol, "any", n->rule) != DEBAR_OK) {
        return DEBAR_DECLINED;
    }

    debar_export_put(e, "%s; %s", buffer, n->host && below ? "dotprefix; " : "");

    if (below) {
        debar_export_put(e, "content:\".%s\"; %sendswith; ", n->name, nocase);

    } else {
        debar_export_put(e, "content:\"%s\"; %sstartswith; endswith; ",
                         n->name, nocase);
    }

    for (i = 0; below && i < n->nexcepts; i++) {
        debar_export_put(e, "content:!\".%s\"; %sendswith; ",
                         n->excepts[i].name, nocase);
    }

    debar_suricata_end(e, n->rule);

    return DEBAR_OK;
}


static void
debar_suricata_host(debar_export_t *e, const debar_export_node_t *n)
{
    int       rc;
    size_t    i;
    unsigned  below;

    below = n->below;

    /* a hole for a name alone, or for what is below it alone, or too many */

    for (i = 0; i < n->nexcepts && below; i++) {
        below = i < DEBAR_EXPORT_EXCEPTS && n->host
                && n->excepts[i].at == (DEBAR_AT_HOST|DEBAR_AT_BELOW);
    }

    if (below != n->below) {
        e->info->left[DEBAR_LEFT_EXCEPT]++;
    }

    if (!n->host && !below) {
        return;
    }

    rc = debar_suricata_names(e, n, "dns", "dns.query", "nocase; ", below);

    if (rc == DEBAR_OK) {
        rc = debar_suricata_names(e, n, "tls", "tls.sni", "nocase; ", below);
    }

    /* its host is in lower case already, and "nocase" an error */

    if (rc == DEBAR_OK) {
        rc = debar_suricata_names(e, n, "http", "http.host", "", below);
    }

    e->info->left[DEBAR_LEFT_MANY] += rc != DEBAR_OK;
}


static void
debar_suricata_url(debar_export_t *e, const char *host, debar_str_t path,
    uint32_t rule)
{
    if (debar_suricata_begin(e, "http", "any", rule) != DEBAR_OK) {
        e->info->left[DEBAR_LEFT_MANY]++;
        return;
    }

    path.len -= path.len == 1;

    debar_export_put(e, "http.host; content:\"");
    debar_suricata_bytes(e, debar_str(host, strlen(host)), "|");
    debar_export_put(e, "\"; startswith; endswith; ");

    if (path.len) {
        debar_export_put(e, "http.uri; content:\"");
        debar_suricata_bytes(e, path, "|");
        debar_export_put(e, "\"; nocase; startswith; pcre:\"/^");
        debar_suricata_bytes(e, path, "x");
        debar_export_put(e, "(?:[\\/?]|$)/i\"; ");
    }

    debar_suricata_end(e, rule);
}


static void
debar_suricata_ip(debar_export_t *e, const char *to, uint32_t rule)
{
    char  list[80];

    snprintf(list, sizeof(list), "[%s]", to);

    if (debar_suricata_begin(e, "ip", list, rule) != DEBAR_OK) {
        e->info->left[DEBAR_LEFT_MANY]++;
        return;
    }

    debar_suricata_end(e, rule);
}


static void
debar_suricata_network(debar_export_t *e, const uint8_t addr[16],
    unsigned bits, uint32_t rule)
{
    char  cidr[64];

    debar_export_cidr(cidr, addr, bits);
    debar_suricata_ip(e, cidr, rule);
}


/* --- STIX ----------------------------------------------------------------- */

/* Of this export; STIX keeps its own namespace for observables. */

static const uint8_t  debar_stix_space[16] = {
    0x6d, 0x1e, 0x0b, 0x52, 0x3f, 0x0c, 0x5a, 0x8e,
    0x9d, 0x27, 0x41, 0xb6, 0x70, 0xc4, 0x1f, 0x93
};


/* "indicator--" and a UUID of version 5 (RFC 9562) of publisher and text. */

static void
debar_stix_id(debar_export_t *e, const char *type, debar_str_t text)
{
    char         uuid[40];
    size_t       i, n;
    uint8_t      d[EVP_MAX_MD_SIZE];
    debar_str_t  p;

    static const char  hex[] = "0123456789abcdef";

    p = e->list->meta->publisher;
    e->room.len = 0;
    debar_buf_add(&e->room, debar_stix_space, 16);
    debar_buf_add(&e->room, type, strlen(type) + 1);
    debar_buf_add(&e->room, p.data, p.len);
    debar_buf_add(&e->room, "", 1);
    debar_buf_add(&e->room, text.data, text.len);

    memset(d, 0, sizeof(d));
    (void) EVP_Digest(e->room.data, e->room.len, d, NULL, EVP_sha1(), NULL);
    e->room.len = 0;

    d[6] = (d[6] & 0x0f) | 0x50;
    d[8] = (d[8] & 0x3f) | 0x80;

    debar_export_put(e, "\"%s--", type);

    for (i = 0, n = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            uuid[n++] = '-';
        }

        uuid[n++] = hex[d[i] >> 4];
        uuid[n++] = hex[d[i] & 15];
    }

    uuid[n++] = '"';
    debar_buf_add(&e->out, uuid, n);
}


static void
debar_stix_time(debar_export_t *e, const char *key, int64_t when)
{
    char       text[64];
    time_t     t;
    struct tm  tm;

    t = when > 0 ? (time_t) when : 0;
    gmtime_r(&t, &tm);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S.000Z", &tm);
    debar_export_put(e, ",\"%s\":\"%s\"", key, text);
}


static void
debar_stix_begin(debar_export_t *e)
{
    size_t       i;
    debar_buf_t  words;
    const debar_snapshot_meta_t  *m = e->list->meta;

    memset(&words, 0, sizeof(words));
    debar_buf_printf(&words, "%.*s, serial %llu, digest %s. Names, addresses, "
                     "URLs and digests that are blocked.", (int) m->title.len,
                     m->title.data, (unsigned long long) m->serial, m->digest);

    for (i = 0; i < DEBAR_LEFTS; i++) {
        if (e->info->left[i]) {
            debar_buf_printf(&words, " Left out: %llu %s.",
                             (unsigned long long) e->info->left[i],
                             debar_left_words(i));
        }
    }

    debar_export_put(e, "{\"type\":\"bundle\",\"id\":");
    debar_stix_id(e, "bundle", debar_str(m->digest, strlen(m->digest)));
    debar_export_put(e, ",\"objects\":[\n{\"type\":\"identity\","
                     "\"spec_version\":\"2.1\",\"id\":");
    debar_stix_id(e, "identity", debar_str("", 0));
    debar_stix_time(e, "created", 0);
    debar_stix_time(e, "modified", m->built);
    debar_export_put(e, ",\"name\":");
    debar_buf_json(&e->out, m->publisher.len ? m->publisher.data : "Debar",
                   m->publisher.len ? m->publisher.len : 5);
    debar_export_put(e, ",\"description\":");
    debar_buf_json(&e->out, words.data, words.len);
    debar_export_put(e, ",\"identity_class\":\"organization\"}");
    debar_buf_free(&words);
}


/* What indicators of one rule have in common: by whom and when, and why. */

static void
debar_stix_common(debar_export_t *e, uint32_t rule)
{
    size_t                        at;
    int64_t                       since;
    debar_str_t                   title, url;
    const debar_authority_t      *a;
    const debar_snapshot_meta_t  *m = e->list->meta;

    a = debar_export_authority(e, rule, &since);
    since = since > 0 ? since : 0;
    title = debar_export_text(e, a->title);
    url = debar_export_text(e, a->url);

    if (title.len == 0) {
        title = debar_export_text(e, a->id);
    }

    at = e->out.len;
    debar_export_put(e, ",\"created_by_ref\":");
    debar_stix_id(e, "identity", debar_str("", 0));
    debar_stix_time(e, "created", since);
    debar_stix_time(e, "modified", m->built > since ? m->built : since);

    e->made[0].len = 0;
    debar_buf_add(&e->made[0], e->out.data + at, e->out.len - at);
    e->out.len = at;

    debar_export_put(e, ",\"pattern_type\":\"stix\"");
    debar_stix_time(e, "valid_from", since);

    if (m->expires > since) {
        debar_stix_time(e, "valid_until", m->expires);
    }

    debar_export_put(e, ",\"external_references\":[{\"source_name\":");
    debar_buf_json(&e->out, title.data, title.len);

    if (url.len) {
        debar_export_put(e, ",\"url\":");
        debar_buf_json(&e->out, url.data, url.len);
    }

    debar_export_put(e, "}]}");

    e->made[1].len = 0;
    debar_buf_add(&e->made[1], e->out.data + at, e->out.len - at);
    e->out.len = at;
    e->last = rule;
}


static void
debar_stix_indicator(debar_export_t *e, debar_str_t value, uint32_t rule,
    const debar_buf_t *pattern)
{
    size_t       at;
    debar_str_t  vendor;

    if (e->counting) {
        return;
    }

    if (e->last != rule) {
        debar_stix_common(e, rule);
    }

    debar_export_put(e, ",\n{\"type\":\"indicator\",\"spec_version\":\"2.1\","
                     "\"id\":");
    debar_stix_id(e, "indicator", debar_str(pattern->data, pattern->len));
    debar_buf_add(&e->out, e->made[0].data, e->made[0].len);

    vendor = debar_feed_vendor(e, rule);
    debar_export_put(e, ",\"name\":");
    at = e->room.len;
    debar_buf_add(&e->room, vendor.data, vendor.len);
    debar_buf_add(&e->room, ": ", 2);
    debar_buf_add(&e->room, value.data, value.len);
    debar_buf_json(&e->out, e->room.data + at, e->room.len - at);
    e->room.len = at;

    debar_export_put(e, ",\"pattern\":");
    debar_buf_json(&e->out, pattern->data, pattern->len);
    debar_buf_add(&e->out, e->made[1].data, e->made[1].len);
}


/* 'a.example': a literal of a pattern. */

static void
debar_stix_quote(debar_buf_t *b, debar_str_t s)
{
    size_t  i;

    debar_buf_add(b, "'", 1);

    for (i = 0; i < s.len; i++) {
        if (s.data[i] == '\'' || s.data[i] == '\\') {
            debar_buf_add(b, "\\", 1);
        }

        debar_buf_add(b, &s.data[i], 1);
    }

    debar_buf_add(b, "'", 1);
}


/* "_" is any letter in LIKE, and there is no escape. */

static void
debar_stix_below(debar_buf_t *p, const char *name, const char *not)
{
    if (strchr(name, '_') == NULL) {
        debar_buf_printf(p, "domain-name:value %sLIKE '%%.%s'", not, name);
        return;
    }

    debar_buf_printf(p, "domain-name:value %sMATCHES '[.]", not);

    for ( /* void */ ; *name; name++) {
        debar_buf_printf(p, *name == '.' ? "[.]" : "%c", *name);
    }

    debar_buf_printf(p, "$'");
}


static void
debar_stix_host(debar_export_t *e, const debar_export_node_t *n)
{
    size_t       i;
    unsigned     below;
    debar_buf_t  p;

    below = n->below && n->nexcepts <= DEBAR_EXPORT_EXCEPTS;
    e->info->left[DEBAR_LEFT_EXCEPT] += below != n->below;

    if (!n->host && !below) {
        return;
    }

    memset(&p, 0, sizeof(p));
    debar_buf_printf(&p, "[");

    if (n->host) {
        debar_buf_printf(&p, "%sdomain-name:value = '%s'%s", below ? "(" : "",
                         n->name, below ? " OR " : "");
    }

    if (below) {
        debar_stix_below(&p, n->name, "");
        debar_buf_add(&p, ")", n->host != 0);
    }

    for (i = 0; below && i < n->nexcepts; i++) {
        if (n->excepts[i].at & DEBAR_AT_HOST) {
            debar_buf_printf(&p, " AND domain-name:value != '%s'",
                             n->excepts[i].name);
        }

        if (n->excepts[i].at & DEBAR_AT_BELOW) {
            debar_buf_printf(&p, " AND ");
            debar_stix_below(&p, n->excepts[i].name, "NOT ");
        }
    }

    debar_buf_printf(&p, "]");
    debar_stix_indicator(e, debar_str(n->name, strlen(n->name)), n->rule, &p);
    debar_buf_free(&p);
}


static void
debar_stix_plain(debar_export_t *e, const char *what, debar_str_t value,
    uint32_t rule)
{
    debar_buf_t  p;

    memset(&p, 0, sizeof(p));
    debar_buf_printf(&p, "[%s = ", what);
    debar_stix_quote(&p, value);
    debar_buf_printf(&p, "]");
    debar_stix_indicator(e, value, rule, &p);
    debar_buf_free(&p);
}


static void
debar_stix_literal(debar_export_t *e, const char *name, uint32_t rule)
{
    debar_stix_plain(e, strchr(name, ':') ? "ipv6-addr:value"
                                          : "ipv4-addr:value",
                     debar_str(name, strlen(name)), rule);
}


static void
debar_stix_network(debar_export_t *e, const uint8_t addr[16], unsigned bits,
    uint32_t rule)
{
    char         cidr[64];
    debar_buf_t  p;

    debar_export_cidr(cidr, addr, bits);
    memset(&p, 0, sizeof(p));
    debar_buf_printf(&p, "[%s:value ISSUBSET '%s']", strchr(cidr, ':')
                     ? "ipv6-addr" : "ipv4-addr", cidr);
    debar_stix_indicator(e, debar_str(cidr, strlen(cidr)), rule, &p);
    debar_buf_free(&p);
}


/* The path and all below it, as a regular expression (PCRE). */

static void
debar_stix_url(debar_export_t *e, const char *host, debar_str_t path,
    uint32_t rule)
{
    size_t       i;
    uint8_t      c;
    const char  *h;
    debar_buf_t  p, value;

    memset(&p, 0, sizeof(p));
    memset(&value, 0, sizeof(value));
    debar_buf_printf(&value, "%s%.*s", host, (int) path.len, path.data);
    path.len -= path.len == 1;

    debar_buf_printf(&p, "[url:value MATCHES '^https?://");

    for (h = host; *h; h++) {
        debar_buf_printf(&p, *h == '.' ? "[.]" : "%c", *h);
    }

    debar_buf_printf(&p, "(:[0-9]*)?");

    for (i = 0; i < path.len; i++) {
        c = (uint8_t) path.data[i];

        if ((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')
            || memchr("/-_~", c, 4))
        {
            debar_buf_add(&p, &c, 1);

        } else if (c > 0x20 && c < 0x7f && !memchr("'\\^]%", c, 5)) {
            debar_buf_printf(&p, "([%c]|%%%02X)", c, c);

        } else {
            debar_buf_printf(&p, "%%%02X", c);
        }
    }

    debar_buf_printf(&p, "([/?]|$)']");
    debar_stix_indicator(e, debar_str(value.data, value.len), rule, &p);
    debar_buf_free(&p);
    debar_buf_free(&value);
}


static void
debar_stix_sha256(debar_export_t *e, unsigned kind, debar_str_t value,
    uint32_t rule)
{
    char         hex[65];
    size_t       i;
    debar_buf_t  p;

    if (kind == DEBAR_KIND_ASN) {
        memset(&p, 0, sizeof(p));
        debar_buf_printf(&p, "[autonomous-system:number = %.*s]",
                         (int) value.len, value.data);
        debar_stix_indicator(e, value, rule, &p);
        debar_buf_free(&p);
        return;
    }

    for (i = 0; i < 32 && i < value.len; i++) {
        snprintf(hex + 2 * i, 3, "%02x", (uint8_t) value.data[i]);
    }

    debar_stix_plain(e, "file:hashes.'SHA-256'", debar_str(hex, 2 * i), rule);
}


static void
debar_stix_end(debar_export_t *e)
{
    debar_export_put(e, "\n]}\n");
}


/* --- CSV ------------------------------------------------------------------ */

static void
debar_csv_begin(debar_export_t *e)
{
    debar_export_put(e, "kind,value,form,vendor,vendor-name,product,"
                     "activity,authority,since,citation,source\n");
}


static void
debar_csv_row(debar_export_t *e, const char *kind, debar_str_t value,
    const char *form, uint32_t rule)
{
    char                      day[32];
    time_t                    t;
    int64_t                   since;
    struct tm                 tm;
    debar_str_t               f[11];
    const debar_rule_t       *r;
    const debar_authority_t  *a;

    if (e->counting) {
        return;
    }

    r = &e->list->rules[rule];
    a = debar_export_authority(e, rule, &since);
    t = (time_t) since;
    gmtime_r(&t, &tm);
    strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%SZ", &tm);

    f[0] = debar_str(kind, strlen(kind));
    f[1] = value;
    f[2] = debar_str(form, strlen(form));
    f[3] = debar_list_entry_id(e->list, r->entry);
    f[4] = debar_list_entry_name(e->list, r->entry);
    f[5] = r->product == DEBAR_NONE ? debar_str("", 0)
           : debar_list_product_name(e->list, r->product);
    f[6].data = debar_activity_name(r->floor);
    f[6].len = strlen(f[6].data);
    f[7] = debar_export_text(e, a->id);
    f[8] = debar_str(day, strlen(day));
    f[9] = debar_export_text(e, a->url);
    f[10] = debar_export_text(e, r->source);

    debar_csv_put(&e->out, ',', f, 11);
}


static void
debar_csv_host(debar_export_t *e, const char *name, uint32_t rule)
{
    debar_csv_row(e, "host", debar_str(name, strlen(name)),
                  e->list->rules[rule].flags & DEBAR_RULE_SUBDOMAINS
                  ? "and below" : "exact", rule);
}


static void
debar_csv_url(debar_export_t *e, const char *host, debar_str_t path,
    uint32_t rule)
{
    e->room.len = 0;
    debar_buf_printf(&e->room, "%s%.*s", host, (int) path.len, path.data);
    debar_csv_row(e, "url", debar_str(e->room.data, e->room.len), "and below",
                  rule);
}


static void
debar_csv_network(debar_export_t *e, const uint8_t addr[16], unsigned bits,
    uint32_t rule)
{
    char  cidr[64];

    debar_export_cidr(cidr, addr, bits);
    debar_csv_row(e, "network", debar_str(cidr, strlen(cidr)), "and below",
                  rule);
}


static void
debar_csv_id(debar_export_t *e, unsigned kind, debar_str_t value,
    uint32_t rule)
{
    char    hex[65];
    size_t  i;

    if (kind == DEBAR_KIND_SHA256) {
        for (i = 0; i < 32 && i < value.len; i++) {
            snprintf(hex + 2 * i, 3, "%02x", (uint8_t) value.data[i]);
        }

        value = debar_str(hex, 2 * i);
    }

    debar_csv_row(e, debar_kind_name(kind & 0xff), value,
                  kind & 0x100 ? "pattern" : "exact", rule);
}


/* Permits, with why instead of a source. */

static void
debar_csv_end(debar_export_t *e)
{
    char                   name[DEBAR_MAX_HOST + 3];
    size_t                 i, host;
    debar_str_t            key, f[11];
    const debar_permit_t  *p;

    for (i = 0; i < e->list->npermits; i++) {
        p = &e->list->permits[i];
        key = debar_export_text(e, p->key);

        for (host = 0; host < key.len && key.data[host] != '/'; host++) {
            /* void */
        }

        debar_export_host_name(name, key.data, host);
        e->room.len = 0;
        debar_buf_printf(&e->room, "%s%.*s", name, (int) (key.len - host),
                         key.data + host);

        memset(f, 0, sizeof(f));
        f[0] = debar_str("permit", 6);
        f[1] = debar_str(e->room.data, e->room.len);
        f[2] = p->sha256.len || p->product.len ? debar_str("one file", 8)
               : p->subdomains ? debar_str("and below", 9)
               : debar_str("exact", 5);
        f[3] = debar_list_entry_id(e->list, p->entry);
        f[4] = debar_list_entry_name(e->list, p->entry);
        f[10] = debar_export_text(e, p->why);
        debar_csv_put(&e->out, ',', f, 11);
    }
}


const debar_export_format_t  debar_export_suricata = {
    .name = "suricata",
    .comment = "#",
    .cannot = "Suricata sees names in DNS, TLS and HTTP, URLs in the clear, "
              "and addresses; numbers of rules are of this file alone.",
    .host = debar_suricata_host,
    .literal = debar_suricata_ip,
    .url = debar_suricata_url,
    .network = debar_suricata_network
};

const debar_export_format_t  debar_export_stix = {
    .name = "stix",
    .begin = debar_stix_begin,
    .host = debar_stix_host,
    .literal = debar_stix_literal,
    .url = debar_stix_url,
    .network = debar_stix_network,
    .id = debar_stix_sha256,
    .end = debar_stix_end
};

const debar_export_format_t  debar_export_csv = {
    .name = "csv",
    .begin = debar_csv_begin,
    .literal = debar_csv_host,
    .url = debar_csv_url,
    .network = debar_csv_network,
    .id = debar_csv_id,
    .end = debar_csv_end
};

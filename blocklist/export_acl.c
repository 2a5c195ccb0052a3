/*
 * Exports for proxies and firewalls: a fragment of squid.conf, and the three
 * kinds of external dynamic lists of PAN-OS.
 */

#include <stdio.h>

#include "export_private.h"


#define DEBAR_SQUID_LEVELS  8


/* --- Squid ---------------------------------------------------------------- */

/*
 * Within one ACL ".a.example" and "b.a.example" must not stand together, so
 * blocks inside of holes have ACLs of their own: hosts and holes of a level.
 */

static void
debar_squid_acl(debar_export_t *e, const char *acl, unsigned level,
    const char *name, unsigned host, unsigned below)
{
    if (host && below) {
        debar_export_put(e, "acl %s%u dstdomain .%s\n", acl, level, name);

    } else if (host) {
        debar_export_put(e, "acl %s%u dstdomain %s\n", acl, level, name);
    }
}


/* A canonical byte of a path, as it may be sent. */

static void
debar_squid_byte(debar_export_t *e, uint8_t c)
{
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')
        || (c >= 'A' && c <= 'Z') || memchr("/-_~", c, 4))
    {
        debar_buf_add(&e->out, &c, 1);

    } else if (c == '.') {
        debar_export_put(e, "\\.");

    } else if (c > 0x20 && c < 0x7f && !memchr("\"'#%\\", c, 5)) {
        debar_export_put(e, "([%s%c]|%%%02x)", c == '^' ? "\\" : "", c, c);

    } else {
        debar_export_put(e, "%%%02x", c);
    }
}


static void
debar_squid_url_acl(debar_export_t *e, const char *acl, const char *host,
    debar_str_t path)
{
    size_t       i;
    const char  *p;

    debar_export_put(e, "acl %s url_regex -i ^([a-z]+://)?([^/@]*@)?", acl);

    if (strchr(host, ':')) {
        debar_export_put(e, "\\[");
    }

    for (p = host; *p; p++) {
        debar_export_put(e, *p == '.' ? "\\." : "%c", *p);
    }

    debar_export_put(e, "%s\\.?(:[0-9]*)?", strchr(host, ':') ? "\\]" : "");

    for (i = 0; i < path.len; i++) {
        debar_squid_byte(e, (uint8_t) path.data[i]);
    }
}


static void
debar_squid_url(debar_export_t *e, const char *host, debar_str_t path,
    uint32_t rule)
{
    if (path.len == 1) {
        path.len = 0;
    }

    debar_squid_url_acl(e, "debar_url", host, path);
    debar_export_put(e, "([/?]|$)\n");
}


static void
debar_squid_literal(debar_export_t *e, const char *name, uint32_t rule)
{
    debar_squid_url_acl(e, "debar_url", name, debar_str("", 0));
    debar_export_put(e, "([/?]|$)\n");
}


static void
debar_squid_permit(debar_export_t *e, const debar_export_permit_t *p,
    const char *host)
{
    unsigned     all;
    debar_str_t  path;

    path = debar_str(p->key.data + p->host_len, p->key.len - p->host_len);

    if (path.len == 0 || memchr(path.data, '?', path.len)) {
        return;
    }

    all = path.len >= 2 && memcmp(path.data + path.len - 2, "/*", 2) == 0;
    path.len -= all ? 2 : 0;

    debar_squid_url_acl(e, "debar_permit", host, path);
    debar_export_put(e, all ? "([/?]|$)\n" : "$\n");
}


static void
debar_squid_host(debar_export_t *e, const debar_export_node_t *n)
{
    size_t  i;

    if (n->level >= DEBAR_SQUID_LEVELS) {
        e->info->left[DEBAR_LEFT_EXCEPT]++;
        return;
    }

    if (n->above) {
        if (!n->below) {
            debar_squid_acl(e, "debar_hole", n->level, n->name, 1, 1);

        } else if (!n->host) {
            debar_squid_acl(e, "debar_hole", n->level, n->name, 1, 0);
        }

        if (n->host && !n->below && n->level + 1 < DEBAR_SQUID_LEVELS) {
            debar_squid_acl(e, "debar_host", n->level + 1, n->name, 1, 0);
        }

    } else if (n->below) {
        debar_squid_acl(e, "debar_host", n->level, n->name, 1, 1);

        if (!n->host) {
            debar_squid_acl(e, "debar_hole", n->level, n->name, 1, 0);
        }

    } else {
        debar_squid_acl(e, "debar_host", n->level, n->name, n->host, 0);
    }

    /* URLs that are permitted on a host that is not */

    for (i = 0; n->host && !n->host_url && i < n->npermits; i++) {
        debar_squid_permit(e, &e->permits[n->permit + i], n->name);
    }
}


static void
debar_squid_network(debar_export_t *e, const uint8_t addr[16], unsigned bits,
    uint32_t rule)
{
    char  cidr[64];

    debar_export_cidr(cidr, addr, bits);
    debar_export_put(e, "acl debar_dst dst %s\n", cidr);
}


/* An ACL has to have a value: names that cannot be.  -n: addresses are not
 * asked for the names that somebody gave them. */

static void
debar_squid_begin(debar_export_t *e)
{
    unsigned  i;

    debar_export_put(e,
        "# Put `include FILE` before the first http_access of squid.conf.\n"
        "# Inside of CONNECT Squid sees URLs only where it bumps.\n\n");

    for (i = 0; i < DEBAR_SQUID_LEVELS; i++) {
        debar_export_put(e, "acl debar_host%u dstdomain -n none%u.invalid\n"
                         "acl debar_hole%u dstdomain -n none%u.invalid\n",
                         i, i, i, i);
    }

    debar_export_put(e, "acl debar_url url_regex -i ^none://none\\.invalid/\n"
                     "acl debar_permit url_regex -i ^none://none\\.invalid/\n"
                     "acl debar_dst dst 255.255.255.255/32\n");
}


static void
debar_squid_end(debar_export_t *e)
{
    unsigned  i;

    debar_export_put(e, "\n# cheap ones first; the last asks DNS\n\n");

    for (i = DEBAR_SQUID_LEVELS; i-- > 0; /* void */ ) {
        debar_export_put(e, "http_access deny debar_host%u !debar_hole%u "
                         "!debar_permit\n", i, i);
    }

    debar_export_put(e, "http_access deny debar_url !debar_permit\n"
                     "http_access deny debar_dst !debar_permit\n");
}


/* --- PAN-OS --------------------------------------------------------------- */

static void
debar_edl_below(debar_export_t *e, const debar_export_node_t *n,
    const char *end)
{
    if (n->host) {
        debar_export_put(e, "%s%s\n", n->name, end);
    }

    if (!n->below) {
        return;
    }

    if (n->nexcepts) {
        e->info->left[DEBAR_LEFT_EXCEPT]++;

    } else {
        debar_export_put(e, "*.%s%s\n", n->name, end);
    }
}


static void
debar_edl_domain(debar_export_t *e, const debar_export_node_t *n)
{
    debar_edl_below(e, n, "");
}


/* Without a slash at the end "a.example" would be "a.example.net", too. */

static void
debar_edl_host(debar_export_t *e, const debar_export_node_t *n)
{
    debar_edl_below(e, n, "/");
}


static void
debar_edl_url(debar_export_t *e, const char *host, debar_str_t path,
    uint32_t rule)
{
    size_t       i, from;
    uint8_t      c;
    const char  *open = strchr(host, ':') ? "[" : "";
    const char  *shut = strchr(host, ':') ? "]" : "";

    if (path.len == 1) {
        debar_export_put(e, "%s%s%s/\n", open, host, shut);
        return;
    }

    from = e->out.len;
    debar_export_put(e, "%s%s%s", open, host, shut);

    for (i = 0; i < path.len; i++) {
        c = (uint8_t) path.data[i];

        /* "*" and "^" are wildcards */

        if (c <= 0x20 || c >= 0x7f || strchr("*^%\"<>#\\{}|`", c)) {
            debar_export_put(e, "%%%02X", c);
        } else {
            debar_buf_add(&e->out, &c, 1);
        }
    }

    debar_buf_add(&e->room, e->out.data + from, e->out.len - from);
    debar_export_put(e, "/\n%.*s/*\n", (int) e->room.len, e->room.data);
    e->room.len = 0;
}


static void
debar_edl_literal_url(debar_export_t *e, const char *name, uint32_t rule)
{
    debar_edl_url(e, name, debar_str("/", 1), rule);
}


static void
debar_edl_literal_ip(debar_export_t *e, const char *name, uint32_t rule)
{
    debar_export_put(e, "%s\n", name);
}


static void
debar_edl_network(debar_export_t *e, const uint8_t addr[16], unsigned bits,
    uint32_t rule)
{
    char  cidr[64];

    debar_export_cidr(cidr, addr, bits);
    debar_export_put(e, "%s\n", cidr);
}


const debar_export_format_t  debar_export_squid = {
    .name = "squid",
    .comment = "#",
    .cannot = "Squid sees hosts, URLs and addresses: no downloads, no orders, "
              "no names in what is sent.",
    .begin = debar_squid_begin,
    .host = debar_squid_host,
    .literal = debar_squid_literal,
    .url = debar_squid_url,
    .network = debar_squid_network,
    .end = debar_squid_end,
    .urls = 1
};

const debar_export_format_t  debar_export_edl_domain = {
    .name = "edl-domain",
    .comment = "#",
    .cannot = "A domain list has names and *.names, and no exceptions. "
              "Switch \"expand to include subdomains\" off.",
    .host = debar_edl_domain,
    .every = 1
};

const debar_export_format_t  debar_export_edl_url = {
    .name = "edl-url",
    .comment = "#",
    .cannot = "A URL list has hosts and paths, and no exceptions; inside of "
              "TLS paths are seen where it is decrypted.",
    .host = debar_edl_host,
    .literal = debar_edl_literal_url,
    .url = debar_edl_url,
    .every = 1
};

const debar_export_format_t  debar_export_edl_ip = {
    .name = "edl-ip",
    .comment = "#",
    .cannot = "An IP list has addresses and networks, and nothing else.",
    .literal = debar_edl_literal_ip,
    .network = debar_edl_network
};

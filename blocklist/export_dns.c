/*
 * Exports for resolvers: response policy zones (draft-vixie-dnsop-dns-rpz, as
 * BIND and Unbound read them) and hosts files (hosts(5)).
 */

#include "export_private.h"


static const char *
debar_rpz_zone(const debar_export_t *e)
{
    return e->opts->zone ? e->opts->zone : "debar.rpz";
}


static void
debar_rpz_begin(debar_export_t *e)
{
    debar_export_put(e, "$ORIGIN %s.\n$TTL 300\n"
                     "@ SOA localhost. hostmaster.localhost. %u 3600 600 "
                     "604800 300\n@ NS localhost.\n", debar_rpz_zone(e),
                     (unsigned) (uint32_t) e->list->meta->serial);
}


/*
 * The host and what is below it have a record each.  Where neither it nor a
 * wider one blocks there is none; a hole in a wider one is passed through.
 */

static void
debar_rpz_host(debar_export_t *e, const debar_export_node_t *n)
{
    const char  *target;

    if (strlen(n->name) + strlen(debar_rpz_zone(e)) + 3 > DEBAR_MAX_HOST) {
        e->info->left[DEBAR_LEFT_LONG]++;
        return;
    }

    target = e->opts->target ? e->opts->target : ".";

    if (n->host || n->above) {
        debar_export_put(e, "%s CNAME %s\n", n->name,
                         n->host ? target : "rpz-passthru.");
    }

    if (n->below || n->above) {
        debar_export_put(e, "*.%s CNAME %s\n", n->name,
                         n->below ? target : "rpz-passthru.");
    }
}


/* "24.0.2.0.192.rpz-ip", "32.zz.db8.2001.rpz-ip" */

static void
debar_rpz_network(debar_export_t *e, const uint8_t addr[16], unsigned bits,
    uint32_t rule)
{
    int      i, best, run, zeros, at;
    unsigned w[8];

    if (debar_addr_is_v4(addr) && bits >= 96) {
        debar_export_put(e, "%u.%u.%u.%u.%u.rpz-ip", bits - 96, addr[15],
                         addr[14], addr[13], addr[12]);

    } else {
        for (i = 0; i < 8; i++) {
            w[i] = (unsigned) addr[2 * i] << 8 | addr[2 * i + 1];
        }

        /* the longest run of zeros, from the right as it is written */

        for (best = -1, run = 1, i = 0; i < 8; i++) {
            for (zeros = 0; i + zeros < 8 && w[i + zeros] == 0; zeros++) {
                /* void */
            }

            if (zeros > run) {
                best = i;
                run = zeros;
            }
        }

        debar_export_put(e, "%u", bits);

        for (i = 7; i >= 0; i--) {
            at = best >= 0 && i >= best && i < best + run;

            if (!at) {
                debar_export_put(e, ".%x", w[i]);

            } else if (i == best) {
                debar_export_put(e, ".zz");
            }
        }

        debar_export_put(e, ".rpz-ip");
    }

    debar_export_put(e, " CNAME %s\n",
                     e->opts->target ? e->opts->target : ".");
}


/* --- hosts ---------------------------------------------------------------- */

/* Without the second line a resolver goes on to ask for AAAA. */

static void
debar_hosts_host(debar_export_t *e, const debar_export_node_t *n)
{
    if (n->host) {
        debar_export_put(e, "0.0.0.0 %s\n:: %s\n", n->name, n->name);
    }

    if (n->below) {
        e->info->left[DEBAR_LEFT_BELOW]++;
    }
}


const debar_export_format_t  debar_export_rpz = {
    .name = "rpz",
    .comment = ";",
    .cannot = "A response policy zone sees names and addresses: no URLs, no "
              "downloads, no orders.",
    .begin = debar_rpz_begin,
    .host = debar_rpz_host,
    .network = debar_rpz_network,
    .dense = 1
};

const debar_export_format_t  debar_export_hosts = {
    .name = "hosts",
    .comment = "#",
    .cannot = "A hosts file has names one by one: no wildcards, addresses, "
              "URLs, downloads or orders.",
    .host = debar_hosts_host,
    .every = 1
};

/*
 * A difference of two lists as words, JSON and a page.
 */

#include "diff.h"

#include <arpa/inet.h>
#include <stdio.h>


typedef struct {
    const char  *name;            /* in JSON */
    const char  *one;
    const char  *many;
} debar_what_t;


static const debar_what_t  debar_whats[DEBAR_DIFF_WHATS] = {
    [DEBAR_KIND_NAME] = { NULL, "name", "names" },
    [DEBAR_KIND_PRODUCT_NAME] = { NULL, "product name", "product names" },
    [DEBAR_KIND_HOST] = { NULL, "host", "hosts" },
    [DEBAR_KIND_URL] = { NULL, "URL", "URLs" },
    [DEBAR_KIND_NETWORK] = { NULL, "network", "networks" },
    [DEBAR_KIND_ASN] = { NULL, "autonomous system", "autonomous systems" },
    [DEBAR_KIND_COUNTRY] = { NULL, "country", "countries" },
    [DEBAR_KIND_FILE] = { NULL, "file name", "file names" },
    [DEBAR_KIND_SHA256] = { NULL, "file digest", "file digests" },
    [DEBAR_KIND_SIGNER] = { NULL, "code signer", "code signers" },
    [DEBAR_KIND_CERTIFICATE_ORGANIZATION] =
        { NULL, "certificate organization", "certificate organizations" },
    [DEBAR_KIND_PACKAGE] = { NULL, "package", "packages" },
    [DEBAR_KIND_PART_NUMBER] = { NULL, "part number", "part numbers" },
    [DEBAR_KIND_GTIN] = { NULL, "GTIN", "GTINs" },
    [DEBAR_KIND_UEI] = { NULL, "UEI", "UEIs" },
    [DEBAR_KIND_CAGE] = { NULL, "CAGE code", "CAGE codes" },
    [DEBAR_DIFF_NOT_NAME] = { "not-name", "name that is someone else's",
                              "names that are someone else's" },
    [DEBAR_DIFF_VENDOR] = { "vendor", NULL, NULL },
    [DEBAR_DIFF_AUTHORITY] = { "authority", NULL, NULL },
    [DEBAR_DIFF_PHASE] = { "phase", NULL, NULL },
    [DEBAR_DIFF_PERMIT] = { "permit", NULL, NULL },
    [DEBAR_DIFF_WAIVER] = { "waiver", NULL, NULL },
    [DEBAR_DIFF_PRODUCT] = { "product", NULL, NULL },
    [DEBAR_DIFF_CHANNEL] = { "channel", "rule", "rules" },
    [DEBAR_DIFF_LIST] = { "list", NULL, NULL },
};


const char *
debar_effect_name(unsigned effect)
{
    static const char *const  names[] = {
        "looser", "other", "stricter", "none"
    };

    return effect < DEBAR_EFFECTS ? names[effect] : "?";
}


const char *
debar_effect_heading(unsigned effect)
{
    static const char *const  names[] = {
        "No longer blocked, or less",
        "Changed in another way",
        "Newly blocked, or more",
        "No effect on what is blocked"
    };

    return effect < DEBAR_EFFECTS ? names[effect] : "?";
}


const char *
debar_diff_how_name(unsigned how)
{
    static const char *const  names[] = { "removed", "changed", "added" };

    return how <= DEBAR_DIFF_ADDED ? names[how] : "?";
}


const char *
debar_diff_what_name(unsigned what)
{
    if (what < DEBAR_KINDS) {
        return debar_kind_name(what);
    }

    return what < DEBAR_DIFF_WHATS ? debar_whats[what].name : "?";
}


/* --- keys ---------------------------------------------------------------- */

static void
debar_host_words(debar_buf_t *b, const uint8_t *key, size_t len)
{
    size_t  end, at;

    if (len && key[0] == '=') {
        debar_buf_add(b, key + 1, len - 1);
        return;
    }

    /* the last label comes first: each ends with a dot */

    for (end = len; end; end = at) {
        for (at = end - 1; at && key[at - 1] != '.'; at--) { /* void */ }

        debar_buf_add(b, key + at, end - at - 1);

        if (at) {
            debar_buf_add(b, ".", 1);
        }
    }
}


static void
debar_network_words(debar_buf_t *b, const uint8_t *key)
{
    char                  text[INET6_ADDRSTRLEN];
    static const uint8_t  mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255,
                                         255 };

    if (key[16] >= 96 && memcmp(key, mapped, sizeof(mapped)) == 0) {
        (void) inet_ntop(AF_INET, key + 12, text, sizeof(text));
        debar_buf_printf(b, "%s/%u", text, key[16] - 96u);
        return;
    }

    (void) inet_ntop(AF_INET6, key, text, sizeof(text));
    debar_buf_printf(b, "%s/%u", text, key[16]);
}


void
debar_key_words(debar_buf_t *b, unsigned db, const uint8_t *key, size_t len)
{
    size_t          i;
    const uint8_t  *slash;

    switch (db) {
    case DEBAR_DB_HOST:
        debar_host_words(b, key, len);
        return;

    case DEBAR_DB_URL:
        slash = memchr(key, '/', len);
        i = slash ? (size_t) (slash - key) : len;
        debar_host_words(b, key, i);
        debar_buf_add(b, key + i, len - i);
        return;

    case DEBAR_DB_NETWORK:
        if (len == 17) {
            debar_network_words(b, key);
            return;
        }

        break;

    case DEBAR_DB_ASN:
        if (len == 4) {
            debar_buf_printf(b, "AS%u", (unsigned) key[0] << 24
                                        | (unsigned) key[1] << 16
                                        | (unsigned) key[2] << 8 | key[3]);
            return;
        }

        break;

    case DEBAR_DB_ID:
        if (len && key[0] != DEBAR_KIND_SHA256) {
            debar_buf_add(b, key + 1, len - 1);
            return;
        }

        key += len != 0;
        len -= len != 0;
        break;
    }

    for (i = 0; i < len; i++) {
        debar_buf_printf(b, "%02x", key[i]);
    }
}


/* --- words --------------------------------------------------------------- */

static int
debar_group_whole(const debar_diff_group_t *g)
{
    return debar_whats[g->what].one == NULL;
}


/* Controls are shown, so that a list cannot drive a reader's terminal. */

static void
debar_words_put(debar_buf_t *b, const char *text)
{
    const unsigned char  *p = (const unsigned char *) text;

    for ( /* void */ ; *p; p++) {
        if (*p < 0x20 || *p == 0x7f) {
            debar_buf_printf(b, "\\x%02x", *p);

        } else if (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0) {
            debar_buf_printf(b, "\\x%02x", *++p);

        } else {
            debar_buf_add(b, p, 1);
        }
    }
}


/* "2 hosts added to acme" */

static void
debar_group_words(debar_buf_t *b, const debar_diff_group_t *g)
{
    const char                *whose;
    const debar_what_t        *w;
    static const char *const   to[] = { "removed from", "of", "added to" };

    w = &debar_whats[g->what];
    whose = *g->vendor ? g->vendor
            : g->what == DEBAR_DIFF_CHANNEL ? "the channels"
            : "further vendors";

    debar_buf_printf(b, "%llu %s %s ", (unsigned long long) g->count,
                     g->count == 1 ? w->one : w->many, to[g->how]);
    debar_words_put(b, whose);

    if (g->how == DEBAR_DIFF_CHANGED) {
        debar_buf_printf(b, " changed");
    }
}


static void
debar_row_words(debar_buf_t *b, const debar_diff_row_t *r)
{
    debar_words_put(b, r->text);

    if (*r->note) {
        debar_buf_printf(b, " (");
        debar_words_put(b, r->note);
        debar_buf_printf(b, ")");
    }
}


void
debar_diff_sentence(debar_buf_t *b, const debar_diff_group_t *g, size_t row,
    size_t show)
{
    size_t  i;

    if (debar_group_whole(g)) {
        if (row < g->nrows) {
            debar_words_put(b, g->rows[row].text);
        }

        return;
    }

    debar_group_words(b, g);

    for (i = row; i < g->nrows && i - row < show; i++) {
        debar_buf_printf(b, i == row ? ": " : ", ");
        debar_row_words(b, &g->rows[i]);
    }

    if (i < g->count) {
        debar_buf_printf(b, " and %llu more",
                         (unsigned long long) (g->count - i));
    }
}


/* Lines of a group: one of many rows, or one of each. */

static size_t
debar_group_lines(const debar_diff_group_t *g)
{
    return debar_group_whole(g) ? g->nrows : 1;
}


void
debar_diff_text(debar_buf_t *b, const debar_diff_t *d, size_t show)
{
    size_t                     i, k;
    unsigned                   effect;
    const debar_diff_group_t  *g;

    if (debar_diff_same(d)) {
        debar_buf_printf(b, "The lists say the same.\n");
        return;
    }

    for (effect = DEBAR_EFFECTS, i = 0; i < d->n; i++) {
        g = &d->groups[i];

        if (g->effect != effect) {
            debar_buf_printf(b, "%s%s\n", i ? "\n" : "",
                             debar_effect_heading(g->effect));
            effect = g->effect;
        }

        for (k = 0; k < debar_group_lines(g); k++) {
            debar_buf_printf(b, "  ");
            debar_diff_sentence(b, g, k, show ? show : g->nrows);
            debar_buf_printf(b, "\n");
        }

        if (debar_group_whole(g) && g->count > g->nrows) {
            debar_buf_printf(b, "  and %llu more of %s\n",
                             (unsigned long long) (g->count - g->nrows),
                             *g->vendor ? g->vendor : "the list");
        }
    }
}


/* --- JSON ---------------------------------------------------------------- */

static void
debar_json_side(debar_buf_t *b, const debar_diff_t *d, unsigned k)
{
    debar_buf_printf(b, "{\"serial\":%llu,\"digest\":\"%s\",\"title\":",
                     (unsigned long long) d->serial[k], d->digest[k]);
    debar_buf_json(b, d->title[k], strlen(d->title[k]));
    debar_buf_printf(b, "}");
}


static void
debar_json_group(debar_buf_t *b, const debar_diff_group_t *g)
{
    size_t  i;

    debar_buf_printf(b, "{\"effect\":\"%s\",\"how\":\"%s\",\"what\":\"%s\"",
                     debar_effect_name(g->effect), debar_diff_how_name(g->how),
                     debar_diff_what_name(g->what));

    if (*g->vendor) {
        debar_buf_printf(b, ",\"vendor\":");
        debar_buf_json(b, g->vendor, strlen(g->vendor));
    }

    debar_buf_printf(b, ",\"count\":%llu,\"rows\":[",
                     (unsigned long long) g->count);

    for (i = 0; i < g->nrows; i++) {
        debar_buf_printf(b, "%s{\"text\":", i ? "," : "");
        debar_buf_json(b, g->rows[i].text, strlen(g->rows[i].text));

        if (*g->rows[i].note) {
            debar_buf_printf(b, ",\"note\":");
            debar_buf_json(b, g->rows[i].note, strlen(g->rows[i].note));
        }

        debar_buf_printf(b, "}");
    }

    debar_buf_printf(b, "]}");
}


void
debar_lines_json(debar_buf_t *b, const debar_buf_t *text, size_t max)
{
    size_t       n;
    const char  *p, *end, *nl;

    debar_buf_printf(b, ",\"words\":[");
    p = text->data;
    end = p + text->len;

    for (n = 0; p < end && n < max; p = nl + 1) {
        nl = memchr(p, '\n', (size_t) (end - p));
        nl = nl ? nl : end;

        if (nl > p) {
            debar_buf_printf(b, "%s", n++ ? "," : "");
            debar_buf_json(b, p, (size_t) (nl - p));
        }
    }

    if (p < end) {
        debar_buf_printf(b, ",\"and more, which the command itself shows\"");
    }

    debar_buf_printf(b, "]");
}


void
debar_diff_json(debar_buf_t *b, const debar_diff_t *d)
{
    size_t       i;
    unsigned     k;
    debar_buf_t  text;

    debar_buf_printf(b, "{\"format\":\"debar-diff-1\",\"from\":");
    debar_json_side(b, d, 0);
    debar_buf_printf(b, ",\"to\":");
    debar_json_side(b, d, 1);
    debar_buf_printf(b, ",\"same\":%s,\"counts\":{",
                     debar_diff_same(d) ? "true" : "false");

    for (k = 0; k < DEBAR_EFFECTS; k++) {
        debar_buf_printf(b, "%s\"%s\":%llu", k ? "," : "",
                         debar_effect_name(k),
                         (unsigned long long) d->counts[k]);
    }

    debar_buf_printf(b, "},\"changes\":[");

    for (i = 0; i < d->n; i++) {
        debar_buf_printf(b, "%s", i ? "," : "");
        debar_json_group(b, &d->groups[i]);
    }

    debar_buf_printf(b, "]");
    memset(&text, 0, sizeof(debar_buf_t));
    debar_diff_text(&text, d, DEBAR_DIFF_SHOWN);
    debar_lines_json(b, &text, DEBAR_DIFF_WORDS);
    debar_buf_free(&text);
    debar_buf_printf(b, "}\n");
}


/* --- a page -------------------------------------------------------------- */

void
debar_html_text(debar_buf_t *b, const char *data, size_t len)
{
    size_t         i;
    unsigned char  c;

    for (i = 0; i < len; i++) {
        c = (unsigned char) data[i];

        switch (c) {
        case '&':
            debar_buf_printf(b, "&amp;");
            break;
        case '<':
            debar_buf_printf(b, "&lt;");
            break;
        case '>':
            debar_buf_printf(b, "&gt;");
            break;
        case '"':
            debar_buf_printf(b, "&quot;");
            break;
        case '\'':
            debar_buf_printf(b, "&#39;");
            break;
        default:
            if (c < 0x20 || c == 0x7f) {
                debar_buf_printf(b, "\\x%02x", c);

            } else {
                debar_buf_add(b, &data[i], 1);
            }
        }
    }
}


static const char  debar_html_head[] =
    "<!DOCTYPE html>\n"
    "<html lang=\"en\">\n"
    "<head>\n"
    "<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, "
    "initial-scale=1\">\n"
    "<title>What changes in the list</title>\n"
    "<style>\n"
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;"
    "padding:0 1rem;color:#111;background:#fff}\n"
    "table{border-collapse:collapse}th,td{border:1px solid #767676;"
    "padding:.3rem .6rem;text-align:left;overflow-wrap:anywhere}\n"
    "li{overflow-wrap:anywhere}\n"
    ".looser{border-left:.4rem solid #a40000;padding-left:1rem}\n"
    ".stricter{border-left:.4rem solid #00508a;padding-left:1rem}\n"
    ".other,.none{border-left:.4rem solid #595959;padding-left:1rem}\n"
    "@media print{body{margin:0;max-width:none}section{break-inside:auto}"
    "h2{break-after:avoid}li{break-inside:avoid}}\n"
    "</style>\n"
    "</head>\n"
    "<body>\n"
    "<main>\n"
    "<h1>What changes in the list</h1>\n";


static void
debar_html_sides(debar_buf_t *b, const debar_diff_t *d)
{
    unsigned  k;

    debar_buf_printf(b, "<table>\n<caption>The lists compared</caption>\n"
                     "<thead><tr><th scope=\"col\">List</th><th scope=\"col\">"
                     "Serial</th><th scope=\"col\">Title</th><th scope="
                     "\"col\">Digest</th></tr></thead>\n<tbody>\n");

    for (k = 0; k < 2; k++) {
        debar_buf_printf(b, "<tr><th scope=\"row\">%s</th><td>%llu</td><td>",
                         k ? "New" : "Old", (unsigned long long) d->serial[k]);
        debar_html_text(b, d->title[k], strlen(d->title[k]));
        debar_buf_printf(b, "</td><td><code>%s</code></td></tr>\n",
                         d->digest[k]);
    }

    debar_buf_printf(b, "</tbody>\n</table>\n");
}


static void
debar_html_group(debar_buf_t *b, const debar_diff_group_t *g)
{
    size_t       k;
    debar_buf_t  text;

    memset(&text, 0, sizeof(debar_buf_t));

    for (k = 0; k < debar_group_lines(g); k++) {
        text.len = 0;
        debar_diff_sentence(&text, g, k, debar_group_whole(g) ? 1 : 0);
        debar_buf_printf(b, "<li>");

        if (debar_group_whole(g)) {
            debar_html_text(b, text.data, text.len);
            debar_buf_printf(b, "</li>\n");
            continue;
        }

        text.len = 0;
        debar_group_words(&text, g);
        debar_html_text(b, text.data, text.len);
        debar_buf_printf(b, "\n<ul>\n");

        for (k = 0; k < g->nrows; k++) {
            text.len = 0;
            debar_row_words(&text, &g->rows[k]);
            debar_buf_printf(b, "<li>");
            debar_html_text(b, text.data, text.len);
            debar_buf_printf(b, "</li>\n");
        }

        if (g->count > g->nrows) {
            debar_buf_printf(b, "<li>and %llu more</li>\n",
                             (unsigned long long) (g->count - g->nrows));
        }

        debar_buf_printf(b, "</ul>\n</li>\n");
        break;
    }

    if (debar_group_whole(g) && g->count > g->nrows) {
        debar_buf_printf(b, "<li>and %llu more</li>\n",
                         (unsigned long long) (g->count - g->nrows));
    }

    debar_buf_free(&text);
}


void
debar_diff_html(debar_buf_t *b, const debar_diff_t *d)
{
    size_t    i;
    unsigned  effect;

    debar_buf_add(b, debar_html_head, sizeof(debar_html_head) - 1);
    debar_html_sides(b, d);

    if (debar_diff_same(d)) {
        debar_buf_printf(b, "<p>The lists say the same.</p>\n");
    }

    for (effect = DEBAR_EFFECTS, i = 0; i < d->n; i++) {
        if (d->groups[i].effect != effect) {
            debar_buf_printf(b, "%s", i ? "</ul>\n</section>\n" : "");
            effect = d->groups[i].effect;
            debar_buf_printf(b, "<section class=\"%s\" aria-labelledby=\"%s\">"
                             "\n<h2 id=\"%s\">%s (%llu)</h2>\n<ul>\n",
                             debar_effect_name(effect),
                             debar_effect_name(effect),
                             debar_effect_name(effect),
                             debar_effect_heading(effect),
                             (unsigned long long) d->counts[effect]);
        }

        debar_html_group(b, &d->groups[i]);
    }

    debar_buf_printf(b, "%s</main>\n</body>\n</html>\n",
                     i ? "</ul>\n</section>\n" : "");
}

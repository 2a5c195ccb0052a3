/*
 * Guard rails of a list: rows that would refuse half of the web, a word of
 * everybody's, or the page of the law that they rest on.  A part of the source
 * reader (source.h, debar_source_read_guarded()).
 *
 * Refused, unless the row says forced: "why":
 *   - a host that is a public suffix (publicsuffix.org), one of the sites of
 *     data/guard/top-sites.txt, or above one; a URL that is all of such a host;
 *     an expression for hosts that fits one of the first of them;
 *   - a name of fewer than four letters (Han, kana, hangul: two), of fewer than
 *     six digits alone, that is one of data/guard/common-words.txt, that has
 *     none but very common words, or that is found inside of one ("anywhere");
 *   - a network wider than /16, of IPv6 wider than /32;
 *   - an ASN of data/guard/big-networks.txt;
 *   - what would refuse to browse the page of an authority in force ("url"), or
 *     anything of "keep-open" in list.yaml: by a phase of today or later, and
 *     without a permit of the same vendor.
 *
 * Matching is by the keys and tokens of the list itself; no name is resolved.
 */

#ifndef DEBAR_GUARD_H
#define DEBAR_GUARD_H

#include "source_private.h"


/* The tables, which are compiled in.  now: epoch seconds. */

debar_guard_t *debar_guard_new(int64_t now);
void debar_guard_free(debar_guard_t *g);

/*
 * A page that stays open: its URL, or its host alone.  what names it in errors
 * ("the page of far-52.204-23").  DEBAR_ERROR: *why; it cannot be kept.
 */

int debar_guard_open(debar_guard_t *g, const char *what, const char *url,
    size_t len, debar_fault_t *why);

/* What authorities do from now on: once, when list.yaml has been read. */

void debar_guard_phases(debar_guard_t *g, const debar_source_t *src);

/*
 * Whether a value that was read may stand in a list.  DEBAR_ERROR: *why says
 * what it would do, and not how to keep it.  Pure, and so for any thread, as
 * long as no table of src grows meanwhile.
 */

int debar_guard_value(const debar_guard_t *g, const debar_source_t *src,
    const debar_value_t *v, const char *written, size_t len,
    debar_fault_t *why);


/* Tables compiled in, made by embed.sh from data/guard/. */

extern const debar_shipped_t  debar_shipped_guard[];      /* last: name NULL */


#endif /* DEBAR_GUARD_H */

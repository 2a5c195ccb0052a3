/*
 * URLs and request targets: RFC 3986, RFC 9112 s.3.2.  Pure, no allocation.
 */

#ifndef DEBAR_URL_H
#define DEBAR_URL_H

#include "host.h"


#define DEBAR_MAX_PATH  4096      /* canonical path; a longer one is cut and
                                     said so */

/* "scheme://authority/path?query#fragment" into raw pieces; scheme empty and
 * authority empty for origin-form.  Never fails: what is not there is empty. */

typedef struct {
    debar_str_t  scheme;
    debar_str_t  authority;
    debar_str_t  path;            /* from the "/", raw; may be empty */
    debar_str_t  query;           /* behind the "?", raw; data NULL: none */
    debar_str_t  fragment;
} debar_url_parts_t;

void debar_url_split(debar_url_parts_t *u, const char *data, size_t len);

/*
 * Canonical path: percent-decoding to a fixed point (text.h), backslashes as
 * slashes, empty and "." segments removed, ".." taken back, ";parameters" of
 * segments removed, case folded, no slash at the end; "/" for none.
 *
 * DEBAR_PATH_ODD is set where servers may differ about what was meant (encoded
 * slashes or dots, double encoding, backslash, parameters, controls, overlong
 * UTF-8, cut): a permit does not apply to such a path.
 */

#define DEBAR_PATH_ODD  1
#define DEBAR_PATH_CUT  2

size_t debar_url_path(char *out, size_t size, const char *path, size_t len,
    unsigned *flags);

/*
 * The pairs of a query or form, split at "&" and ";" is not a separator.
 * Start with *pos 0; DEBAR_OK and raw key and value (value.data NULL: no "="),
 * or DEBAR_DECLINED at the end.
 */

int debar_url_pair(const char *query, size_t len, size_t *pos,
    debar_str_t *key, debar_str_t *value);

/* Canonical query for listed URLs: decoded pairs "key=value", case folded,
 * sorted, joined by "&". */

size_t debar_url_query(char *out, size_t size, const char *query, size_t len,
    unsigned *flags);


#endif /* DEBAR_URL_H */

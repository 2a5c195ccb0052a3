/*
 * Where an answer leads: the references of Location and Refresh fields and of
 * <meta http-equiv=refresh>, read as browsers read them (URL Standard s.4.4,
 * HTML s.4.2.5.3).
 *
 * Bytes in, values out.  No allocation.
 */

#ifndef DEBAR_REDIRECT_H
#define DEBAR_REDIRECT_H

#include "judge.h"


#define DEBAR_REDIRECT  4096      /* bytes of a reference that are looked at */

typedef struct {
    debar_str_t  scheme;          /* "http", "https", "ftp"; empty: as the
                                     request's */
    debar_str_t  authority;       /* raw: whoever judges it reads it in every
                                     way */
    debar_str_t  target;          /* path and query, from its "/" on */
} debar_redirect_t;

/*
 * A reference that names a host.  scheme is the request's, "http" or "https";
 * buf, of DEBAR_REDIRECT + 1 bytes, holds what *to points to: white space at
 * both ends and tabs and line ends within are gone, backslashes of a path are
 * slashes, a fragment is left out.  DEBAR_DECLINED: it stays with the origin, or
 * is none of the web.
 */

int debar_redirect(debar_str_t reference, debar_str_t scheme, char *buf,
    debar_redirect_t *to);

/*
 * reference as it reads behind base, which <base href> gives; buf has room for
 * it.  Without a base that names a host, or where it names one itself, it is
 * what it was.
 */

debar_str_t debar_redirect_join(debar_str_t base, debar_str_t reference,
    char *buf, size_t size);

/*
 * The URL in the value of a Refresh field or of a meta element's content: behind
 * the seconds, with or without "url=", in quotes or not.  DEBAR_DECLINED: there
 * is none.  *url lies in value.
 */

int debar_refresh_value(debar_str_t value, debar_str_t *url);

/*
 * The same for a whole start tag of a meta element, "<meta ...": its attributes
 * in any order, the first of a name counts.  buf, of DEBAR_REDIRECT + 1 bytes,
 * holds the value with its character references undone, and *url lies in it.
 * DEBAR_DECLINED: it is no refresh, or one of the page itself.
 */

int debar_refresh_tag(debar_str_t tag, char *buf, debar_str_t *url);

/*
 * Judges where a reference leads as if the client asked for it next: f is the
 * request that it came to, where is put before what its evidence says
 * ("response:location").  DEBAR_DECLINED: nothing listed, and *v says nothing;
 * what is odd there is refused when it is asked for.  DEBAR_OK: *v is a block.
 */

int debar_judge_redirect(debar_list_t *list, const debar_facts_t *f,
    debar_str_t reference, const char *where, debar_verdict_t *v);

/* The next attribute of a start tag from *pos on, as it stands; 0: no more. */

int debar_tag_attribute(debar_str_t tag, size_t *pos, debar_str_t *name,
    debar_str_t *value);


#endif /* DEBAR_REDIRECT_H */

/*
 * What must not be kept or shown of a request.  Every function takes any bytes,
 * allocates nothing and needs time as they are long.
 */

#ifndef DEBAR_MASK_H
#define DEBAR_MASK_H

#include "debar.h"


/*
 * Puts "***" in place of secrets, and copies the rest.  Secrets are: userinfo
 * before a host; the value of a pair, in a query, a fragment, a path or a form,
 * whose name is that of a secret (secrets.h), also where the pair stands in a
 * percent-encoded URL inside of the value of another; JSON web tokens (RFC
 * 7519), keys as services hand them out, long values that mix cases and digits,
 * and numbers of payment cards, wherever they stand.
 *
 * url: the text is a target of a request (RFC 9112 s.3.2): what stands before
 * an "@" at its beginning is userinfo; else it may be an address of mail.
 * Returns the length written, no more than size.
 */

size_t debar_mask(char *out, size_t size, const char *text, size_t len,
    unsigned url);

/*
 * True if debar_mask() would leave the text as it is, which it finds out a
 * multiple quicker; false says nothing.
 */

int debar_mask_plain(const char *text, size_t len);

/* True if the name of a field says that its value is a secret. */

int debar_mask_name(const char *name, size_t len);


/* What is kept of a URL. */

typedef enum {
    DEBAR_URL_WHOLE = 0,
    DEBAR_URL_PATH,               /* no query, no fragment */
    DEBAR_URL_EVIDENCE,           /* scheme, host and port */
    DEBAR_URL_NONE
} debar_url_kept_e;

/*
 * That much of a URL, or of the "host:port" of CONNECT, with its secrets
 * masked.  What has no host in a form that is known gives nothing for EVIDENCE.
 */

size_t debar_mask_url(char *out, size_t size, const char *url, size_t len,
    debar_url_kept_e kept);


#endif /* DEBAR_MASK_H */

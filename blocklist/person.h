/*
 * What is kept of a person in the audit log: a keyed hash of a name or of an
 * address, or the network of an address.
 */

#ifndef DEBAR_PERSON_H
#define DEBAR_PERSON_H

#include "debar.h"


#define DEBAR_PERSON_TEXT  64     /* bytes of a hash, or of a network */

/*
 * A key, and the hashes that it gave last: few clients send most of the
 * requests.  For one thread.  NULL: no memory, or no HMAC.  key is copied.
 */

typedef struct debar_person_s  debar_person_t;

debar_person_t *debar_person_create(debar_str_t key);
void debar_person_destroy(debar_person_t *p);

/*
 * "h:" and, in hex, the first 16 bytes of HMAC-SHA-256 (RFC 2104) over s, in
 * out; "h:?" if p is NULL or it could not be made.
 */

debar_str_t debar_person_hash(debar_person_t *p, char out[DEBAR_PERSON_TEXT],
    debar_str_t s);

/* "192.0.2.1:80" or "[2001:db8::1]:80" without its port and brackets. */

debar_str_t debar_person_addr(debar_str_t s);

/* Its network, "192.0.2.0/24" or "2001:db8:1::/48"; empty if it is none. */

debar_str_t debar_person_net(char out[DEBAR_PERSON_TEXT], debar_str_t addr);


#endif /* DEBAR_PERSON_H */

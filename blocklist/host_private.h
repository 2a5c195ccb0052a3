/*
 * What the parts of host.h share; for blocklist/host*.c alone.
 */

#ifndef DEBAR_HOST_PRIVATE_H
#define DEBAR_HOST_PRIVATE_H

#include "host.h"


/* Bytes of a host or an authority that are looked at: a name of 253 bytes,
 * percent-encoded twice, has 1265. */

#define DEBAR_HOST_RAW   2048


/* What stands for a byte in a name; 0: not a byte of an ASCII name. */

extern const char  debar_host_byte[256];

/*
 * A name of ASCII without A-labels, or an IPv4 address; DEBAR_DECLINED where
 * there is more to it.  len is not 0.
 */

int debar_host_ascii(debar_host_t *h, const char *data, size_t len,
    const char **why);

/* A name with U-labels or A-labels in UTF-8, not longer than DEBAR_HOST_RAW. */

int debar_host_idna(debar_host_t *h, const char *data, size_t len,
    const char **why);

int debar_host_label(const char *label, size_t len, const char **why);

/* Marks a host ODD; the first reason stays. */

void debar_host_odd(debar_host_t *h, const char *odd);

/* Percent-decoding to a fixed point; out has room for len bytes. */

size_t debar_host_decode(char *out, const char *in, size_t len);


#endif /* DEBAR_HOST_PRIVATE_H */

/*
 * Keys of a snapshot's databases, made from canonical forms by one function
 * each, used by builder and matcher alike.  This is the key space; README.md
 * shows it with examples.
 *
 * Every function writes at most DEBAR_MAX_KEY bytes to out and returns the
 * length, or 0 where the key would be longer.
 *
 *   host      labels reversed, each followed by a dot:
 *             www.example.com -> "com.example.www."; an address literal is
 *             kept whole: "[2001:db8::1]", "192.0.2.1" -> "=2001:db8::1",
 *             "=192.0.2.1" (no label starts with '=')
 *   URL       host key, canonical path, and "?" with sorted pairs if any
 *   network   16 bytes of address (IPv4 as ::ffff:a.b.c.d) with host bits 0,
 *             1 byte of prefix length of 128
 *   ASN       4 bytes, big endian
 *   id        1 byte of debar_kind_e, canonical value
 */

#ifndef DEBAR_KEY_H
#define DEBAR_KEY_H

#include "tables.h"
#include "host.h"


size_t debar_key_host(char *out, const debar_host_t *h);
size_t debar_key_url(char *out, const debar_host_t *h, const char *path,
    size_t len);       /* path: canonical, with canonical query if any
                          (url.h) */
size_t debar_key_network(char *out, const uint8_t addr[16], unsigned bits);
size_t debar_key_asn(char *out, uint32_t asn);
size_t debar_key_id(char *out, unsigned kind, const char *value, size_t len);


/*
 * Rule numbers of DEBAR_DB_HOST values with a meaning of their own: more is
 * to be looked up for this very host.
 */

#define DEBAR_RULE_HAS_URLS     0xfffffffeu   /* DEBAR_DB_URL has keys of it */


#endif /* DEBAR_KEY_H */

/*
 * Hosts whose TLS is never decrypted: banks, health, clients that pin.  Each
 * stands for its subdomains too.
 */

#ifndef _NGX_DEBAR_SPLICE_H_INCLUDED_
#define _NGX_DEBAR_SPLICE_H_INCLUDED_


#include "ngx_debar.h"


typedef struct ngx_debar_splice_s  ngx_debar_splice_t;

/*
 * "debar_splice HOST ... | file:PATH ..."; may be repeated, and adds.  *sp is
 * NGX_CONF_UNSET_PTR at first.
 *
 * A file has one host a line, of at most 1 KiB; empty lines and what follows a
 * # are nothing.  Names are read as the list reads them (IDNs as A- or
 * U-labels), addresses in canonical notation, IPv6 with or without brackets;
 * no networks, no wildcards, no name of one label.  Every fault is said, as
 * FILE:LINE, before nginx -t fails.
 */

#define NGX_DEBAR_SPLICE_LINE  1024
#define NGX_DEBAR_SPLICE_FILE  (64 * 1024 * 1024)   /* bytes of a file */

char *ngx_debar_splice_directive(ngx_conf_t *cf, ngx_debar_splice_t **sp);

/* True if the host, or a domain that it is in, was named.  NULL has none. */

ngx_uint_t ngx_debar_spliced(ngx_debar_splice_t *splice,
    const debar_host_t *host);


#endif /* _NGX_DEBAR_SPLICE_H_INCLUDED_ */

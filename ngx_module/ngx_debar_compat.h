/*
 * What differs between the versions of nginx that Debar is built for
 * (1.22.1 of Debian 12 first, newer ones by their source).
 */

#ifndef _NGX_DEBAR_COMPAT_H_INCLUDED_
#define _NGX_DEBAR_COMPAT_H_INCLUDED_


#include <nginx.h>


/*
 * From 1.29.7 on the stock keepalive module wraps every upstream that does not
 * say "keepalive 0", and would take idle connections from debar_pin.
 */

#define NGX_DEBAR_STOCK_KEEPALIVE_BY_DEFAULT  (nginx_version >= 1029007)


/* From 1.23.1 on a resolver may be told not to ask for A. */

#if (nginx_version >= 1023001)
#define ngx_debar_asks_v4(r)  ((r)->ipv4)
#else
#define ngx_debar_asks_v4(r)  1
#endif


#endif /* _NGX_DEBAR_COMPAT_H_INCLUDED_ */

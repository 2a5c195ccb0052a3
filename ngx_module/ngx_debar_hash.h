/*
 * A hash under a secret, for tables whose keys come from clients or from
 * their DNS: without the seed nobody can choose keys that share a bucket.
 */

#ifndef _NGX_DEBAR_HASH_H_INCLUDED_
#define _NGX_DEBAR_HASH_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <sys/random.h>

#include "filter.h"


static ngx_inline void
ngx_debar_seed(uint64_t seed[2])
{
    if (getrandom(seed, 2 * sizeof(uint64_t), 0) != 2 * sizeof(uint64_t)) {
        seed[0] = ((uint64_t) ngx_random() << 32) ^ (uint64_t) ngx_random();
        seed[1] = ((uint64_t) ngx_random() << 32) ^ (uint64_t) ngx_random();
    }

    seed[1] |= 1;
}


static ngx_inline uint64_t
ngx_debar_seeded_hash(const uint64_t seed[2], const void *data, size_t len)
{
    uint64_t        h, a;
    const uint8_t  *p = data;

    h = seed[0] ^ len;

    while (len >= 8) {
        ngx_memcpy(&a, p, 8);
        h = debar_hash_mix(h ^ a, seed[1]);
        p += 8;
        len -= 8;
    }

    a = 0;
    ngx_memcpy(&a, p, len);

    h = debar_hash_mix(h ^ a, seed[1]);

    return debar_hash_mix(h ^ seed[0], 0xe7037ed1a0b428dbull);
}


#endif /* _NGX_DEBAR_HASH_H_INCLUDED_ */

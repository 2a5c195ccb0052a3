/*
 * A blocked Bloom filter over keys: one 64-bit word and three bits a key, so
 * a miss costs one cache line and no walk through LMDB.
 */

#ifndef DEBAR_FILTER_H
#define DEBAR_FILTER_H

#include <stdint.h>
#include <stddef.h>
#include <string.h>


/* wyhash-like; stored in snapshots through the filters: do not change without
 * raising DEBAR_SNAPSHOT_FORMAT. */

static inline uint64_t
debar_hash_mix(uint64_t a, uint64_t b)
{
    __uint128_t  r = (__uint128_t) a * b;

    return (uint64_t) r ^ (uint64_t) (r >> 64);
}


static inline uint64_t
debar_hash(const void *data, size_t len)
{
    uint64_t              h, a;
    const unsigned char  *p = data;

    h = len ^ 0xa0761d6478bd642full;

    while (len >= 8) {
        memcpy(&a, p, 8);
        h = debar_hash_mix(h ^ a, 0xe7037ed1a0b428dbull);
        p += 8;
        len -= 8;
    }

    a = 0;
    memcpy(&a, p, len);

    return debar_hash_mix(h ^ a, 0x8ebc6af09c88c6e3ull);
}


static inline uint64_t
debar_filter_bits(uint64_t h)
{
    return (1ull << (h & 63)) | (1ull << ((h >> 6) & 63))
           | (1ull << ((h >> 12) & 63));
}


/* words: a power of two, at least 1; about five keys a word. */

static inline int
debar_filter_may_have(const uint64_t *filter, size_t words, uint64_t h)
{
    uint64_t  bits = debar_filter_bits(h);

    return (filter[(h >> 20) & (words - 1)] & bits) == bits;
}


static inline void
debar_filter_set(uint64_t *filter, size_t words, uint64_t h)
{
    filter[(h >> 20) & (words - 1)] |= debar_filter_bits(h);
}


#endif /* DEBAR_FILTER_H */

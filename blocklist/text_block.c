/*
 * Canonical tokens of many plain values at once: see text.h.
 */

#include "text_private.h"

#include <pthread.h>

#if (defined __x86_64__)
#include <immintrin.h>
#endif


#define DEBAR_BLOCK_VECTOR  16


typedef struct {
    uint8_t        *out;
    size_t          len;
    unsigned        letter;       /* the last byte is a letter or digit */
} debar_block_t;


/* One byte; 0: it is not plain. */

static inline int
debar_block_byte(debar_block_t *b, uint8_t c)
{
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
        b->out[b->len++] = c;
        b->letter = 1;

    } else if (c >= 'A' && c <= 'Z') {
        b->out[b->len++] = c | 0x20;
        b->letter = 1;

    } else if (c == DEBAR_TEXT_BREAK) {
        b->out[b->len++] = c;
        b->letter = 0;

    } else if (c >= 0x7f || (c < ' ' && (c < '\t' || c > '\r'))) {
        return 0;

    } else {
        b->out[b->len] = ' ';
        b->len += b->letter;
        b->letter = 0;
    }

    return 1;
}


#if (defined __x86_64__)

/* For each mask of eight bytes: the places of those that are kept. */

static uint8_t         debar_block_kept[256][8];
static pthread_once_t  debar_block_once = PTHREAD_ONCE_INIT;


static void
debar_block_open(void)
{
    unsigned  mask, i, n;

    for (mask = 0; mask < 256; mask++) {
        for (i = 0, n = 0; i < 8; i++) {
            if (mask >> i & 1) {
                debar_block_kept[mask][n++] = i;
            }
        }
    }
}


static inline __attribute__((always_inline)) __m128i
debar_block_within(__m128i v, int from, int to)
{
    return _mm_and_si128(_mm_cmpgt_epi8(v, _mm_set1_epi8(from - 1)),
                         _mm_cmplt_epi8(v, _mm_set1_epi8(to + 1)));
}


/* Whole vectors, up to one that is not plain; returns where it ends. */

__attribute__((target("ssse3,popcnt")))
static size_t
debar_block_vectors(debar_block_t *b, const uint8_t *in, size_t len)
{
    size_t    i, n;
    uint8_t  *out;
    __m128i   v, low, alnum, gap, odd, half;
    unsigned  keep, letters, letter;

    /* what is written could be b itself, for all the compiler knows */

    out = b->out;
    n = b->len;
    letter = b->letter;

    for (i = 0; len - i >= DEBAR_BLOCK_VECTOR; i += DEBAR_BLOCK_VECTOR) {
        v = _mm_loadu_si128((const __m128i *) (in + i));

        /* bytes from 0x80 on are negative */

        gap = _mm_cmpeq_epi8(v, _mm_set1_epi8(DEBAR_TEXT_BREAK));
        odd = _mm_or_si128(_mm_cmplt_epi8(v, _mm_set1_epi8(' ')),
                           _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f)));

        if (_mm_movemask_epi8(_mm_andnot_si128(
                _mm_or_si128(gap, debar_block_within(v, '\t', '\r')), odd)))
        {
            break;
        }

        low = _mm_or_si128(v, _mm_and_si128(_mm_set1_epi8(0x20),
                                            debar_block_within(v, 'A', 'Z')));
        alnum = _mm_or_si128(debar_block_within(low, 'a', 'z'),
                             debar_block_within(low, '0', '9'));
        gap = _mm_or_si128(gap, alnum);
        v = _mm_or_si128(_mm_and_si128(gap, low),
                         _mm_andnot_si128(gap, _mm_set1_epi8(' ')));

        /* kept: all but what separates behind what separates */

        letters = _mm_movemask_epi8(alnum);
        keep = (_mm_movemask_epi8(gap) | letters << 1 | letter) & 0xffff;
        letter = letters >> 15;

        if (keep == 0xffff) {
            _mm_storeu_si128((__m128i *) (out + n), v);
            n += DEBAR_BLOCK_VECTOR;
            continue;
        }

        half = _mm_loadl_epi64((__m128i *) debar_block_kept[keep & 0xff]);
        _mm_storel_epi64((__m128i *) (out + n),
                         _mm_shuffle_epi8(v, half));
        n += __builtin_popcount(keep & 0xff);

        half = _mm_loadl_epi64((__m128i *) debar_block_kept[keep >> 8]);
        _mm_storel_epi64((__m128i *) (out + n),
                         _mm_shuffle_epi8(_mm_srli_si128(v, 8), half));
        n += __builtin_popcount(keep >> 8);
    }

    b->len = n;
    b->letter = letter;

    return i;
}


static uint32_t
debar_block_mask(__m128i low, __m128i high)
{
    return _mm_movemask_epi8(low) | (uint32_t) _mm_movemask_epi8(high) << 16;
}

#endif


/* What 32 bytes of output are: bits of letters, of digits, and of spaces. */

static void
debar_block_bits(const uint8_t *p, size_t n, uint32_t *letters,
    uint32_t *digits, uint32_t *spaces)
{
    size_t  i;

#if (defined __x86_64__)
    __m128i  a, b;

    if (n >= 32) {
        a = _mm_loadu_si128((const __m128i *) p);
        b = _mm_loadu_si128((const __m128i *) (p + 16));

        *letters = debar_block_mask(_mm_cmpgt_epi8(a, _mm_set1_epi8('9')),
                                    _mm_cmpgt_epi8(b, _mm_set1_epi8('9')));
        *spaces = debar_block_mask(_mm_cmpeq_epi8(a, _mm_set1_epi8(' ')),
                                   _mm_cmpeq_epi8(b, _mm_set1_epi8(' ')));
        *digits = debar_block_mask(_mm_cmpgt_epi8(a, _mm_set1_epi8(' ')),
                                   _mm_cmpgt_epi8(b, _mm_set1_epi8(' ')))
                  & ~*letters;
        return;
    }
#endif

    *letters = *digits = *spaces = 0;

    for (i = 0; i < n && i < 32; i++) {
        *letters |= (uint32_t) (p[i] > '9') << i;
        *digits |= (uint32_t) (p[i] > ' ' && p[i] <= '9') << i;
        *spaces |= (uint32_t) (p[i] == ' ') << i;
    }
}


/* Whether four tokens of one letter stand side by side within a value. */

static int
debar_block_singles(const uint8_t *p, size_t len)
{
    size_t    i;
    uint32_t  letters, digits, spaces;
    uint64_t  a, l, s, one;

    a = l = s = 0;

    /* the last window has nothing behind it, which is the end */

    for (i = 0; i < len + 32; i += 32) {
        debar_block_bits(p + i, i < len ? len - i : 0, &letters, &digits,
                         &spaces);

        a = a >> 32 | (uint64_t) (letters | digits) << 32;
        l = l >> 32 | (uint64_t) letters << 32;
        s = s >> 32 | (uint64_t) spaces << 32;

        /* what stands beside the first and the last bit is in other windows,
         * where these are in the middle */

        one = l & ~(a << 1 | 1) & ~(a >> 1 | 1ull << 63);

        if (one & one >> 2 & one >> 4 & one >> 6 & s >> 1 & s >> 3 & s >> 5) {
            return 1;
        }
    }

    return 0;
}


size_t
debar_text_block(char *out, const char *in, size_t len, unsigned *flags)
{
    size_t          i;
    const uint8_t  *p = (const uint8_t *) in;
    debar_block_t   b = { (uint8_t *) out, 0, 0 };

    *flags = DEBAR_TEXT_PARTLY;
    i = 0;

#if (defined __x86_64__)
    if (__builtin_cpu_supports("ssse3") && __builtin_cpu_supports("popcnt")) {
        pthread_once(&debar_block_once, debar_block_open);
        i = debar_block_vectors(&b, p, len);
    }
#endif

    for ( /* void */ ; i < len; i++) {
        if (!debar_block_byte(&b, p[i])) {
            return b.len;
        }
    }

    if (!debar_block_singles(b.out, b.len)) {
        *flags = 0;
    }

    return b.len;
}

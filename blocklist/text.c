/*
 * Canonical tokens: see text.h.
 */

#include "text_private.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif


/* Marks that are kept on a letter: no script needs more. */

#define DEBAR_MARKS  8


typedef struct {
    uint8_t        *data;
    size_t          size;
    size_t          len;
    uint32_t       *map;
    uint64_t        past;         /* of what was put: 1 a letter or digit, 0 a
                                     space, the last one in the highest bit */
    unsigned        singles;      /* there may be runs of single letters */
    unsigned        wide;         /* there are characters beyond ASCII */
    unsigned        cut;
    unsigned        marks;        /* on the last letter */
    UChar32         base;         /* the last letter */
} debar_tokens_t;


/* What stands for a byte in tokens: 0: left out, ' ': separates, 0x80: beyond
 * ASCII, else the byte in lower case. */

#define D  0,
#define S  ' ',
#define X  0x80,
#define X16  X X X X X X X X X X X X X X X X

static const uint8_t  debar_token_byte[256] = {
    D D D D D D D D D S S S S S D D  D D D D D D D D D D D D D D D D
    S S S S S S S S S S S S S S S S
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', S S S S S S
    S 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n',
    'o', 'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', S S S S S
    S 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n',
    'o', 'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', S S S S D
    X16 X16 X16 X16 X16 X16 X16 X16
};

#undef D
#undef S
#undef X
#undef X16


/*
 * One byte below 0x80; there is room.  Without branches, since words are short
 * and a processor guesses their ends badly.
 */

static inline __attribute__((always_inline)) void
debar_tokens_byte(debar_tokens_t *t, uint8_t c, uint32_t from, int map)
{
    unsigned  keep, letter;

    c = debar_token_byte[c];
    letter = c > ' ';
    keep = letter | ((c == ' ') & t->past >> 63);

    t->data[t->len] = c;

    if (map) {
        t->map[t->len] = from;
    }

    t->len += keep;
    t->past = t->past >> keep | (uint64_t) letter << 63;
}


/* Notes what may be a run of four single letters; once every few bytes. */

static inline void
debar_tokens_singles(debar_tokens_t *t)
{
    uint64_t  one;

    one = t->past & ~(t->past << 1) & ~(t->past >> 1);
    t->singles |= (one & one >> 2 & one >> 4 & one >> 6) != 0;
}


#if defined(__SSE2__)

/*
 * The same for 16 bytes at once, if they are ASCII without controls and there
 * is room for 32.  What is kept is copied by runs, each as a whole vector: the
 * bytes too many are overwritten by the next one.
 */

static inline __attribute__((always_inline)) int
debar_tokens_vector(debar_tokens_t *t, const uint8_t *in, uint32_t from,
    int map)
{
    char      text[32];
    __m128i   alnum, control, v;
    unsigned  at, k, keep, letters, run;

    v = _mm_loadu_si128((const __m128i *) in);

    /* bytes from 0x80 on are negative, and controls to it */

    control = _mm_or_si128(_mm_cmplt_epi8(v, _mm_set1_epi8(' ')),
                           _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f)));
    control = _mm_andnot_si128(
                  _mm_and_si128(_mm_cmpgt_epi8(v, _mm_set1_epi8('\t' - 1)),
                                _mm_cmplt_epi8(v, _mm_set1_epi8('\r' + 1))),
                  control);

    if (_mm_movemask_epi8(control)) {
        return 0;
    }

    v = _mm_or_si128(v, _mm_and_si128(_mm_set1_epi8(0x20),
                  _mm_and_si128(_mm_cmpgt_epi8(v, _mm_set1_epi8('A' - 1)),
                                _mm_cmplt_epi8(v, _mm_set1_epi8('Z' + 1)))));
    alnum = _mm_or_si128(
                _mm_and_si128(_mm_cmpgt_epi8(v, _mm_set1_epi8('a' - 1)),
                              _mm_cmplt_epi8(v, _mm_set1_epi8('z' + 1))),
                _mm_and_si128(_mm_cmpgt_epi8(v, _mm_set1_epi8('0' - 1)),
                              _mm_cmplt_epi8(v, _mm_set1_epi8('9' + 1))));
    v = _mm_or_si128(_mm_and_si128(alnum, v),
                     _mm_andnot_si128(alnum, _mm_set1_epi8(' ')));

    _mm_storeu_si128((__m128i *) text, v);
    _mm_storeu_si128((__m128i *) (text + 16), v);

    letters = _mm_movemask_epi8(alnum);
    keep = (letters | letters << 1 | t->past >> 63) & 0xffff;

    for (at = 0; keep; at += run, keep >>= run) {
        k = __builtin_ctz(keep);
        at += k;
        keep >>= k;
        run = __builtin_ctz(~keep);

        memcpy(t->data + t->len, text + at, 16);

        if (map) {
            for (k = 0; k < 16; k++) {
                t->map[t->len + k] = from + at + k;
            }
        }

        t->len += run;
        t->past = t->past >> run | (uint64_t) (letters >> at) << (64 - run);
    }

    return 1;
}

#endif


/* A run of ASCII from i on; returns where it ends. */

static inline __attribute__((always_inline)) size_t
debar_tokens_ascii(debar_tokens_t *t, const uint8_t *in, size_t i, size_t len,
    int map)
{
    unsigned        k;
    debar_tokens_t  o;

    o = *t;

    for (k = 0; i < len; k++) {

#if defined(__SSE2__)

        while (len - i >= 16 && o.size - o.len >= 32
               && debar_tokens_vector(&o, in + i, i, map))
        {
            debar_tokens_singles(&o);
            i += 16;
        }

        if (i == len) {
            break;
        }

#endif

        /* what is left, or up to the next vector */

        do {
            if (in[i] >= 0x80) {
                goto done;
            }

            if (o.len < o.size) {
                debar_tokens_byte(&o, in[i], i, map);

            } else if (debar_token_byte[in[i]] > ' ') {
                o.cut = 1;
                goto done;
            }

        } while (++i < len && ++k % 16);

        debar_tokens_singles(&o);
    }

done:

    debar_tokens_singles(&o);
    *t = o;

    return i;
}


/* A letter or digit, a mark on it, or a space. */

static void
debar_tokens_put(debar_tokens_t *t, UChar32 c, size_t from)
{
    uint8_t   bytes[4];
    unsigned  i, n;

    n = debar_utf8_put(bytes, c);

    if (n > t->size - t->len) {
        t->cut = (c != ' ');
        return;
    }

    for (i = 0; i < n; i++) {
        t->data[t->len] = bytes[i];

        if (t->map) {
            t->map[t->len] = from;
        }

        t->len++;
    }

    t->past = t->past >> 1 | (uint64_t) (c != ' ') << 63;
    t->wide |= n > 1;
}


/* A folded code point beyond ASCII. */

static void
debar_tokens_wide(debar_tokens_t *t, UChar32 c, size_t from)
{
    uint32_t  gc;

    gc = U_GET_GC_MASK(c);

    if (gc & U_GC_M_MASK) {

        /* kept where it makes another letter of a letter, as in Hindi; on
         * Latin letters it is decoration */

        if (!(t->past >> 63) || debar_fold_latin(t->base)
            || t->marks++ >= DEBAR_MARKS)
        {
            return;
        }

    } else if ((gc & (U_GC_L_MASK|U_GC_N_MASK)) || debar_text_lookalike(c)) {
        c = debar_fold_base(c);
        t->base = c;
        t->marks = 0;

    } else {
        c = ' ';

        if (!(t->past >> 63)) {
            return;
        }
    }

    debar_tokens_put(t, c, from);
}


/* What follows at s->pos up to the next byte of ASCII. */

static void
debar_tokens_segments(debar_tokens_t *t, debar_segment_t *s)
{
    int32_t  k;
    UChar32  c;

    if (t->len && t->data[t->len - 1] < 0x80) {
        t->base = t->data[t->len - 1];
    }

    while (!t->cut && s->pos < s->len && s->data[s->pos] >= 0x80) {

        c = debar_segment_quick(s);

        if (c) {
            debar_tokens_put(t, c, s->from);
            t->base = c;
            t->marks = 0;
            continue;
        }

        if (!debar_segment_gather(s, 1)) {
            return;
        }

        if (s->first == 0x2122 || s->first == 0x2120) {

            /* "Name(TM)": NFKC would make it part of the name */

            debar_tokens_wide(t, 0x2028, s->from);
            continue;
        }

        debar_segment_fold(s);

        for (k = 0; k < s->n && !t->cut; k++) {

            if (s->cp[k] >= 0x80) {
                debar_tokens_wide(t, s->cp[k], s->from);
                continue;
            }

            if (t->len == t->size) {
                t->cut = debar_token_byte[s->cp[k]] > ' ';
                continue;
            }

            debar_tokens_byte(t, s->cp[k], s->from, t->map != NULL);
            t->base = s->cp[k];
        }
    }
}


/* Adds a byte of an appended token. */

static void
debar_tokens_append(debar_tokens_t *t, uint8_t c, size_t from)
{
    if (t->len == t->size) {
        t->cut = 1;
        return;
    }

    t->data[t->len] = c;

    if (t->map) {
        t->map[t->len] = t->map[from];
    }

    t->len++;
}


/*
 * Appends what stands from one place to another without its spaces, as ASCII
 * letters where it looks like them.  Leaves all as it was, and returns 0,
 * if some character does not, or if there is none beyond ASCII.
 */

static int
debar_tokens_skeleton(debar_tokens_t *t, size_t from, size_t to, uint8_t glue)
{
    int      a, wide;
    size_t   i, len, used;
    UChar32  c;

    len = t->len;
    wide = 0;

    debar_tokens_append(t, glue, from);

    for (i = from; i < to && !t->cut; i += used) {
        c = debar_utf8_get(t->data + i, to - i, &used);

        if (c == ' ' || (U_GET_GC_MASK(c) & U_GC_M_MASK)) {
            continue;
        }

        a = debar_text_lookalike(c);

        if (a == 0) {
            t->len = len;
            return 0;
        }

        wide |= c >= 0x80;
        debar_tokens_append(t, a, i);
    }

    if (!wide || t->cut) {
        t->len = len;
        return 0;
    }

    return 1;
}


static void
debar_tokens_joined(debar_tokens_t *t, size_t from, size_t to)
{
    size_t  i, len;

    len = t->len;
    debar_tokens_append(t, DEBAR_TEXT_BREAK, from);

    for (i = from; i < to; i++) {
        if (t->data[i] != ' ') {
            debar_tokens_append(t, t->data[i], i);
        }
    }

    if (t->cut) {
        t->len = len;
        return;
    }

    (void) debar_tokens_skeleton(t, from, to, DEBAR_TEXT_BREAK);
}


/* Whether a token is one letter, marks not counted. */

static int
debar_tokens_single(const uint8_t *p, size_t len)
{
    size_t   i, used;
    UChar32  c;

    c = debar_utf8_get(p, len, &used);

    if (c < 0x80) {
        return len == 1 && c >= 'a';
    }

    for (i = used; i < len; i += used) {
        c = debar_utf8_get(p + i, len - i, &used);

        if (!(U_GET_GC_MASK(c) & U_GC_M_MASK)) {
            return 0;
        }
    }

    return 1;
}


/* Appends skeletons and joined letters of the first n bytes. */

static void
debar_tokens_extra(debar_tokens_t *t, unsigned *flags)
{
    int       wide;
    size_t    end, i, n, run, start;
    uint8_t   glue;
    unsigned  letters;

    n = t->len;
    run = 0;
    letters = 0;
    glue = DEBAR_TEXT_BREAK;

    for (start = 0; start < n && !t->cut; start = end + 1) {
        wide = 0;

        for (end = start; end < n && t->data[end] != ' '; end++) {
            wide |= t->data[end] >= 0x80;
        }

        /* neighbours stay neighbours, for names of two words */

        if (wide && debar_tokens_skeleton(t, start, end, glue)) {
            *flags |= DEBAR_TEXT_SKELETON;
            glue = ' ';

        } else {
            glue = DEBAR_TEXT_BREAK;
        }

        i = end;

        if (debar_tokens_single(t->data + start, end - start)) {
            run = letters++ ? run : start;

            if (end < n) {
                continue;
            }

        } else {
            i = start ? start - 1 : 0;
        }

        if (letters >= 4) {
            debar_tokens_joined(t, run, i);
            *flags |= DEBAR_TEXT_SEPARATED;
            glue = DEBAR_TEXT_BREAK;
        }

        letters = 0;
    }
}


size_t
debar_text_tokens(char *out, size_t size, const char *in, size_t len,
    uint32_t *map, unsigned *flags)
{
    debar_tokens_t   t;
    debar_segment_t  s;

    *flags = 0;

    t.data = (uint8_t *) out;
    t.size = size;
    t.len = 0;
    t.map = map;
    t.past = 0;
    t.singles = 0;
    t.wide = 0;
    t.cut = 0;
    t.marks = 0;
    t.base = 0;

    s.data = (const uint8_t *) in;
    s.len = len;
    s.pos = 0;

    for ( ;; ) {
        s.pos = map ? debar_tokens_ascii(&t, s.data, s.pos, len, 1)
                    : debar_tokens_ascii(&t, s.data, s.pos, len, 0);

        if (s.pos == len || t.cut) {
            break;
        }

        debar_tokens_segments(&t, &s);
    }

    if (t.len && out[t.len - 1] == ' ') {
        t.len--;
    }

    if ((t.singles || t.wide) && !t.cut) {
        debar_tokens_extra(&t, flags);
    }

    if (t.cut) {
        *flags |= DEBAR_TEXT_CUT;
    }

    return t.len;
}

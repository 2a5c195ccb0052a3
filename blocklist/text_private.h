/*
 * What decoding, folding and tokens share; for blocklist/ alone (text.h is
 * the interface).
 */

#ifndef DEBAR_TEXT_PRIVATE_H
#define DEBAR_TEXT_PRIVATE_H

#include "text.h"

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/utf16.h>
#include <unicode/utf8.h>


/*
 * Code points that are normalized at once: a character and what may combine
 * with it.  Unicode's stream-safe format (UAX 15 s.13) ends such runs at 30
 * marks; what is beyond is left out.
 */

#define DEBAR_SEGMENT  32

/* The most that one code point becomes under NFKC is 18 units (U+FDFA). */

#define DEBAR_EXPANDED  (DEBAR_SEGMENT * 18)


typedef struct {
    const uint8_t  *data;
    size_t          len;
    size_t          pos;

    size_t          from;         /* of the segment, in data */
    unsigned        changed;      /* by more than case */
    int32_t         ncp;          /* code points as given */
    UChar32         first;
    int32_t         nin;
    UChar           in[DEBAR_SEGMENT * 2];

    int32_t         n;            /* folded */
    UChar32         cp[DEBAR_EXPANDED];
} debar_segment_t;


/* Code points of the bytes 0x80 to 0x9f in windows-1252; 0xa0 to 0xff are
 * those of Unicode. */

extern const uint16_t  debar_1252[32];

/* A code point, invalid bytes as windows-1252; the reverse. */

UChar32 debar_utf8_get(const uint8_t *p, size_t len, size_t *used);
unsigned debar_utf8_put(uint8_t *out, UChar32 c);

/*
 * The next segment of s->data from s->pos on, folded: a code point and those
 * that may combine with it.  tokens: without controls, which do not part a
 * letter and its mark; these are left out even where nothing else is left, and
 * then the result is 0.
 */

int debar_segment_gather(debar_segment_t *s, int tokens);
void debar_segment_fold(debar_segment_t *s);

/*
 * A shorter way through most text: one code point at s->pos that becomes one
 * letter or digit, without marks, and that the next one does not combine with.
 * 0: not so, gather and fold.
 */

UChar32 debar_segment_quick(debar_segment_t *s);

/* What a Latin letter is without its marks; others as they are. */

UChar32 debar_fold_base(UChar32 c);
int debar_fold_latin(UChar32 c);


#endif /* DEBAR_TEXT_PRIVATE_H */

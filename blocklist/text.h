/*
 * Canonical text: what names are compared in (DESIGN section 5).
 *
 * Pure functions over bytes.  Output never grows past the room given; where
 * it would, it is cut and DEBAR_TEXT_CUT set.
 */

#ifndef DEBAR_TEXT_H
#define DEBAR_TEXT_H

#include "debar.h"


#define DEBAR_TEXT_CUT        1   /* the output had no room for all of it */
#define DEBAR_TEXT_DECODED    2   /* a decoding was undone */
#define DEBAR_TEXT_SKELETON   4   /* a word of mixed scripts was folded (UTS
                                     39) */
#define DEBAR_TEXT_SEPARATED  8   /* single letters were joined */
#define DEBAR_TEXT_DEPTH     16   /* decodings were left at the bound */


/*
 * Undoes what encodes a value in a URL, to a fixed point of at most
 * DEBAR_DECODE_DEPTH rounds: percent-encoding (a '%' that is not followed by
 * two hex digits stays), %uXXXX, numeric and the common named HTML character
 * references, backslash-u escapes; '+' is a space in the first round if plus
 * is set.  Overlong UTF-8 is read as the byte a lax server would read.
 * Returns the length written to out (at most size), and flags.
 * out may not overlap in.  rounds: how many were needed (for "where").
 */

#define DEBAR_DECODE_DEPTH  6

size_t debar_text_decode(char *out, size_t size, const char *in, size_t len,
    int plus, unsigned *flags, unsigned *rounds);


/*
 * Text to canonical tokens: invalid UTF-8 is read as windows-1252; NFKC case
 * folding; default-ignorable and control characters removed (so they do not
 * split a word); combining marks on Latin letters removed; letters and digits
 * kept (any script), every run of other characters becomes one space; no space
 * at either end.  Words that mix scripts, or are wholly made of look-alikes of
 * Latin letters, get their UTS 39 skeleton appended as a further token after
 * the text, behind one 0x1f byte, if it is plain ASCII and differs.  (ICU: a
 * fast path handles ASCII.)
 *
 * Runs of four or more single letters with separators between them
 * ("k.a.s.p.e.r") are appended joined, behind 0x1f, in the same way.
 *
 * Text of ASCII needs len bytes of room, what is appended up to as much again
 * for each kind; other text may grow by half.
 *
 *   "Acme-Rocket, Inc."  ->  "acme rocket inc"
 *
 * map, if not NULL, has room for size entries: map[i] is the offset in `in` of
 * what out[i] came from.
 */

size_t debar_text_tokens(char *out, size_t size, const char *in, size_t len,
    uint32_t *map, unsigned *flags);

#define DEBAR_TEXT_BREAK  0x1f

/*
 * Tokens of many plain values in one go, to be scanned in one go: values are
 * parted by one DEBAR_TEXT_BREAK each, in and out (a control of theirs that is
 * the same byte is the caller's to see before).  No name matches over a break,
 * and a break is the edge of a word, so
 *
 *     len = debar_text_block(out, in, len, &flags);
 *     if (flags == 0) {
 *         rc = debar_term_scan(&list->terms, list->entries, list->rules, out,
 *                              len, any_hit_declines, NULL);
 *     }
 *
 * finds what debar_text_tokens() and a scan of each value would (hits are the
 * same, in number and kind; a space may stand beside a break).
 *
 * Plain is ASCII without controls other than white space, and without four
 * single letters side by side in a value.  Where a value is not, flags is
 * DEBAR_TEXT_PARTLY and the output is of no use: look at each value on its own.
 * flags is 0 otherwise.  out has room for len bytes, and may not overlap in.
 */

#define DEBAR_TEXT_PARTLY  32

size_t debar_text_block(char *out, const char *in, size_t len, unsigned *flags);


/*
 * Case folding of a path or file name: NFKC_Casefold, nothing else changed.
 * DEBAR_TEXT_DECODED: something was changed by more than its case.
 */

size_t debar_text_fold(char *out, size_t size, const char *in, size_t len,
    unsigned *flags);

/* The ASCII letter (lower case) or digit that a folded character looks like
 * (UTS 39), itself if it is ASCII; 0: none. */

int debar_text_lookalike(uint32_t cp);


#endif /* DEBAR_TEXT_H */

/*
 * How alike the names of two firms are: Jaro-Winkler (Winkler 1990) over
 * canonical text.  It proposes; it never decides.
 *
 * Canonical: transliterated to Latin (ICU "Any-Latin; Latin-ASCII; Lower"),
 * words of letters and digits, without legal forms (legalforms.h) unless
 * nothing else is left.
 */

#ifndef DEBAR_SIMILAR_H
#define DEBAR_SIMILAR_H

#include "debar.h"


#define DEBAR_SIMILAR_MAX  256            /* bytes of canonical text */

typedef struct {
    void  *translit;                      /* UTransliterator */
} debar_similar_t;

/* DEBAR_ERROR: ICU has no such transliteration (*why); other letters than
 * ASCII are left out then. */

int debar_similar_open(debar_similar_t *s, debar_fault_t *why);
void debar_similar_close(debar_similar_t *s);


typedef struct {
    char       text[DEBAR_SIMILAR_MAX];   /* words as they stand */
    size_t     len;
    char       sorted[DEBAR_SIMILAR_MAX]; /* the same words, sorted */
    uint64_t   letters;                   /* which letters and digits it has */
    unsigned   words;
    unsigned   latin;                     /* it was not Latin before */
    unsigned   legal;                     /* legal forms that were left out */
} debar_similar_name_t;

/* Longer names are cut, which names that differ behind 256 bytes survive. */

void debar_similar_name(const debar_similar_t *s, debar_similar_name_t *out,
    const char *data, size_t len);

/*
 * 0 to 1; names with the same words in another order are equal.  at_least:
 * where it is certainly less, 0 may be given for it.
 */

double debar_similar(const debar_similar_name_t *a,
    const debar_similar_name_t *b, double at_least);

/* Jaro-Winkler of two texts of ASCII, prefix scale 0.1 of at most 4. */

double debar_jaro_winkler(const char *a, size_t alen, const char *b,
    size_t blen);

/* "ACME LTD." ends in a word that only firms have. */

int debar_similar_firm(const debar_similar_t *s, const char *data, size_t len);

/* Text in Latin letters, other bytes than printable ASCII left out; at most
 * size bytes, not NUL-terminated. */

size_t debar_similar_latin(const debar_similar_t *s, char *out, size_t size,
    const char *data, size_t len);


#endif /* DEBAR_SIMILAR_H */

/*
 * Words that say what kind of firm a name is of, in lower case and Latin
 * letters (ISO 20275 "Entity Legal Forms" has them all; these are those of the
 * lists that are imported, transliterated by ICU), sorted.
 *
 * What may be more than a word of a firm's name ("co", "group") stands here
 * too: it says little about who it is.  strong: nobody's first or last name.
 */

#ifndef DEBAR_LEGALFORMS_H
#define DEBAR_LEGALFORMS_H


typedef struct {
    const char  *word;
    unsigned     strong;
} debar_legal_form_t;


static const debar_legal_form_t  debar_legal_forms[] = {
    { "ab", 1 },            /* Swedish */
    { "ag", 1 },            /* German */
    { "ao", 1 },            /* Russian: AO */
    { "aps", 1 },           /* Danish */
    { "as", 1 },            /* Norwegian, Danish, Turkish */
    { "asa", 0 },
    { "bhd", 1 },           /* Malaysian */
    { "bv", 1 },            /* Dutch */
    { "bvba", 1 },
    { "co", 1 },
    { "company", 1 },
    { "corp", 1 },
    { "corporation", 1 },
    { "dd", 0 },            /* Croatian, Slovenian */
    { "doo", 1 },
    { "dooel", 1 },
    { "eood", 1 },          /* Bulgarian */
    { "ev", 0 },
    { "fze", 1 },           /* Emirates */
    { "fzc", 1 },
    { "fzco", 1 },
    { "fzllc", 1 },
    { "gmbh", 1 },
    { "group", 1 },
    { "holding", 1 },
    { "holdings", 1 },
    { "inc", 1 },
    { "incorporated", 1 },
    { "jsc", 1 },
    { "kft", 1 },           /* Hungarian */
    { "kg", 0 },
    { "kk", 0 },            /* Japanese */
    { "lc", 0 },
    { "limited", 1 },
    { "llc", 1 },
    { "llp", 1 },
    { "lp", 0 },
    { "ltd", 1 },
    { "ltda", 1 },          /* Portuguese, Spanish */
    { "nv", 1 },
    { "oao", 1 },           /* Russian */
    { "ojsc", 1 },
    { "ood", 1 },
    { "ooo", 1 },
    { "oy", 1 },            /* Finnish */
    { "oyj", 1 },
    { "pao", 1 },           /* Russian */
    { "pc", 0 },
    { "pjsc", 1 },
    { "plc", 1 },
    { "pllc", 1 },
    { "private", 1 },
    { "pt", 0 },            /* Indonesian */
    { "pte", 1 },           /* Singapore */
    { "pty", 1 },           /* Australian */
    { "pvt", 1 },           /* Indian */
    { "sa", 0 },
    { "sae", 0 },
    { "sal", 0 },
    { "sarl", 1 },
    { "sas", 0 },
    { "sdn", 1 },           /* Malaysian */
    { "se", 0 },
    { "sl", 0 },
    { "spa", 1 },
    { "sro", 1 },           /* Czech, Slovak */
    { "srl", 1 },
    { "tov", 1 },           /* Ukrainian */
    { "ug", 0 },
    { "zao", 1 },           /* Russian */
    { "zoo", 0 },           /* Polish: sp. z o.o. */
};


#endif /* DEBAR_LEGALFORMS_H */

/*
 * Orders by EDI refused in their own format: an X12 850 or 860 by an 855 or
 * 865 (ASC X12 004010, 005010), an EDIFACT ORDERS or ORDCHG by an ORDRSP
 * (D.96A, D.01B).  What the order says of itself is kept while it is peeled;
 * the answer is then written with its separators, its parties turned round, in
 * the characters that it may have.
 *
 * Pure: bytes in, bytes out.
 */

#ifndef DEBAR_REFUSE_EDI_H
#define DEBAR_REFUSE_EDI_H

#include "document.h"


#define DEBAR_EDI_KEPT       256  /* bytes of a segment */
#define DEBAR_EDI_LINES      DEBAR_MAX_EVIDENCE
#define DEBAR_EDI_MESSAGES   4    /* that lines were found in */
#define DEBAR_EDI_TEXTS      24


/* Values by their position; what is past its room is left out. */

typedef struct {
    uint16_t            len;
    uint8_t             element;  /* of the last value; 0: there is none */
    uint8_t             sub;
    uint8_t             cut;
    char                data[DEBAR_EDI_KEPT];
} debar_edi_segment_t;

typedef enum {
    DEBAR_EDI_INTERCHANGE = 0,    /* ISA, UNB */
    DEBAR_EDI_GROUP,              /* GS */
    DEBAR_EDI_MESSAGE,            /* ST, UNH */
    DEBAR_EDI_BEGINNING,          /* BEG, BCH, BGM */
    DEBAR_EDI_ORDER,              /* RFF+ON of an ORDCHG */
    DEBAR_EDI_BUYER,              /* NAD+BY */
    DEBAR_EDI_SUPPLIER,           /* NAD+SU */
    DEBAR_EDI_HEADS
} debar_edi_head_e;

typedef struct {
    debar_peel_marks_t  marks;
    debar_edi_segment_t segments[DEBAR_EDI_HEADS];
} debar_edi_message_t;

typedef struct {
    unsigned            number;   /* as debar_line_t has it */
    unsigned            message;  /* of found[] */
    debar_edi_segment_t item;     /* PO1, POC, LIN */
    debar_edi_segment_t ident;    /* the first PIA */
    debar_edi_segment_t quantity; /* the first QTY */
} debar_edi_line_t;

typedef struct {
    unsigned            syntax;   /* DEBAR_SYNTAX_X12, _EDIFACT; 0: none yet */
    unsigned            depth;    /* of its segments */
    unsigned            messages; /* that began */
    char                tag[4];   /* of the segment that is read */
    debar_edi_segment_t segment;
    debar_edi_message_t now;
    debar_edi_line_t    line;

    unsigned            nfound;
    unsigned            nlines;
    unsigned            which[DEBAR_EDI_MESSAGES];
    debar_edi_message_t found[DEBAR_EDI_MESSAGES];
    debar_edi_line_t    lines[DEBAR_EDI_LINES];
} debar_edi_order_t;


/* Both for all of a body's events, and for lines that something listed was
 * found in; zeroed before. */

void debar_edi_event(debar_edi_order_t *o, const debar_peel_event_t *ev);
void debar_edi_found(debar_edi_order_t *o, const debar_line_t *line);


typedef struct {
    debar_str_t         incident; /* hexadecimal: control numbers are made of
                                     it */
    time_t              now;
    unsigned            nlines;   /* refused, the one to blame first; may be 0 */
    unsigned            lines[DEBAR_EDI_LINES];
    unsigned            ntexts;   /* UTF-8; for people */
    debar_str_t         texts[DEBAR_EDI_TEXTS];
} debar_edi_refusal_t;

/*
 * As snprintf() does: the bytes that it takes, which are written as far as
 * there is room.  0: what came is no order that has such an answer, or does not
 * say who sent it and what its number is.
 */

size_t debar_edi_refuse(const debar_edi_order_t *o,
    const debar_edi_refusal_t *rf, char *out, size_t size);


#endif /* DEBAR_REFUSE_EDI_H */

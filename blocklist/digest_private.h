/*
 * The inside of the digest: lines of text for records.
 */

#ifndef DEBAR_DIGEST_PRIVATE_H
#define DEBAR_DIGEST_PRIVATE_H

#include "layout.h"

#include <openssl/evp.h>


typedef struct {
    uint32_t       number;
    uint8_t        len;
    char           text[11];
} debar_ordinal_t;

struct debar_digest_s {
    EVP_MD_CTX          *md;
    const debar_view_t  *view;
    const char          *strings;
    uint32_t            *order;    /* authorities by id */
    debar_ordinal_t     *ordinals; /* by rule */
    char                *block;
    size_t               fill;
    unsigned             failed;
};

typedef void (*debar_line_pt)(debar_digest_t *d, debar_buf_t *b,
    const void *record);

/* Writes at most 4 * len bytes and returns how many. */

size_t debar_escape(char *out, const uint8_t *p, size_t len);

/* A field of a line: a tab and the text. */

void debar_line_str(debar_buf_t *b, debar_str_t s);

int debar_str_cmp(const void *one, const void *two);

void debar_line_authority(debar_digest_t *d, debar_buf_t *b,
    const void *record);
void debar_line_entry(debar_digest_t *d, debar_buf_t *b, const void *record);
void debar_line_product(debar_digest_t *d, debar_buf_t *b, const void *record);
void debar_line_rule(debar_digest_t *d, debar_buf_t *b, const void *record);
void debar_line_term(debar_digest_t *d, debar_buf_t *b, const void *record);
void debar_line_pattern(debar_digest_t *d, debar_buf_t *b, const void *record);
void debar_line_permit(debar_digest_t *d, debar_buf_t *b, const void *record);
void debar_line_waiver(debar_digest_t *d, debar_buf_t *b, const void *record);
/* Of a waiver: clients, users, orders, URLs. */

void debar_line_scope(debar_digest_t *d, debar_buf_t *b, const void *record);
void debar_line_recipe(debar_digest_t *d, debar_buf_t *b, const void *record);
void debar_line_word(debar_digest_t *d, debar_buf_t *b, const void *record);
void debar_line_relay(debar_digest_t *d, debar_buf_t *b, const void *record);
void debar_line_mark(debar_digest_t *d, debar_buf_t *b, const void *record);


#endif /* DEBAR_DIGEST_PRIVATE_H */

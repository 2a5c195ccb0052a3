/*
 * What a witness is asked, and how it decides (C2SP tlog-witness,
 * https://c2sp.org/tlog-witness).  A log that has signed another checkpoint
 * shows that it goes on from the last one which the witness has cosigned:
 *
 *     old 1200                             leaves of that one
 *     BASE64                               RFC 6962 s.2.1.2, a hash a line
 *     ...
 *
 *     debar-audit/GATEWAY                  the checkpoint, a signed note
 *     1234
 *     BASE64
 *
 *     — debar-audit/GATEWAY BASE64
 *
 * The answer is a line with a cosignature (note.h), or the status of HTTP that
 * says why there is none.  Bytes in, a decision out: who listens, and who keeps
 * what was cosigned on a disk, is in tools/.
 */

#ifndef DEBAR_WITNESS_H
#define DEBAR_WITNESS_H

#include "checkpoint.h"


#define DEBAR_WITNESS_PROOF    63            /* hashes, by the specification */
#define DEBAR_WITNESS_REQUEST  (128 << 10)   /* bytes; 16 signatures of any
                                                algorithm fit */
#define DEBAR_WITNESS_KEYS     4             /* of one log */
#define DEBAR_WITNESS_TYPE     "text/x.tlog.size"    /* of a 409 */


typedef struct {
    uint64_t      old;
    debar_hash_t  proof[DEBAR_WITNESS_PROOF];
    unsigned      n;
    debar_str_t   note;           /* not read */
} debar_witness_request_t;

/* DEBAR_ERROR: fault says what is wrong.  The note points into data. */

int debar_witness_parse(debar_witness_request_t *r, const void *data,
    size_t len, debar_fault_t *fault);

void debar_witness_text(debar_buf_t *out, const debar_witness_request_t *r);

/* The body of a 409: leaves that the witness knows of, and a newline. */

int debar_witness_known(uint64_t *size, const char *data, size_t len);


/* A log that is witnessed, and what of it was cosigned last. */

typedef struct {
    debar_vkey_t   keys[DEBAR_WITNESS_KEYS];  /* their name is its origin */
    unsigned       nkeys;
    uint64_t       size;          /* 0: nothing yet */
    debar_hash_t   root;          /* of size > 0 */
} debar_witness_log_t;

typedef struct {
    unsigned                status;          /* of HTTP; 200: to be cosigned */
    unsigned                forked;          /* of 409: the log has signed two
                                                roots for one size */
    debar_witness_log_t    *log;             /* NULL: unknown */
    debar_str_t             text;            /* what is to be cosigned */
    debar_note_signature_t  signature;       /* of the log, if it has one */
    debar_checkpoint_t      checkpoint;      /* of text */
    debar_fault_t           why;             /* of every other status */
} debar_witness_answer_t;

/*
 * Decides; changes nothing.  text and signature point into data.  Who answers
 * 200 has log->size and log->root set to the checkpoint's, on the disk first,
 * before anybody sees the cosignature and before another request is judged.
 */

void debar_witness_judge(debar_witness_answer_t *a, debar_hasher_t *h,
    debar_witness_log_t *logs, size_t n, const void *data, size_t len);


#endif /* DEBAR_WITNESS_H */

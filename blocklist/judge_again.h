/*
 * A verdict reached again from its record (record.h): the URL is judged as any
 * other (judge.h), and what a record says was found elsewhere, in a body, an
 * answer or a file that nobody kept, is looked up in the list once more.
 */

#ifndef DEBAR_JUDGE_AGAIN_H
#define DEBAR_JUDGE_AGAIN_H

#include "judge.h"


/* The number of a kind; 0: no kind is called so. */

unsigned debar_kind_by_name(const char *name, size_t len);

/*
 * Adds an identifier that was found at where to v, unless v has it from there.
 * cap: DEBAR_LOG where the place allowed no more, else DEBAR_BLOCK.
 * DEBAR_DECLINED: the list has no such identifier of that kind.
 */

int debar_judge_recorded(debar_list_t *list, debar_verdict_t *v,
    unsigned kind, debar_str_t value, const char *where, size_t offset,
    unsigned cap);

/* Settles v anew, for v->activity as it is set. */

void debar_judge_again(debar_list_t *list, const debar_facts_t *f,
    debar_verdict_t *v);


#endif /* DEBAR_JUDGE_AGAIN_H */

/*
 * What a body costs: CPU time of debar_body_*() on a file, as a worker reads
 * it, in pieces of 16 KiB.  bodies LIST TYPE ROUNDS FILE: us|MB/s|verdict
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "body.h"


#define PIECE  16384


static double
now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);

    return ts.tv_sec + ts.tv_nsec / 1e9;
}


static unsigned
judge(debar_list_t *list, const char *type, const char *data, size_t len)
{
    size_t               n;
    debar_body_t        *b;
    debar_facts_t        f;
    debar_verdict_t      v;
    debar_peel_input_t   in;

    memset(&f, 0, sizeof(f));
    f.method = debar_str("POST", 4);
    f.authority = debar_str("shop.bench.example", 18);
    f.hosts[0] = f.authority;
    f.nhosts = 1;
    f.target = debar_str("/api/orders", 11);
    f.now = time(NULL);

    memset(&in, 0, sizeof(in));
    in.name = debar_str("body", 4);
    in.content_type = debar_str(type, strlen(type));

    debar_judge(list, &f, &v);

    b = debar_body_new(list, &f, &v, &in, NULL, NULL);

    while (len) {
        n = len < PIECE ? len : PIECE;
        (void) debar_body_push(b, data, n);
        data += n;
        len -= n;
    }

    debar_body_finish(b, &v);
    debar_body_free(b);

    return v.verdict;
}


int
main(int argc, char **argv)
{
    int             i, rounds;
    FILE           *f;
    char           *data;
    double          from, took, best;
    size_t          len;
    unsigned        verdict;
    debar_list_t   *list;
    debar_fault_t   fault;
    debar_open_opts_t  open;

    memset(&open, 0, sizeof(open));
    open.uid = DEBAR_ANY_OWNER;

    list = argc == 5 ? debar_list_open(argv[1], &open, &fault) : NULL;
    f = list ? fopen(argv[4], "rb") : NULL;

    if (f == NULL) {
        fprintf(stderr, "bodies LIST TYPE ROUNDS FILE\n");
        return 1;
    }

    data = malloc(1 << 24);
    len = fread(data, 1, 1 << 24, f);
    rounds = atoi(argv[3]);
    best = 1e9;

    for (i = 0; i < rounds; i++) {
        from = now();
        verdict = judge(list, argv[2], data, len);
        took = now() - from;
        best = took < best ? took : best;
    }

    printf("%.1f|%.1f|%u\n", best * 1e6, len / best / 1e6, verdict);

    return 0;
}

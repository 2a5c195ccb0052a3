/*
 * What one look-up costs: the names of a file (one a line) in a snapshot, as
 * the gateway looks them up, and a whole judgement of a request to each.
 *
 *     lookup FILE.mdb NAMES ROUNDS
 *
 * Prints nanoseconds a name: "hosts NS judge NS found N".
 */

#include <stdio.h>
#include <stdlib.h>

#include "judge.h"


#define MAX_NAMES  2000000


static uint64_t
now_ns(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000000000u + (uint64_t) ts.tv_nsec;
}


static size_t
read_names(const char *path, debar_host_t **hosts, char ***names)
{
    char         line[512];
    FILE        *f;
    size_t       n, len;
    const char  *why;

    f = fopen(path, "r");
    *hosts = calloc(MAX_NAMES, sizeof(debar_host_t));
    *names = calloc(MAX_NAMES, sizeof(char *));

    if (f == NULL || *hosts == NULL || *names == NULL) {
        perror(path);
        exit(1);
    }

    for (n = 0; n < MAX_NAMES && fgets(line, sizeof(line), f); /* void */) {
        len = strcspn(line, "\n");

        if (debar_host_parse(&(*hosts)[n], line, len, 0, &why) == DEBAR_OK) {
            line[len] = '\0';
            (*names)[n++] = strdup(line);
        }
    }

    fclose(f);

    return n;
}


int
main(int argc, char **argv)
{
    char                **names;
    size_t                i, n, found;
    unsigned              round, rounds;
    uint64_t              t0, t1, t2;
    debar_list_t         *list;
    debar_host_t         *hosts;
    debar_fault_t         fault;
    debar_facts_t         facts;
    debar_verdict_t       verdict;
    debar_open_opts_t     opts;
    debar_found_host_t    f[8];

    if (argc != 4) {
        fprintf(stderr, "usage: lookup FILE.mdb NAMES ROUNDS\n");
        return 2;
    }

    memset(&opts, 0, sizeof(opts));
    opts.uid = DEBAR_ANY_OWNER;
    list = debar_list_open(argv[1], &opts, &fault);

    if (list == NULL) {
        fprintf(stderr, "lookup: %s\n", fault.text);
        return 1;
    }

    n = read_names(argv[2], &hosts, &names);
    rounds = (unsigned) atoi(argv[3]);
    found = 0;

    t0 = now_ns();

    for (round = 0; round < rounds; round++) {
        for (i = 0; i < n; i++) {
            found += debar_snapshot_hosts(debar_list_snapshot(list), &hosts[i],
                                          f, 8);
        }
    }

    t1 = now_ns();

    memset(&facts, 0, sizeof(facts));
    facts.method = debar_str("GET", 3);
    facts.scheme = debar_str("http", 4);
    facts.target = debar_str("/articles/1/page.html?id=7919&lang=en", 37);
    facts.nhosts = 1;
    facts.now = time(NULL);

    for (round = 0; round < rounds; round++) {
        for (i = 0; i < n; i++) {
            facts.authority = debar_str(names[i], strlen(names[i]));
            facts.hosts[0] = facts.authority;
            debar_judge(list, &facts, &verdict);
        }
    }

    t2 = now_ns();

    printf("hosts %.1f judge %.1f found %zu\n",
           (double) (t1 - t0) / (double) (n * rounds),
           (double) (t2 - t1) / (double) (n * rounds), found / rounds);

    debar_list_close(list);

    return n ? 0 : 1;
}

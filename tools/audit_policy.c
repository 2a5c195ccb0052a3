/*
 * How long the audit log is kept: `debar_audit_keep` of nginx.conf, which nginx
 * checks and the sealer goes by.
 */

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit_retain.h"


#define DEBAR_POLICY_MAX   (1 << 20)         /* bytes of nginx.conf */
#define DEBAR_POLICY_NAME  "debar_audit_keep"
#define DEBAR_POLICY_SEARCHABLE  "searchable="


static int debar_policy_read(debar_buf_t *b, int dir, const char *name,
    debar_fault_t *fault);
static const char *debar_policy_find(const debar_buf_t *b);
static size_t debar_policy_word(const char **p, const char *end);


int
debar_retain_policy(debar_retain_policy_t *policy, int dir, const char *name,
    debar_fault_t *fault)
{
    int            rc;
    size_t         n, head;
    int64_t        t;
    const char    *p, *end, *word;
    debar_buf_t    b;

    memset(policy, 0, sizeof(*policy));
    memset(&b, 0, sizeof(b));
    head = sizeof(DEBAR_POLICY_SEARCHABLE) - 1;

    if (debar_policy_read(&b, dir, name, fault) != DEBAR_OK) {
        debar_buf_free(&b);
        return DEBAR_ERROR;
    }

    rc = DEBAR_DECLINED;
    p = debar_policy_find(&b);
    end = b.data + b.len;

    while (p && rc != DEBAR_ERROR && (n = debar_policy_word(&p, end))) {

        word = p;
        p += n;
        rc = DEBAR_ERROR;

        if (policy->keep[0] == '\0' && n < sizeof(policy->keep)
            && (debar_period_before(&t, 0, word, n) == DEBAR_OK
                || (n == 3 && memcmp(word, "off", 3) == 0)))
        {
            memcpy(policy->keep, word, n);
            rc = DEBAR_OK;

        } else if (n > head && n - head < sizeof(policy->searchable)
                   && memcmp(word, DEBAR_POLICY_SEARCHABLE, head) == 0
                   && debar_period_before(&t, 0, word + head, n - head)
                      == DEBAR_OK)
        {
            memcpy(policy->searchable, word + head, n - head);
            rc = DEBAR_OK;
        }
    }

    if (rc == DEBAR_ERROR) {
        debar_fault(fault, "%s: " DEBAR_POLICY_NAME " takes off, or a time as "
                    "12mo and searchable=6mo", name);
    }

    debar_buf_free(&b);

    return rc == DEBAR_OK && strcmp(policy->keep, "off") == 0 ? DEBAR_DECLINED
                                                              : rc;
}


static int
debar_policy_read(debar_buf_t *b, int dir, const char *name,
    debar_fault_t *fault)
{
    int          fd;
    char         block[4096];
    ssize_t      n;
    struct stat  st;

    fd = openat(dir, name, O_RDONLY|O_CLOEXEC|O_NONBLOCK);
    n = -1;

    if (fd != -1 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {

        while ((n = read(fd, block, sizeof(block))) > 0
               && b->len < DEBAR_POLICY_MAX)
        {
            debar_buf_add(b, block, (size_t) n);
        }
    }

    if (n != 0) {
        debar_fault(fault, "%s: %s", name, n > 0 ? "is too long for a "
                    "configuration of nginx" : fd == -1 ? strerror(errno)
                    : "cannot be read");
    }

    if (fd != -1) {
        close(fd);
    }

    return n == 0 ? DEBAR_OK : DEBAR_ERROR;
}


/* Behind its name, where that begins a line. */

static const char *
debar_policy_find(const debar_buf_t *b)
{
    size_t       n;
    const char  *p, *end;

    n = sizeof(DEBAR_POLICY_NAME) - 1;
    end = b->data + b->len;

    for (p = b->data; p && p < end; p = memchr(p, '\n', (size_t) (end - p)),
         p += p != NULL)
    {
        while (p < end && (*p == ' ' || *p == '\t')) {
            p++;
        }

        if ((size_t) (end - p) > n && memcmp(p, DEBAR_POLICY_NAME, n) == 0
            && isspace((unsigned char) p[n]))
        {
            return p + n;
        }
    }

    return NULL;
}


/* The next word, up to the semicolon; quotes have nothing to do here. */

static size_t
debar_policy_word(const char **p, const char *end)
{
    size_t  n;

    while (*p < end && isspace((unsigned char) **p)) {
        (*p)++;
    }

    for (n = 0; *p + n < end && !isspace((unsigned char) (*p)[n])
         && (*p)[n] != ';'; n++) { /* void */ }

    return n;
}

/*
 * debar audit export --to: the loop that ships.
 *
 * Syslog has no acknowledgement.  A record counts as shipped when the other
 * end's TCP has acknowledged its last byte and the connection has lived on for
 * some seconds (args.settle), in which a process that dies shows itself; or when
 * the other end answered our end of the stream with its own, having read all.
 * What does not count is sent again on the next connection, and by the next
 * process: at least once, never skipped.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "audit_ship.h"


#define DEBAR_SHIP_ROOM    (256u << 10)      /* bytes that wait to be sent */
#define DEBAR_SHIP_MARKS   1024
#define DEBAR_SHIP_BATCH   64                /* records that settle together */
#define DEBAR_SHIP_TICK    200               /* ms between two looks */
#define DEBAR_SHIP_FIRST   0.5               /* s before the second try, */
#define DEBAR_SHIP_LAST    60.0              /* at most */
#define DEBAR_SHIP_SAY     60.0              /* s between two words of a lag */
#define DEBAR_SHIP_END     3.0               /* s for the other end to read */
#define DEBAR_SHIP_WINDOW  1024              /* records of RELP unanswered, */
#define DEBAR_SHIP_HEAR    60.0              /* s, at most */


/* Bytes of this connection up to end, and where the log goes on behind them. */

typedef struct {
    uint64_t       end;
    uint64_t       raw;           /* as they were sent: encrypted */
    unsigned       sent;
    double         acked;         /* 0: not yet */
    uint64_t       records;
    uint64_t       last;          /* of this connection, from 1 */
    debar_place_t  place;
} debar_ship_mark_t;

typedef struct {
    const debar_ship_args_t  *args;
    debar_ship_to_t           to;
    debar_ship_log_t          log;
    debar_ship_state_t        state;
    debar_place_t             settled;
    debar_buf_t               record;
    debar_buf_t               out;
    size_t                    sent;          /* of out */
    uint64_t                  base;          /* bytes before out */
    uint64_t                  records;       /* of this connection */
    debar_ship_mark_t         marks[DEBAR_SHIP_MARKS];
    size_t                    from;
    size_t                    nmarks;
    double                    now;
    double                    next;          /* try */
    double                    pause;         /* s, before it */
    double                    saved;
    double                    moved;         /* something settled, or no lag */
    double                    told;          /* of a lag */
    double                    heard;         /* an answer, or none is due */
    uint64_t                  answered;      /* by then */
    unsigned                  opened:1;      /* the log is */
    unsigned                  dirty:1;       /* the state is not written */
    unsigned                  tried:1;
    char                      said[sizeof(debar_fault_t)];
    debar_pair_t              pair;
} debar_shipping_t;


static volatile int  debar_ship_stop;


static void
debar_ship_signal(int number)
{
    debar_ship_stop = 1;
}


static double
debar_ship_now(void)
{
    struct timespec  t;

    clock_gettime(CLOCK_MONOTONIC, &t);

    return (double) t.tv_sec + (double) t.tv_nsec / 1e9;
}


/* --- records --------------------------------------------------------------- */

/* The log goes on at place behind what is in out. */

static void
debar_ship_mark_add(debar_shipping_t *s, const debar_place_t *place,
    unsigned records)
{
    uint64_t            end;
    debar_ship_mark_t  *m;

    end = s->base + s->out.len;
    m = s->nmarks ? &s->marks[(s->from + s->nmarks - 1) % DEBAR_SHIP_MARKS]
                  : NULL;

    if (m == NULL || (s->nmarks < DEBAR_SHIP_MARKS && m->end != end
                      && (m->sent || s->to.relp
                          || m->records >= DEBAR_SHIP_BATCH)))
    {
        m = &s->marks[(s->from + s->nmarks++) % DEBAR_SHIP_MARKS];
        memset(m, 0, sizeof(*m));
    }

    if (m->end != end) {
        m->end = end;
        m->sent = 0;
        m->acked = 0;
    }

    m->records += records;
    m->last = s->records;
    m->place = *place;
}


static void
debar_ship_put(debar_pair_t *p, const debar_export_t *e)
{
    debar_place_t       place;
    debar_shipping_t   *s = p->data;
    const debar_place_t  *waits;

    s->records++;
    s->record.len = 0;
    (s->to.kind == DEBAR_SHIP_FILE ? s->args->put : s->args->wire)(&s->record,
                                                                   e);

    /* RFC 6587 s.3.4.1, RFC 5425 s.4.3: MSG-LEN SP, no newline behind */

    if (s->to.relp) {
        debar_ship_relp_put(&s->out, s->records, s->record.data,
                            s->record.len - 1);

    } else {

        if (s->args->counted && s->to.kind != DEBAR_SHIP_FILE
            && !s->to.datagram)
        {
            debar_buf_printf(&s->out, "%zu ", s->record.len - 1);
            s->record.len--;
        }

        debar_buf_add(&s->out, s->record.data, s->record.len);
    }

    waits = debar_pair_place(p);
    place = waits ? *waits : debar_ship_log_place(&s->log);
    debar_ship_mark_add(s, &place, 1);
}


static void
debar_ship_line(void *data, const char *line, size_t len,
    const debar_place_t *place)
{
    debar_shipping_t  *s = data;

    debar_pair_line(&s->pair, line, len, place, s->now);
}


static int
debar_ship_room(const debar_shipping_t *s)
{
    return s->out.len - s->sent < DEBAR_SHIP_ROOM
           && (!s->to.relp
               || s->records < s->to.answered + DEBAR_SHIP_WINDOW);
}


/* Reads as much as may wait.  DEBAR_DECLINED: nothing more is there. */

static int
debar_ship_read(debar_shipping_t *s, debar_fault_t *fault)
{
    int            rc;
    debar_place_t  place;

    rc = DEBAR_OK;

    while (rc == DEBAR_OK && debar_ship_room(s) && !debar_ship_stop) {
        rc = debar_ship_log_read(&s->log, debar_ship_line, s, fault);
    }

    debar_pair_leave(&s->pair, rc == DEBAR_DECLINED && !s->args->follow
                               ? INFINITY : s->now - s->args->wait);

    /* lines that make no record are passed, too */

    if (debar_pair_place(&s->pair) == NULL) {
        place = debar_ship_log_place(&s->log);
        debar_ship_mark_add(s, &place, 0);
    }

    return rc;
}


/* --- the connection -------------------------------------------------------- */

/* Once a reason: it is tried again and again. */

static void
debar_ship_lost(debar_shipping_t *s, const debar_fault_t *fault)
{
    double    part;
    uint32_t  random;

    debar_ship_to_close(&s->to);
    debar_pair_free(&s->pair);
    s->out.len = s->sent = 0;
    s->base = 0;
    s->records = 0;
    s->nmarks = 0;

    if (s->opened) {
        debar_ship_log_back(&s->log, &s->settled);
    }

    /* gateways do not come back all at once */

    if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != sizeof(random)) {
        random = (uint32_t) (s->now * 1e6);
    }

    part = 0.5 + (double) random / UINT32_MAX;
    s->next = debar_ship_now() + s->pause * part;

    if (s->args->follow && strcmp(s->said, fault->text) != 0) {
        debar_say("%s; trying again in %.1f s, and on", fault->text,
                  s->pause * part);
        snprintf(s->said, sizeof(s->said), "%s", fault->text);
    }

    s->pause = s->pause * 2 > DEBAR_SHIP_LAST ? DEBAR_SHIP_LAST : s->pause * 2;
}


static int
debar_ship_connect(debar_shipping_t *s, debar_fault_t *fault)
{
    if (debar_ship_to_open(&s->to, &debar_ship_stop, fault) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    s->answered = 0;
    s->heard = debar_ship_now();

    if (s->args->follow && s->to.kind != DEBAR_SHIP_FILE) {
        debar_say("%s: connected%s", s->to.name, s->to.how);
    }

    return DEBAR_OK;
}


static int
debar_ship_write(debar_shipping_t *s, debar_fault_t *fault)
{
    size_t              i;
    ssize_t             n;
    debar_ship_mark_t  *m;

    n = 1;

    while (s->sent < s->out.len && n > 0) {
        n = debar_ship_to_write(&s->to, s->out.data + s->sent,
                                s->out.len - s->sent, fault);
        s->sent += n > 0 ? (size_t) n : 0;
    }

    if (s->sent == s->out.len || s->sent > DEBAR_SHIP_ROOM / 2) {
        memmove(s->out.data, s->out.data + s->sent, s->out.len - s->sent);
        s->base += s->sent;
        s->out.len -= s->sent;
        s->sent = 0;
    }

    for (i = 0; i < s->nmarks; i++) {
        m = &s->marks[(s->from + i) % DEBAR_SHIP_MARKS];

        if (m->end > s->base + s->sent) {
            break;
        }

        if (!m->sent) {
            m->sent = 1;
            m->raw = s->to.raw;
        }
    }

    return n == -1 ? DEBAR_ERROR : DEBAR_OK;
}


/* all: whatever was sent was read. */

static int
debar_ship_settled(const debar_shipping_t *s, const debar_ship_mark_t *m,
    int all)
{
    if (!m->sent || all) {
        return m->sent != 0;
    }

    if (s->to.relp) {
        return m->last <= s->to.answered;
    }

    return m->acked > 0 && (s->to.kind == DEBAR_SHIP_FILE || m->end == 0
                            || s->now - m->acked >= s->args->settle);
}


static void
debar_ship_settle(debar_shipping_t *s, int all, debar_fault_t *fault)
{
    size_t              i;
    uint64_t            acked;
    debar_ship_mark_t  *m;

    acked = s->nmarks && !all ? debar_ship_to_acked(&s->to, fault) : 0;

    for (i = 0; i < s->nmarks; i++) {

        m = &s->marks[(s->from + i) % DEBAR_SHIP_MARKS];

        if (!m->sent || m->raw > acked) {
            break;
        }

        m->acked = m->acked > 0 ? m->acked : s->now;
    }

    for ( /* void */ ; s->nmarks; s->nmarks--) {

        m = &s->marks[s->from];

        if (!debar_ship_settled(s, m, all)) {
            break;
        }

        if (m->place.file != s->settled.file
            || m->place.offset != s->settled.offset || m->records)
        {
            s->settled = m->place;
            s->state.shipped += m->records;
            s->dirty = 1;
            s->moved = s->now;

            if (m->records) {
                s->pause = DEBAR_SHIP_FIRST;
                s->said[0] = '\0';
            }
        }

        s->from = (s->from + 1) % DEBAR_SHIP_MARKS;
    }
}


/* --- what is known of it --------------------------------------------------- */

static int
debar_ship_save(debar_shipping_t *s, debar_fault_t *fault)
{
    if (!s->dirty || !s->opened) {
        return DEBAR_OK;
    }

    if (debar_ship_log_state(&s->state, &s->log, &s->settled, fault)
        != DEBAR_OK
        || debar_ship_state_write(&s->state, s->args->state, fault)
           != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    debar_ship_log_passed(&s->log, &s->settled);
    s->dirty = 0;
    s->saved = s->now;

    return DEBAR_OK;
}


static int
debar_ship_left(debar_shipping_t *s, debar_ship_lag_t *lag)
{
    debar_fault_t       fault;
    debar_ship_file_t  *f;

    f = s->opened ? &s->log.files[s->settled.file % DEBAR_SHIP_OPEN] : NULL;

    return debar_ship_lag(lag, s->args->audit, f ? f->number : 0,
                          f ? f->inode : 0, f ? s->settled.offset : 0, &fault);
}


static void
debar_ship_tell(debar_shipping_t *s)
{
    debar_ship_lag_t  lag;

    if (s->now - s->moved < DEBAR_SHIP_SAY || s->now - s->told < DEBAR_SHIP_SAY
        || debar_ship_left(s, &lag) != DEBAR_OK)
    {
        return;
    }

    s->told = s->now;

    if (lag.bytes == 0) {
        s->moved = s->now;
        return;
    }

    debar_say("%s: %llu bytes in %llu files are not shipped, the oldest line "
              "of %s, %.0f s ago", s->to.name, (unsigned long long) lag.bytes,
              (unsigned long long) lag.files, lag.since[0] ? lag.since : "?",
              lag.seconds);
}


/* --- life ------------------------------------------------------------------ */

static void
debar_ship_nap(debar_shipping_t *s, int busy)
{
    int            ms;
    struct pollfd  p;

    ms = busy ? 0 : DEBAR_SHIP_TICK;
    p.fd = s->to.kind == DEBAR_SHIP_FILE ? -1 : s->to.fd;
    p.events = (short) (POLLIN | s->to.interest);
    (void) poll(&p, 1, s->to.interest ? DEBAR_SHIP_TICK : ms);
    s->now = debar_ship_now();
}


static int
debar_ship_begin(debar_shipping_t *s, debar_fault_t *fault)
{
    int                  rc;
    debar_ship_state_t  *state;

    state = s->state.file[0] ? &s->state : NULL;
    rc = debar_ship_log_open(&s->log, state, fault);

    if (rc == DEBAR_OK) {
        s->opened = 1;
        s->settled = debar_ship_log_place(&s->log);
        s->dirty = 1;
    }

    return rc;
}


/* One that takes records and answers none is as good as lost. */

static int
debar_ship_hears(debar_shipping_t *s, debar_fault_t *fault)
{
    if (!s->to.relp || s->to.answered == s->records
        || s->to.answered != s->answered)
    {
        s->answered = s->to.answered;
        s->heard = s->now;
        return DEBAR_OK;
    }

    if (s->now - s->heard < DEBAR_SHIP_HEAR) {
        return DEBAR_OK;
    }

    debar_fault(fault, "%s: answers nothing for %.0f s", s->to.name,
                DEBAR_SHIP_HEAR);

    return DEBAR_ERROR;
}


/* One turn while it is connected.  DEBAR_DECLINED: all there is was sent. */

static int
debar_ship_turn(debar_shipping_t *s, int *lost, debar_fault_t *fault)
{
    int     rc;
    size_t  before;

    before = s->out.len - s->sent;
    rc = debar_ship_read(s, fault);

    if (rc == DEBAR_ERROR) {
        return rc;
    }

    if (debar_ship_to_alive(&s->to, fault) != DEBAR_OK
        || debar_ship_hears(s, fault) != DEBAR_OK
        || debar_ship_write(s, fault) != DEBAR_OK)
    {
        /* what a file has was synced; of a socket nothing is known */

        debar_ship_settle(s, 0, fault);
        *lost = 1;
        return DEBAR_OK;
    }

    debar_ship_settle(s, 0, fault);
    debar_ship_nap(s, rc == DEBAR_OK && debar_ship_room(s));

    return rc == DEBAR_DECLINED && s->sent == s->out.len && before == 0
           ? DEBAR_DECLINED : DEBAR_OK;
}


static int
debar_ship_serve(debar_shipping_t *s, debar_fault_t *fault)
{
    int  rc, lost;

    for (s->now = debar_ship_now(); !debar_ship_stop; /* void */ ) {

        rc = s->opened ? DEBAR_OK : debar_ship_begin(s, fault);

        if (rc == DEBAR_ERROR || (rc == DEBAR_DECLINED && !s->args->follow)) {
            return rc;
        }

        lost = 0;

        if (s->to.fd == -1 && rc == DEBAR_OK && s->now >= s->next) {
            lost = debar_ship_connect(s, fault) != DEBAR_OK;
            s->now = debar_ship_now();
        }

        if (s->to.fd != -1 && rc == DEBAR_OK) {
            rc = debar_ship_turn(s, &lost, fault);

            if (rc == DEBAR_ERROR
                || (rc == DEBAR_DECLINED && !s->args->follow))
            {
                return rc == DEBAR_ERROR ? rc : DEBAR_OK;
            }

        } else {
            debar_ship_nap(s, 0);
        }

        if (lost && !debar_ship_stop) {
            debar_ship_lost(s, fault);

            if (!s->args->follow) {
                return DEBAR_ERROR;
            }
        }

        if (s->now - s->saved >= 1 && debar_ship_save(s, fault) != DEBAR_OK) {
            return DEBAR_ERROR;
        }

        debar_ship_tell(s);
    }

    return DEBAR_OK;
}


/* What was sent and not yet settled: the other end may say that it read it. */

static int
debar_ship_end(debar_shipping_t *s, int rc, debar_fault_t *fault)
{
    char           bye[64];
    double         until;
    size_t         len;
    debar_fault_t  other;

    if (s->to.fd != -1) {

        /* at most what is in out is left; the other end may be slow */

        until = debar_ship_now() + DEBAR_SHIP_END;

        while (s->sent < s->out.len && s->now < until
               && debar_ship_write(s, &other) == DEBAR_OK)
        {
            debar_ship_nap(s, 0);
        }

        while (s->to.relp && s->to.answered < s->records && s->now < until
               && debar_ship_to_alive(&s->to, &other) == DEBAR_OK)
        {
            debar_ship_nap(s, 0);
        }

        if (s->to.relp) {
            debar_ship_settle(s, 0, &other);
            len = debar_ship_relp_close(bye, sizeof(bye), s->records + 1);

            if (s->sent == s->out.len) {
                (void) debar_ship_to_write(&s->to, bye, len, &other);
            }

        } else if (s->sent == s->out.len
            && debar_ship_to_finish(&s->to, DEBAR_SHIP_END) == DEBAR_OK)
        {
            if (s->to.kind == DEBAR_SHIP_FILE) {
                debar_ship_settle(s, 0, &other);
            } else {
                debar_ship_settle(s, 1, &other);
            }
        }

        debar_ship_to_close(&s->to);
    }

    if (debar_ship_save(s, &other) != DEBAR_OK && rc == DEBAR_OK) {
        *fault = other;
        rc = DEBAR_ERROR;
    }

    if (rc != DEBAR_ERROR && !s->args->follow && s->nmarks) {
        debar_fault(fault, "%s: the other end did not say that it read all; "
                    "run it again, which sends the last records again",
                    s->to.name);
        rc = DEBAR_ERROR;
    }

    return rc;
}


/* One process for a state. */

static int
debar_ship_lock(const char *path, debar_fault_t *fault)
{
    int   fd;
    char  name[PATH_MAX];

    if (snprintf(name, sizeof(name), "%s.lock", path) >= (int) sizeof(name)) {
        debar_fault(fault, "%s: the path is too long", path);
        return -1;
    }

    fd = open(name, O_RDWR|O_CREAT|O_CLOEXEC|O_NOFOLLOW, 0640);

    if (fd == -1) {
        debar_fault(fault, "%s: %s; --state names a file in a folder that you "
                    "may write to", name, strerror(errno));

    } else if (flock(fd, LOCK_EX|LOCK_NB) == -1) {
        debar_fault(fault, "%s: another process ships by it: name another "
                    "--state", path);
        close(fd);
        fd = -1;
    }

    return fd;
}


static void
debar_ship_signals(void)
{
    struct sigaction  sa;

    memset(&sa, 0, sizeof(sa));
    sa.sa_handler = debar_ship_signal;
    sigaction(SIGTERM, &sa, NULL);
    sigaction(SIGINT, &sa, NULL);
    sa.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &sa, NULL);
}


static void
debar_ship_free(debar_shipping_t *s)
{
    if (s->opened) {
        debar_ship_log_close(&s->log);
    }

    debar_pair_free(&s->pair);
    debar_buf_free(&s->record);
    debar_buf_free(&s->out);
    free(s);
}


int
debar_ship(const debar_ship_args_t *args)
{
    int                rc, lock;
    debar_fault_t      fault;
    debar_shipping_t  *s;

    s = calloc(1, sizeof(*s));

    if (s == NULL) {
        return debar_say("no memory to ship with");
    }

    s->args = args;
    s->to.ca = args->ca;
    s->to.cert = args->cert;
    s->to.key = args->key;
    s->log.audit = args->audit;
    s->pause = DEBAR_SHIP_FIRST;
    s->pair.put = debar_ship_put;
    s->pair.data = s;
    snprintf(s->pair.since, sizeof(s->pair.since), "%s", args->since);
    s->moved = debar_ship_now();

    memset(&fault, 0, sizeof(fault));
    lock = -1;
    rc = debar_ship_to_parse(&s->to, args->to, &fault);

    if (rc == DEBAR_OK) {
        rc = debar_ship_to_check(&s->to, &fault);
    }

    if (rc == DEBAR_OK) {
        lock = debar_ship_lock(args->state, &fault);
        rc = lock == -1 ? DEBAR_ERROR
             : debar_ship_state_read(&s->state, args->state, &fault);
        rc = rc == DEBAR_DECLINED ? DEBAR_OK : rc;
    }

    if (rc == DEBAR_OK) {
        debar_ship_signals();
        rc = debar_ship_serve(s, &fault);

        if (rc == DEBAR_DECLINED) {
            debar_fault(&fault, "%s: has no audit-*.jsonl nor audit.jsonl: "
                        "name the DIR/audit of a gateway", args->audit->path);
            rc = DEBAR_ERROR;
        }

        rc = debar_ship_end(s, rc, &fault);
    }

    if (s->log.unreadable + s->pair.unreadable) {
        debar_say("%llu lines of the log are no lines of ours and were left "
                  "out: see `debar audit verify`", (unsigned long long)
                  (s->log.unreadable + s->pair.unreadable));
    }

    debar_ship_free(s);

    if (lock != -1) {
        close(lock);
    }

    return rc == DEBAR_OK ? 0 : debar_say("%s", fault.text);
}

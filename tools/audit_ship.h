/*
 * debar audit export --to: records sent on as they come, and how far that is.
 *
 * The log is only read: no lock of it is taken, nothing waits for a collector.
 */

#ifndef DEBAR_TOOLS_AUDIT_SHIP_H
#define DEBAR_TOOLS_AUDIT_SHIP_H

#include "audit_export.h"


#define DEBAR_SHIP_HOST  256
#define DEBAR_SHIP_MARK  65                  /* hexadecimal digits, and NUL */


typedef struct {
    const debar_audit_t  *audit;
    debar_export_pt       put;               /* of a file */
    debar_export_pt       wire;              /* of a socket */
    unsigned              counted;           /* RFC 6587 octet counting there */
    const char           *to;
    const char           *state;
    const char           *ca;                /* NULL: those of the system */
    const char           *cert;
    const char           *key;
    const char           *since;             /* "": all that is there */
    unsigned              follow;
    unsigned              wait;              /* s, for an outcome */
    unsigned              settle;            /* s, see debar_ship_t */
} debar_ship_args_t;

/* Exit code; all is said. */

int debar_ship(const debar_ship_args_t *args);

/* What is not shipped, on stdout. */

int debar_ship_lag_command(const debar_audit_t *audit, const char *state,
    unsigned json);


/* --- audit_ship_log.c: files of the log, one behind the other -------------- */

#define DEBAR_SHIP_OPEN   64                 /* files that are open at once */
#define DEBAR_SHIP_QUIET  60                 /* s: nobody writes there any more,
                                                if no sealer says so */

typedef struct {
    uint64_t  number;             /* of its name; of the live one: the next */
    uint64_t  inode;
    uint64_t  size;
    unsigned  live;
    char      name[DEBAR_SEALED_NAME];
} debar_ship_entry_t;

/* In order, the live one last.  DEBAR_ERROR: fault says why. */

int debar_ship_list(const debar_audit_t *a, debar_ship_entry_t **list,
    size_t *n, debar_fault_t *fault);

/*
 * How far it is: the file, and bytes of it.  mark: SHA-256 of what stands before
 * them, 4096 bytes at most, by which a file is known again that was renamed,
 * copied or put back.
 */

typedef struct {
    char      file[DEBAR_SEALED_NAME];
    uint64_t  number;
    uint64_t  inode;
    uint64_t  offset;
    uint64_t  shipped;            /* records, of all time */
    char      mark[DEBAR_SHIP_MARK];
} debar_ship_state_t;

/* DEBAR_DECLINED: there is none yet. */

int debar_ship_state_read(debar_ship_state_t *s, const char *path,
    debar_fault_t *fault);
int debar_ship_state_write(const debar_ship_state_t *s, const char *path,
    debar_fault_t *fault);

typedef struct {
    uint64_t  bytes;
    uint64_t  files;              /* that they are in */
    char      since[25];          /* time of the oldest line; "": none */
    double    seconds;            /* since then */
} debar_ship_lag_t;

/* inode 0: before the first file. */

int debar_ship_lag(debar_ship_lag_t *lag, const debar_audit_t *a,
    uint64_t number, uint64_t inode, uint64_t offset, debar_fault_t *fault);

typedef struct {
    uint64_t  number;
    uint64_t  inode;
    int       fd;
} debar_ship_file_t;

typedef struct {
    const debar_audit_t  *audit;
    debar_ship_file_t     files[DEBAR_SHIP_OPEN];
    uint64_t              first;  /* places are in files first to next - 1; */
    uint64_t              next;   /* the last one is being read */
    uint64_t              offset;
    unsigned              over;   /* the line began long ago: it is none */
    uint64_t              unreadable;
    char                 *block;
} debar_ship_log_t;

typedef void (*debar_ship_line_pt)(void *data, const char *line, size_t len,
    const debar_place_t *place);

/* Opens it where state (may be NULL) says; what had to be passed over, or is
 * read again, is said.  DEBAR_DECLINED: the log has no file yet. */

int debar_ship_log_open(debar_ship_log_t *log, const debar_ship_state_t *state,
    debar_fault_t *fault);

/* A block of lines; within line() the place to go on from is that of the line.
 * DEBAR_DECLINED: there are no more now. */

int debar_ship_log_read(debar_ship_log_t *log, debar_ship_line_pt line,
    void *data, debar_fault_t *fault);

/* Where it will read next. */

debar_place_t debar_ship_log_place(const debar_ship_log_t *log);

/* Files before place are needed no more; reading goes on from there. */

void debar_ship_log_passed(debar_ship_log_t *log, const debar_place_t *place);
void debar_ship_log_back(debar_ship_log_t *log, const debar_place_t *place);

/* place as it is written down. */

int debar_ship_log_state(debar_ship_state_t *s, const debar_ship_log_t *log,
    const debar_place_t *place, debar_fault_t *fault);
void debar_ship_log_close(debar_ship_log_t *log);


/* --- audit_ship_name.c, audit_ship_to.c: where it goes -------------------- */

typedef enum {
    DEBAR_SHIP_FILE = 0, DEBAR_SHIP_UNIX, DEBAR_SHIP_TCP, DEBAR_SHIP_TLS
} debar_ship_kind_e;

typedef struct {
    const char         *name;     /* as it was given */
    const char         *ca;
    const char         *cert;
    const char         *key;
    debar_ship_kind_e   kind;
    char                host[DEBAR_SHIP_HOST];
    char                port[6];
    const char         *path;
    unsigned            datagram;
    unsigned            relp;
    unsigned            opened;   /* it speaks that, too */
    uint64_t            answered; /* records that it took over */
    char                answer[4096];
    size_t              answer_len;
    int                 fd;       /* -1: none */
    void               *ssl;      /* SSL */
    uint64_t            inode;    /* of a file */
    uint64_t            raw;      /* bytes that left, as encrypted */
    uint64_t            synced;
    unsigned            interest; /* POLLOUT where it waits for that */
    char                how[64];  /* "TLSv1.3" */
} debar_ship_to_t;

/* tcp://HOST:PORT, tls://HOST[:6514], relp://HOST:PORT, relps://HOST:PORT (RELP
 * over TLS), unix:PATH, or a file's path. */

int debar_ship_to_parse(debar_ship_to_t *to, const char *text,
    debar_fault_t *fault);

/* What can be known before the first connection: certificates are read. */

int debar_ship_to_check(const debar_ship_to_t *to, debar_fault_t *fault);

/* Takes at most some seconds for each address; *stop ends it. */

int debar_ship_to_open(debar_ship_to_t *to, const volatile int *stop,
    debar_fault_t *fault);

/* Bytes taken, 0: none now.  -1: it is lost. */

ssize_t debar_ship_to_write(debar_ship_to_t *to, const char *data, size_t len,
    debar_fault_t *fault);

/* Reads what came, which means nothing.  DEBAR_ERROR: it is lost. */

int debar_ship_to_alive(debar_ship_to_t *to, debar_fault_t *fault);

/* Of raw: what the other end's system has, or the disk. */

uint64_t debar_ship_to_acked(debar_ship_to_t *to, debar_fault_t *fault);

/* Says that there is no more, and waits for the other end to say so: DEBAR_OK:
 * it read all. */

int debar_ship_to_finish(debar_ship_to_t *to, double seconds);
void debar_ship_to_close(debar_ship_to_t *to);


/* --- audit_ship_relp.c: records that are answered -------------------------- */

/* Of the nth record of a connection. */

void debar_ship_relp_put(debar_buf_t *out, uint64_t nth, const char *data,
    size_t len);

/* The first frame, which is answered as the record 0, and the last one. */

size_t debar_ship_relp_open(char *out, size_t size);
size_t debar_ship_relp_close(char *out, size_t size, uint64_t nth);

/* What came; counts to->answered on.  DEBAR_ERROR: it is lost. */

int debar_ship_relp_input(debar_ship_to_t *to, const char *data, size_t len,
    debar_fault_t *fault);


#endif /* DEBAR_TOOLS_AUDIT_SHIP_H */

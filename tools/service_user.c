/*
 * Who a service runs as, and what it gives up.
 */

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "service.h"


/* Of systemd's dynamic users: nobody else's by convention. */

#define DEBAR_SERVICE_UID_FIRST  61184
#define DEBAR_SERVICE_UID_LAST   65519


static int debar_service_named(const debar_service_t *s,
    debar_service_user_t *u);


int
debar_service_user(const debar_service_t *s, debar_service_user_t *u)
{
    uid_t           uid;
    struct passwd  *pw;

    memset(u, 0, sizeof(*u));

    if (s->user) {
        if (debar_service_named(s, u) != DEBAR_OK) {
            return DEBAR_ERROR;
        }

        snprintf(u->why, sizeof(u->why), "by --user");

    } else if (geteuid() != 0) {
        u->uid = geteuid();
        u->gid = getegid();
        snprintf(u->why, sizeof(u->why), "who started it");

    } else if (getpwnam(s->account)) {
        pw = getpwnam(s->account);
        u->uid = pw->pw_uid;
        u->gid = pw->pw_gid;
        snprintf(u->why, sizeof(u->why), "user \"%s\"", s->account);

    } else {

        for (uid = DEBAR_SERVICE_UID_FIRST; uid <= DEBAR_SERVICE_UID_LAST;
             uid++)
        {
            if (getpwuid(uid) == NULL && getgrgid((gid_t) uid) == NULL) {
                break;
            }
        }

        if (uid > DEBAR_SERVICE_UID_LAST) {
            debar_say("%s: no free user id: name one with --user", s->name);
            return DEBAR_ERROR;
        }

        u->uid = uid;
        u->gid = (gid_t) uid;
        snprintf(u->why, sizeof(u->why), "free, as there is no user \"%s\"",
                 s->account);
    }

    if (u->uid != geteuid() && geteuid() != 0) {
        debar_say("%s: only root can start it as another user (uid %ld): "
                  "leave --user out", s->name, (long) u->uid);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


static int
debar_service_named(const debar_service_t *s, debar_service_user_t *u)
{
    char           *end;
    unsigned long   n;
    const char     *name;
    struct passwd  *pw;

    name = s->user;
    pw = getpwnam(name);

    if (pw == NULL) {
        errno = 0;
        n = strtoul(name, &end, 10);

        if (errno || *end != '\0' || *name < '0' || *name > '9'
            || n >= 0xffffffff)
        {
            debar_say("%s: there is no user \"%s\": --user takes a name or a "
                      "number", s->name, name);
            return DEBAR_ERROR;
        }

        pw = getpwuid((uid_t) n);
        u->uid = (uid_t) n;
        u->gid = pw ? pw->pw_gid : (gid_t) n;

        return DEBAR_OK;
    }

    u->uid = pw->pw_uid;
    u->gid = pw->pw_gid;

    return DEBAR_OK;
}


void
debar_service_harden(void)
{
    struct rlimit  none = { 0, 0 };

    (void) setrlimit(RLIMIT_CORE, &none);
    (void) prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    (void) prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}


int
debar_service_drop(const debar_service_t *s, const debar_service_user_t *u)
{
    if (u->uid == geteuid()) {
        return DEBAR_OK;
    }

    if (setgroups(0, NULL) == -1
        || setresgid(u->gid, u->gid, u->gid) == -1
        || setresuid(u->uid, u->uid, u->uid) == -1)
    {
        debar_say("%s: cannot become uid %ld: %s: without the right to "
                  "change users (in a user namespace?) say --user %ld, and "
                  "nothing is kept from that user", s->name, (long) u->uid,
                  strerror(errno), (long) geteuid());
        return DEBAR_ERROR;
    }

    if (u->uid != 0 && (setuid(0) != -1 || seteuid(0) != -1)) {
        debar_say("%s: uid %ld could become root again", s->name,
                  (long) u->uid);
        return DEBAR_ERROR;
    }

    /* a change of user makes a process dumpable by its own again */

    debar_service_harden();

    return DEBAR_OK;
}


int
debar_service_allowed(const debar_service_t *s, uid_t uid)
{
    unsigned  i;

    for (i = 0; i < s->nuids; i++) {
        if (s->uids[i] == uid) {
            return 1;
        }
    }

    return uid == 0 || uid == geteuid();
}

/*
 * Who `debar sign` runs as, and what it gives up.
 */

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "sign.h"


#define DEBAR_SIGN_USER       "debar-sign"

/* Of systemd's dynamic users: nobody else's by convention. */

#define DEBAR_SIGN_UID_FIRST  61184
#define DEBAR_SIGN_UID_LAST   65519


static int debar_sign_named(const char *name, debar_sign_user_t *u);


int
debar_sign_user(const debar_sign_conf_t *c, debar_sign_user_t *u)
{
    uid_t  uid;

    memset(u, 0, sizeof(*u));

    if (c->user) {
        if (debar_sign_named(c->user, u) != DEBAR_OK) {
            return DEBAR_ERROR;
        }

        snprintf(u->why, sizeof(u->why), "by --user");

    } else if (geteuid() != 0) {
        u->uid = geteuid();
        u->gid = getegid();
        snprintf(u->why, sizeof(u->why), "who started it");

    } else if (getpwnam(DEBAR_SIGN_USER)) {
        if (debar_sign_named(DEBAR_SIGN_USER, u) != DEBAR_OK) {
            return DEBAR_ERROR;
        }

        snprintf(u->why, sizeof(u->why), "user \"" DEBAR_SIGN_USER "\"");

    } else {

        for (uid = DEBAR_SIGN_UID_FIRST; uid <= DEBAR_SIGN_UID_LAST; uid++) {
            if (getpwuid(uid) == NULL && getgrgid((gid_t) uid) == NULL) {
                break;
            }
        }

        if (uid > DEBAR_SIGN_UID_LAST) {
            debar_say("sign: no free user id: name one with --user");
            return DEBAR_ERROR;
        }

        u->uid = uid;
        u->gid = (gid_t) uid;
        snprintf(u->why, sizeof(u->why), "free, as there is no user \""
                 DEBAR_SIGN_USER "\"");
    }

    if (u->uid != geteuid() && geteuid() != 0) {
        debar_say("sign: only root can start it as another user (uid %ld): "
                  "leave --user out", (long) u->uid);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


static int
debar_sign_named(const char *name, debar_sign_user_t *u)
{
    char           *end;
    unsigned long   n;
    struct passwd  *pw;

    pw = getpwnam(name);

    if (pw == NULL) {
        errno = 0;
        n = strtoul(name, &end, 10);

        if (errno || *end != '\0' || *name < '0' || *name > '9'
            || n >= 0xffffffff)
        {
            debar_say("sign: there is no user \"%s\": --user takes a name or a "
                      "number", name);
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
debar_sign_harden(void)
{
    struct rlimit  none = { 0, 0 };

    (void) setrlimit(RLIMIT_CORE, &none);
    (void) prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    (void) prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}


int
debar_sign_drop(const debar_sign_user_t *u)
{
    if (u->uid == geteuid()) {
        return DEBAR_OK;
    }

    if (setgroups(0, NULL) == -1
        || setresgid(u->gid, u->gid, u->gid) == -1
        || setresuid(u->uid, u->uid, u->uid) == -1)
    {
        debar_say("sign: cannot become uid %ld: %s: without the right to "
                  "change users (in a user namespace?) say --user %ld, and "
                  "the key is not kept from that user", (long) u->uid,
                  strerror(errno), (long) geteuid());
        return DEBAR_ERROR;
    }

    if (u->uid != 0 && (setuid(0) != -1 || seteuid(0) != -1)) {
        debar_say("sign: uid %ld could become root again", (long) u->uid);
        return DEBAR_ERROR;
    }

    /* a change of user makes a process dumpable by its own again */

    debar_sign_harden();

    return DEBAR_OK;
}

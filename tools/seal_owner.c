/*
 * Whom the sealer becomes, and what becomes his.
 */

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "seal.h"


#define DEBAR_SEAL_UID  61440                /* of systemd's dynamic users */


static int debar_seal_give(int fd, uid_t uid, gid_t gid, mode_t mode);
static int debar_seal_own(debar_seal_t *s, uid_t uid);
static int debar_seal_own_one(const char *path, const struct stat *st,
    int type, struct FTW *ftw);


/* A user of its own: not the one that the signer and the inspector take where
 * they have no account. */

void
debar_seal_user(debar_seal_t *s)
{
    uid_t        uid;
    static char  text[16];

    if (s->service.user || geteuid() != 0 || getpwnam(s->service.account)) {
        return;
    }

    for (uid = DEBAR_SEAL_UID; uid < DEBAR_SEAL_UID + 64; uid++) {

        if (getpwuid(uid) == NULL && getgrgid((gid_t) uid) == NULL) {
            snprintf(text, sizeof(text), "%lu", (unsigned long) uid);
            s->service.user = text;
            return;
        }
    }
}


/*
 * The folder and DIR/sealed.  Where root starts it for another user, both become
 * that user's: it renames the log and writes beside it.  The log's group stays
 * that of the workers, to which the sealer will belong, and new files get it;
 * what is in DIR/sealed is not for workers.
 */

int
debar_seal_folder(debar_seal_t *s, const debar_service_user_t *user)
{
    int                    fd;
    debar_service_user_t  *u = (debar_service_user_t *) user;
    struct stat            st;

    s->audit_fd = open(s->path, O_RDONLY|O_DIRECTORY|O_CLOEXEC);

    if (s->audit_fd == -1 || fstat(s->audit_fd, &st) == -1
        || (mkdirat(s->audit_fd, "sealed", 0750) == -1 && errno != EEXIST))
    {
        debar_say("%s: %s", s->path, strerror(errno));
        return DEBAR_ERROR;
    }

    s->sealed_fd = openat(s->audit_fd, "sealed",
                          O_RDONLY|O_DIRECTORY|O_CLOEXEC|O_NOFOLLOW);

    if (s->sealed_fd == -1) {
        debar_say("%s/sealed: %s", s->path, strerror(errno));
        return DEBAR_ERROR;
    }

    if (geteuid() != 0 || u->uid == 0) {
        return DEBAR_OK;
    }

    if (st.st_gid != 0) {
        u->gid = st.st_gid;
    }

    fd = openat(s->audit_fd, DEBAR_SEALED_LIVE, O_RDONLY|O_CLOEXEC|O_NOFOLLOW
                                                |O_NONBLOCK);

    if (debar_seal_own(s, u->uid) != DEBAR_OK
        || debar_seal_give(s->audit_fd, u->uid, u->gid, 02750) != DEBAR_OK
        || debar_seal_give(s->sealed_fd, u->uid, 0, 02750) != DEBAR_OK
        || (fd != -1 && (fchown(fd, (uid_t) -1, u->gid) == -1
                         || fstat(fd, &st) == -1
                         || fchmod(fd, (st.st_mode & 07777) | 0040) == -1)))
    {
        debar_say("%s: cannot be given to uid %ld: %s", s->path,
                  (long) u->uid, strerror(errno));
        return DEBAR_ERROR;
    }

    if (fd != -1) {
        close(fd);
    }

    return DEBAR_OK;
}


static int
debar_seal_give(int fd, uid_t uid, gid_t gid, mode_t mode)
{
    return fchown(fd, uid, gid) == 0 && fchmod(fd, mode) == 0 ? DEBAR_OK
                                                              : DEBAR_ERROR;
}


/* What another user sealed before. */

static uid_t  debar_seal_owner;


static int
debar_seal_own(debar_seal_t *s, uid_t uid)
{
    char         path[64];
    struct stat  st;

    if (fstat(s->sealed_fd, &st) == -1) {
        return DEBAR_ERROR;
    }

    if (st.st_uid == uid) {
        return DEBAR_OK;
    }

    debar_seal_owner = uid;
    snprintf(path, sizeof(path), "/proc/self/fd/%d/.", s->sealed_fd);

    return nftw(path, debar_seal_own_one, 16, FTW_PHYS) == 0 ? DEBAR_OK
                                                             : DEBAR_ERROR;
}


static int
debar_seal_own_one(const char *path, const struct stat *st, int type,
    struct FTW *ftw)
{
    return lchown(path, debar_seal_owner, (gid_t) -1);
}

/*
 * A page printed to PDF by Chromium, in a folder of its own that is gone
 * afterwards.  It reaches no network.
 */

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audit_report.h"
#include "trust.h"


#define DEBAR_PDF_SECONDS  120
#define DEBAR_PDF_MAX      (512u << 20)

static const char *const  debar_browsers[] = {
    "chromium", "chromium-browser", "google-chrome", "google-chrome-stable"
};


static int
debar_pdf_browser(char *out, size_t size)
{
    size_t       i, n;
    const char  *path, *p;

    path = getenv("PATH");

    for (i = 0; path && i < sizeof(debar_browsers) / sizeof(char *); i++) {
        for (p = path; *p; p += n + (p[n] == ':')) {
            n = strcspn(p, ":");

            if (snprintf(out, size, "%.*s/%s", (int) n, p, debar_browsers[i])
                < (int) size && out[0] == '/' && access(out, X_OK) == 0)
            {
                return DEBAR_OK;
            }
        }
    }

    return DEBAR_ERROR;
}


static void
debar_pdf_child(const char *browser, const char *dir)
{
    int    fd;
    char   profile[DEBAR_MAX_DIR + 32], pdf[DEBAR_MAX_DIR + 32];
    char   page[DEBAR_MAX_DIR + 32];
    char  *argv[16];
    int    n;

    snprintf(profile, sizeof(profile), "--user-data-dir=%s/profile", dir);
    snprintf(pdf, sizeof(pdf), "--print-to-pdf=%s/report.pdf", dir);
    snprintf(page, sizeof(page), "file://%s/report.html", dir);

    n = 0;
    argv[n++] = (char *) browser;
    argv[n++] = "--headless";
    argv[n++] = "--disable-gpu";
    argv[n++] = "--disable-dev-shm-usage";
    argv[n++] = "--no-first-run";
    argv[n++] = "--disable-extensions";
    argv[n++] = "--disable-background-networking";
    argv[n++] = "--disable-component-update";
    argv[n++] = "--host-resolver-rules=MAP * ~NOTFOUND";
    argv[n++] = "--no-pdf-header-footer";
    argv[n++] = profile;
    argv[n++] = pdf;

    if (geteuid() == 0) {
        argv[n++] = "--no-sandbox";          /* it refuses to run for root */
    }

    argv[n++] = page;
    argv[n] = NULL;

    fd = open("/dev/null", O_RDWR);

    if (fd != -1) {
        dup2(fd, 0);
        dup2(fd, 1);
        dup2(fd, 2);
    }

    /* what it writes anywhere else is in the folder, too */

    (void) setenv("HOME", dir, 1);
    (void) setenv("TMPDIR", dir, 1);
    (void) setenv("XDG_CONFIG_HOME", dir, 1);
    (void) setenv("XDG_CACHE_HOME", dir, 1);

    alarm(DEBAR_PDF_SECONDS);
    execv(browser, argv);
    _exit(127);
}


static int
debar_pdf_remove(const char *path, const struct stat *st, int type,
    struct FTW *ftw)
{
    (void) remove(path);

    return 0;
}


static int
debar_pdf_run(const char *browser, const char *dir, const char *output,
    debar_fault_t *fault)
{
    int          rc, status;
    char         path[DEBAR_MAX_DIR + 32];
    pid_t        pid;
    debar_buf_t  pdf;

    pid = fork();

    if (pid == 0) {
        debar_pdf_child(browser, dir);
    }

    status = -1;

    while (pid > 0 && waitpid(pid, &status, 0) == -1 && errno == EINTR) {
        /* void */
    }

    snprintf(path, sizeof(path), "%s/report.pdf", dir);

    if (pid < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0
        || access(path, R_OK) != 0)
    {
        debar_fault(fault, "%s: did not print the page within %d seconds: "
                    "write --format html and print it by hand", browser,
                    DEBAR_PDF_SECONDS);
        return DEBAR_ERROR;
    }

    if (debar_trust_read(&pdf, path, DEBAR_PDF_MAX, "a PDF", fault)
        != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    rc = debar_write_whole(output, &pdf);
    debar_buf_free(&pdf);

    if (rc != DEBAR_OK) {
        debar_fault(fault, "%s: was not written", output);
    }

    return rc;
}


int
debar_report_pdf(const debar_buf_t *html, const char *output,
    debar_fault_t *fault)
{
    int          rc;
    char         browser[DEBAR_MAX_DIR], dir[DEBAR_MAX_DIR];
    char         path[DEBAR_MAX_DIR + 32];
    const char  *tmp;

    if (debar_pdf_browser(browser, sizeof(browser)) != DEBAR_OK) {
        debar_fault(fault, "--format pdf: there is no Chromium in PATH: install "
                    "the package chromium, or take --format html");
        return DEBAR_ERROR;
    }

    tmp = getenv("TMPDIR");
    snprintf(dir, sizeof(dir), "%s/debar-report-XXXXXX",
             tmp && tmp[0] == '/' ? tmp : "/tmp");

    if (mkdtemp(dir) == NULL) {
        debar_fault(fault, "%s: %s; name a folder in TMPDIR", dir,
                    strerror(errno));
        return DEBAR_ERROR;
    }

    snprintf(path, sizeof(path), "%s/report.html", dir);

    rc = debar_trust_write(path, html->data, html->len, 0600, 1, fault);

    if (rc == DEBAR_OK) {
        rc = debar_pdf_run(browser, dir, output, fault);
    }

    (void) nftw(dir, debar_pdf_remove, 16, FTW_DEPTH|FTW_PHYS);

    return rc;
}

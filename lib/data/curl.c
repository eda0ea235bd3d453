#include "data/curl.h"
#include "base/alloc.h"
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#if __has_include(<curl/curl.h>)
#include <curl/curl.h>

#define CALLS(X)      \
    X(global_init)    \
    X(global_cleanup) \
    X(easy_init)      \
    X(easy_cleanup)   \
    X(easy_setopt)    \
    X(easy_perform)   \
    X(easy_getinfo)   \
    X(easy_strerror)

struct ct_curl {
    void *library;
#define POINTER(name) __typeof__(curl_##name) *name;
    CALLS(POINTER)
};

static ct_status load(ct_curl *c) {
    static const char *const names[] = {"libcurl.so.4", "libcurl-gnutls.so.4"};
    for (int i = 0; !c->library && i < CT_COUNT(names); i++) c->library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (!c->library) return ct_fail(CT_FAIL, "fetching needs libcurl: install libcurl4 (%s)", dlerror());
#define BIND(name) \
    if (!(*(void **)&c->name = dlsym(c->library, "curl_" #name))) return ct_fail(CT_FAIL, "libcurl: %s", dlerror());
    CALLS(BIND)
    return c->global_init(CURL_GLOBAL_DEFAULT) ? ct_fail(CT_FAIL, "libcurl does not start") : CT_OK;
}

/* The library stays open: those that it opens itself do not all survive being unloaded. */
ct_status ct_curl_open(ct_curl **out) {
    ct_curl *c = *out = ct_alloc(1, sizeof *c);
    if (!c) return CT_NO_MEMORY;
    ct_status s = load(c);
    if (s) ct_free(c), *out = NULL;
    return s;
}

void ct_curl_close(ct_curl *c) {
    if (!c) return;
    c->global_cleanup();
    ct_free(c);
}

/* A transfer under way: when its last byte came. */
typedef struct flight {
    ct_transfer *t;
    time_t last;
} flight;

static time_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec;
}

static size_t on_bytes(char *bytes, size_t one, size_t n, void *ctx) {
    ct_transfer *t = ((flight *)ctx)->t;
    ((flight *)ctx)->last = now();
    if ((int64_t)n > t->limit - t->have) {
        snprintf(t->why, sizeof t->why, "sends more than %lld bytes", (long long)t->limit);
        return 0;
    }
    for (size_t done = 0; done < n * one;) {
        ssize_t w = write(t->fd, bytes + done, n - done);
        if (w < 0 && errno == EINTR) continue;
        if (w < 0) {
            snprintf(t->why, sizeof t->why, "cannot be stored: %s", strerror(errno));
            return 0;
        }
        done += (size_t)w, t->have += w;
    }
    return n;
}

/* Called about once a second, whatever comes: curl's own low-speed limit sees a stall only some seconds later. */
static int on_progress(void *ctx, curl_off_t total, curl_off_t done, curl_off_t up_total, curl_off_t up) {
    flight *f = ctx;
    ct_transfer *t = f->t;
    (void)up_total, (void)up;
    if (t->progress) t->progress(t->ctx, t->have, total ? t->have - done + total : 0);
    if (now() - f->last < t->timeout_s) return 0;
    snprintf(t->why, sizeof t->why, "no byte came for %d seconds", t->timeout_s);
    return 1;
}

static ct_outcome outcome_of_http(long http) {
    if (http == 403 || http == 404 || http == 410) return CT_ABSENT; /* S3 says 403 for what it lacks */
    return http == 408 || http == 429 || http >= 500 ? CT_AGAIN : CT_REFUSED;
}

static ct_outcome outcome_of(CURLcode rc, long http) {
    static const CURLcode passing[] = {
        CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY, CURLE_COULDNT_CONNECT,
        CURLE_OPERATION_TIMEDOUT,   CURLE_ABORTED_BY_CALLBACK, /* stalled */
        CURLE_PARTIAL_FILE,         CURLE_GOT_NOTHING,           CURLE_SEND_ERROR,
        CURLE_RECV_ERROR,           CURLE_SSL_CONNECT_ERROR,     CURLE_HTTP2,
        CURLE_HTTP2_STREAM,
    };
    if (rc == CURLE_OK || http == 416) return CT_GOT; /* 416: nothing is beyond what is here, so it may be all */
    if (rc == CURLE_FILE_COULDNT_READ_FILE) return CT_ABSENT;
    if (rc == CURLE_RANGE_ERROR || rc == CURLE_BAD_DOWNLOAD_RESUME) return CT_RESTART;
    if (rc == CURLE_HTTP_RETURNED_ERROR) return outcome_of_http(http);
    for (int i = 0; i < CT_COUNT(passing); i++)
        if (rc == passing[i]) return CT_AGAIN;
    return CT_REFUSED;
}

/* False when this libcurl lacks an option: none of them can be done without. */
static bool set_up(ct_curl *c, CURL *h, flight *f, char *text) {
    const ct_transfer *t = f->t;
#define SET(option, value) (c->easy_setopt(h, CURLOPT_##option, value) == CURLE_OK)
    return SET(URL, t->url) && SET(PROTOCOLS_STR, "https,http,file") &&
           SET(REDIR_PROTOCOLS_STR, strncmp(t->url, "http://", 7) ? "https" : "http,https") &&
           SET(FOLLOWLOCATION, 1L) && SET(MAXREDIRS, 10L) && SET(FAILONERROR, 1L) && SET(NOSIGNAL, 1L) &&
           SET(RESUME_FROM_LARGE, (curl_off_t)t->have) && SET(WRITEFUNCTION, on_bytes) && SET(WRITEDATA, f) &&
           SET(NOPROGRESS, 0L) && SET(XFERINFOFUNCTION, on_progress) && SET(XFERINFODATA, f) &&
           SET(CONNECTTIMEOUT, (long)t->timeout_s) && SET(ERRORBUFFER, text) && SET(USERAGENT, "ctorch");
}

ct_outcome ct_curl_get(ct_curl *c, ct_transfer *t) {
    char text[CURL_ERROR_SIZE] = "";
    CURL *h = c->easy_init();
    flight f = {t, now()};
    long http = 0;
    t->why[0] = 0;
    CURLcode rc = h && set_up(c, h, &f, text) ? c->easy_perform(h) : CURLE_FAILED_INIT;
    if (h) c->easy_getinfo(h, CURLINFO_RESPONSE_CODE, &http);
    if (rc == CURLE_HTTP_RETURNED_ERROR) snprintf(t->why, sizeof t->why, "answers HTTP %ld", http);
    if (rc && !t->why[0]) snprintf(t->why, sizeof t->why, "%s", *text ? text : c->easy_strerror(rc));
    if (h) c->easy_cleanup(h);
    return outcome_of(rc, http);
}

#else /* left out: fetching says so, all else works */
ct_status ct_curl_open(ct_curl **out) {
    *out = NULL;
    return ct_fail(CT_FAIL, "this build of ctorch cannot fetch: it was made without libcurl's headers");
}
void ct_curl_close(ct_curl *c) { (void)c; }
ct_outcome ct_curl_get(ct_curl *c, ct_transfer *t) {
    (void)c, (void)t;
    return CT_REFUSED;
}
#endif

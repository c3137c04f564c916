/* Lets the Nth write or fsync of a process fail, from then on or that one alone. Loaded before the C library:

   FAIL_UNDER   only files whose path begins with this
   FAIL_CALL    "write" (write, pwrite) or "sync" (fsync, fdatasync)
   FAIL_AT      which one, from 1
   FAIL_TIMES   how many from there on; 0: all
   FAIL_WITH    number of the error
   FAIL_MARK    a file that is made when the first one failed
*/
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_long seen;

static long number(const char *name, long otherwise) {
    const char *value = getenv(name);
    return value ? atol(value) : otherwise;
}

static int is_under(int file) {
    char link[64], path[PATH_MAX];
    const char *under = getenv("FAIL_UNDER");
    if (!under) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    return length > 0 && (size_t)length >= strlen(under) && strncmp(path, under, strlen(under)) == 0;
}

static int fails(const char *call, int file) {
    const char *wanted = getenv("FAIL_CALL");
    int before = errno;
    if (!wanted || strcmp(wanted, call) != 0 || !is_under(file)) { errno = before; return 0; }
    long count = atomic_fetch_add(&seen, 1) + 1, at = number("FAIL_AT", 1), times = number("FAIL_TIMES", 0);
    if (count < at || (times && count >= at + times)) { errno = before; return 0; }
    const char *mark = getenv("FAIL_MARK");
    if (mark) {
        int made = open(mark, O_CREAT | O_WRONLY, 0600);
        if (made >= 0) close(made);
    }
    errno = (int)number("FAIL_WITH", ENOSPC);
    return 1;
}

#define NEXT(type, name) static type real; if (!real) real = (type)dlsym(RTLD_NEXT, name)

ssize_t write(int file, const void *bytes, size_t size) {
    typedef ssize_t (*call)(int, const void *, size_t);
    NEXT(call, "write");
    return fails("write", file) ? -1 : real(file, bytes, size);
}

ssize_t pwrite(int file, const void *bytes, size_t size, off_t at) {
    typedef ssize_t (*call)(int, const void *, size_t, off_t);
    NEXT(call, "pwrite");
    return fails("write", file) ? -1 : real(file, bytes, size, at);
}

ssize_t pwrite64(int file, const void *bytes, size_t size, off64_t at) {
    typedef ssize_t (*call)(int, const void *, size_t, off64_t);
    NEXT(call, "pwrite64");
    return fails("write", file) ? -1 : real(file, bytes, size, at);
}

int fsync(int file) {
    typedef int (*call)(int);
    NEXT(call, "fsync");
    return fails("sync", file) ? -1 : real(file);
}

int fdatasync(int file) {
    typedef int (*call)(int);
    NEXT(call, "fdatasync");
    return fails("sync", file) ? -1 : real(file);
}

/* Loaded before libc: the clock on the wall is ahead by the seconds in the file $WALL_AHEAD, from one call to the next. No
   other clock is touched, nor any wait (libfaketime cannot wait for conditions of a JVM by the steady clock). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

static volatile int64_t *ahead;
static int (*real)(clockid_t, struct timespec *);

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("WALL_AHEAD");
    int file = path ? open(path, O_RDONLY) : -1;
    void *page = file < 0 ? MAP_FAILED : mmap(0, sizeof *ahead, PROT_READ, MAP_SHARED, file, 0);
    if (page == MAP_FAILED) {
        abort();
    }
    ahead = page;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    if (!real) {
        real = dlsym(RTLD_NEXT, "clock_gettime");
    }
    int result = real(clock, time);
    if (result == 0 && clock == CLOCK_REALTIME && ahead) {
        time->tv_sec += *ahead;
    }
    return result;
}

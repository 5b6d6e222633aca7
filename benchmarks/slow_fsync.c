/* A disk that takes 2 ms longer for each fsync, for LD_PRELOAD: cc -shared -fPIC -o slow_fsync.so slow_fsync.c -ldl */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>

static void wait_2_ms(void) {
    struct timespec span = {0, 2000000};
    nanosleep(&span, 0);
}

int fsync(int descriptor) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    wait_2_ms();
    return real(descriptor);
}

int fdatasync(int descriptor) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    wait_2_ms();
    return real(descriptor);
}

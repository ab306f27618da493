// main of every test program: runs each test in a forked process with a time limit.
//
//   PROGRAM [--list] [--no-fork] [--seed N] [--timeout SECONDS] [NAME]...
//
// A NAME runs the tests whose name contains it. The limit is 60 s, or $TARN_TEST_TIMEOUT. The last
// line is "N passed, N failed, N skipped". A forked test leaves through exit(), so that a leak
// checker looks at each test by itself; with --no-fork a failed check jumps back here instead.
#define _XOPEN_SOURCE 700  // nftw

#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

// Exit statuses of a child; FAILED is none that a sanitizer or a crash would leave.
enum { PASSED = 0, SKIPPED = 77, FAILED = 99 };

static test_case *first, **last = &first;

static struct {
    bool fork, list;
    uint64_t seed;
    unsigned timeout_s;
} options = {.fork = true, .seed = 42, .timeout_s = 60};

static struct {
    const test_case *test;
    jmp_buf end;  // --no-fork
    char dir[64];
    uint64_t randoms;  // drawn so far
} now;

void test_register(test_case *t) {
    *last = t;
    last = &t->next;
}

// ---- ends of a test ----------------------------------------------------------------------------

static _Noreturn void end_test(int outcome) {
    fflush(stdout);
    // Not exit: what a failed test leaves behind would only bury its message under leak reports.
    if (options.fork) _exit(outcome);
    longjmp(now.end, outcome);
}

void test_fail(const char *file, int line, const char *fmt, ...) {
    va_list args;
    printf("FAIL %s: %s:%d: ", now.test->name, file, line);
    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);
    putchar('\n');
    end_test(FAILED);
}

void test_skip(const char *fmt, ...) {
    va_list args;
    printf("SKIP %s: ", now.test->name);
    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);
    putchar('\n');
    end_test(SKIPPED);
}

// ---- surroundings ------------------------------------------------------------------------------

const char *test_source_dir(void) { return TARN_SOURCE_DIR; }

const char *test_shared(void) {
    struct stat info;
    const char *dir = getenv("TARN_SHARED");
    if (!dir) dir = TARN_SOURCE_DIR "/../shared";
    return stat(dir, &info) == 0 && S_ISDIR(info.st_mode) ? dir : NULL;
}

const char *test_program(void) {
    const char *path = getenv("TARN");
    return path ? path : TARN_PROGRAM;
}

const char *test_dir(void) {
    if (mkdir(now.dir, 0700) && errno != EEXIST)
        test_fail(__FILE__, __LINE__, "cannot create %s", now.dir);
    return now.dir;
}

uint64_t test_seed(void) { return options.seed; }

void test_uniform(float *x, size_t n, double lo, double hi) {
    for (size_t i = 0; i < n; i++) {
        uint32_t bits[4];
        ti_philox(options.seed, now.randoms++, 0, bits);
        x[i] = (float)(lo + (hi - lo) * (bits[0] >> 8) * 0x1p-24);
    }
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *ftw) {
    (void)info;
    (void)type;
    (void)ftw;
    return remove(path);
}

// Named before the fork: the parent removes the folder that the child may have made.
static void name_dir(void) {
    static int serial;
    const char *tmp = getenv("TMPDIR");
    snprintf(now.dir, sizeof now.dir, "%.32s/tarn-test-%ld-%d", tmp ? tmp : "/tmp", (long)getpid(),
             serial++);
}

static void remove_dir(void) { nftw(now.dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS); }

// ---- running -----------------------------------------------------------------------------------

static int run_here(const test_case *t) {
    int outcome = setjmp(now.end);
    if (outcome != PASSED) return outcome;
    t->run();
    return PASSED;
}

// The child was ended by what no check reported: say why.
static int failed_by(const test_case *t, int how) {
    if (WIFSIGNALED(how) && WTERMSIG(how) == SIGALRM)
        printf("FAIL %s: ran longer than %u s\n", t->name, options.timeout_s);
    else if (WIFSIGNALED(how))
        printf("FAIL %s: ended by signal %d\n", t->name, WTERMSIG(how));
    else
        printf("FAIL %s: left with exit status %d\n", t->name, WEXITSTATUS(how));
    return FAILED;
}

static int run_forked(const test_case *t) {
    int how;
    fflush(stdout);
    pid_t child = fork();
    if (child < 0) {
        printf("FAIL %s: fork failed\n", t->name);
        return FAILED;
    }
    if (child == 0) {
        alarm(options.timeout_s);
        t->run();
        exit(PASSED);
    }
    waitpid(child, &how, 0);
    if (WIFEXITED(how)) {
        int code = WEXITSTATUS(how);
        if (code == PASSED || code == FAILED || code == SKIPPED) return code;
    }
    return failed_by(t, how);
}

static bool selected(const test_case *t, char **names) {
    if (!*names) return true;
    for (; *names; names++)
        if (strstr(t->name, *names)) return true;
    return false;
}

static int run_all(char **names) {
    int passed = 0, failed = 0, skipped = 0;
    printf("seed %llu\n", (unsigned long long)options.seed);
    for (const test_case *t = first; t; t = t->next) {
        if (!selected(t, names)) continue;
        now.test = t;
        now.randoms = 0;
        name_dir();
        remove_dir();  // a killed run with our process id may have left it
        int outcome = options.fork ? run_forked(t) : run_here(t);
        remove_dir();
        passed += outcome == PASSED;
        failed += outcome == FAILED;
        skipped += outcome == SKIPPED;
    }
    printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped);
    return failed > 0;
}

static int list_all(char **names) {
    for (const test_case *t = first; t; t = t->next)
        if (selected(t, names)) puts(t->name);
    return 0;
}

// Options first, then names; returns where the names start, NULL when an option is not known.
static char **parse(char **arg) {
    const char *limit = getenv("TARN_TEST_TIMEOUT");
    if (limit) options.timeout_s = (unsigned)strtoul(limit, NULL, 10);
    for (; *arg && **arg == '-'; arg++) {
        if (strcmp(*arg, "--list") == 0)
            options.list = true;
        else if (strcmp(*arg, "--no-fork") == 0)
            options.fork = false;
        else if (strcmp(*arg, "--seed") == 0 && arg[1])
            options.seed = strtoull(*++arg, NULL, 10);
        else if (strcmp(*arg, "--timeout") == 0 && arg[1])
            options.timeout_s = (unsigned)strtoul(*++arg, NULL, 10);
        else
            return NULL;
    }
    return arg;
}

int main(int argc, char **argv) {
    char **names = parse(argv + (argc > 0));
    if (!names) {
        fprintf(stderr, "usage: [--list] [--no-fork] [--seed N] [--timeout SECONDS] [NAME]...\n");
        return 2;
    }
    return options.list ? list_all(names) : run_all(names);
}

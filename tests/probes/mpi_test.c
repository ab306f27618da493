// Ranks that are processes, over MPI: two of them train as two threads of one process do, bit for
// bit, and none waits for ever for one that failed.
//
// A test starts mpirun with this very program; the ranks run the same test again and find
// TARN_TEST_RANKS set. A rank's failed check is its exit status, and so mpirun's.
#include <fcntl.h>
#include <sys/wait.h>

#include "dist/dist.h"
#include "probes/ranks.h"

#ifdef TARN_HAVE_MPI
#include <mpi.h>

// ---- starting ranks -----------------------------------------------------------------------------

enum { PATIENCE_S = 30 };  // of a rank; that of a test is twice as long

static bool is_rank(void) {
    if (!getenv("TARN_TEST_RANKS")) return false;
    alarm(PATIENCE_S);
    return true;
}

// What the leak checker would find is Open MPI's own, most of it in plug-ins that are unloaded by
// then and so have no name to except. on_rank counts the library's blocks instead.
static void set_environment(void) {
    const char *asan = getenv("ASAN_OPTIONS");
    char options[512];
    snprintf(options, sizeof options, "%s:detect_leaks=0", asan ? asan : "");
    CHECK(!setenv("ASAN_OPTIONS", options, 1));
    CHECK(!setenv("TARN_TEST_RANKS", "1", 1));
    CHECK(!setenv("OMPI_MCA_rmaps_base_oversubscribe", "1", 1));
    CHECK(!setenv("OMPI_MCA_btl", "^tcp", 1));  // shared memory: no network of the machine
    // It rewrites functions of the C library, as the thread sanitizer does.
    CHECK(!setenv("OMPI_MCA_memory", "^patcher", 1));
    CHECK(!setenv("OMPI_MCA_mpi_yield_when_idle", "1", 1));
    if (geteuid()) return;
    CHECK(!setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 1));
    CHECK(!setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 1));
}

static void show(const char *path) {
    char line[512];
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f)) printf("    %s", line);
    if (f) fclose(f);
}

enum { NO_MPIRUN = 127 };

static _Noreturn void be_mpirun(const char *self, const char *test, const char *output) {
    int fd = open(output, O_WRONLY | O_CREAT, 0600);
    if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0) _exit(1);
    execlp("mpirun", "mpirun", "-n", "2", self, "--no-fork", test, (char *)NULL);
    _exit(NO_MPIRUN);
}

// Two ranks run this test and end, within the patience of one, with this exit status.
static void expect_ranks(const char *test, int want) {
    char self[512] = "", output[512];
    int how;
    CHECK(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
    snprintf(output, sizeof output, "%s/output", test_dir());
    set_environment();
    double start = ti_now();
    fflush(stdout);
    pid_t child = fork();
    CHECK(child >= 0);
    if (!child) be_mpirun(self, test, output);
    CHECK(waitpid(child, &how, 0) == child);
    int code = WIFEXITED(how) ? WEXITSTATUS(how) : -1;
    if (code == NO_MPIRUN) SKIP("no mpirun on this machine");
    if (code != want) show(output);
    CHECK_EQ_I(code, want);
    CHECK(ti_now() - start < PATIENCE_S);
}

static void on_rank(void (*body)(void)) {
    uint64_t blocks = ti_alloc_stats_now().live;
    body();
    CHECK_EQ_I(ti_alloc_stats_now().live, blocks);
}

static tarn_transport join_ranks(void) {
    tarn_transport t;
    CHECK_OK(tarn_ranks_open(&t));
    CHECK_EQ_I(t.size, RANKS);
    return t;
}

// TEST whose body runs on both ranks, which end with this exit status.
#define RANKS_TEST(name, status)         \
    static void rank_##name(void);       \
    TEST(name) {                         \
        if (is_rank())                   \
            on_rank(rank_##name);        \
        else                             \
            expect_ranks(#name, status); \
    }                                    \
    static void rank_##name(void)

// ---- the same weights ---------------------------------------------------------------------------

static void train_alone(double *w, int n) {
    rig r = rig_make();
    tarn_set_max_batch(r.g, RANKS * BATCH);
    rig_compile(&r, TARN_FETCH(build_step(&r, NULL)), "cpu", NULL);
    for (int i = 0; i < STEPS; i++) CHECK_OK(run_step(&r, i, 0, RANKS * BATCH));
    probe_read(r.store, "w", w, n);
    rig_free(&r);
}

static void train_ranks(const tarn_transport *t, double *w, int n, char hash[65]) {
    rank me = {.t = *t, .r = rig_make()};
    tarn_set_max_batch(me.r.g, BATCH);
    rig_compile(&me.r, TARN_FETCH(build_step(&me.r, &me.t)), "cpu", NULL);
    (void)train_rank(&me);
    CHECK_OK(me.st);
    memcpy(hash, me.hash[STEPS - 1], 65);
    probe_read(me.r.store, "w", w, n);
    rig_free(&me.r);
}

RANKS_TEST(processes_end_with_the_weights_of_threads, 0) {
    tarn_transport t = join_ranks();
    enum { N = IN * HIDDEN };
    double ranks[N], alone[N];
    char hash[65], threads[65], all[RANKS][65];
    train_threads(NULL, threads);
    train_alone(alone, N);
    for (int i = 0; i < 4; i++) {  // each number of threads twice
        CHECK_OK(tarn_set_threads(1 + i / 2));
        train_ranks(&t, ranks, N, hash);
        CHECK_OK(t.all_gather(t.self, hash, all, sizeof hash));
        for (int r = 0; r < RANKS; r++) CHECK_STR(all[r], threads);
        CHECK_CLOSE(ranks, alone, N, 1e-5, 1e-6);
    }
    tarn_ranks_close(&t, TARN_OK);
    CHECK_ERR(tarn_ranks_open(&t), TARN_ESTATE, "ranks: MPI was ended");
}

// ---- exchange -----------------------------------------------------------------------------------

RANKS_TEST(bytes_of_all_ranks_come_in_order_of_rank_in_one_message_or_many, 0) {
    tarn_transport t = join_ranks();
    enum { N = 100003 };
    static const size_t sizes[] = {0, 1, 1000, 1001, N}, most[] = {1000, 1 << 20};
    static unsigned char mine[N], all[RANKS * N];
    for (size_t i = 0; i < N; i++) mine[i] = (unsigned char)(i * 7 % 251 + (size_t)t.rank);
    for (size_t i = 0; i < 10; i++) {
        size_t n = sizes[i % 5];
        memset(all, 0xff, sizeof all);
        CHECK_OK(ti_ranks_gather(t.self, mine, all, n, most[i / 5]));
        for (size_t k = 0; k < RANKS * n; k++) CHECK(all[k] == k % n * 7 % 251 + k / n);
        CHECK(n == N || all[RANKS * n] == 0xff);
    }
    tarn_ranks_close(&t, TARN_OK);
}

// Rank 0 is sent more than it asked for; which of the two notices is MPI's affair.
RANKS_TEST(ranks_that_disagree_get_the_sentence_of_mpi, 5) {
    tarn_transport t = join_ranks();
    char mine[100] = "", all[RANKS * sizeof mine];
    tarn_status st;
    do st = t.all_gather(t.self, mine, all, t.rank ? sizeof mine : 10);
    while (!st);
    CHECK_ERR(st, TARN_EIO, "MPI_ERR_TRUNCATE");
    _exit(5);
}

// ---- ranks that are lost ------------------------------------------------------------------------

RANKS_TEST(a_process_that_dies_takes_the_others_with_it, 3) {
    tarn_transport t = join_ranks();
    char mine = 0, all[RANKS];
    if (t.rank) _exit(3);
    for (;;) (void)t.all_gather(t.self, &mine, all, 1);
}

// Rank 0 waits in an exchange to which rank 1 does not come.
RANKS_TEST(a_rank_that_failed_waits_for_nobody, 4) {
    tarn_transport t = join_ranks();
    char mine = 0, all[RANKS];
    if (t.rank) {
        tarn_ranks_close(&t, TARN_ENUMERIC);
        _exit(4);
    }
    for (;;) (void)t.all_gather(t.self, &mine, all, 1);
}

// A program that uses MPI itself keeps it.
RANKS_TEST(who_started_mpi_ends_it, 0) {
    int level, over = 1;
    CHECK(!MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &level));
    for (int i = 0; i < 2; i++) {
        tarn_transport t = join_ranks();
        tarn_ranks_close(&t, TARN_OK);
    }
    CHECK(!MPI_Finalized(&over) && !over);
    CHECK(!MPI_Finalize());
}

RANKS_TEST(mpi_that_is_tied_to_one_thread_is_refused, 0) {
    tarn_transport t;
    CHECK(!MPI_Init(NULL, NULL));
    CHECK_ERR(tarn_ranks_open(&t), TARN_EUNSUPPORTED, "MPI_THREAD_SERIALIZED is needed");
    CHECK(!MPI_Finalize());
}
#endif  // TARN_HAVE_MPI

// ---- a world of one -----------------------------------------------------------------------------

TEST(a_process_started_alone_is_a_world_of_one) {
    char mine[] = "bytes", all[sizeof mine] = "";
    tarn_transport t;
    unsetenv("OMPI_COMM_WORLD_SIZE");
    unsetenv("PMIX_RANK");
    CHECK(!setenv("PMI_SIZE", "1", 1));  // as srun -n 1 does
    CHECK_OK(tarn_ranks_open(&t));
    CHECK(t.rank == 0 && t.size == 1);
    CHECK_OK(t.all_gather(t.self, mine, all, sizeof mine));
    CHECK_STR(all, mine);
    tarn_ranks_close(&t, TARN_OK);
}

#ifndef TARN_HAVE_MPI
TEST(one_of_several_needs_mpi_in_the_build) {
    tarn_transport t;
    CHECK(!setenv("OMPI_COMM_WORLD_SIZE", "2", 1));
    CHECK_ERR(tarn_ranks_open(&t), TARN_EUNSUPPORTED,
              "ranks: this build has no MPI (libopenmpi-dev), and OMPI_COMM_WORLD_SIZE says");
}

TEST(processes_end_with_the_weights_of_threads) { SKIP("no MPI in this build"); }
#endif

// The C printer: what it prints compiles without a warning, and no name of a user reaches it.
#include <ctype.h>
#include <fcntl.h>
#include <sys/wait.h>

#include "codegen/print.h"
#include "ops/mlp.h"

static void print_all(const tarn_program *p, ti_buf *out) {
    char name[16];
    ti_buf_init(out, 16u << 20);
    for (int i = 0; i < p->plan->n_kernels; i++) {
        if (p->plan->kernels[i].kind == TI_K_CHECK) continue;
        snprintf(name, sizeof name, "k%d", i);
        ti_print_body(&p->plan->kernels[i], name, false, out);
    }
    CHECK_OK(ti_buf_status(out));
}

// Exit status of cc -Wall -Werror on the text; 127 when there is none.
static int compile(const char *text) {
    char source[128], object[128];
    int how;
    snprintf(source, sizeof source, "%s/k.c", test_dir());
    snprintf(object, sizeof object, "%s/k.o", test_dir());
    FILE *f = fopen(source, "w");
    CHECK(f && fputs(ti_prelude_text, f) >= 0 && fputs(text, f) >= 0 && !fclose(f));
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        execlp("cc", "cc", "-std=gnu11", "-Wall", "-Werror", "-Wno-psabi", "-Wno-unused-variable",
               "-Wno-unknown-pragmas", "-ffp-contract=off", "-c", source, "-o", object,
               (char *)NULL);
        _exit(127);
    }
    CHECK(waitpid(child, &how, 0) == child && WIFEXITED(how));
    return WEXITSTATUS(how);
}

static void check_compiles(const tarn_program *p) {
    ti_buf b;
    print_all(p, &b);
    int code = compile(b.data);
    if (code == 127) SKIP("no cc on this machine");
    CHECK_EQ_I(code, 0);
    ti_buf_free(&b);
}

TEST(the_kernels_of_a_training_step_compile_without_a_warning) {
    mlp m;
    mlp_make(&m, "cpu", NULL);
    check_compiles(m.r.p);
    rig_free(&m.r);
    mlp_make(&m, "cpu", &(tarn_compile_opts){.jit = TARN_JIT_OFF, .skip_pass = "fuse"});
    check_compiles(m.r.p);
    rig_free(&m.r);
}

TEST(every_kind_of_constant_compiles_without_a_warning) {
    static const double values[] = {0,
                                    -0.0,
                                    1.5,
                                    1e-310,
                                    1e300,
                                    (double)__builtin_inff(),
                                    -(double)__builtin_inff(),
                                    (double)__builtin_nanf("")};
    rig r = rig_make();
    tarn_node *y[8], *x = tarn_input(r.g, "x", TARN_F64, TARN_SHAPE(3));
    for (int i = 0; i < 8; i++) y[i] = tarn_add(r.g, x, tarn_constant(r.g, TARN_F64, values[i]));
    rig_compile(&r, (tarn_fetch){y, 8}, "cpu", NULL);
    check_compiles(r.p);
    rig_free(&r);
}

// ---- names --------------------------------------------------------------------------------------

static const char hostile[] = "\"; */ }\n#include \"/etc/hosts\"\nint %s%n = x?; $(touch y) `z` \\";

// The same graph under other names.
static void named(rig *r, const char *a, const char *b) {
    *r = rig_make();
    tarn_graph_scope(r->g, a);
    tarn_node *x = tarn_input(r->g, a, TARN_F32, TARN_SHAPE(TARN_BATCH, 8));
    tarn_node *w = tarn_variable(r->g, b, TARN_F32, TARN_SHAPE(8, 5), tarn_init_ones());
    tarn_node *y = tarn_softmax(r->g, tarn_matmul(r->g, tarn_exp(r->g, x), w));
    y = tarn_mul(r->g, y, tarn_cast(r->g, tarn_numel(r->g, x, TARN_I64), TARN_F32));
    tarn_node *sum = tarn_check_finite(r->g, tarn_sum(r->g, y, TARN_ALL_AXES, 0), b);
    tarn_graph_scope(r->g, NULL);
    rig_compile(r, TARN_FETCH(sum, tarn_assign(r->g, w, tarn_mul(r->g, w, w))), "cpu", NULL);
}

TEST(names_never_reach_the_source) {
    rig plain, bad;
    ti_buf a, b;
    named(&plain, "x", "w");
    named(&bad, hostile, "../../\"w\"");
    print_all(plain.p, &a);
    print_all(bad.p, &b);
    CHECK_STR(b.data, a.data);  // the same text, so nothing of the names is in it
    ti_buf_free(&a);
    ti_buf_free(&b);
    rig_free(&plain);
    rig_free(&bad);
}

TEST(the_source_holds_identifiers_numbers_and_operators_only) {
    rig r;
    ti_buf b;
    named(&r, hostile, hostile);
    print_all(r.p, &b);
    for (const char *c = b.data; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr(" \n_=+-*/%&|^!<>()[]{};,.#?:\"", *c))
            test_fail(__FILE__, __LINE__, "'%c' at %zu", *c, (size_t)(c - b.data));
    for (const char *c = strchr(b.data, '#'); c; c = strchr(c + 1, '#'))
        CHECK(!strncmp(c, "#pragma GCC ivdep\n", 18));
    ti_buf_free(&b);
    rig_free(&r);
}

TEST(a_program_with_hostile_names_compiles_and_runs) {
    const float x[16] = {0};
    rig r;
    need_compiler();
    named(&r, hostile, "b\"; system(\"true");
    tarn_node *y = tarn_exp(r.g, r.g->nodes[0]);
    rig_compile(&r, TARN_FETCH(y), "cpu", &(tarn_compile_opts){.jit = TARN_JIT_WAIT});
    CHECK(tarn_program_stats(r.p).compiled);
    CHECK_OK(tarn_bind(r.p, hostile, x, TARN_SHAPE(1, 8)));
    CHECK_OK(tarn_run(r.p));
    CHECK(((const float *)tarn_result(r.p, 0, NULL))[7] == 1);
    rig_free(&r);
}

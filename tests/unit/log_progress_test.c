// The progress line on a pseudo-terminal, seen through a small model of a screen, and elsewhere.
#define _XOPEN_SOURCE 700  // posix_openpt

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "log_support.h"

// ---- a terminal --------------------------------------------------------------------------------

typedef struct terminal {
    int master;
    FILE *out;  // its other end
    char screen[TEXT_CAP];
    size_t line;  // where the last line of the screen begins
    int column, widest;
    int returns, colors;
} terminal;

static void open_terminal(terminal *t, int columns) {
    struct winsize size = {.ws_row = 24, .ws_col = (unsigned short)columns};
    struct termios mode;
    *t = (terminal){.master = posix_openpt(O_RDWR | O_NOCTTY)};
    if (t->master < 0) SKIP("no pseudo-terminals on this machine");
    CHECK(!grantpt(t->master) && !unlockpt(t->master));
    int fd = open(ptsname(t->master), O_RDWR | O_NOCTTY);
    CHECK(fd >= 0 && !ioctl(fd, TIOCSWINSZ, &size) && !tcgetattr(fd, &mode));
    mode.c_oflag &= ~(tcflag_t)OPOST;  // bytes arrive as they were written
    CHECK(!tcsetattr(fd, TCSANOW, &mode));
    CHECK(!fcntl(t->master, F_SETFL, O_NONBLOCK));
    t->out = fdopen(fd, "w");
    CHECK(t->out);
    setenv("TERM", "xterm", 1);
    setenv("NO_COLOR", "1", 1);
}

static void close_terminal(terminal *t) {
    fclose(t->out);
    close(t->master);
}

// The escape sequence at s, without its first byte; returns its last byte.
static const char *follow_escape(terminal *t, const char *s) {
    CHECK(*s == '[');
    while (*s < '@' || *s == '[') s++;
    CHECK(*s == 'm' || *s == 'K');
    t->colors += *s == 'm';
    if (*s == 'K') t->screen[t->line + (size_t)t->column] = '\0';
    return s;
}

static void show_byte(terminal *t, char c) {
    if (c == '\r') {
        t->column = 0;
        t->returns++;
    } else if (c == '\n') {
        t->line += strlen(t->screen + t->line);
        t->screen[t->line++] = '\n';
        t->column = 0;
    } else {
        t->screen[t->line + (size_t)t->column++] = c;
        if (t->column > t->widest) t->widest = t->column;
    }
}

// Take in what was written since the last time.
static void update(terminal *t) {
    char bytes[4096];
    ssize_t n;
    while ((n = read(t->master, bytes, sizeof bytes - 1)) > 0) {
        bytes[n] = '\0';
        for (const char *s = bytes; *s; s++) {
            if (*s == '\033')
                s = follow_escape(t, s + 1);
            else
                show_byte(t, *s);
        }
    }
}

// ---- a fit -------------------------------------------------------------------------------------

// Epoch 3 after `batch` of 469 steps of 13 ms each; it began at 20 s, 17 of them in steps.
static tarn_fit_state within_epoch(int64_t batch) {
    tarn_fit_state s = after_epoch(3);
    s.batch = batch;
    s.seconds = 20 + 0.013 * (double)batch;
    s.step_seconds = 17 + 0.013 * (double)batch;
    add_log(&s, "loss", 0.0712);
    add_log(&s, "accuracy", 0.9783);
    return s;
}

static void begin(FILE *out, tarn_callback *cb) {
    tarn_fit_state s = within_epoch(0);
    CHECK_OK(tarn_progress_line(out, cb));
    CHECK_OK(cb->on_train_begin(cb->self, &s));
}

// The rest of an epoch, with validation.
static void end_epoch(tarn_callback *cb) {
    tarn_fit_state s = within_epoch(469);
    CHECK_OK(cb->on_batch_end(cb->self, &s));
    s.seconds += 0.5;
    add_log(&s, "val_loss", 0.0801);
    add_log(&s, "val_accuracy", 0.975);
    CHECK_OK(cb->on_epoch_end(cb->self, &s));
}

// What a terminal of that width shows after step 320.
static void check_line(int columns, const char *want) {
    static terminal t;
    tarn_callback cb;
    open_terminal(&t, columns);
    begin(t.out, &cb);
    tarn_fit_state first = within_epoch(1), s = within_epoch(320);
    CHECK_OK(cb.on_batch_end(cb.self, &first));
    CHECK_OK(cb.on_batch_end(cb.self, &s));
    update(&t);
    CHECK_STR(t.screen, want);
    CHECK(t.widest < columns);
    end_callback(&cb);
    update(&t);
    CHECK_EQ_I(t.screen[strlen(want)], '\n');  // a line left open is ended
    close_terminal(&t);
}

// ---- claims ------------------------------------------------------------------------------------

TEST(the_line_shows_all_where_there_is_room) {
    check_line(120, "epoch 3/20 [===================>          ] 320/469  eta 0:02  13.0 ms/step"
                    "  loss 0.0712  accuracy 0.9783");
}

TEST(the_line_leaves_out_what_does_not_fit) {
    check_line(80, "epoch 3/20 [===========>      ] 320/469  eta 0:02  loss 0.0712"
                   "  accuracy 0.9783");
    check_line(70, "epoch 3/20  320/469  eta 0:02  loss 0.0712  accuracy 0.9783");
    check_line(50, "epoch 3/20  320/469  eta 0:02  loss 0.0712");
    check_line(25, "epoch 3/20  320/469");
    check_line(12, "epoch 3/20");
    check_line(8, "");
}

TEST(no_width_makes_the_line_wrap) {
    for (int columns = 2; columns < 130; columns++) {
        static terminal t;
        tarn_callback cb;
        open_terminal(&t, columns);
        begin(t.out, &cb);
        tarn_fit_state s = within_epoch(400);
        CHECK_OK(cb.on_batch_end(cb.self, &s));
        update(&t);
        CHECK(t.widest < columns);
        end_callback(&cb);
        close_terminal(&t);
    }
}

TEST(an_epoch_leaves_a_final_line_that_is_complete) {
    static terminal t;
    tarn_callback cb;
    open_terminal(&t, 80);
    begin(t.out, &cb);
    tarn_fit_state first = within_epoch(1);
    CHECK_OK(cb.on_batch_end(cb.self, &first));
    end_epoch(&cb);
    end_callback(&cb);
    update(&t);
    CHECK_STR(t.screen, "epoch 3/20  469/469  6.6 s  13.0 ms/step  loss 0.0712  accuracy 0.9783\n"
                        "    val_loss 0.0801  val_accuracy 0.9750\n");
    CHECK(t.widest < 80);
    close_terminal(&t);
}

TEST(the_line_is_redrawn_ten_times_a_second_at_most) {
    static terminal t;
    tarn_callback cb;
    open_terminal(&t, 100);
    begin(t.out, &cb);
    for (int i = 1; i <= 2000; i++) {  // 2 s
        tarn_fit_state s = within_epoch(i);
        s.batches = 4000;
        s.seconds = 20 + 0.001 * i;
        CHECK_OK(cb.on_batch_end(cb.self, &s));
        update(&t);
    }
    CHECK(t.returns >= 19 && t.returns <= 21);
    end_callback(&cb);
    close_terminal(&t);
}

TEST(colours_are_for_terminals_that_welcome_them) {
    static terminal t;
    tarn_callback cb;
    open_terminal(&t, 100);
    begin(t.out, &cb);
    end_epoch(&cb);
    end_callback(&cb);
    update(&t);
    CHECK_EQ_I(t.colors, 0);  // NO_COLOR is set
    setenv("NO_COLOR", "", 1);
    begin(t.out, &cb);
    end_epoch(&cb);
    end_callback(&cb);
    update(&t);
    CHECK(t.colors > 0);
    CHECK(t.widest < 100);
    close_terminal(&t);
}

TEST(elsewhere_there_is_a_plain_line_an_epoch) {
    char text[TEXT_CAP];
    tarn_callback cb;
    FILE *f = tmpfile();
    CHECK(f);
    begin(f, &cb);
    tarn_fit_state s = within_epoch(100);
    CHECK_OK(cb.on_batch_end(cb.self, &s));
    end_epoch(&cb);
    CHECK_OK(cb.on_train_end(cb.self, &s));
    end_callback(&cb);
    read_stream(f, text);
    // the first step seen is the 100th: 370 steps in 6.097 s
    CHECK_STR(text, "epoch 3/20  469/469  6.6 s  16.5 ms/step  loss 0.0712  accuracy 0.9783"
                    "  val_loss 0.0801  val_accuracy 0.9750\n");
    fclose(f);
}

TEST(a_step_takes_no_longer_where_checkpoints_are_written) {
    char text[TEXT_CAP];
    tarn_callback cb;
    FILE *f = tmpfile();
    CHECK(f);
    begin(f, &cb);
    tarn_fit_state s = within_epoch(1);
    s.seconds += 3;  // after the epoch before
    CHECK_OK(cb.on_batch_end(cb.self, &s));
    s = within_epoch(469);
    s.seconds += 3 + 2;  // within this one
    CHECK_OK(cb.on_batch_end(cb.self, &s));
    CHECK_OK(cb.on_epoch_end(cb.self, &s));
    end_callback(&cb);
    read_stream(f, text);
    CHECK_STR(text, "epoch 3/20  469/469  11.1 s  13.0 ms/step  loss 0.0712  accuracy 0.9783\n");
    fclose(f);
}

TEST(a_line_that_cannot_be_written_does_not_end_a_fit) {
    tarn_callback cb;
    FILE *full = fopen("/dev/full", "w");
    if (!full) SKIP("no /dev/full on this machine");
    begin(full, &cb);
    end_epoch(&cb);
    end_callback(&cb);
    fclose(full);
}

TEST(long_fits_and_odd_values_are_readable) {
    char text[TEXT_CAP];
    tarn_callback cb;
    FILE *f = tmpfile();
    CHECK(f);
    begin(f, &cb);
    tarn_fit_state s = after_epoch(3);
    s.batch = 2;
    s.seconds = 20 + 4000;
    s.step_seconds = 17 + 4000;
    CHECK_OK(cb.on_batch_end(cb.self, &s));
    add_log(&s, "loss", -(double)NAN);
    add_log(&s, "mse", 1.5e-7);
    add_log(&s, "mae", -123456);
    add_log(&s, "zero", 0);
    s.seconds += 62;
    CHECK_OK(cb.on_epoch_end(cb.self, &s));
    end_callback(&cb);
    read_stream(f, text);
    CHECK_STR(text, "epoch 3/20    2/469  1:07:42  4000 s/step  loss nan  mse 1.500e-07"
                    "  mae -1.235e+05  zero 0.0000\n");
    fclose(f);
}

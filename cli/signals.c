// Ctrl-C and broken pipes.
//
// A command that has nothing to save ends at once with the exit code of an interrupt. Training asks
// for a flag instead, so that the step ends and a checkpoint is written; the handler then steps
// aside, so a second Ctrl-C kills even a program that hangs.
#include "cli.h"

#include <signal.h>
#include <unistd.h>

static volatile int interrupted;

static void leave(int sig) {
    (void)sig;
    _exit(CLI_INTERRUPTED);
}

static void set_flag(int sig) {
    (void)sig;
    interrupted = 1;
}

static void on_interrupt(void (*handler)(int), int flags) {
    struct sigaction act = {.sa_handler = handler, .sa_flags = flags};
    sigemptyset(&act.sa_mask);
    sigaction(SIGINT, &act, NULL);
}

void cli_signals(void) {
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigemptyset(&ignore.sa_mask);
    sigaction(SIGPIPE, &ignore, NULL);
    on_interrupt(leave, 0);
}

const volatile int *cli_catch_interrupt(void) {
    on_interrupt(set_flag, (int)SA_RESETHAND | SA_RESTART);
    return &interrupted;
}

#!/bin/sh
# The manual pages of docs/man are those of this program, and roff takes them without a warning.
. "${0%/*}/harness"
pages=$here/../../docs/man

check() { # PAGE COMMAND
    run 0 man $2
    expect "docs/man/$1 is as the program prints it (docs/man/update.sh)" cmp -s out "$pages/$1"
    if command -v man >/dev/null; then
        expect "$1 without warnings" test -z "$(man --warnings -l out 2>&1 >/dev/null)"
    else
        skip "no man to check $1"
    fi
}
check tarn.1 ''
for page in "$pages"/tarn-*.1; do
    command=${page##*/tarn-}
    check "${page##*/}" "${command%.1}"
done
for command in $("$TARN" help | sed -n '/^Commands/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
    expect "a page for $command" test -s "$pages/tarn-$command.1"
done
finish

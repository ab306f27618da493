#!/bin/sh
# Write the manual pages anew from the option tables: docs/man/update.sh build/tarn
tarn=${1:?usage: docs/man/update.sh PROGRAM}
cd "$(dirname "$0")" || exit 1
case $tarn in /*) ;; *) tarn=$OLDPWD/$tarn ;; esac
rm -f ./*.1
"$tarn" man >tarn.1 || exit 1
for command in $("$tarn" help | sed -n '/^Commands/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
    "$tarn" man "$command" >"tarn-$command.1" || exit 1
done

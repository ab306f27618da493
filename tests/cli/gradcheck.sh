#!/bin/sh
# tarn gradcheck: every operation, or those that are named.
. "${0%/*}/harness"

run 0 gradcheck
expect 'softmax is among them' grep -q '^softmax .* ok$' out
run 0 gradcheck add dot --json
expect 'lines are JSON' is_json out
expect 'one for each' test "$(grep -c '"ok":true' out)" -eq 2
refuses 2 "'tarn gradcheck' alone lists all; did you mean 'softmax'?" gradcheck sofmax
refuses 2 "'tarn gradcheck' alone lists all" gradcheck frobnicate

# The examples of its help are right.
run 0 help gradcheck
sed -n 's/^  tarn gradcheck *//p' out | sed 's/   .*//' >examples
expect 'there are examples' test -s examples
while read -r operations; do run 0 gradcheck $operations; done <examples
finish

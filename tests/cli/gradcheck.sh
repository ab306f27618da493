#!/bin/sh
# tarn gradcheck: every operation, or those that are named.
. "${0%/*}/harness"

run 0 gradcheck
expect 'softmax is among them' grep -q '^softmax .* ok$' out
run 0 gradcheck add dot --json
expect 'lines are JSON' is_json out
expect 'one for each' test "$(grep -c '"ok":true' out)" -eq 2
refuses 2 "did you mean 'softmax'?" gradcheck sofmax
finish

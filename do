#!/bin/sh
# ./do WHAT: the few things one does with a fresh checkout. Needs nothing but sh to start.
#
#   demo    build, train a network on handwritten digits, test it, and draw what it learnt
#   test    build, run every test; the last line is "N passed, N failed"
#   accept  build, run the acceptance scripts in order
#   build   install what the build needs if it is missing, then build into build/
#   deps    only install what the build needs
set -u
cd "$(dirname "$0")" || exit 1

packages="build-essential cmake pkg-config libjansson-dev \
libyaml-dev zlib1g-dev libpng-dev libjpeg-dev libcairo2-dev libopenmpi-dev openmpi-bin \
libprotobuf-c-dev protobuf-c-compiler"

say() { printf '%s\n' "$*" >&2; }

need_met() {
    command -v cc >/dev/null && command -v cmake >/dev/null && command -v pkg-config >/dev/null &&
        pkg-config --exists jansson
}
has_mpi() {
    pkg-config --exists mpi-c || pkg-config --exists ompi-c || pkg-config --exists mpich
}
wishes_met() {
    command -v protoc-c >/dev/null && has_mpi &&
        pkg-config --exists yaml-0.1 zlib libpng libjpeg cairo libprotobuf-c
}

# Only what is missing is installed: a machine that has all of it is left as it is.
missing_packages() {
    for p in $packages; do
        dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q '^install ok' || printf '%s ' "$p"
    done
}

apt_install() {
    command -v apt-get >/dev/null || return 1
    if [ "$(id -u)" -eq 0 ]; then
        root='env'
    elif command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
        root='sudo env'
    else
        return 1
    fi
    say "installing: $*"
    $root apt-get update -qq >&2 &&
        $root DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@" >&2
}

deps() {
    need_met && wishes_met && return 0
    # shellcheck disable=SC2046  # one word for each package
    apt_install $(missing_packages) && need_met && wishes_met && return 0
    say "Tarn is built from these Debian packages (or their like); please install them:"
    say "    apt-get install $packages"
    if ! need_met; then return 1; fi
    say "Building without the parts that are missing."
}

build() {
    deps || return 1
    make --no-print-directory JOBS="$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)" >&2
}

# Where the handwritten digits of MNIST lie, if they lie anywhere.
mnist() {
    for dir in "${TARN_DATA:+$TARN_DATA/mnist}" "${TARN_SHARED:-../shared}/data/mnist" \
        "${HOME-}/.cache/tarn/mnist"; do
        if [ -n "$dir" ] && [ -d "$dir" ]; then
            printf '%s' "$dir"
            return
        fi
    done
}

demo() {
    build || return 1
    data=$(mnist)
    # Without data the program makes digits of its own, and says so.
    build/tarn train examples/mnist_mlp.yaml ${data:+--data "$data"} --out demo &&
        build/tarn eval demo/model.safetensors ${data:+--data "$data"} --report --out demo ||
        return 1
    echo
    echo "Pictures of this run:"
    find demo \( -name '*.png' -o -name '*.svg' -o -name '*.gif' \) | sort | sed 's/^/    /'
}

accept() {
    build || return 1
    passed=0 failed=0 skipped=0
    for script in tools/accept/*.sh; do
        [ -e "$script" ] || continue
        TARN=$PWD/build/tarn sh "$script"
        case $? in
        0) passed=$((passed + 1)) ;;
        77) skipped=$((skipped + 1)) ;;
        *)
            failed=$((failed + 1))
            echo "FAIL $script"
            ;;
        esac
    done
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" -eq 0 ]
}

case ${1-} in
demo | accept | build | deps) "$1" ;;
test) build && tools/run_tests build ;;
*)
    sed -n '2,/^$/s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac

#!/bin/sh
# ./do where packages are missing: it installs nothing that it may not, says what to install, and
# goes on without what is not needed.
. "${0%/*}/harness"
root=$(cd "$here/../.." && pwd)
mkdir bin
for tool in sh dirname id grep sed; do ln -s "$(command -v $tool)" bin/$tool; done

# stand_in NAME COMMAND...: a program that notes its call and does this
stand_in() {
    name=$1
    shift
    rm -f "bin/$name"
    printf '#!/bin/sh\necho "%s $*" >>"%s/calls"\n%s\n' "$name" "$work" "$*" >"bin/$name"
    chmod +x "bin/$name"
}
# front_door CODE ARGUMENT...: ./do on a machine that has the tools in bin and no others
front_door() {
    want=$1
    shift
    : >calls
    PATH=$work/bin "$root/do" "$@" >out 2>err
    code=$?
    expect "./do $* ends with $want, not $code" test $code -eq "$want"
}
names_packages() {
    for p in build-essential cmake pkg-config libjansson-dev libyaml-dev zlib1g-dev libpng-dev \
        libjpeg-dev libcairo2-dev libopenmpi-dev openmpi-bin libprotobuf-c-dev \
        protobuf-c-compiler; do
        expect "$1: names $p" grep -q "apt-get install.* $p" err
    done
}
called() { grep -q "^$1" calls; }
not_called() { ! called "$1"; }

# ---- nothing there, and nothing to install with ----
for what in deps build demo accept; do
    front_door 1 $what
    expect "./do $what: nothing on stdout" test ! -s out
    names_packages "./do $what"
done

# ---- apt-get is there, but this is not root, and sudo would ask for a password ----
stand_in apt-get 'exit 0'
stand_in dpkg-query 'exit 1'
stand_in sudo 'exit 1'
stand_in id 'echo 1000'
front_door 1 deps
names_packages 'not root'
expect 'installs nothing' not_called apt-get

# ---- what is needed is there, what is wished for is not ----
stand_in cc 'exit 0'
stand_in cmake 'exit 0'
stand_in pkg-config 'case "$*" in *jansson*) exit 0 ;; *) exit 1 ;; esac'
front_door 0 deps
names_packages 'wishes'
expect 'says that it goes on' grep -q 'without the parts' err
expect 'and installs nothing' not_called apt-get

# ---- all is there ----
stand_in pkg-config 'exit 0'
stand_in protoc-c 'exit 0'
front_door 0 deps
expect 'says nothing' test ! -s err
expect 'looks for no package' not_called dpkg-query

# ---- root installs what is missing, and only that ----
ln -s "$(command -v env)" bin/env
stand_in id 'echo 0'
stand_in dpkg-query 'case "$*" in *" cmake") printf "install ok installed" ;; *) exit 1 ;; esac'
stand_in pkg-config "grep -q '^apt-get install' '$work/calls'"
front_door 0 deps
expect 'fetches the list' called 'apt-get update'
expect 'installs cairo' called 'apt-get install.* libcairo2-dev'
expect 'not what is there' not_called 'apt-get install.* cmake'

front_door 2 nonsense
expect 'help names the ways in' grep -q 'demo' err
finish

#!/bin/sh
# tools/accept/60_memory.sh: a step of training, a step after --resume, a test and a summary under
# valgrind: no error, and nothing lost at the end. What the process keeps to its end is not lost:
# the threads of the pool wait for work (libc's memory of a thread only looks lost), and fontconfig
# remembers the fonts of the curves.
. "${0%/*}/lib"
command -v valgrind >/dev/null || leave "no valgrind"
cat >suppressions <<'END'
{
    threads
    Memcheck:Leak
    match-leak-kinds: possible
    fun:calloc
    ...
    fun:pthread_create*
}
{
    fonts
    Memcheck:Leak
    ...
    obj:*/libfontconfig*
}
END
small_experiment

# clean WHAT ARGUMENT...: tarn with these arguments
clean() {
    what=$1
    shift
    valgrind --quiet --leak-check=full --show-leak-kinds=definite,indirect,possible \
        --errors-for-leak-kinds=definite,indirect,possible --error-exitcode=99 \
        --suppressions=suppressions "$TARN" "$@" --quiet >out 2>err
    code=$?
    [ $code -eq 0 ] || head -n 30 err >&2
    must "$what, exit code" $code = 0
}
for jit in off 'wait'; do
    export TARN_JIT=$jit
    rm -rf small
    clean "one step, TARN_JIT=$jit" train small.yaml --max-steps 1 --json
    clean "one more after --resume, TARN_JIT=$jit" train small.yaml --max-steps 2 --resume --json
    clean "eval, TARN_JIT=$jit" eval small/model.safetensors --json
done
clean 'summary' summary small/model.safetensors
finish

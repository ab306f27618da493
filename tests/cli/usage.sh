#!/bin/sh
# Command lines: wrong ones are refused in one sentence, help names all, output is checked.
. "${0%/*}/harness"

commands='train eval predict run summary bench gradcheck devices version completion help'

refuses 2 'which command?'
refuses 2 "did you mean 'train'?" trian
refuses 2 "'tarn help' lists all" frobnicate
refuses 2 "did you mean '--epochs'?" train x.yaml --epoch 3
refuses 2 "unknown option '--zzz'" train x.yaml --zzz
refuses 2 "unknown option '-x'" train -x
refuses 2 'FILE is missing' train
refuses 2 "unexpected argument 'b'" train a b
refuses 2 '--out needs a value' train x.yaml --out
refuses 2 '--out needs a value' train x.yaml --out --json
refuses 2 '--resume takes no value' train x.yaml --resume=1
refuses 2 '--out: the value is empty' train x.yaml --out=
refuses 2 '--epochs' train x.yaml --epochs many
refuses 2 '--lr' train x.yaml --lr nan
refuses 2 '--lr' train x.yaml --lr=-1
refuses 2 '--resume and --from' train x.yaml --resume --from y.safetensors
refuses 2 'none of: cpu ref xla' version --device gpu
refuses 2 'none of: cpu ref xla' version --device xla:x
refuses 2 'none of: cpu ref xla' version --device xla:
run 0 version --device xla:1
refuses 2 'none of: bash zsh fish' completion tcsh
refuses 2 'unknown workload' bench mnist_mpl
refuses 2 'WORKLOAD is missing' bench
refuses 2 "did you mean 'train'?" help trian
for n in 0 -1 1025 1.5 two 99999999999999999999; do
    refuses 2 'from 1 to 1024' version --threads "$n"
done

# "--" ends options; "--name=value" and "--name value" are the same.
refuses 1 "'--json'" train -- --json
run 0 version --threads=1 --seed 3 --quiet

# Help of every command names each option that the command takes.
common='--threads --device --seed --quiet --json --dump --profile --help'
for command in $commands; do
    run 0 "$command" --help
    mv out help.txt
    expect "help of $command begins with usage" grep -q "^Usage: tarn $command" help.txt
    for option in $common; do
        expect "$option in the help of $command" grep -q -- "^  $option" help.txt
    done
    run 0 help "$command"
    expect "help $command is $command --help" cmp -s out help.txt
    expect "$command in the list" sh -c "'$TARN' help | grep -q '^  $command '"
done
for option in --data --out --epochs --batch --lr --resume --from --set --max-steps; do
    run 0 train --help
    expect "$option in the help of train" grep -q -- "^  $option" out
done
run 0 --help
run 0 --version
expect 'lines of help are at most 79 columns wide' sh -c \
    "for c in $commands; do '$TARN' help \$c; done | grep -v '^  tarn ' | awk 'length > 79 {exit 1}'"

# Every stage of --dump is explained.
run 0 help dump
cp out stages.txt
run 0 version --dump=graph,plan
refuses 2 "'plam' is none of" version --dump=graph,plam
run 2 version --dump=none
for stage in $(sed 's/.*none of://' err); do
    expect "$stage in help dump" grep -q "^  $stage " stages.txt
done

# JSON only on stdout where it is asked for.
for command in version devices help 'completion bash' 'bench --list' 'help train'; do
    run 0 $command --json
    expect "tarn $command --json" is_json out
done

# No colour in a pipe; output that cannot be written is an error.
expect 'no escape sequences in a pipe' sh -c "! '$TARN' help train | grep -q '$(printf '\033')'"
if [ -w /dev/full ]; then
    "$TARN" version >/dev/full 2>err
    expect 'a full disk behind stdout is an error' test $? -eq 1
    expect 'which is said' grep -q '^tarn version: cannot write to standard output' err
else
    skip 'no /dev/full'
fi
{
    "$TARN" help train 2>err
    echo $? >code
} | true
expect 'a closed pipe is an error, not a signal' grep -q '^[01]$' code

# Completion scripts are valid for the shells that are here.
for shell in bash zsh fish; do
    run 0 completion $shell
    if command -v $shell >/dev/null; then
        expect "syntax for $shell" $shell -n out
    else
        skip "no $shell to check its script"
    fi
done
finish

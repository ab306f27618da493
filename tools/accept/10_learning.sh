#!/bin/sh
# tools/accept/10_learning.sh [SEEDS [EPOCHS]]: the examples learn MNIST as well as the programs
# they follow, from the YAML file and from the C program alike, for the seeds 1 to SEEDS (5).
# EPOCHS is for mnist_mlp (20).
. "${0%/*}/lib"
needs_mnist
n_seeds=${1:-5}
epochs=${2:-20}

# from_yaml NAME OPTION... and from_c NAME [EPOCHS]: accuracies on the test pictures, a seed a line
from_yaml() {
    name=$1
    shift
    for seed in $(seq "$n_seeds"); do
        run 0 train "$examples/$name.yaml" --data "$mnist" --seed "$seed" --out trained --json \
            --quiet "$@"
        field val_accuracy out
    done
}
from_c() {
    for seed in $(seq "$n_seeds"); do
        "$build/examples/$1" "$mnist" "$seed" ${2:+"$2"} | sed -n 's/^Test[a-z]* [Aa]ccuracy: //p'
    done
}

# judge FILE SUMMARY RELATION LIMIT: the accuracies in FILE
judge() { must "$1, $2 of $n_seeds seeds" "$(summary "$2" <"$1")" "$3" "$4"; }

from_yaml mnist_mlp --epochs "$epochs" >mnist_mlp.yaml
from_c mnist_mlp "$epochs" >mnist_mlp.c
from_yaml mnist_softmax >mnist_softmax.yaml
from_c mnist_softmax >mnist_softmax.c
from_yaml neural_network_raw >neural_network_raw.yaml
from_c neural_network_raw >neural_network_raw.c
for kind in yaml c; do
    must "results of .$kind" "$(cat ./*.$kind | wc -w)" = $((3 * n_seeds))
    judge mnist_mlp.$kind mean '>=' 0.982
    judge mnist_mlp.$kind most '>=' 0.984
    judge mnist_softmax.$kind mean '>=' 0.92
    judge neural_network_raw.$kind mean '>=' 0.84
    judge neural_network_raw.$kind mean '<=' 0.90
done
# The same network, data and seed: the same training, whoever describes it.
must mnist_mlp.c "$(xargs printf '%.4f ' <mnist_mlp.c)" = "$(xargs printf '%.4f ' <mnist_mlp.yaml)"
finish

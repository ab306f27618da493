#!/bin/sh
# tests/gpu/run.sh [BUILD]: on a machine with an NVIDIA GPU, build, and run what needs one: the
# kernels printed as CUDA C, compiled by NVRTC ($TARN_NVRTC names the library if it is in no usual
# place), beside the CPU device. Exits 77 where there is no GPU.
set -u
cd "$(dirname "$0")/../.." || exit 2
build=${1:-build}

if ! nvidia-smi -L 2>/dev/null && ! ls /dev/nvidia[0-9]* 2>/dev/null; then
    echo "no NVIDIA GPU on this machine: nothing was run"
    exit 77
fi
cmake -S . -B "$build" -DCMAKE_BUILD_TYPE=Release >/dev/null &&
    cmake --build "$build" -j "$(getconf _NPROCESSORS_ONLN)" \
        --target test_gpu_driver_test test_probes_cuda_test >/dev/null || exit 1

failed=0
for program in gpu/driver_test probes/cuda_test; do
    echo "$program"
    "$build/tests/$program" || failed=1
done
exit $failed

"""run_stablehlo.py FOLDER: compiles FOLDER/module.mlir with XLA for the CPU, runs it on the
arguments in FOLDER and compares every result with what is expected there (stablehlo_test.c).
Exit status 1 when one differs by more than 1e-4 relative and 1e-6 absolute."""
import re
import sys
from pathlib import Path

import jax
import numpy as np

jax.config.update("jax_enable_x64", True)
import jaxlib._jax as xla
from jax._src import compiler
from jax.extend import backend

folder = Path(sys.argv[1])
text = (folder / "module.mlir").read_text()
dtypes = {"f32": "f4", "f64": "f8", "i32": "i4", "i64": "i8", "i1": "?", "ui8": "u1"}


def array(kind, name, described):
    *dims, dtype = described.split("x")
    x = np.fromfile(folder / f"{kind}_{name.replace('/', '.')}", dtype=dtypes[dtype])
    return x.reshape([int(d) for d in dims])


head = re.search(r"@main\((.*)\) -> \((.*)\) \{", text)
argument_types = re.findall(r"tensor<([^>]*)>", head[1])
result_types = re.findall(r"tensor<([^>]*)>", head[2])
arguments = [
    array("input" if kind == "input" else "before", name, argument_types[int(i)])
    for i, kind, name in re.findall(r'// argument (\d+) (\w+) "(.*)"', text)
]
expected = [
    (name or f"fetch {number}", array("fetch", number, result_types[int(i)]) if number else
     array("after", name, result_types[int(i)]))
    for i, number, name in re.findall(r'// result (\d+) (?:fetch (\d+)|variable "(.*)")', text)
]

client = backend.get_backend("cpu")
devices = xla.DeviceList(tuple(client.local_devices()[:1]))
options = compiler.get_compile_options(num_replicas=1, num_partitions=1)
program = client.compile_and_load(text, devices, options)
results = program.execute_sharded([jax.device_put(a) for a in arguments])
results = [np.asarray(x[0]) for x in results.disassemble_into_single_device_arrays()]

assert len(results) == len(expected)
wrong = 0
for (name, want), got in zip(expected, results):
    error = np.abs(got.astype("f8") - want) - 1e-6 - 1e-4 * np.abs(want)
    if got.shape != want.shape or not (error <= 0).all():
        print(f"{name}: {np.count_nonzero(error > 0)} of {want.size} differ, most by {error.max():g}")
        wrong += 1
print(f"{len(results) - wrong} of {len(results)} results agree")
sys.exit(wrong > 0)

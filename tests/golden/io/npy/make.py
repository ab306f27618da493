"""Make the .npy files of this folder with NumPy.

    python -m venv V && V/bin/pip install numpy==2.4.6
    V/bin/python make_npy.py

Every array holds 0, 1, 2, ... in row-major order, bool 0, 1, 0, ...
"""

import numpy as np

for name in "f2 f4 f8 i1 i2 i4 i8 u1 u2 u4 u8".split():
    np.save(f"{name}.npy", np.arange(6, dtype=name).reshape(2, 3))
np.save("bool.npy", np.arange(6).reshape(2, 3) % 2 == 1)
np.save("scalar.npy", np.float32(-1.5))
np.save("empty.npy", np.zeros((3, 0), np.int64))
np.save("fortran.npy", np.asfortranarray(np.arange(24, dtype=np.int16).reshape(2, 3, 4)))
np.save("big.npy", np.arange(3, dtype=">i4"))
np.save("objects.npy", np.array([None, 1], dtype=object), allow_pickle=True)
with open("version2.npy", "wb") as f:
    np.lib.format.write_array(f, np.arange(5, dtype=np.float64), version=(2, 0))

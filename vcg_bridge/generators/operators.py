"""The ONNX operators of our graphs (opset 15) in numpy.

Each takes the node's attributes and its inputs (None for one left out) and gives its output, a list where there are several.
Floats come in as float64 and stay so; what a graph asks for beyond what is here raises ValueError.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Attributes = Mapping[str, Any]
Operator = Callable[..., Array | list[Array]]

_CAST = {1: np.float64, 10: np.float64, 11: np.float64, 6: np.int32, 7: np.int64}
"""ONNX element type (FLOAT, FLOAT16, DOUBLE, INT32, INT64) -> what it is here."""


_ROWS, _COLUMNS = 64, 32
"""Matrix products are cut to that size: small enough that the BLAS library does not spread one over threads. Its threads
would compete with the generator's own (measured with both cores busy: 8 times slower)."""


def _product(x: Array, w: Array) -> Array:
    """x @ w for one or a few rows, without the BLAS library, for the same reason."""
    product: Array = np.einsum("ij,jk->ik", x, w)
    return product


def _ints(values: Any) -> tuple[int, ...]:
    return tuple(int(v) for v in np.asarray(values).ravel())


def _gemm(a: Attributes, x: Array, w: Array, bias: Array | None = None) -> Array:
    x = x.T if a.get("transA", 0) else x
    w = w.T if a.get("transB", 0) else w
    y: Array = _product(x, w) * a.get("alpha", 1.0)
    return y if bias is None else y + bias * a.get("beta", 1.0)


def _conv(a: Attributes, x: Array, w: Array, bias: Array | None = None) -> Array:
    """x [N, in, h, w], kernel [out, in, k, k], k odd, padded to keep the size: one matrix product per kernel tap.

    Rows lie one after another, each with the padding between, so every tap reads one slice of the padded picture
    (little is copied); what it computes in the padding's columns is thrown away.
    """
    k, (n, channels, height, width) = w.shape[2], x.shape
    pads, auto = tuple(a.get("pads", (0, 0, 0, 0))), a.get("auto_pad", b"NOTSET")
    plain = all(v == 1 for key in ("strides", "dilations") for v in a.get(key, ())) and a.get("group", 1) == 1
    if not plain or w.shape[3] != k or k % 2 == 0 or auto != b"NOTSET" or pads != (k // 2,) * 4:
        raise ValueError("only convolutions of stride 1 that keep the size are supported")
    step = width + k - 1
    length = -(-height * step // _COLUMNS) * _COLUMNS
    padded = np.zeros((n, channels, length + (k - 1) * (step + 1)), x.dtype)
    inner = padded[:, :, : (height + k - 1) * step].reshape(n, channels, height + k - 1, step)
    inner[:, :, k // 2 : k // 2 + height, k // 2 : k // 2 + width] = x
    taps = np.ascontiguousarray(w.transpose(2, 3, 0, 1))  # [k, k, out, in]
    y = np.zeros((n, length // _COLUMNS, w.shape[0], _COLUMNS), x.dtype)
    for i in range(k):
        for j in range(k):
            start = i * step + j
            columns = padded[:, :, start : start + length].reshape(n, channels, -1, _COLUMNS).transpose(0, 2, 1, 3)
            for row in range(0, w.shape[0], _ROWS):
                y[:, :, row : row + _ROWS] += taps[i, j, row : row + _ROWS] @ columns
    y = y.transpose(0, 2, 1, 3).reshape(n, -1, length)[:, :, : height * step].reshape(n, -1, height, step)[..., :width]
    return np.ascontiguousarray(y) if bias is None else y + bias[:, None, None]


def _depth_to_space(a: Attributes, x: Array) -> Array:
    n, c, h, w = x.shape
    b = a["blocksize"]
    if a.get("mode", b"DCR") == b"CRD":
        y = x.reshape(n, c // (b * b), b, b, h, w).transpose(0, 1, 4, 2, 5, 3)
    else:
        y = x.reshape(n, b, b, c // (b * b), h, w).transpose(0, 3, 4, 1, 5, 2)
    return y.reshape(n, c // (b * b), h * b, w * b)


def _reshape(a: Attributes, x: Array, shape: Array) -> Array:
    wanted = list(_ints(shape))
    if not a.get("allowzero", 0):
        wanted = [x.shape[i] if v == 0 else v for i, v in enumerate(wanted)]
    return x.reshape(wanted)


def _unsqueeze(a: Attributes, x: Array, axes: Array) -> Array:
    return np.expand_dims(x, _ints(axes))


def _squeeze(a: Attributes, x: Array, axes: Array | None = None) -> Array:
    return np.squeeze(x, None if axes is None else _ints(axes))


def _slice(
    a: Attributes, x: Array, starts: Array, ends: Array, axes: Array | None = None, steps: Array | None = None
) -> Array:
    where = range(len(starts)) if axes is None else _ints(axes)
    by = (1,) * len(starts) if steps is None else _ints(steps)
    index = [slice(None)] * x.ndim
    for axis, start, end, step in zip(where, _ints(starts), _ints(ends), by, strict=True):
        if step < 1:
            raise ValueError("slices go forward")
        index[axis] = slice(start, end, step)
    return x[tuple(index)]


def _split(a: Attributes, x: Array, sizes: Array | None = None) -> list[Array]:
    if sizes is None:
        raise ValueError("a split names its sizes")
    return np.split(x, np.cumsum(_ints(sizes))[:-1], axis=a.get("axis", 0))


def _cast(a: Attributes, x: Array) -> Array:
    if a["to"] not in _CAST:
        raise ValueError(f"a cast to element type {a['to']} is not supported")
    return x.astype(_CAST[a["to"]])


def _clip(a: Attributes, x: Array, low: Array | None = None, high: Array | None = None) -> Array:
    return np.clip(x, -np.inf if low is None else low, np.inf if high is None else high)


def _leaky_relu(a: Attributes, x: Array) -> Array:
    # the slope is a float32 in the file; the same number here
    return np.where(x >= 0, x, x * float(np.float32(a.get("alpha", 0.01))))


OPERATORS: dict[str, Operator] = {
    "Add": lambda a, x, y: x + y,
    "Cast": _cast,
    "Clip": _clip,
    "Concat": lambda a, *xs: np.concatenate(xs, axis=a["axis"]),
    "Conv": _conv,
    "DepthToSpace": _depth_to_space,
    "Gather": lambda a, x, i: np.take(x, i, axis=a.get("axis", 0)),
    "Gemm": _gemm,
    "Identity": lambda a, x: x,
    "LeakyRelu": _leaky_relu,
    "MatMul": lambda a, x, y: _product(x, y),
    "Mul": lambda a, x, y: x * y,
    "Reshape": _reshape,
    "Slice": _slice,
    "Split": _split,
    "Squeeze": _squeeze,
    "Sub": lambda a, x, y: x - y,
    "Transpose": lambda a, x: np.transpose(x, a.get("perm")),
    "Unsqueeze": _unsqueeze,
}

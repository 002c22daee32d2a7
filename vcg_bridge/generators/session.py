"""One network of a bundle, loaded into ONNX Runtime, and the choice of the device."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from vcg_bridge.contract.errors import BundleError, DeviceError, near
from vcg_bridge.contract.manifest import Manifest, Network
from vcg_bridge.generators.exact import Decision, ExactNetwork, decide

ort.disable_telemetry_events()  # on Windows; elsewhere there is none, see vcg_bridge/__init__.py

DEVICES = ("auto", "cpu", "cuda")
THREADS_VARIABLE = "VCG_THREADS"
"""Environment variable: how many threads draw, where nothing else is said. Default: all cores of this process."""

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
_CUDA_OPTIONS = {
    "use_tf32": "0",  # TF32 keeps 10 bits of each factor: its noise would be above TAU
    "cudnn_conv_algo_search": "HEURISTIC",  # not a measurement, which could choose another way each time
}


def default_threads() -> int:
    """How many threads draw: VCG_THREADS, else the cores this process may use. Raises DeviceError for nonsense."""
    wish = os.environ.get(THREADS_VARIABLE, "")
    if wish:
        if not wish.isdecimal() or not 1 <= int(wish) <= 1024:
            raise DeviceError(
                f"{THREADS_VARIABLE} is {wish!r}", hint="set it to a number from 1 to 1024, or to nothing"
            )
        return int(wish)
    return usable_cores()


def usable_cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def available_devices() -> tuple[str, ...]:
    """Devices that the installed ONNX Runtime was built for; whether a GPU works shows when it is used."""
    return ("cpu", "cuda") if CUDA in ort.get_available_providers() else ("cpu",)


def providers(device: str) -> list[Any]:
    """What ONNX Runtime is told to use for `device` (cpu or cuda), with the options under which classes stay the same."""
    return [(CUDA, _CUDA_OPTIONS), CPU] if device == "cuda" else [CPU]


class LoadedNetwork:
    """A checked graph with its ONNX Runtime session and its double-precision twin. Safe in threads."""

    def __init__(self, folder: Path, manifest: Manifest, network: Network, device: str) -> None:
        """`device`: cpu or cuda. Raises BundleError for a file that is not what the manifest says, DeviceError."""
        self.network, self._device = network, device
        self._source = str(folder / network.file)
        try:
            data = (folder / network.file).read_bytes()
        except OSError as error:
            raise BundleError(f"{self._source}: cannot be read ({error})", hint="install the bundle again") from None
        if hashlib.sha256(data).hexdigest() != manifest.files[network.file]:
            raise BundleError(f"{self._source}: the sha256 is not the manifest's", hint="install the bundle again")
        # First, since it refuses loops, data in other files and whatever else our graphs never hold.
        self._exact = ExactNetwork(network, data, self._source)
        options = ort.SessionOptions()
        options.intra_op_num_threads = (
            1  # views are spread over threads by the generator: faster than threads within one
        )
        options.inter_op_num_threads = 1
        options.use_deterministic_compute = True
        options.add_session_config_entry("session.load_model_format", "ONNX")  # not by what the bytes look like
        options.log_severity_level = 4  # faults are raised; ONNX Runtime need not print them too
        try:
            # falling back is for GPUs; without it ONNX Runtime does not print what it raises
            self._session = ort.InferenceSession(
                data, options, providers=providers(device), enable_fallback=device == "cuda"
            )
        except Exception as error:  # ONNX Runtime's exceptions have no common public base
            raise BundleError(
                f"{self._source}: ONNX Runtime cannot load it ({error})", hint="export it again"
            ) from None
        if device == "cuda" and self._session.get_providers()[0] != CUDA:
            raise DeviceError(
                "ONNX Runtime was built for CUDA but cannot use it here",
                hint="check the NVIDIA driver and that CUDA and cuDNN are installed (`vcg doctor`), or use device cpu",
            )
        self._check(manifest.z_dim)

    def _check(self, z_dim: int) -> None:
        network = self.network
        try:
            inputs = {x.name: (x.type, x.shape) for x in self._session.get_inputs()}
            outputs = {x.name: (x.type, x.shape) for x in self._session.get_outputs()}
        except UnicodeDecodeError:
            raise BundleError(f"{self._source}: a name in it is no text", hint="export it again") from None
        expected = {
            network.code_input: (inputs, "tensor(float)", (None, z_dim)),
            network.view_input: (inputs, "tensor(int64)", (None,)),
            network.output: (outputs, "tensor(float)", (None, network.classes, network.height, network.width)),
        }
        if set(inputs) != {network.code_input, network.view_input}:
            raise BundleError(f"{self._source}: has the inputs {sorted(inputs)}, the manifest names others")
        for name, (table, kind, shape) in expected.items():
            if name not in table:
                raise BundleError(f"{self._source}: there is no {name!r}", hint=near(name, table))
            found_kind, found = table[name]
            fits = len(found) == len(shape) and all(
                not isinstance(f, int) or f == s for f, s in zip(found[1:], shape[1:], strict=True)
            )
            if found_kind != kind or not fits:
                raise BundleError(
                    f"{self._source}: {name!r} is {found_kind} {found}, the manifest says {kind} {['N', *shape[1:]]}",
                    hint="export the bundle again",
                )

    def draw(self, codes: NDArray[np.float32], views: NDArray[np.int64], classes: int) -> Decision:
        """Draw views: codes [N, z_dim], views [N]. Those marked doubtful have been drawn again, and are sure now.

        The classes are the same for every device, batch and thread. Raises BundleError, DeviceError.
        """
        network = self.network
        feed = {network.code_input: codes, network.view_input: views}
        try:
            logits = self._session.run([network.output], feed)[0]
        except Exception as error:  # as above
            kind, hint = (DeviceError, "use device cpu") if self._device == "cuda" else (BundleError, "export it again")
            raise kind(f"{self._source}: ONNX Runtime failed on it ({error})", hint=hint) from None
        if logits.shape != (len(views), network.classes, network.height, network.width):
            raise BundleError(
                f"{self._source}: gave {logits.shape}, not what the manifest says", hint="export it again"
            )
        if not np.isfinite(logits).all():
            raise BundleError(f"{self._source}: gives numbers that are not finite", hint="train or export it again")
        decision = decide(logits, classes)
        doubtful = np.flatnonzero(decision.doubtful)
        if len(doubtful):
            again = decide(self._exact.logits(codes[doubtful], views[doubtful]), classes, exact=True)
            decision.classes[doubtful], decision.margin[doubtful] = again.classes, again.margin
        return decision

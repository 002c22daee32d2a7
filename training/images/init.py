"""Starting from trained networks instead of random ones: generator, discriminator or both, from a checkpoint."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from rich.table import Table
from torch import Tensor, nn

from training.errors import TrainingError

PARTS: dict[str, tuple[tuple[str, ...], ...]] = {
    "generator": (("ema",), ("g",)),
    "discriminator": (("adversary", "d"), ("judge", "d"), ("d",)),
    "encoder": (("book", "encoder"),),
}
"""Where a checkpoint of the kit keeps a network; the averaged generator is the better start. A plain state_dict is taken as it is."""


@dataclass(frozen=True)
class Loaded:
    """What became of every tensor of a network, by name."""

    part: str
    path: Path
    taken: tuple[str, ...]
    reshaped: tuple[tuple[str, str], ...]  # (name, "file's shape, network's shape"): kept random
    missing: tuple[str, ...]  # in the network only: kept random
    unused: tuple[str, ...]  # in the file only


def read_checkpoint(path: Path) -> dict[str, Any]:
    """The content of a torch file; only tensors and plain values are read, never code. Raises TrainingError."""
    try:
        state = torch.load(path, weights_only=True, map_location="cpu")
    except FileNotFoundError:
        raise TrainingError(f"no file {path}", hint="give a checkpoint.pt of a run") from None
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, AttributeError, pickle.UnpicklingError) as error:
        reason = str(error).strip().split("\n")[0][:120]
        raise TrainingError(f"{path} is no checkpoint: {reason}", hint="give a checkpoint.pt of a run") from error
    if not isinstance(state, dict):
        raise TrainingError(
            f"{path} holds a {type(state).__name__}, no checkpoint", hint="give a checkpoint.pt of a run"
        )
    return state


def initialise(network: nn.Module, path: Path, part: str) -> Loaded:
    """Copy what fits by name and shape from a checkpoint into a network; the rest stays as it is.

    `part`: a key of PARTS. Raises TrainingError if the file is no checkpoint or nothing in it fits.
    """
    weights = _find(read_checkpoint(path), part)
    if not weights:
        raise TrainingError(f"{path} holds no {part}", hint="give a checkpoint.pt of a run, or a state_dict")
    own = network.state_dict()
    taken = [k for k, v in own.items() if k in weights and weights[k].shape == v.shape]
    reshaped = [
        (k, f"{_size(weights[k])} in the file, {_size(v)} here")
        for k, v in own.items()
        if k in weights and weights[k].shape != v.shape
    ]
    if not taken:
        detail = f"{reshaped[0][0]} is {reshaped[0][1]}" if reshaped else f"it has {', '.join(list(weights)[:3])} ..."
        raise TrainingError(
            f"nothing in {path} fits this {part}: {detail}",
            hint="the same kind, features and stages as in the run it is from",
        )
    with torch.no_grad():
        for name in taken:
            own[name].copy_(weights[name])  # tensors of a state_dict are the network's own
    missing, unused = [k for k in own if k not in weights], [k for k in weights if k not in own]
    return Loaded(part, path, tuple(taken), tuple(reshaped), tuple(missing), tuple(unused))


def holds(state: Mapping[str, Any], part: str) -> bool:
    """Whether a checkpoint has that network."""
    return bool(_find(state, part))


def said_of(loaded: Loaded) -> str:
    """What was loaded and what was not, in a line."""
    rest = (("of another shape", loaded.reshaped), ("not in the file", loaded.missing), ("not used", loaded.unused))
    left = "".join(f", {len(names)} {what}" for what, names in rest if names)
    return f"{loaded.part}: {len(loaded.taken)} tensors taken from {loaded.path}{left}"


def init_table(loaded: Loaded) -> Table:
    """Says what was loaded and what was not."""
    table = Table("tensors", "what", title=f"{loaded.part} from {loaded.path}")
    table.add_row(str(len(loaded.taken)), "loaded")
    for what, names in (
        ("of another shape, left random", [f"{name}: {shapes}" for name, shapes in loaded.reshaped]),
        ("not in the file, left random", loaded.missing),
        ("in the file only, not used", loaded.unused),
    ):
        if names:
            table.add_row(str(len(names)), f"{what}: {', '.join(names)}")
    return table


def _find(state: Mapping[str, Any], part: str) -> dict[str, Tensor]:
    for keys in PARTS[part]:
        inner: Any = state
        for key in keys:
            inner = inner.get(key) if isinstance(inner, Mapping) else None
        if isinstance(inner, Mapping) and inner:
            return {k: v for k, v in inner.items() if isinstance(v, Tensor)}
    if any(isinstance(v, Mapping) for v in state.values()):
        return {}  # a checkpoint, but without this part
    return {k: v for k, v in state.items() if isinstance(v, Tensor)}


def _size(x: Tensor) -> str:
    return "x".join(str(n) for n in x.shape) or "scalar"

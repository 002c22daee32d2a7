"""A small prepared pack for the layer generator's tests."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.training.pack_art import draw_pack
from training.packs.command import prepare_pack
from training.packs.neutral import Pack, load_pack

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def layer_pack_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("layers")
    prepare_pack(draw_pack(home / "art"), home / "pack")
    return home / "pack"


@pytest.fixture(scope="session")
def layer_pack(layer_pack_dir: Path) -> Pack:
    return load_pack(layer_pack_dir)

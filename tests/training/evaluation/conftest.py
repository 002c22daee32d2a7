"""One pack of hats, and its feature network, for all tests of the evaluation."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.training.evaluation.shapes import make_pack
from training.evaluation.features_file import InDomain, in_domain
from training.packs.neutral import Pack, load_pack
from training.run import pack_sha256

torch.set_num_threads(1)  # as the command does; threads of small matrices only get in each other's way


@pytest.fixture(scope="session")
def hats(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the pack."""
    return make_pack(tmp_path_factory.mktemp("hats") / "pack")


@pytest.fixture(scope="session")
def pack(hats: Path) -> Pack:
    """The pack."""
    return load_pack(hats)


@pytest.fixture(scope="session")
def judge(hats: Path, pack: Pack) -> InDomain:
    """Its feature network, trained for seconds."""
    return in_domain(pack, hats, pack_sha256(hats))

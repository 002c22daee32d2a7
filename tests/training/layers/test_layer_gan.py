"""The layer GAN's parts: codes from an encoder, judges of layers and characters, exact resume of all of it, whole items held out."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training.layers.made import blocks
from training.config import TrainConfig
from training.errors import TrainingError
from training.layers.codes import part_twins
from training.layers.data import group_data
from training.layers.losses import one_hot
from training.layers.scenes import Scenes
from training.layers.trainer import GroupTrainer
from training.packs.neutral import Pack
from training.packs.overview import paint_table

pytestmark = pytest.mark.training
TINY = TrainConfig(
    images_per_view=0,
    min_kimg=1,
    batch=16,
    coarse=24,
    fine=16,
    hidden=32,
    z_dim=8,
    gan_batch=8,
    gan_share=0.5,
    gan_judge="layer",
    gan_fakes="mixtures",
    codes="learned",
)
ARMS = {
    "layer": TINY,
    "encoder": dataclasses.replace(TINY, codes="encoder", gan_fakes="all"),
    "character": dataclasses.replace(TINY, gan_judge="character", gan_loss="nonsaturating", gan_penalty="r1"),
    "wasserstein": dataclasses.replace(
        TINY, gan_loss="wasserstein", gan_penalty="wgan-gp", gan_d_steps=2, gan_fakes="prior"
    ),
}


def make(pack: Pack, config: TrainConfig) -> GroupTrainer:
    scenes = Scenes(pack, "hair", config.seed) if config.gan_judge == "character" else None
    return GroupTrainer(group_data(pack, "hair", config.seed), config, scenes=scenes)


@pytest.mark.parametrize("arm", ARMS)
def test_every_recipe_trains_and_resumes_exactly(layer_pack: Pack, tmp_path: Path, arm: str) -> None:
    straight = make(layer_pack, ARMS[arm])
    expected = [straight.step() for _ in range(48)]
    assert all(np.isfinite(list(x.values())).all() for x in expected)
    assert any("d/loss" in x for x in expected)
    assert ("kl" in expected[0]) == (arm == "encoder")
    first = make(layer_pack, ARMS[arm])
    for _ in range(36):  # past the start of the adversarial part
        first.step()
    first.save(tmp_path / "checkpoint.pt")
    second = make(layer_pack, ARMS[arm])
    second.load(tmp_path / "checkpoint.pt")
    assert [second.step() for _ in range(12)] == expected[36:]
    assert torch.equal(second.codes, straight.codes)


def test_codes_of_an_encoder_stand_still_after_their_part_of_the_run() -> None:
    config = dataclasses.replace(TINY, codes="encoder", gan_share=0.0, encode_share=0.5)
    trainer = GroupTrainer(blocks(), config)
    half = trainer.steps // 2
    for _ in range(half):
        assert "kl" in trainer.step()
    assert "kl" not in trainer.step()  # here those that are too near each other were set apart
    found = trainer.codes.clone()
    trainer.step()
    assert torch.equal(trainer.codes, found)


def test_twins_are_set_apart_alike_and_others_stay() -> None:
    """Two garments for two bodies each, and one far away: what differs between garments of a body is as before."""
    codes = torch.tensor([[0.0, 0.0, 0.0], [0.02, 0.0, 0.0], [2.0, 0.0, 0.0], [2.0, 0.03, 0.0], [9.0, 9.0, 9.0]])
    parted = part_twins(codes, seed=0)
    distance = torch.cdist(parted, parted) + 10 * torch.eye(5)
    assert float(distance.min()) > 0.95
    assert torch.allclose(parted[2] - parted[0], codes[2] - codes[0], atol=1e-6)
    assert torch.allclose(parted[3] - parted[1], codes[3] - codes[1], atol=1e-6)
    assert torch.equal(parted[4], codes[4])


def test_the_adversary_changes_what_lies_between_and_not_how_often_it_is_asked() -> None:
    """With weight 0 the generator is the one without an adversary; with weight 1 it is not."""
    plain = GroupTrainer(blocks(), dataclasses.replace(TINY, gan_share=0.0))
    silent = GroupTrainer(blocks(), dataclasses.replace(TINY, gan_weight=0.0))
    loud = GroupTrainer(blocks(), dataclasses.replace(TINY, gan_weight=1.0))
    for _ in range(50):
        for trainer in (plain, silent, loud):
            trainer.step()
    for a, b in zip(plain.g.parameters(), silent.g.parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-6)
    assert any(
        not torch.allclose(a, b, atol=1e-4) for a, b in zip(plain.g.parameters(), loud.g.parameters(), strict=True)
    )


def test_whole_items_are_held_out(layer_pack: Pack) -> None:
    whole = group_data(layer_pack, "hair", 0)
    assert len(whole.heldout_items) == 0  # two items: neither can be spared
    data = blocks(heldout=(2,))
    trainer = GroupTrainer(data, dataclasses.replace(TINY, codes="encoder"))
    start = trainer.codes[2].clone()
    for _ in range(40):
        trainer.step()
    assert torch.equal(trainer.codes[2], start)


def test_a_real_drawing_in_its_scene_is_the_character_as_the_art_has_it(layer_pack: Pack) -> None:
    """The layer between what is below and above gives the same colours as painting the art over what is below."""
    data = group_data(layer_pack, "hair", 0)
    scenes = Scenes(layer_pack, "hair", seed=1)
    again = Scenes(layer_pack, "hair", seed=1)
    company = []
    for row, view in data.pairs[:: max(1, len(data.pairs) // 12)].tolist():
        scene = scenes.scene(row, view, 0)
        same = again.scene(row, view, 0)
        assert (scene.below == same.below).all()
        assert (scene.above == same.above).all()
        plane = data.planes[row, view]
        dressed = scenes.dress(one_hot(plane[None], data.classes), [scene])[0].numpy()
        mask = (plane.numpy() > 0) & (scene.above[3] == 0)
        expected = scene.palette[plane.numpy()]
        assert np.allclose((dressed[:3].transpose(1, 2, 0) + 1)[mask] / 2, expected[mask], atol=1e-5)
        assert (dressed[3][mask] == 1).all()
        company.append(bool(scene.below[3].any()))
        items = {(i.layer, i.id): i for i in layer_pack.items}
        ramps = [
            tuple(map(tuple, paint_table(layer_pack, items[data.items[row]], {"hair": r.id})[1:7].tolist()))
            for r in layer_pack.ramps
            if r.kind == "hair"
        ]
        assert tuple(map(tuple, np.rint(scene.palette[1:7] * 255).astype(int).tolist())) in ramps
    assert any(company)  # a head or a body under the hair; the little pack has no head for one of the bodies


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"codes": "learnt"}, "learnt"),
        ({"gan_judge": "figure"}, "figure"),
        ({"gan_fakes": "noise"}, "noise"),
        ({"gan_loss": "relativstic"}, 'did you mean "relativistic"'),
    ],
)
def test_wrong_names_are_one_clear_error(change: dict[str, str], message: str) -> None:
    with pytest.raises(TrainingError) as caught:
        GroupTrainer(blocks(), dataclasses.replace(TINY, **change))
    assert message in str(caught.value)

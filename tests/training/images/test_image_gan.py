"""The image GAN: every recipe steps, it learns, it goes on exactly, and it starts from other networks."""

from __future__ import annotations

import math
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console

from tests.training.images.image_art import write_mnist, write_pngs
from tests.training.pack_art import draw_pack
from training.adversarial.adversary import AdversaryConfig
from training.errors import TrainingError
from training.images.config import PRESETS, ImageGanConfig, load_gan_config, preset
from training.images.dataset import ImageData, load_data
from training.images.distance import sliced_distance
from training.images.generators import KINDS, GeneratorShape, build_generator
from training.images.init import init_table, initialise
from training.images.trainer import ImageGan
from training.packs.command import prepare_pack
from training.settings import with_settings

pytestmark = pytest.mark.training
torch.set_num_threads(1)


@pytest.fixture(scope="module")
def gray(tmp_path_factory: pytest.TempPathFactory) -> ImageData:
    return load_data(write_mnist(tmp_path_factory.mktemp("data") / "mnist"))


@pytest.fixture(scope="module")
def rgba(tmp_path_factory: pytest.TempPathFactory) -> ImageData:
    return load_data(write_pngs(tmp_path_factory.mktemp("data"), 16, side=10, alpha=True))


@pytest.fixture(scope="module")
def slots(tmp_path_factory: pytest.TempPathFactory) -> ImageData:
    home = tmp_path_factory.mktemp("pack")
    prepare_pack(draw_pack(home / "art"), home / "pack")
    return load_data(home / "pack", "hair", heldout=0.4)


def small(name: str, **changes: object) -> ImageGanConfig:
    sizes = {"g_features": 8, "d_features": 8, "z_dim": 8, "batch": 8, "kimg": 1.0, "d_stages": 2, "conditional": True}
    return replace(preset(name), **{**sizes, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", sorted(PRESETS))
@pytest.mark.parametrize("kind", ["gray", "rgba", "slots"])
def test_every_preset_steps_on_every_kind_of_picture(name: str, kind: str, request: pytest.FixtureRequest) -> None:
    data: ImageData = request.getfixturevalue(kind)
    gan = ImageGan(data, small(name))
    before = [p.detach().clone() for p in gan.trained]
    for _ in range(2):
        scalars = gan.step()
    assert all(math.isfinite(v) for v in scalars.values()), scalars
    assert {"loss", "g/adversarial", "d/loss", "d/real", "d/fake", "grad/g", "grad/d", "diversity", "combined"} <= set(
        scalars
    )
    assert all(not torch.equal(a, b) for a, b in zip(before, gan.trained, strict=True))
    picture = gan.samples()
    assert picture.dtype == np.uint8
    assert picture.ndim == 3
    assert np.array_equal(picture, gan.samples())
    figures = gan.figures()
    assert all(math.isfinite(v) for v in figures.values())
    assert ("heldout_error" in figures) == (name == "vae-gan")


def test_slot_pictures_are_one_class_per_pixel(slots: ImageData) -> None:
    gan = ImageGan(slots, small("r3gan"))
    drawn = gan.sample(7, 3)
    assert drawn.shape == (7, slots.classes, slots.height, slots.width)
    assert torch.allclose(drawn.sum(1), torch.ones(7, slots.height, slots.width))
    assert set(drawn.round(decimals=5).unique().tolist()) == {0.0, 1.0}


@pytest.mark.parametrize("name", ["r3gan", "vae-gan"])
def test_resuming_is_exact(name: str, gray: ImageData, tmp_path: Path) -> None:
    game = replace(preset(name).adversary, augment=("flip", "shift", "cutout", "brightness"), d_steps=2)
    config = small(name, adversary=game)
    straight, first = ImageGan(gray, config), ImageGan(gray, config)
    expected = [dict(straight.step()) for _ in range(5)]
    for _ in range(2):
        first.step()
    first.samples()
    first.figures()
    first.save(tmp_path / "checkpoint.pt")
    second = ImageGan(gray, config)
    second.load(tmp_path / "checkpoint.pt")
    assert second.at == 2
    assert [dict(second.step()) for _ in range(3)] == expected[2:]
    assert np.array_equal(second.samples(), straight.samples())


@pytest.mark.parametrize("name", ["dcgan", "r3gan", "vae-gan"])
def test_it_learns_blobs_and_their_labels(name: str, gray: ImageData) -> None:
    gan = ImageGan(gray, small(name, g_features=16, d_features=16, batch=32, g_lr=2e-3, ema_kimg=1.0))
    start = gan.figures()["sliced"]
    for _ in range(250):
        gan.step()
    assert gan.figures()["sliced"] < start / 2.5
    drawn = gan.sample(60, 5, torch.arange(60) % 2)
    upper, lower = drawn[:, 0, 1:4, 1:4].mean((1, 2)), drawn[:, 0, 5:8, 5:8].mean((1, 2))
    assert ((upper > lower) == (torch.arange(60) % 2 == 0)).float().mean() > 0.9


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("slots", [False, True])
def test_same_code_same_picture_whatever_the_batch(kind: str, slots: bool) -> None:
    torch.manual_seed(0)
    shape = GeneratorShape(
        kind, z_dim=8, channels=3, height=14, width=22, slots=slots, features=8, noise=kind == "style"
    )
    g = build_generator(shape).eval()
    z = torch.randn(5, 8)
    together, alone = g(z), torch.cat([g(z[i : i + 1]) for i in range(5)])
    assert together.shape == (5, 3, 14, 22)
    assert torch.allclose(together, alone, atol=1e-5)
    assert bool(together.abs().max() <= 1) or slots


def test_sliced_distance_knows_a_shift() -> None:
    one = torch.rand(300, 1, 4, 4)
    assert sliced_distance(one, one.flip(0)) == pytest.approx(0, abs=1e-6)
    # a shift by v moves the projection on a unit direction d by v.d: for v = (t, ..., t) in n dimensions on average t sqrt(n) E|d_1| ...
    assert sliced_distance(one, one + 1) == pytest.approx(4 * math.sqrt(2 / math.pi) / 4 * 1.0, rel=0.15)


def test_networks_start_from_a_checkpoint(gray: ImageData, tmp_path: Path) -> None:
    source = ImageGan(gray, small("dcgan", seed=1))
    source.step()
    source.save(tmp_path / "a.pt")
    same = ImageGan(gray, small("dcgan"))
    whole = initialise(same.g, tmp_path / "a.pt", "generator")
    assert (whole.reshaped, whole.missing, whole.unused) == ((), (), ())
    assert all(torch.equal(v, source.ema.state_dict()[k]) for k, v in same.g.state_dict().items())
    initialise(same.d, tmp_path / "a.pt", "discriminator")
    assert all(torch.equal(v, source.d.state_dict()[k]) for k, v in same.d.state_dict().items())
    assert all(math.isfinite(v) for v in same.step().values())


def test_what_does_not_fit_stays_random_and_is_said(gray: ImageData, tmp_path: Path) -> None:
    source = ImageGan(gray, small("dcgan", seed=1))
    torch.save(source.d.state_dict(), tmp_path / "d.pt")
    wider = ImageGan(gray, small("dcgan", conditional=False))
    loaded = initialise(wider.d, tmp_path / "d.pt", "discriminator")
    assert loaded.unused == ("label.weight",)
    other = ImageGan(gray, small("dcgan", d_depth=1))
    before = {k: v.clone() for k, v in other.d.state_dict().items()}
    loaded = initialise(other.d, tmp_path / "d.pt", "discriminator")
    assert loaded.reshaped
    assert loaded.missing
    for name, value in other.d.state_dict().items():
        assert torch.equal(value, source.d.state_dict()[name] if name in loaded.taken else before[name])
    console = Console(width=200)
    with console.capture() as text:
        console.print(init_table(loaded))
    for words in ("loaded", "of another shape", "not in the file", loaded.reshaped[0][0], loaded.missing[0]):
        assert words in text.get()


def test_foreign_files_are_refused(gray: ImageData, tmp_path: Path) -> None:
    gan = ImageGan(gray, small("dcgan"))
    before = {k: v.clone() for k, v in gan.g.state_dict().items()}
    (tmp_path / "text.pt").write_text("hello")
    (tmp_path / "pickle.pt").write_bytes(pickle.dumps(Path("evil")))
    (tmp_path / "empty.pt").write_bytes(b"")
    torch.save(torch.nn.Linear(3, 3).state_dict(), tmp_path / "other.pt")
    torch.save([1, 2], tmp_path / "list.pt")
    torch.save({"g": {}, "d": torch.nn.Linear(3, 3).state_dict()}, tmp_path / "no-generator.pt")
    for name, message in (
        ("text.pt", "is no checkpoint"),
        ("pickle.pt", "is no checkpoint"),
        ("empty.pt", "is no checkpoint"),
        ("list.pt", "holds a list"),
        ("other.pt", "nothing in"),
        ("no-generator.pt", "holds no generator"),
        ("none.pt", "no file"),
    ):
        with pytest.raises(TrainingError, match=message):
            initialise(gan.g, tmp_path / name, "generator")
    with pytest.raises(TrainingError, match="no checkpoint of an image GAN"):
        gan.load(tmp_path / "other.pt")
    assert all(torch.equal(v, before[k]) for k, v in gan.g.state_dict().items())


def test_settings_reach_inner_ones_and_survive_json(tmp_path: Path) -> None:
    config = with_settings(
        preset("hinge"), ["adversary.gamma=3", "adversary.augment=flip,shift", "kimg=2.5", "g_noise=true", "batch=16"]
    )
    assert config.adversary == replace(preset("hinge").adversary, gamma=3.0, augment=("flip", "shift"))
    assert (config.kimg, config.g_noise, config.batch) == (2.5, True, 16)
    config.save(tmp_path)
    assert load_gan_config(tmp_path) == config
    for wrong, message in (
        ("adversary.gama=3", 'did you mean "adversary.gamma"'),
        ("batch=many", "takes int"),
        ("adversary.loss=hing", 'did you mean "hinge"'),
        ("g_noise=perhaps", "takes bool"),
    ):
        with pytest.raises(TrainingError, match=message):
            with_settings(preset("hinge"), [wrong])


def test_augmentation_that_means_nothing_is_refused(gray: ImageData, slots: ImageData) -> None:
    for data, name in ((gray, "hue"), (slots, "hue"), (slots, "brightness")):
        with pytest.raises(TrainingError, match="does nothing"):
            ImageGan(data, small("r3gan", adversary=AdversaryConfig(augment=(name,))))

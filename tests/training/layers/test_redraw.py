"""From a drawing to its style code and to all poses."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from tests.training.layers.made import blocks
from tests.training.pack_art import DOWN, HAIR, RAMPS, frame_of, hair
from training.__main__ import app
from training.config import TrainConfig
from training.layers.encoder import EncoderTrainer, encode, search
from training.layers.losses import slot_loss
from training.layers.trainer import GroupTrainer

pytestmark = pytest.mark.training
RUN = CliRunner()
SMALL = TrainConfig(
    images_per_view=0, min_kimg=16, batch=32, coarse=32, fine=24, hidden=48, z_dim=8, codes="learned", gan_share=0.0
)


def test_one_drawing_is_enough_to_draw_a_known_item_and_the_search_gets_nearer_to_an_unknown_one() -> None:
    """How well unseen items come out is a matter of the art, and measured by benchmarks/one_drawing.py."""
    data = blocks(heldout=(2,))
    trainer = GroupTrainer(data, dataclasses.replace(SMALL, codes="encoder"))
    while not trainer.done:
        trainer.step()
    g, codes = trainer.ema.eval(), trainer.ema_codes
    task = EncoderTrainer(data, trainer.shape, g, codes, seed=0, steps=200)
    before = task.figures()["other_view_exact"]
    while task.at < task.steps:
        task.step()
    assert before < 0.9
    assert task.figures()["other_view_exact"] > 0.95
    given = torch.tensor([0])
    first = encode(task.e, data.planes[2, given], given, data.classes)
    refined = search(g, first, data.planes[2, given], given, steps=60)

    def loss(code: torch.Tensor) -> float:
        with torch.no_grad():
            return float(slot_loss(g(code[None], given), data.planes[2, given].long()))

    assert loss(refined) < 0.95 * loss(first)  # 0.8 to 0.91, by processor and number of threads


def test_an_encoder_resumes_exactly(tmp_path: Path) -> None:
    data = blocks()
    trainer = GroupTrainer(data, SMALL)

    def make() -> EncoderTrainer:
        return EncoderTrainer(data, trainer.shape, trainer.g, trainer.codes.detach(), seed=3, steps=20)

    straight, first, second = make(), make(), make()
    expected = [straight.step() for _ in range(12)]
    for _ in range(7):
        first.step()
    first.save(tmp_path / "e.pt")
    second.load(tmp_path / "e.pt")
    assert [second.step() for _ in range(5)] == expected[7:]


@pytest.fixture(scope="module")
def run(layer_pack_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs")
    small = {"images_per_view": 0, "min_kimg": 12, "batch": 32, "coarse": 32, "fine": 24, "hidden": 48, "gan_batch": 8}
    changes = [x for k, v in small.items() for x in ("--set", f"{k}={v}")]
    result = RUN.invoke(
        app, ["train", "--pack", str(layer_pack_dir), "--out", str(out), "--groups", "hair", "--workers", "1", *changes]
    )
    assert result.exit_code == 0, result.output
    return next(out.iterdir())


@pytest.fixture
def short_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    """An encoder of fewer steps: the network is small, and so are the drawings."""
    monkeypatch.setattr(EncoderTrainer.__init__, "__defaults__", (120,))


def test_the_command_finds_a_known_item_in_another_colour_and_draws_it_in_every_pose(
    run: Path, tmp_path: Path, short_encoder: None
) -> None:
    """The page cut, recoloured from brown to raven: colours are read by ramp, the item is recognised, its poses come out as drawn."""
    frame = frame_of(hair, DOWN, 0, 0)
    for brown, raven in zip(HAIR, RAMPS["Hair"]["Raven"], strict=True):
        frame[(frame[..., :3] == brown).all(2), :3] = raven
    Image.fromarray(frame, "RGBA").save(tmp_path / "mine.png")
    result = RUN.invoke(
        app,
        ["redraw", str(run), "--layer", "hair", "--drawing", str(tmp_path / "mine.png"), "--pose", "walk/down/0",
         "--out", str(tmp_path / "out"), "--name", "mine"],
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    found = json.loads((tmp_path / "out" / "mine.code.json").read_text())
    assert found["hair"]["item"] == "medium-01-page"
    assert all(-128 <= x <= 127 for x in found["hair"]["code"])
    sheet = np.asarray(Image.open(tmp_path / "out" / "mine.png"))
    down = sheet[2 * 64 : 3 * 64, :64]  # the walk's third row, as LPC orders directions
    assert (down[..., 3] == frame[..., 3]).mean() > 0.99
    opaque = frame[..., 3] > 0
    assert (down[opaque] == frame[opaque]).all(1).mean() > 0.9


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--layer", "hat"], "no layer 'hat'"),
        (["--pose", "wlak/down/0"], 'did you mean "walk"'),
        (["--pose", "walk/under/0"], "no direction 'under'"),
        (["--pose", "walk/down/8"], "frames 0 to 7"),
        (["--drawing", "SMALL"], "a frame of hair is 64x64"),
        (["--drawing", "EMPTY"], "nothing is drawn in it"),
        (["--drawing", "missing.png"], "cannot read missing.png"),
        (["--pose", "walk/down/0", "--pose", "walk/up/0"], "1 drawings and 2 poses"),
    ],
)
def test_mistakes_are_one_clear_line(run: Path, tmp_path: Path, arguments: list[str], message: str) -> None:
    Image.new("RGBA", (16, 16), (1, 2, 3, 255)).save(tmp_path / "small.png")
    Image.new("RGBA", (64, 64)).save(tmp_path / "empty.png")
    Image.fromarray(frame_of(hair, DOWN, 0, 0), "RGBA").save(tmp_path / "good.png")
    values = {"--layer": ["hair"], "--pose": ["walk/down/0"], "--drawing": [str(tmp_path / "good.png")]}
    names = {"SMALL": str(tmp_path / "small.png"), "EMPTY": str(tmp_path / "empty.png")}
    given: dict[str, list[str]] = {}
    for name, value in zip(arguments[::2], arguments[1::2], strict=True):
        given.setdefault(name, []).append(names.get(value, value))
    pairs = [x for name, many in (values | given).items() for value in many for x in (name, value)]
    result = RUN.invoke(app, ["redraw", str(run), "--out", str(tmp_path / "out"), *pairs])
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())
    assert "Traceback" not in result.output
    assert not (tmp_path / "out").exists()

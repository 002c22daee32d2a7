"""`demo` and `gan` as a user types them."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import cv2
import pytest
import torch
from typer.testing import CliRunner

from tests.training.images.image_art import write_mnist, write_pngs
from training.__main__ import app
from training.images.run import make_gan, new_gan_run, open_gan_run, train_gan

pytestmark = pytest.mark.training
torch.set_num_threads(1)
RUN = CliRunner()
SMALL = [x for s in ("kimg=0.8", "batch=16", "g_features=8", "d_features=8", "z_dim=8") for x in ("--set", s)]


@pytest.fixture(scope="module")
def mnist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_mnist(tmp_path_factory.mktemp("data") / "mnist")


@pytest.fixture(scope="module")
def done(mnist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of the demo."""
    out = tmp_path_factory.mktemp("runs")
    result = RUN.invoke(app, ["demo", "--data", str(mnist), "--out", str(out), "--device", "cpu", *SMALL])
    assert result.exit_code == 0, result.output
    assert "200 gray pictures of 8x8 to train on, 50 held out, 2 labels" in result.output
    (run,) = out.iterdir()
    assert run.name == "00001-mnist-dcgan"
    return run


def test_demo_leaves_a_grid_of_ten_by_ten_grids_of_epochs_and_curves(done: Path) -> None:
    grid = cv2.imread(str(done / "grid.png"))
    side = 10 * 9 + 1  # ten pictures of 8 pixels, a line of 1 before each and after the last
    scale = 640 // side
    assert grid.shape == (side * scale, side * scale, 3)
    # steps of 16 pictures, a line of the log every 20 of them: 4 epochs of 200 pictures
    assert [p.name for p in sorted((done / "samples").iterdir())] == [f"step-{s:07d}.png" for s in (20, 40, 50)]
    curves = cv2.imread(str(done / "curves.png"))
    assert len(set(map(tuple, curves.reshape(-1, 3)))) > 20
    lines = [json.loads(x) for x in (done / "log.jsonl").read_text().splitlines()]
    assert [x["step"] for x in lines] == [20, 40, 50]
    assert {"g/adversarial", "d/loss", "combined", "figure/sliced"} <= set(lines[-1])


def test_a_stopped_run_goes_on_by_the_command_and_ends_as_the_unbroken_one(done: Path, tmp_path: Path) -> None:
    config, data, source = open_gan_run(done)
    run = new_gan_run(tmp_path, data, source, config)
    gan, _ = make_gan(run, config, data, source)
    calls = itertools.count()
    assert not train_gan(run, gan, stop=lambda: next(calls) >= 27)
    assert gan.at == 27
    assert (run / "grid.png").is_file()
    result = RUN.invoke(app, ["demo", "--resume", str(run), "--device", "cpu"])
    assert result.exit_code == 0, result.output
    for name in ("grid.png", "log.jsonl", "figures.json"):
        assert (run / name).read_bytes() == (done / name).read_bytes(), name


def test_gan_starts_from_the_networks_of_another_run(done: Path, mnist: Path, tmp_path: Path) -> None:
    start = str(done / "checkpoint.pt")
    arguments = ["gan", "--data", str(mnist), "--preset", "dcgan", "--out", str(tmp_path), "--device", "cpu", *SMALL]
    result = RUN.invoke(app, [*arguments, "--set", "kimg=0.1", "--init-g", start, "--init-d", start])
    assert result.exit_code == 0, result.output
    assert "generator from" in result.output
    assert "discriminator from" in result.output
    wrong = RUN.invoke(app, [*arguments, "--set", "d_features=12", "--init-g", str(done / "log.jsonl")])
    assert wrong.exit_code == 2
    assert "is no checkpoint" in wrong.output
    assert len(list(tmp_path.iterdir())) == 1  # a run that cannot start leaves no folder


def test_gan_names_the_files_it_leaves_out(tmp_path: Path) -> None:
    folder = write_pngs(tmp_path / "art", alpha=True)
    (folder / "zz.png").write_text("no picture")
    result = RUN.invoke(
        app,
        ["gan", "--data", str(folder), "--out", str(tmp_path / "runs"), "--device", "cpu", *SMALL, "--set", "kimg=0.1"],
    )
    assert result.exit_code == 0, result.output
    assert "left out: zz.png (corrupt" in result.output
    (run,) = (tmp_path / "runs").iterdir()
    assert json.loads((run / "data.json").read_text())["left_out"][0][0] == "zz.png"


def test_a_run_is_pinned_to_its_pictures(done: Path, tmp_path: Path) -> None:
    other = write_mnist(tmp_path / "other", n=100)
    result = RUN.invoke(app, ["demo", "--resume", str(done), "--data", str(other)])
    assert result.exit_code == 2
    assert "other pictures" in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["demo"], "nothing to train on"),
        (["demo", "--data", "EMPTY"], "no IDX files"),
        (["gan", "--data", "EMPTY"], "no PNG files"),
        (["gan", "--data", "MNIST", "--group", "hair"], "is no prepared pack"),
        (["gan", "--data", "MNIST", "--preset", "r3gn"], 'did you mean "r3gan"'),
        (["gan", "--data", "MNIST", "--set", "adversary.penalty=r3"], "unknown gradient penalty"),
        (["gan", "--data", "MNIST", "--set", "d_stages=9"], "too many"),
        (["gan", "--data", "MNIST", "--init-d", "none.pt"], "no file"),
        (["gan", "--resume", "none"], "no run folder"),
        (["gan", "--resume", "EMPTY"], "is not a run"),
    ],
)
def test_mistakes_are_one_clear_line(arguments: list[str], message: str, mnist: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    places = {"EMPTY": str(tmp_path / "empty"), "MNIST": str(mnist)}
    result = RUN.invoke(app, [*(places.get(x, x) for x in arguments), "--out", str(tmp_path / "runs")])
    assert result.exit_code == 2, result.output
    assert message in " ".join(result.output.split())
    assert "Traceback" not in result.output
    assert not (tmp_path / "runs").exists()

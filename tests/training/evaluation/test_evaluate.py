"""The whole evaluation: it ranks generators as they deserve, writes what it says, and is the same for the same seed."""

from __future__ import annotations

import dataclasses
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from tests.training.evaluation.shapes import VIEWS, perfect, subject_of
from training.__main__ import app
from training.config import TrainConfig
from training.evaluation.command import PAGE, RESULTS, write_results
from training.evaluation.evaluate import Evaluation, Settings, evaluate
from training.evaluation.features_file import InDomain, in_domain
from training.evaluation.rows import ROWS, columns, text
from training.evaluation.subject import Subject, open_subject
from training.evaluation.summary import summary
from training.evaluation.train_features import Recipe
from training.layers.trainer import GroupTrainer
from training.packs.neutral import Pack
from training.run import load_group, new_run, pack_sha256
from vcg_bridge.contract.errors import VcgError

pytestmark = pytest.mark.training
SMALL = Settings(samples=384, floor_seeds=2, codes=12)


def measured(hats: Path, pack: Pack, subject: Subject, settings: Settings = SMALL) -> Evaluation:
    return evaluate(pack, hats, pack_sha256(hats), subject, settings, lambda what, share: None)


@pytest.fixture(scope="module")
def done(hats: Path, pack: Pack, judge: InDomain) -> Evaluation:
    return measured(hats, pack, subject_of(hats))


@pytest.fixture(scope="module")
def small_run(hats: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that has begun."""
    config = TrainConfig(images_per_view=0, min_kimg=1, batch=16, coarse=16, fine=16, hidden=16)
    run = new_run(tmp_path_factory.mktemp("runs"), hats, config)
    trainer: GroupTrainer = load_group(run, load(hats), "hat", config)
    for _ in range(5):
        trainer.step()
    (run / "groups" / "hat").mkdir(parents=True)
    trainer.save(run / "groups" / "hat" / "checkpoint.pt")
    return run


def load(hats: Path) -> Pack:
    from training.packs.neutral import load_pack

    return load_pack(hats)


def of(done: Evaluation, name: str, space: str, figure: str) -> float:
    table = {**done.figures["modes"], **done.figures["baselines"]}
    value: float = table[name]["realism"][space][figure]
    return value


@pytest.mark.parametrize("space", ["in-domain", "random"])
def test_items_rank_before_mixtures_and_mixtures_before_mixed_pixels(done: Evaluation, space: str) -> None:
    """Perfect mixtures are real drawings of hats that the pack lacks: farther than items, nearer than mixed pixels."""
    for figure in ("frechet", "kernel"):
        items, mixtures, pixels = (of(done, x, space, figure) for x in ("items", "mixtures", "mixing pixels"))
        assert items < mixtures < pixels, figure
    for figure in ("precision", "density"):
        items, mixtures, pixels = (of(done, x, space, figure) for x in ("items", "mixtures", "mixing pixels"))
        assert items > mixtures > 1.5 * pixels, figure
    assert of(done, "items", space, "coverage") == 1.0


def test_a_perfect_generator_is_exact_clean_and_new(done: Evaluation) -> None:
    figures = done.figures
    assert figures["exact"]["seen"]["all"] == {"exact_slots": 1.0, "alpha": 1.0}
    assert figures["modes"]["items"]["copies"]["copies"] == 1.0
    mixtures, pixels = figures["modes"]["mixtures"], figures["baselines"]["mixing pixels"]
    assert mixtures["copies"]["copies"] < 0.3
    assert mixtures["clarity"]["all"]["strange"] < 0.01
    assert pixels["clarity"]["all"]["strange"] > 0.1
    assert pixels["clarity"]["all"]["orphans"] > 5 * mixtures["clarity"]["all"]["orphans"]
    assert mixtures["realism"]["in-domain"]["floors"]["items"]["ratio"] < 1


def test_a_muddy_generator_is_farther_than_a_perfect_one(hats: Path, pack: Pack, done: Evaluation) -> None:
    def mud(codes: torch.Tensor, views: torch.Tensor) -> np.ndarray:
        planes = perfect(codes, views)
        noise = np.random.default_rng(len(planes)).random(planes.shape)
        return np.where((noise < 0.15) & (planes > 0), 1, planes).astype(np.uint8)

    muddy = measured(hats, pack, subject_of(hats, mud), dataclasses.replace(SMALL, modes=("mixtures",)))
    for space in ("in-domain", "random"):
        assert of(muddy, "mixtures", space, "precision") < 0.9 * of(done, "mixtures", space, "precision")
        assert of(muddy, "mixtures", space, "frechet") > 1.1 * of(done, "mixtures", space, "frechet")
    assert muddy.figures["exact"]["seen"]["all"]["exact_slots"] < 0.98


def test_the_same_seed_gives_the_same_figures(hats: Path, pack: Pack, done: Evaluation) -> None:
    again = measured(hats, pack, subject_of(hats))
    assert json.dumps(again.figures["modes"]) == json.dumps(done.figures["modes"])


def test_the_feature_network_is_trained_once_and_kept_and_another_pack_gets_its_own(
    hats: Path, pack: Pack, judge: InDomain
) -> None:
    kept = in_domain(pack, hats, pack_sha256(hats))
    assert (kept.source, kept.space.sha256) == ("kept beside the pack", judge.space.sha256)
    (file,) = hats.glob("features-*.npz")
    before = file.read_bytes()
    file.unlink()
    assert in_domain(pack, hats, pack_sha256(hats)).source == "trained now"
    assert file.read_bytes() == before  # the same seed gives the same bytes
    assert in_domain(pack, hats, "0" * 64, Recipe(least=64, images_per_drawing=0)).source == "trained now"
    file.write_bytes(b"no zip")
    with pytest.raises(VcgError, match="is no file of features"):
        in_domain(pack, hats, pack_sha256(hats))
    file.write_bytes(before)


class Page(HTMLParser):
    """What a page needs from elsewhere, and whether its tags close."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.sources: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.sources += [v or "" for k, v in attrs if k in ("src", "href")]
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.sources += [v or "" for k, v in attrs if k in ("src", "href")]

    def handle_endtag(self, tag: str) -> None:
        if tag == "p" and self.open[-1] != "p":
            return
        assert self.open.pop() == tag


def test_results_are_a_json_an_audit_and_a_page_that_needs_no_network(
    done: Evaluation, hats: Path, pack: Pack, tmp_path: Path
) -> None:
    write_results(tmp_path / "out", pack, subject_of(hats), done)
    results: dict[str, Any] = json.loads((tmp_path / "out" / RESULTS).read_text())
    assert results["subject"]["sha256"] == "0" * 64
    assert results["quick"]  # fewer than 4,096 samples are never sold as more
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "copies-around.jsonl", "copies-mixtures.jsonl", "copies-prior.jsonl", PAGE, RESULTS,
    ]  # fmt: skip
    html = (tmp_path / "out" / PAGE).read_text()
    page = Page()
    page.feed(html)
    assert page.open == []
    assert len(page.sources) > 20
    assert all(x.startswith("data:image/png;base64,") for x in page.sources)
    assert not re.search(r"https?://", html)
    for row in ROWS:
        shown = [text(results, row, c) for c in columns(results)]
        assert any(shown), row.title
        assert all(x in html for x in shown), row.title
    short = summary(results)
    assert short["figures"]["mixtures"]["Exact copies"] == pytest.approx(
        results["modes"]["mixtures"]["copies"]["copies"], abs=1e-5
    )
    assert short["features_sha256"] == results["features"]["in-domain"]
    assert json.loads(json.dumps(short)) == short


def test_an_unfinished_run_is_evaluated_and_a_stranger_is_refused(
    small_run: Path, hats: Path, pack: Pack, tmp_path: Path
) -> None:
    subject = open_subject(small_run, pack, hats)
    assert (subject.kind, list(subject.groups)) == ("run", ["hat"])
    views = torch.arange(VIEWS)
    drawn = subject.groups["hat"].draw(subject.groups["hat"].codes[:1].expand(VIEWS, -1), views)
    assert drawn.shape == (VIEWS, 24, 24)
    with pytest.raises(VcgError, match="neither a bundle nor a training run"):
        open_subject(tmp_path, pack, hats)


def test_the_command_evaluates_a_bundle_and_a_run(small_run: Path, hats: Path, pack: Pack, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    runner = CliRunner()
    made = runner.invoke(app, ["export", str(small_run), "--out", str(bundle), "--unfinished"])
    assert made.exit_code == 0, made.output
    figures = {}
    for which in (bundle, small_run):
        out = tmp_path / f"of-{which.name}"
        result = runner.invoke(
            app, ["evaluate", str(which), "--pack", str(hats), "--out", str(out), "--samples", "256"]
        )
        assert result.exit_code == 0, result.output
        figures[which] = json.loads((out / RESULTS).read_text())
    one, two = figures.values()
    assert (one["subject"]["kind"], two["subject"]["kind"]) == ("bundle", "run")
    # the bundle rounds codes and weights: nearly the same drawings
    assert one["exact"]["seen"]["all"]["alpha"] == pytest.approx(two["exact"]["seen"]["all"]["alpha"], abs=0.02)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["NOWHERE", "--pack", "PACK"], "neither a bundle nor a training run"),
        (["SHIPPED", "--pack", "PACK"], "was not made from this pack"),
        (["SHIPPED", "--pack", "NOWHERE"], "pack.json"),
        (["SHIPPED", "--pack", "PACK", "--samples", "12"], "say nothing"),
    ],
)
def test_mistakes_are_one_clear_message(arguments: list[str], message: str, hats: Path, tmp_path: Path) -> None:
    shipped = Path(__file__).parents[3] / "vcg_bridge" / "bundles" / "lpc-revised"
    places = {"PACK": str(hats), "NOWHERE": str(tmp_path / "nowhere"), "SHIPPED": str(shipped)}
    result = CliRunner().invoke(app, ["evaluate", *(places.get(x, x) for x in arguments)])
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())

"""Sample sets match the real ones; copies, specks, patterns and identity are found where they were put."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training.evaluation.shapes import ITEMS, VIEWS, codes, perfect, subject_of
from training.evaluation import sets
from training.evaluation.clarity import clarity, edge_density, known_patterns, orphan_share, strange_floor
from training.evaluation.consistency import Cast, consistency, drawn_sets, follow
from training.evaluation.copies import audit, write_audit
from training.evaluation.diversity import diversity, slot_distance
from training.evaluation.features_file import InDomain
from training.evaluation.network import WIDTH
from training.evaluation.sets import Drawings
from training.layers.sampling import LEAST, MOST, mix
from training.packs.neutral import Pack

pytestmark = pytest.mark.training


def every(hats: Path) -> sets.Set:
    return sets.real(subject_of(hats), "mixtures")


@pytest.mark.parametrize("mode", ["items", "mixtures", "around", "prior"])
def test_samples_match_the_art_in_item_and_view(hats: Path, mode: str) -> None:
    subject = subject_of(hats)
    pairs = sets.matched(every(hats), 2 * ITEMS * VIEWS + 10, 0)
    drawn = sets.samples(subject, pairs, mode, 0)["hat"]
    counts = np.zeros((ITEMS, VIEWS), int)
    np.add.at(counts, (drawn.item, drawn.view), 1)
    assert set(counts.ravel().tolist()) == {2, 3}  # each pair twice, ten once more
    again = sets.samples(subject, pairs, mode, 0)["hat"]
    assert (drawn.planes == again.planes).all()
    other = sets.samples(subject, pairs, mode, 1)["hat"]
    assert mode == "items" or (drawn.planes != other.planes).any()
    if mode == "mixtures":
        assert (drawn.other != drawn.item).all()
        share = torch.from_numpy(drawn.amount[:, None]).float()
        mixed = mix(codes()[drawn.item], codes()[drawn.other], share)
        assert (perfect(mixed, torch.from_numpy(drawn.view)) == drawn.planes).all()


def test_mixed_pixels_take_every_pixel_from_one_of_two_items(hats: Path) -> None:
    subject = subject_of(hats)
    drawn = sets.mixed_pixels(subject, sets.matched(every(hats), 200, 0), 0)["hat"]
    first = sets.art(subject.groups["hat"], np.stack([drawn.item, drawn.view], 1))
    second = sets.art(subject.groups["hat"], np.stack([drawn.other, drawn.view], 1))
    assert ((drawn.planes == first) | (drawn.planes == second)).all()
    differ = first != second
    assert abs((drawn.planes == second)[differ].mean() - (LEAST + MOST) / 2) < 0.06


def test_a_set_with_a_quarter_of_copies_has_a_quarter_of_copies(hats: Path, tmp_path: Path) -> None:
    subject = subject_of(hats)
    pairs = sets.matched(every(hats), 96, 0)
    drawn = sets.copied(subject, pairs, 0)["hat"]
    planes = drawn.planes.copy()
    changed = np.arange(len(planes)) % 4 != 0
    planes[changed, 0, 0] = 3  # one pixel that no hat has
    mine = {"hat": Drawings(planes, drawn.item, drawn.view, drawn.other, drawn.amount)}
    found = audit(subject, mine)
    assert found.summed().copies == 0.25
    assert found.summed().forced == 0.0
    size = (drawn.planes > 0).sum((1, 2))
    assert np.allclose(found.distance[changed], 1 / size[changed])
    write_audit(tmp_path / "audit.jsonl", subject, mine, found)
    lines = [json.loads(x) for x in (tmp_path / "audit.jsonl").read_text().splitlines()]
    assert [x["sample"] for x in lines] == list(range(96))
    assert sum(x["distance"] == 0 for x in lines) == 24
    alike = subject.groups["hat"].data.planes.numpy()
    for line, row, view in zip(lines, drawn.item, drawn.view, strict=True):
        near = int(line["nearest"].removeprefix("hat/hat-"))
        assert (alike[near, view] == alike[row, view]).all()


def test_a_copy_is_forced_where_both_items_are_drawn_alike(hats: Path) -> None:
    subject = subject_of(hats)
    subject.groups["hat"].data.planes[1] = subject.groups["hat"].data.planes[0]
    plane = subject.groups["hat"].data.planes[0, 3].numpy()[None]
    one = np.ones(1, np.int64)
    drawn = {"hat": Drawings(plane, 0 * one, 3 * one, one, np.array([0.3]))}
    assert audit(subject, drawn).summed().forced == 1.0
    other = {"hat": Drawings(plane, 0 * one, 3 * one, 2 * one, np.array([0.3]))}
    assert audit(subject, other).summed().forced == 0.0


def test_edges_and_orphans_of_pictures_counted_by_hand() -> None:
    square = np.zeros((1, 6, 6), np.uint8)
    square[0, 2:4, 2:4] = 1
    # 2x2 block: 12 neighbouring pairs touch it, 8 of them cross its border
    assert edge_density(square) == pytest.approx(8 / 12)
    assert orphan_share(square) == 0.0
    square[0, 5, 5] = 1  # alone
    square[0, 2, 2] = 2  # alone of its class
    assert orphan_share(square) == pytest.approx(2 / 5)


def test_the_art_has_no_strange_pattern_and_noise_has_little_else(hats: Path, pack: Pack) -> None:
    subject = subject_of(hats)
    known = known_patterns(subject)
    art = every(hats)
    clean = clarity(pack, subject, art, known)["all"]
    assert (clean.strange, clean.stray) == (0.0, 0.0)
    floor = strange_floor(subject.groups["hat"])
    assert floor is not None
    assert 0 < floor < 0.5
    x = art["hat"]
    noise = np.random.default_rng(0).integers(0, 6, x.planes.shape).astype(np.uint8)
    found = clarity(pack, subject, {"hat": Drawings(noise, x.item, x.view, x.other, x.amount)}, known)["all"]
    assert found.strange > 0.95
    assert found.stray == pytest.approx(2 / 5, abs=0.02)  # classes 4 and 5 of 1..5 are no slots of hats
    assert found.edges > clean.edges


def test_diversity_sees_a_collapsed_set_and_slots_that_the_art_does_not_use(hats: Path) -> None:
    art = every(hats)
    x = art["hat"]
    features = x.planes.reshape(len(x), -1)[:, :WIDTH].astype(np.float32)
    collapsed = {"hat": x.take(np.where(x.item >= 0, x.view, 0))}  # item 0 in every place
    assert set(collapsed["hat"].item.tolist()) == {0}
    full, none = diversity(art, features, art, 0), diversity(collapsed, features[x.view], art, 0)
    assert full.pixels > 0.2
    assert (none.pixels, none.features) == (0.0, 0.0)
    assert slot_distance(art, art) == 0.0
    other = {"hat": Drawings(np.where(x.planes > 0, 9, 0).astype(np.uint8), x.item, x.view, x.other, x.amount)}
    assert slot_distance(other, art) == pytest.approx(1.0)


def test_identity_is_followed_in_perfect_logits_and_lost_in_shuffled_ones() -> None:
    rng = np.random.default_rng(0)
    characters, count, views = 5, 200, 8
    truth = np.tile(np.arange(characters), count // characters)
    logits = np.eye(characters)[truth][:, None].repeat(views, 1) * 9 + rng.normal(size=(count, views, characters))
    found = follow(logits.astype(np.float32), characters)
    assert found.agreement > 0.99
    assert found.recognised == 1.0
    assert found.chance == 0.2
    shuffled = rng.permutation(logits.reshape(-1, characters)).reshape(logits.shape)
    lost = follow(shuffled.astype(np.float32), characters)
    assert abs(lost.agreement - 0.2) < 0.05
    assert abs(lost.recognised - 0.2) < 0.1
    alike = follow(np.zeros((10, 4, 5), np.float32), 5)  # nothing to tell them apart: chance, not a win by order
    assert alike.recognised == pytest.approx(0.2)


def test_samples_of_a_true_generator_are_followed_and_those_of_one_without_identity_are_not(
    hats: Path, pack: Pack, judge: InDomain
) -> None:
    def restless(code: torch.Tensor, views: torch.Tensor) -> np.ndarray:
        return perfect(codes()[(views * 5 + views // 3) % ITEMS], views)  # another hat in every view, whatever the code

    good = consistency(pack, subject_of(hats), judge, "mixtures", 24, 0)
    bad = consistency(pack, subject_of(hats, restless), judge, "mixtures", 24, 0)["samples"]["all"]
    assert good["art"]["all"].agreement > 0.4  # of twelve like hats, after seconds of training
    assert good["samples"]["all"].agreement > good["another code in every view"]["all"].agreement + 0.2
    assert good["samples"]["all"].recognised > bad.recognised + 0.3
    assert abs(bad.recognised - bad.chance) < 0.15
    assert good["another code in every view"]["all"].recognised < good["samples"]["all"].recognised - 0.3


def test_every_set_that_is_followed_shows_the_same_items_and_views(hats: Path) -> None:
    chosen = Cast(np.array([0, 1, 2]), np.array([[0, 1, 2, 3]] * 3), 3)
    found = drawn_sets(subject_of(hats).groups["hat"], chosen, "items", 0)
    assert (found["samples"] == found["art"]).all()  # the perfect generator, at novelty 0
    assert {len(x) for x in found.values()} == {12}

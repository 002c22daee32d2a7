"""Bundles while they serve: several at once, new versions, broken ones, more than memory is for."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.server.conftest import ANSWER_S, WINDOW, Dealer, config, figure, running
from tests.support.tiny_bundle import write_tiny_bundle
from vcg_bridge.contract import messages as m
from vcg_bridge.server import shelf
from vcg_bridge.server.server import Server
from vcg_bridge.server.shelf import Shelf

pytestmark = pytest.mark.socket

LONG_S = 0.5
"""In which a server has looked at its bundles several times."""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "LOOK_S", 0.05)
    monkeypatch.setattr(shelf, "AGAIN_S", 0.2)


def eventually(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + ANSWER_S
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def replace_bundle(folder: Path, seed: int, version: str, name: str = "tiny") -> None:
    """As an installer does: another folder, renamed."""
    new = write_tiny_bundle(folder.parent / "new", seed=seed, version=version, name=name)
    folder.rename(folder.parent / f"old-{time.monotonic_ns()}")
    new.rename(folder)


def ask(dealer: Dealer, job: str = "j", seed: int = 1, model: str = "") -> tuple[str, list[bytes]]:
    answer = dealer.job(m.Generate(job, model, design=m.Design(seed=seed), animations=("idle",), credit=WINDOW))
    assert isinstance(answer.end, m.Done), answer.end
    accepted = answer.replies[0]
    assert isinstance(accepted, m.Accepted)
    return accepted.model_sha256, [chunk.sha256 for chunk in answer.chunks]


def versions(server: Server) -> list[str]:
    with Dealer(server.address) as dealer:
        return [model.version for model in dealer.hello().models]


def test_a_new_version_takes_over_and_what_runs_keeps_the_old_one(tmp_path: Path) -> None:
    folder = write_tiny_bundle(tmp_path / "tiny", seed=1, version="1.0.0")
    with running(config(bundles=(str(folder),))) as server, Dealer(server.address) as dealer:
        dealer.hello("editor")
        old_sha, old = ask(dealer, "before")
        dealer.send(m.Generate("runs", design=m.Design(seed=1), animations=("idle",), count=2))
        accepted = dealer.reply()
        assert isinstance(accepted, m.Accepted)
        replace_bundle(folder, 2, "2.0.0")
        eventually(lambda: versions(server) == ["2.0.0"])
        dealer.send(m.Credit("runs", WINDOW))
        chunks = [reply for reply in dealer.until(m.Done) if isinstance(reply, m.Chunk)]
        assert accepted.model_sha256 == old_sha
        assert [chunk.sha256 for chunk in chunks[: len(old)]] == old
        assert ask(dealer, "before") == (old_sha, old)  # a retry
        new_sha, new = ask(dealer, "after")
        assert new_sha != old_sha
        assert new != old
        dealer.send(m.Describe("d"))
        described = dealer.reply()
        assert isinstance(described, m.Description)
        assert (described.version, described.sha256) == ("2.0.0", new_sha)


def test_no_request_is_dropped_while_versions_change(tmp_path: Path) -> None:
    folder = write_tiny_bundle(tmp_path / "tiny", seed=1, version="1.0.0")
    with running(config(bundles=(str(folder),))) as server, Dealer(server.address) as dealer:
        dealer.hello()
        seen: dict[str, list[bytes]] = {}
        for version in range(2, 5):
            replace_bundle(folder, version, f"{version}.0.0")
            for _ in range(200):
                sha, hashes = ask(dealer, f"j{time.monotonic_ns()}")
                assert seen.setdefault(sha, hashes) == hashes
                if len(seen) == version:
                    break
            else:
                eventually(lambda: versions(server) == [f"{version}.0.0"])  # noqa: B023
                sha, hashes = ask(dealer, f"k{version}")
                seen[sha] = hashes
        assert len(seen) == 4


def test_old_versions_are_closed_when_nobody_needs_them(tmp_path: Path) -> None:
    folder = write_tiny_bundle(tmp_path / "tiny", seed=1)
    limits = m.Limits(forget_ms=1500, ping_ms=100)
    with running(config(bundles=(str(folder),), limits=limits)) as server:
        for seed in (2, 3, 4):
            before = next(iter(server._service._shelf.current.values()))
            replace_bundle(folder, seed, f"{seed}.0.0")
            eventually(lambda: next(iter(server._service._shelf.current.values())) is not before)  # noqa: B023
        eventually(lambda: len(list(server._service._shelf)) == 1)
        with Dealer(server.address) as dealer:
            dealer.hello()
            ask(dealer)


@pytest.mark.parametrize("damage", ["network", "manifest", "gone", "another"])
def test_a_broken_version_leaves_the_old_one_serving_and_says_why(
    tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    folder = write_tiny_bundle(tmp_path / "tiny", seed=1, version="1.0.0")
    with running(config(bundles=(str(folder),))) as server, Dealer(server.address) as dealer:
        dealer.hello()
        before = ask(dealer, "a")
        broken = write_tiny_bundle(
            tmp_path / "new", seed=2, version="2.0.0", name="tony" if damage == "another" else "tiny"
        )
        if damage == "network":
            (broken / "hair.onnx").write_bytes(b"not a network")
        elif damage == "manifest":
            (broken / "manifest.json").write_text("{")
        shutil.rmtree(folder)
        if damage != "gone":
            broken.rename(folder)
        words = {"network": "hair.onnx", "manifest": "manifest.json", "gone": "tiny", "another": "'tony'"}[damage]
        eventually(lambda: words in caplog.text)
        assert "Traceback" not in caplog.text
        assert figure(server, "bundles_not_renewed") == 1
        assert ask(dealer, "b") == before
        complaints = caplog.text.count("the old version goes on serving")  # there may have been no folder for a moment
        time.sleep(LONG_S)  # tried again, complained about once
        assert caplog.text.count("the old version goes on serving") == complaints <= 2
        if folder.exists():
            shutil.rmtree(folder)
        write_tiny_bundle(folder, seed=3, version="3.0.0")
        eventually(lambda: versions(server) == ["3.0.0"])
        assert figure(server, "bundles_not_renewed") == 0


def test_a_bundle_damaged_on_disk_does_not_reach_who_has_loaded_it(tmp_path: Path) -> None:
    folder = write_tiny_bundle(tmp_path / "tiny", seed=1)
    with running(config(bundles=(str(folder),))) as server, Dealer(server.address) as dealer:
        dealer.hello()
        eventually(lambda: server._worker.warm)
        before = ask(dealer, "a")
        for file in folder.glob("*.onnx"):
            file.write_bytes(b"damaged")
        assert ask(dealer, "b") == before


def test_more_bundles_than_memory_is_for(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folders = [write_tiny_bundle(tmp_path / f"b{i}", seed=i, name=f"b{i}") for i in range(4)]
    with (
        caplog.at_level(logging.INFO),
        running(config(bundles=tuple(map(str, folders)), loaded=2)) as server,
        Dealer(server.address) as dealer,
    ):
        assert [model.name for model in dealer.hello().models] == ["b0", "b1", "b2", "b3"]
        first = [ask(dealer, f"x{i}", model=f"b{i}") for i in range(4)]
        assert len({sha for sha, _ in first}) == 4
        assert [ask(dealer, f"y{i}", model=f"b{i}") for i in (3, 0, 2, 1)] == [first[i] for i in (3, 0, 2, 1)]
        loaded = [studio for studio in server._service._shelf if studio.generator._networks]
        assert len(loaded) <= 2
        assert "unloaded" in caplog.text


def test_an_earlier_version_that_comes_back_is_served_again(tmp_path: Path) -> None:
    """Whoever finds a new version bad puts the old one back at once, while it is still remembered."""
    folder = write_tiny_bundle(tmp_path / "tiny", seed=1, version="1.0.0")
    with running(config(bundles=(str(folder),), limits=m.Limits(forget_ms=1500, ping_ms=100))) as server:
        with Dealer(server.address) as dealer:
            dealer.hello()
            before = ask(dealer)
        replace_bundle(folder, 2, "2.0.0")
        eventually(lambda: versions(server) == ["2.0.0"])
        folder.rename(tmp_path / "bad")
        [old] = tmp_path.glob("old-*")
        old.rename(folder)
        eventually(lambda: versions(server) == ["1.0.0"])
        eventually(lambda: len(list(server._service._shelf)) == 1)  # and stays when the bad one is forgotten
        time.sleep(2 * LONG_S)
        with Dealer(server.address) as dealer:
            dealer.hello()
            assert ask(dealer) == before


def test_a_version_that_is_looked_at_twice_before_it_is_put_up_is_put_up_once(tmp_path: Path) -> None:
    folder = write_tiny_bundle(tmp_path / "tiny", seed=1, version="1.0.0")
    kept = Shelf(config(bundles=(str(folder),), limits=m.Limits(forget_ms=1000)), lambda: None)
    try:
        replace_bundle(folder, 2, "2.0.0")
        for _ in range(2):
            kept.look(10.0, (), all_of_them=True)
            assert kept._loading is not None
            kept._loading.join(ANSWER_S)
        assert kept.put_up(10.0)
        current = kept.current["tiny"]
        assert current.manifest.version == "2.0.0"
        for now in (12.0, 14.0):
            kept.look(now, ())
            assert kept._loading is not None
            kept._loading.join(ANSWER_S)
        assert list(kept) == [current]
        assert current.warm_up(), "it is not closed"
    finally:
        kept.close()


def test_a_version_that_was_replaced_stays_in_memory_while_jobs_need_it(tmp_path: Path) -> None:
    """Its files are gone: what is unloaded could not be loaded again."""
    folder = write_tiny_bundle(tmp_path / "tiny", seed=1, version="1.0.0")
    other = write_tiny_bundle(tmp_path / "other", seed=3, name="other")
    bundles = (str(folder), str(other))
    with running(config(bundles=bundles, loaded=1)) as server, Dealer(server.address) as dealer:
        dealer.hello()
        want = {"design": m.Design(seed=1), "animations": ("idle",), "count": 3, "priority": "batch"}
        whole = dealer.job(m.Generate("whole", credit=WINDOW, **want))  # type: ignore[arg-type]
        dealer.send(m.Generate("runs", **want))  # type: ignore[arg-type]
        assert isinstance(dealer.reply(), m.Accepted)
        replace_bundle(folder, 2, "2.0.0")
        eventually(lambda: versions(server)[0] == "2.0.0")
        shutil.rmtree(next(tmp_path.glob("old-*")))
        for seed in (5, 6):
            ask(dealer, f"other {seed}", seed, "other")
            ask(dealer, f"new {seed}", seed)
        dealer.send(m.Credit("runs", WINDOW))
        chunks = [reply for reply in dealer.until(m.Done) if isinstance(reply, m.Chunk)]
        assert [chunk.sha256 for chunk in chunks] == [chunk.sha256 for chunk in whole.chunks]
        loaded = [studio for studio in server._service._shelf if studio.generator._networks]
        assert len(loaded) <= 2, "and no more than that"

"""64 clients that cancel, vanish, stall and come back; and the load figures of `vcg bench`. The real server process."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.tiny_bundle import write_tiny_bundle
from vcg_bridge.cli.launch import ServerProcess
from vcg_bridge.cli.load import percentile
from vcg_bridge.cli.main import run
from vcg_bridge.cli.soak import Footprint, Soak, SoakReport
from vcg_bridge.client import ClientOptions

pytestmark = [pytest.mark.socket, pytest.mark.slow]


def test_every_chunk_comes_once_and_whole_and_nothing_leaks(tiny: Path) -> None:
    with ServerProcess([f"--bundle={tiny}", "--threads=2"]) as server:
        report = Soak(ClientOptions(address=server.address), 64, pid=server.process.pid).run(60)
    assert report.faults == []
    assert set(report.errors) <= {"busy"}
    assert report.jobs > 500
    assert min(report.cancelled, report.disconnects, report.stalls) > 20
    assert report.growth is not None
    assert report.growth < 0.05
    assert len(report.settled) > len(report.prints) / 2, "threads or processes became more until late"
    first, last = report.settled[0], report.settled[-1]
    assert last.descriptors <= first.descriptors + 2  # while a client comes back, its old connection may still be there


def test_load_is_measured_beside_the_bare_generator(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tiny = write_tiny_bundle(tmp_path / "tiny")
    picture, out = tmp_path / "load.png", tmp_path / "load.json"
    code = run(["bench", "--load", "--bundle", str(tiny), "--clients", "1,4", "--seconds", "0.3", "--json",
                "--plot", str(picture), "--out", str(out)])  # fmt: skip
    assert code == 0
    found = json.loads(capsys.readouterr().out)
    assert found == json.loads(out.read_text())
    assert [(x["work"], x["clients"]) for x in found["levels"]] == [
        (kind, n) for kind in ("previews", "sheets", "characters") for n in (1, 4)
    ]
    assert all(x["jobs"] > 0 and 0 < x["preview_p50_ms"] <= x["done_p99_ms"] for x in found["levels"])
    assert found["characters_of_the_batch_meanwhile"] > 0
    assert found["previews_batched_over_one_at_a_time"] > 0
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_percentiles_are_of_the_nearest_rank() -> None:
    assert percentile([], 99) == 0
    assert percentile([5.0], 99) == 5
    assert percentile([float(i) for i in range(1, 101)], 50) == 50
    assert percentile([float(i) for i in range(1, 101)], 99) == 99


def test_replicas_that_start_late_are_no_growth() -> None:
    def held(*seen: tuple[int, int, int]) -> SoakReport:
        return SoakReport(prints=[(i, Footprint(mb, threads, 9, n)) for i, (mb, threads, n) in enumerate(seen)])

    late = [*[(100, 9, 1)] * 3, *[(200, 9, 3)] * 3]
    assert held(*late, *[(300, 15, 3)] * 9).growth == 0
    assert len(held(*late, *[(300, 15, 3)] * 9).settled) == 9
    assert held(*late, *[(300, 15, 3)] * 3, *[(330, 15, 3)] * 3, *[(360, 15, 3)] * 3).growth == pytest.approx(0.2)
    assert held(*[(100, 9, 1)] * 9, *[(300, 15, 3)] * 3).growth is None  # too short to tell
    assert len(held(*((300, 9 + i, 3) for i in range(20))).settled) == 1  # a thread more each time
    assert held().growth is None

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
    first, last = report.settled[0], report.settled[-1]
    assert last.threads <= first.threads
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
    def held(*footprints: tuple[int, int]) -> float | None:
        return SoakReport(
            prints=[(i, Footprint(mb, 9, 9, processes)) for i, (mb, processes) in enumerate(footprints)]
        ).growth

    assert held(*[(100, 1)] * 3, *[(300, 3)] * 9) == 0
    assert held(*[(100, 1)] * 3, *[(300, 3)] * 3, *[(330, 3)] * 3, *[(360, 3)] * 3) == pytest.approx(0.2)
    assert held(*[(100, 1)] * 9, *[(300, 3)] * 3) is None  # too short to tell
    assert held() is None

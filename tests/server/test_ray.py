"""Replicas on a Ray cluster: the same bytes, whatever is killed; and nothing of it is left."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.server.conftest import WINDOW, Dealer, config, running
from tests.support.batches import batch_with_mishaps
from tests.support.commands import contents, start_vcg
from tests.support.ray_cluster import Head, alive, command, descendants, ray_head, until
from tests.support.tiny_bundle import write_tiny_bundle
from vcg_bridge.cli.launch import ServerProcess
from vcg_bridge.contract import messages as m
from vcg_bridge.contract.errors import ConfigError
from vcg_bridge.server import crew as crew_module
from vcg_bridge.server import ray_joining, ray_replicas
from vcg_bridge.server.ray_replicas import Link, RayCluster, RayReplica
from vcg_bridge.server.server import Server
from vcg_bridge.server.worker import Lost

pytestmark = [
    pytest.mark.socket,
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed"),
    pytest.mark.skipif(
        not Path("/proc/self/task").is_dir(), reason="this system does not tell whose child a process is"
    ),
]

COUNT = 400


@pytest.fixture(scope="module")
def head() -> Iterator[Head]:
    with ray_head(cpus=4) as head:
        yield head


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That tests may take away."""
    return write_tiny_bundle(tmp_path_factory.mktemp("served") / "tiny")


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is lost is replaced without delay, however many were."""
    monkeypatch.setattr(crew_module, "BACKOFF_S", (0.1, 0.1))


@pytest.fixture(scope="module")
def server(head: Head, bundle: Path) -> Iterator[Server]:
    limits = m.Limits(credit=1 << 30)
    with running(config(bundles=(str(bundle),), workers=2, ray=head.address, limits=limits)) as server:
        ready(server)
        yield server


@pytest.fixture(scope="module")
def alone(tiny: Path) -> dict[int, bytes]:
    """What a server without replicas gives."""
    with running(config(bundles=(str(tiny),))) as server:
        return blobs(server, wish())


def wish(**fields: object) -> m.Generate:
    settings = {"design": m.Design(seed=11), "credit": WINDOW, "priority": "batch", "preview": False, "count": COUNT}
    return m.Generate("b", **{**settings, **fields})  # type: ignore[arg-type]


def blobs(server: Server, request: m.Generate) -> dict[int, bytes]:
    with Dealer(server.address) as dealer:
        dealer.hello()
        answer = dealer.job(request)
    assert isinstance(answer.end, m.Done), answer.end
    assert [c.seq for c in answer.chunks] == list(range(answer.end.chunks))
    return answer.blobs


def replicas(server: Server) -> list[RayReplica]:
    return [replica for replica in server._crew.replicas if isinstance(replica, RayReplica)]


def ready(server: Server) -> None:
    until(lambda: len(replicas(server)) == 2 and all(replica.ready for replica in replicas(server)))


def drawn(server: Server) -> dict[str, int]:
    """Views that each replica has drawn or found drawn."""
    return {replica.name: replica.cache.hits + replica.cache.misses for replica in replicas(server)}


def link(server: Server) -> Link:
    cluster = server._crew._dismiss.__self__  # type: ignore[attr-defined]
    assert isinstance(cluster, RayCluster)
    return cluster._link


def test_a_cluster_gives_the_same_bytes(server: Server, alone: dict[int, bytes]) -> None:
    ready(server)
    assert link(server).replicas == 4, "one for each CPU, if it had not been told how many"
    before = drawn(server)
    assert blobs(server, wish(count=60)).items() <= alone.items()
    until(lambda: all(drawn(server)[name] > views for name, views in before.items()))
    with Dealer(server.address) as dealer:
        assert dealer.hello().limits.jobs == 32, "enough jobs for both"


def test_actors_killed_in_the_middle_of_a_batch(
    server: Server, head: Head, bundle: Path, alone: dict[int, bytes]
) -> None:
    """And the bundle's folder is gone meanwhile: they draw from copies, and who takes their place has one too."""
    ready(server)
    lost, first = server._crew.lost, head.drawers()
    assert len(first) == 2
    away = bundle.with_name("away")
    bundle.rename(away)
    try:
        with Dealer(server.address) as dealer:
            dealer.hello()

            def kill() -> None:
                os.kill(first.pop(), signal.SIGKILL)

            assert batch_with_mishaps(dealer, wish(), {40: kill, 400: kill}) == alone
        until(lambda: server._crew.lost == lost + 2)
        ready(server)
        before = drawn(server)
        assert blobs(server, wish(count=60)).items() <= alone.items()
        until(lambda: all(drawn(server)[name] > views for name, views in before.items()))
    finally:
        away.rename(bundle)
    assert server.unfinished == 0


def test_when_the_cluster_is_lost_the_server_goes_on_and_joins_it_again(
    server: Server, head: Head, alone: dict[int, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    ready(server)
    old = link(server)
    floor, losses = server._service._floor, []

    def lost(event: Lost, real: Callable[[Lost], None] = floor._lost) -> None:
        losses.append(event)
        real(event)

    monkeypatch.setattr(floor, "_lost", lost)
    with Dealer(server.address) as dealer:
        dealer.hello()
        dealer.send(wish())
        assert isinstance(dealer.reply(), m.Accepted)
        assert isinstance(dealer.reply(), m.Chunk)
        os.kill(old.pid, signal.SIGKILL)
        got = [reply for reply in dealer.until(m.Done) if isinstance(reply, m.Chunk)]
    assert [chunk.seq for chunk in got] == list(range(1, len(alone)))
    assert losses
    assert not any(event.counts for event in losses), "no job is at fault: they need not wait for another replica"
    until(lambda: link(server) is not old)
    ready(server)
    until(lambda: len(head.drawers()) == 2)  # those of the lost link have ended
    assert blobs(server, wish(count=60)).items() <= alone.items()


def test_where_nothing_comes_of_the_cluster_any_more_the_server_goes_on_and_joins_it_again(
    server: Server, head: Head, alone: dict[int, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The link to it is stopped in the middle of a batch: nobody says that anything is lost."""
    ready(server)
    old = link(server)
    monkeypatch.setattr(crew_module, "SLOW_S", 0.3)
    monkeypatch.setattr(crew_module, "LATE_S", 1.0)
    with Dealer(server.address) as dealer:
        dealer.hello()
        stop = partial(os.kill, old.pid, signal.SIGSTOP)
        assert batch_with_mishaps(dealer, wish(), {40: stop}) == alone
    with monkeypatch.context() as patch:
        patch.setattr(crew_module, "STUCK_S", 1.0)
        patch.setattr(ray_replicas, "SILENT_S", 1.0)
        until(lambda: bool(old.lost))
    until(lambda: link(server) is not old)
    ready(server)
    until(lambda: len(head.drawers()) == 2)
    assert blobs(server, wish(count=60)).items() <= alone.items()


def test_a_server_ends_though_nothing_comes_of_the_cluster(head: Head, tiny: Path) -> None:
    drawers = set(head.drawers())
    with running(config(bundles=(str(tiny),), workers=1, ray=head.address)) as server:
        until(lambda: any(replica.ready for replica in replicas(server)))
        os.kill(link(server).pid, signal.SIGSTOP)
        left = link(server)
    assert left.lost
    until(lambda: set(head.drawers()) <= drawers)


def test_a_link_that_is_killed_when_it_has_just_ended_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever kills it must not be the one to learn that it has ended: the thread that waits for that would wait in vain."""
    waitid = os.waitid

    def killed_first(*arguments: int) -> object:
        found = waitid(*arguments)  # type: ignore[arg-type]
        link.kill()
        return found and waitid(*arguments)  # type: ignore[arg-type]

    link = Link(ray_joining.LOCAL, gpus=False)
    try:
        monkeypatch.setattr(ray_replicas.os, "waitid", killed_first)
        os.kill(link.pid, signal.SIGKILL)
        until(lambda: bool(link.lost))
    finally:
        link.close()


def test_a_replica_that_cannot_have_the_bundle_leaves_its_work_to_others(
    head: Head, tiny: Path, tmp_path: Path, alone: dict[int, bytes], caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "tiny"
    shutil.copytree(tiny, folder)
    server = Server(config(bundles=(str(folder),), workers=1, ray=head.address))
    assert server._shelf is not None
    for studio in server._shelf:
        studio.warm_up()
    shutil.rmtree(folder)  # before anybody was recruited
    with running(made=server):
        until(lambda: any(replica.ready for replica in replicas(server)))
        assert blobs(server, wish(count=60)).items() <= alone.items()
        [place] = server._crew._places
        assert place.unable
    assert "no such folder" in caplog.text


def test_more_bundles_than_are_kept_on_the_way(head: Head, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_replicas, "PARCELS", 1)
    names = ("one", "two", "three")
    folders = tuple(str(write_tiny_bundle(tmp_path / name, name=name)) for name in names)
    with running(config(bundles=folders, workers=1, ray=head.address)) as server:
        until(lambda: any(replica.ready for replica in replicas(server)))
        for name in (*names, *names):
            before = drawn(server)
            blobs(server, wish(model=name, count=10))
            until(lambda before=before: drawn(server) != before)  # type: ignore[misc]
        assert server._crew.lost == 0


def test_no_cluster_is_one_clear_error(tiny: Path) -> None:
    with pytest.raises(ConfigError, match=r"no Ray cluster at 127\.0\.0\.1:1 .*ray start --head"):
        Server(config(bundles=(str(tiny),), ray="127.0.0.1:1", workers=None))


def test_other_versions_on_the_machines_are_one_clear_error(head: Head, tiny: Path, tmp_path: Path) -> None:
    import vcg_bridge

    # The server is the odd one: a copy of it says that it is another version.
    shutil.copytree(
        Path(vcg_bridge.__file__).parent,
        tmp_path / "vcg_bridge",
        ignore=shutil.ignore_patterns("bundles", "__pycache__"),
    )
    start = tmp_path / "vcg_bridge" / "__init__.py"
    start.write_text(re.sub('__version__ = ".*"', '__version__ = "9.9.9"', start.read_text()))
    done = subprocess.run(
        [sys.executable, "-m", "vcg_bridge", "serve", "--bind=tcp://127.0.0.1:0", f"--bundle={tiny}", "--workers=ray", f"--ray={head.address}"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)}, cwd=tmp_path, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 2
    assert f"it has VCG Bridge {vcg_bridge.__version__}" in done.stderr
    assert "install VCG Bridge 9.9.9 there" in done.stderr


def test_sigterm_drains_as_without_a_cluster(head: Head, tiny: Path, alone: dict[int, bytes]) -> None:
    arguments = [f"--bundle={tiny}", "--workers=ray:1", f"--ray={head.address}"]
    with ServerProcess(arguments) as process, Dealer(process.address) as dealer:
        dealer.hello()
        dealer.send(wish())
        assert isinstance(dealer.reply(), m.Accepted)
        process.process.terminate()
        got = [reply for reply in dealer.until(m.Done) if isinstance(reply, m.Chunk)]
        assert len(got) == len(alone)
        assert process.process.wait(60) == 0


def test_a_batch_on_a_local_cluster_killed_and_resumed_on_another(head: Head, tiny: Path, tmp_path: Path) -> None:
    requests = tmp_path / "r.jsonl"
    requests.write_text("".join(f'{{"seed": {seed}, "name": "n{seed}"}}\n' for seed in range(60)))

    def batch(out: str, *more: str) -> subprocess.Popen[str]:
        return start_vcg("batch", requests, "--bundle", tiny, "--out", tmp_path / out, "--animations", "idle", *more)

    def done(process: subprocess.Popen[str]) -> None:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors

    journal = tmp_path / "out" / "batch.journal.jsonl"
    process = batch("out", "--ray", "local")
    until(lambda: process.poll() is not None or (journal.exists() and journal.read_bytes().count(b"\n") >= 5))
    family = descendants(process.pid)
    process.send_signal(signal.SIGKILL)
    _, errors = process.communicate()
    assert any("raylet" in command(pid) for pid in family), errors
    finished = journal.read_bytes().count(b"\n")
    assert finished < 60
    until(lambda: not any(alive(pid) for pid in family))

    whole = batch("whole")
    done(batch("out", "--ray", head.address))
    done(whole)
    until(lambda: len(head.drawers()) == 2)  # of the server of all tests; none is left of the batch
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert (summary["made_before"], summary["made_now"]) == (finished, 60 - finished)
    files, expected = contents(tmp_path / "out"), contents(tmp_path / "whole")
    for name in ("batch.journal.jsonl", "summary.json"):
        del files[name], expected[name]
    assert files == expected

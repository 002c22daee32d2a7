"""Replicas: processes that draw beside the server, killed, stopped, replaced, and what becomes of their work."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.server.conftest import WINDOW, Dealer, config, running
from tests.support.batches import batch_with_mishaps
from vcg_bridge.contract import messages as m
from vcg_bridge.contract.errors import ConfigError
from vcg_bridge.server import crew as crew_module
from vcg_bridge.server import processes
from vcg_bridge.server import studio as studio_module
from vcg_bridge.server.jobs import Turn
from vcg_bridge.server.processes import ProcessReplica
from vcg_bridge.server.scheduler import Kind
from vcg_bridge.server.server import Server
from vcg_bridge.server.worker import Lost

pytestmark = pytest.mark.socket

WAIT_S = 60


def wish(name: str, **fields: object) -> m.Generate:
    settings = {"design": m.Design(seed=11), "credit": WINDOW, "priority": "batch", "preview": False, **fields}
    return m.Generate(name, **settings)  # type: ignore[arg-type]


def until(what: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT_S
    while not what():
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.01)


def replicas(server: Server) -> list[ProcessReplica]:
    return [replica for replica in server._crew.replicas if isinstance(replica, ProcessReplica)]


def ready(server: Server, count: int) -> None:
    """Have the server start so many replicas: it does so when there are batches."""
    with Dealer(server.address) as dealer:
        dealer.hello()

        def enough() -> bool:
            dealer.job(wish("warm"))
            return sum(replica.ready for replica in replicas(server)) >= count

        until(enough)


@pytest.fixture(scope="module")
def alone(tiny: Path) -> dict[int, bytes]:
    """What a server without replicas gives for 400 characters."""
    with running(config(bundles=(str(tiny),))) as server:
        return blobs(server, wish("b", count=400))


@pytest.fixture
def crowded(tiny: Path) -> Iterator[Server]:
    with running(config(bundles=(str(tiny),), workers=2, limits=m.Limits(count=2000, credit=1 << 30))) as server:
        ready(server, 2)
        yield server


def blobs(server: Server, request: m.Generate) -> dict[int, bytes]:
    with Dealer(server.address) as dealer:
        dealer.hello()
        answer = dealer.job(request)
    assert isinstance(answer.end, m.Done), answer.end
    assert sorted(answer.blobs) == list(range(answer.end.chunks))
    assert [c.seq for c in answer.chunks] == sorted(answer.blobs)
    return answer.blobs


def test_replicas_give_the_same_bytes_in_order(crowded: Server, alone: dict[int, bytes]) -> None:
    request = wish("b", count=60)
    before = {r.name: r.cache.misses for r in replicas(crowded)}
    assert blobs(crowded, request).items() <= alone.items()
    assert all(r.cache.misses > before[r.name] for r in replicas(crowded)), "one job is shared by both"


def send(server: Server, number: signal.Signals, which: int = -1) -> None:
    """A signal to one of its replicas."""
    os.kill(replicas(server)[which].pid, number)


def version(server: Server) -> str:
    """Of its bundle."""
    assert server._shelf is not None
    return next(iter(server._shelf.current.values())).manifest.sha256


def stuck_is_killed(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the time pass after which one of whom nothing is heard is killed; only until it is: others are slow, too, on a busy machine."""
    lost = server._crew.lost
    with monkeypatch.context() as patch:
        patch.setattr(crew_module, "STUCK_S", 1.0)
        until(lambda: server._crew.lost == lost + 1)


def test_killed_in_the_middle_of_a_batch_nothing_is_lost_or_repeated(crowded: Server, alone: dict[int, bytes]) -> None:
    with Dealer(crowded.address) as dealer:
        dealer.hello()
        kill = partial(send, crowded, signal.SIGKILL)
        assert batch_with_mishaps(dealer, wish("b", count=400), {40: kill, 400: kill}) == alone
    assert crowded._crew.lost == 2


def test_stopped_in_the_middle_of_a_batch_it_goes_on_and_nothing_is_lost_or_repeated(
    crowded: Server, alone: dict[int, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One replica is stopped for a while, then for good: others draw what it was at, and in the end it is replaced."""
    monkeypatch.setattr(crew_module, "SLOW_S", 0.3)
    monkeypatch.setattr(crew_module, "LATE_S", 1.0)
    floor, taken_back = crowded._service._floor, []

    def lost(event: Lost, real: Callable[[Lost], None] = floor._lost) -> None:
        taken_back.append(event)
        real(event)

    monkeypatch.setattr(floor, "_lost", lost)
    first = replicas(crowded)[0]
    with Dealer(crowded.address) as dealer:
        dealer.hello()
        stop = partial(send, crowded, signal.SIGSTOP, 0)
        assert batch_with_mishaps(dealer, wish("b", count=400), {40: stop}) == alone
        assert taken_back, "it was at a turn"
        assert all(event.late for event in taken_back)
        assert crowded._crew.lost == 0, "it is not killed for that"
        os.kill(first.pid, signal.SIGCONT)
        until(lambda: not any(place.turns for place in crowded._crew._places))  # it drops what nobody waits for
        before = first.cache.hits
        assert batch_with_mishaps(dealer, wish("c", count=400), {}) == alone
        until(lambda: first.cache.hits > before)  # it draws again
        assert batch_with_mishaps(dealer, wish("d", count=400), {40: stop}) == alone
    stuck_is_killed(crowded, monkeypatch)
    until(lambda: first.pid not in {replica.pid for replica in replicas(crowded)})
    until(lambda: first._process.poll() == -signal.SIGKILL)
    ready(crowded, 2)
    assert crowded.unfinished == 0


def test_a_killed_replica_is_given_up_though_its_process_does_not_end(
    crowded: Server, alone: dict[int, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that waits for a driver or a disk outlives its SIGKILL. Here the signal is withheld."""
    monkeypatch.setattr(crew_module, "LATE_S", 1.0)
    monkeypatch.setattr(processes, "STOP_S", 0.3)
    stopped = replicas(crowded)[0]
    kill = stopped._process.kill
    monkeypatch.setattr(stopped._process, "kill", lambda: None)
    try:
        with Dealer(crowded.address) as dealer:
            dealer.hello()
            stop = partial(send, crowded, signal.SIGSTOP, 0)
            assert batch_with_mishaps(dealer, wish("b", count=400), {40: stop}) == alone
        stuck_is_killed(crowded, monkeypatch)
        assert stopped not in replicas(crowded)
        ready(crowded, 2)
        assert stopped._process.poll() is None
    finally:
        kill()
        os.kill(stopped.pid, signal.SIGCONT)


def test_a_replica_that_is_lost_is_replaced(crowded: Server) -> None:
    first = replicas(crowded)
    for replica in first:
        os.kill(replica.pid, signal.SIGKILL)
    ready(crowded, 2)
    assert not {r.pid for r in first} & {r.pid for r in replicas(crowded)}
    assert crowded.unfinished == 0


def test_one_that_hangs_is_killed_and_its_work_drawn_by_others(
    crowded: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped = replicas(crowded)
    for replica in stopped:
        os.kill(replica.pid, signal.SIGSTOP)
    with Dealer(crowded.address) as dealer:
        dealer.hello()
        dealer.send(wish("b", count=3))
        until(lambda: any(place.turns for place in crowded._crew._places))
        stuck_is_killed(crowded, monkeypatch)
        for replica in replicas(crowded):
            os.kill(replica.pid, signal.SIGCONT)
        assert isinstance(dealer.until(m.Done)[-1], m.Done)


def test_where_replicas_get_nothing_of_the_machine_the_own_threads_draw_batches_too(
    crowded: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crew_module, "SLOW_S", 0.3)
    stopped = replicas(crowded)
    for replica in stopped:
        os.kill(replica.pid, signal.SIGSTOP)
    try:
        with Dealer(crowded.address) as busy, Dealer(crowded.address) as other:
            busy.hello()
            other.hello()
            for number in range(2):  # one for each of them
                busy.send(wish(f"b{number}", design=m.Design(seed=number)))
                until(lambda number=number: crowded._crew.free(Kind.BATCH, version(crowded)) == 1 - number)  # type: ignore[misc]
            assert isinstance(other.job(wish("c", design=m.Design(seed=77), count=3)).end, m.Done)
            assert crowded._crew.lost == 0
    finally:
        for replica in stopped:
            os.kill(replica.pid, signal.SIGCONT)


def test_a_request_that_kills_whoever_draws_it_ends_alone(crowded: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Replicas die of it, the server does not: its own threads never draw what was lost with a replica while another one can be had."""
    submit = ProcessReplica.submit

    def die_of(self: ProcessReplica, turn: Turn) -> None:
        if any(step.plan.request.id == "deadly" for step in turn.steps):
            os.kill(self.pid, signal.SIGKILL)
        submit(self, turn)

    monkeypatch.setattr(ProcessReplica, "submit", die_of)
    with Dealer(crowded.address) as dealer:
        dealer.hello()
        dealer.send(wish("deadly"))
        error = dealer.until(m.Error)[-1]
        assert isinstance(error, m.Error)
        assert (error.code, error.id) == ("internal", "deadly")
        assert isinstance(dealer.job(wish("harmless", design=m.Design(seed=3))).end, m.Done)
    assert crowded._crew.lost == 3


def test_where_every_order_is_the_death_of_a_replica_jobs_end_and_the_server_draws_on_by_itself(
    tiny: Path, alone: dict[int, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the system kills whatever takes memory. A job that three replicas died of fails; they are tried less and less often."""
    monkeypatch.setattr(crew_module, "BACKOFF_S", (0.1, 0.3))
    monkeypatch.setattr(ProcessReplica, "submit", lambda self, turn: os.kill(self.pid, signal.SIGKILL))
    with running(config(bundles=(str(tiny),), workers=1)) as server, Dealer(server.address) as dealer:
        dealer.hello()
        made = []
        while server._crew.lost < 4 or not isinstance(made[-1], m.Done):
            answer = dealer.job(wish(f"b{len(made)}", count=20))
            assert answer.blobs.items() <= alone.items()
            made.append(answer.end)
        for error in made:
            assert isinstance(error, m.Done) or "lost 3 times with the process that drew it" in error.message  # type: ignore[union-attr]
        assert server.unfinished == 0


def test_killed_while_it_opens_it_is_replaced_and_nobody_waits(tiny: Path, alone: dict[int, bytes]) -> None:
    with running(config(bundles=(str(tiny),), workers=1)) as server, Dealer(server.address) as dealer:
        dealer.hello()
        killed: set[int] = set()
        while len(killed) < 3:
            assert batch_with_mishaps(dealer, wish(f"b{time.monotonic_ns()}", count=20), {}).items() <= alone.items()
            for replica in replicas(server):
                if not replica.ready and replica.pid not in killed:
                    os.kill(replica.pid, signal.SIGKILL)
                    killed.add(replica.pid)
        ready(server, 1)
        assert server._crew.lost == 3


@pytest.mark.parametrize("at_work", [False, True])
@pytest.mark.parametrize("number", ["SIGCONT", "SIGSTOP", "SIGKILL"])
def test_a_server_ends_whatever_its_replicas_are_at(tiny: Path, at_work: bool, number: str) -> None:
    with running(config(bundles=(str(tiny),), workers=1, grace_s=0.2)) as server, Dealer(server.address) as dealer:
        dealer.hello()
        if at_work:
            ready(server, 1)
        dealer.send(wish("long", count=400))
        if at_work:
            until(lambda: any(place.turns for place in server._crew._places))
        else:
            until(lambda: bool(replicas(server)))
        [replica] = replicas(server)
        os.kill(replica.pid, getattr(signal, number))
        server.stop()
        until(lambda: server._service.leaving)
    assert replica._process.poll() is not None


def test_no_replica_outlives_a_killed_server(tiny: Path, tmp_path: Path) -> None:
    from vcg_bridge.cli.launch import ServerProcess

    with ServerProcess([f"--bundle={tiny}", "--workers=1", "--threads=1"]) as process:
        with Dealer(process.address) as dealer:
            dealer.hello()

            def children() -> list[int]:
                dealer.job(wish("w"))
                found = Path(f"/proc/{process.process.pid}/task/{process.process.pid}/children").read_text().split()
                return [int(pid) for pid in found]

            if not Path(f"/proc/{process.process.pid}/task").is_dir():
                pytest.skip("this system does not tell who the children of a process are")
            until(lambda: bool(children()))
            started = children()
        process.process.kill()
        process.process.wait()
        until(lambda: not any(Path(f"/proc/{pid}").is_dir() and _alive(pid) for pid in started))


def _alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def test_a_new_version_of_a_bundle_reaches_the_replicas(tiny: Path, tmp_path: Path) -> None:
    import shutil

    from tests.support.tiny_bundle import write_tiny_bundle

    folder = tmp_path / "tiny"
    shutil.copytree(tiny, folder)
    with running(config(bundles=(str(folder),), workers=1)) as server:
        ready(server, 1)
        old = server._shelf.current["tiny"].manifest.sha256 if server._shelf else ""
        write_tiny_bundle(tmp_path / "new" / "tiny", version="9.9.9")
        shutil.rmtree(folder)
        (tmp_path / "new" / "tiny").rename(folder)
        server.reload()
        with Dealer(server.address) as dealer:
            dealer.hello()

            def accepted() -> str:
                [first, *_] = dealer.job(wish("b")).replies
                assert isinstance(first, m.Accepted)
                return first.model_sha256

            until(lambda: accepted() != old)
            before = replicas(server)[0].cache.misses
            answer = dealer.job(wish("c", design=m.Design(seed=77), count=5))
            assert isinstance(answer.end, m.Done)
            until(lambda: replicas(server)[0].cache.misses > before)


def test_they_end_when_there_is_nothing_to_do(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew_module, "IDLE_S", 0.5)
    with running(config(bundles=(str(tiny),), workers=1)) as server, Dealer(server.address) as dealer:
        dealer.hello()
        dealer.job(wish("w"))
        until(lambda: bool(replicas(server)) and replicas(server)[0].ready)
        [replica] = replicas(server)
        until(lambda: not replicas(server))
        until(lambda: replica._process.poll() is not None)
        assert isinstance(dealer.job(wish("x", design=m.Design(seed=5))).end, m.Done)


def test_each_gpu_has_a_replica_of_its_own(tiny: Path) -> None:
    """There are none here: what is seen is that each process is shown another one, and that a lost one gives its GPU back."""
    with running(config(bundles=(str(tiny),), workers=None, gpus=("7", "8", "9"))) as server:
        ready(server, 2)
        assert sorted(map(gpu_of, replicas(server))) == ["8", "9"]
        lost = replicas(server)[0]
        os.kill(lost.pid, signal.SIGKILL)
        until(lambda: lost not in replicas(server))
        ready(server, 2)
        assert sorted(map(gpu_of, replicas(server))) == ["8", "9"]


def gpu_of(replica: ProcessReplica) -> str:
    environment = Path(f"/proc/{replica.pid}/environ")
    if not environment.exists():
        return replica.environment["CUDA_VISIBLE_DEVICES"]
    [gpu] = [x for x in environment.read_bytes().split(b"\0") if x.startswith(b"CUDA_VISIBLE_DEVICES=")]
    return gpu.decode().partition("=")[2]


@pytest.mark.parametrize("settings", [{"gpus": ("0", "0")}, {"gpus": ("0", "1"), "device": "cpu"}])
def test_gpus_that_make_no_sense_are_named(tiny: Path, settings: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="--gpus"):
        Server(config(bundles=(str(tiny),), **settings))


def test_what_several_ask_for_at_once_is_drawn_once(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    composed: list[int] = []
    go = threading.Event()

    def compose(*args: object, real: Callable[..., object] = studio_module.compose, **more: object) -> object:
        composed.append(1)
        assert go.wait(WAIT_S)
        return real(*args, **more)

    monkeypatch.setattr(studio_module, "compose", compose)
    with running(config(bundles=(str(tiny),))) as server:
        dealers = [Dealer(server.address) for _ in range(8)]
        try:
            for number, dealer in enumerate(dealers):
                dealer.hello()
                dealer.send(wish(f"same-{number}", priority="interactive", output=m.Output("sheet")))
                assert isinstance(dealer.reply(), m.Accepted)
            until(lambda: bool(list(server._service._floor._works)))
            dealers[1].send(m.Cancel("same-1"))
            assert isinstance(dealers[1].reply(), m.Cancelled)
            go.set()
            made = []
            for number, dealer in enumerate(dealers):
                if number == 1:
                    continue
                chunk, [blob], _ = dealer.message()
                assert isinstance(chunk, m.Chunk)
                assert chunk.id == f"same-{number}"
                made.append((chunk.sha256, blob))
                assert isinstance(dealer.reply(), m.Done)
            assert len(set(made)) == 1
        finally:
            go.set()
            for dealer in dealers:
                dealer.close()
    assert len(composed) == 1

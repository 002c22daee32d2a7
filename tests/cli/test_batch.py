"""`vcg batch`: many characters, bad lines, kills and resumes."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import pytest
from PIL import Image

from tests.support.commands import Result, Vcg, contents, start_vcg
from vcg_bridge.cli import journal as journal_module
from vcg_bridge.cli.launch import ServerProcess
from vcg_bridge.contract.recipe_io import parse_recipe

pytestmark = pytest.mark.socket

JOURNAL = journal_module.JOURNAL_NAME


def write_lines(path: Path, *lines: object) -> Path:
    path.write_text("".join((x if isinstance(x, str) else json.dumps(x)) + "\n" for x in lines), encoding="utf-8")
    return path


def run(vcg: Vcg, server: ServerProcess, requests: Path, out: Path, *more: object) -> Result:
    return vcg("batch", requests, "--server", server.address, "--out", out, "--animations", "idle", *more)


def test_every_line_becomes_a_folder(vcg: Vcg, tmp_path: Path, server: ServerProcess) -> None:
    requests = write_lines(
        tmp_path / "r.jsonl",
        {"archetype": "guard", "seed": 7},
        {"name": "Old Tom", "seed": 2, "items": {"helm": None}},
        "",
        {"seed": 9},
        {"archetype": "guard", "seed": 7, "novelty": 1},
    )
    done = run(vcg, server, requests, tmp_path / "out")
    assert done.code == 0, done.err
    folders = {path.name for path in (tmp_path / "out").iterdir() if path.is_dir()}
    assert folders == {"guard-7", "Old Tom", "npc-9", "guard-7-line5"}
    for name in folders:
        folder = tmp_path / "out" / name
        recipe = parse_recipe((folder / f"{name}.vcg.json").read_bytes())
        assert (folder / f"{name}.png").is_file()
        assert (folder / "CREDITS.txt").is_file()
        assert recipe.model == "tiny"
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert [x["name"] for x in summary["characters"]] == ["guard-7", "Old Tom", "npc-9", "guard-7-line5"]
    assert (summary["made_now"], summary["made_before"], summary["failed"]) == (4, 0, [])
    picture = Image.open(tmp_path / "out" / "contact.png")
    assert picture.width > 4 * 32
    assert "made           4" in done.out


def test_same_files_as_generate_makes(vcg: Vcg, tmp_path: Path, server: ServerProcess) -> None:
    requests = write_lines(tmp_path / "r.jsonl", {"archetype": "guard", "seed": 7})
    assert run(vcg, server, requests, tmp_path / "out", "--scale", 2).code == 0
    alone = vcg(
        "generate", "--server", server.address, "-a", "guard", "-s", 7, "--animations", "idle", "--scale", 2,
        "--out", tmp_path / "alone",
    )  # fmt: skip
    assert alone.code == 0, alone.err
    assert contents(tmp_path / "alone") == contents(tmp_path / "out" / "guard-7")


def test_bad_lines_are_numbered_and_stop_nothing(vcg: Vcg, tmp_path: Path, server: ServerProcess) -> None:
    requests = write_lines(
        tmp_path / "r.jsonl",
        {"seed": 1, "name": "a"},
        "not json",
        {"archtype": "guard"},
        {"archetype": "gaurd", "name": "b"},
        {"seed": 1, "name": "A"},
        {"seed": 2, "items": {"hair": "nothing"}},
        {"recipe": "none.vcg.json"},
        b"\xff\xfe broken bytes".decode("utf-8", "surrogateescape").encode("utf-8", "backslashreplace").decode(),
        {"seed": 3, "name": "c"},
    )
    done = run(vcg, server, requests, tmp_path / "out")
    assert done.code == 2
    assert "Traceback" not in done.err
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert [x["name"] for x in summary["characters"]] == ["a", "c"]
    failed = {f["line"]: f for f in summary["failed"]}
    assert set(failed) == {2, 3, 4, 5, 6, 7, 8}
    assert failed[3]["hint"] == 'did you mean "archetype"?'
    assert failed[4]["hint"] == 'did you mean "guard"?'
    assert "taken by line 1" in failed[5]["message"]
    assert failed[7]["code"] == "recipe"
    assert all(f["message"].startswith(f"line {n}") for n, f in failed.items())
    assert all(f"line {n}" in done.err for n in failed)
    assert {p.name for p in (tmp_path / "out").iterdir() if p.is_dir()} == {"a", "c"}


def test_killed_batch_goes_on_where_it_was(vcg: Vcg, tmp_path: Path, server: ServerProcess) -> None:
    requests = write_lines(tmp_path / "r.jsonl", *({"seed": i, "name": f"n{i}"} for i in range(40)))
    out = tmp_path / "out"
    process = start_vcg("batch", requests, "--server", server.address, "--out", out, "--animations", "idle")
    wait_for_lines(out / JOURNAL, 5)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    with (out / JOURNAL).open("ab") as file:
        file.write(b'{"format": 1, "key": "cut sh')  # as a kill in the middle of a line leaves it
    before = {p: p.stat().st_mtime_ns for p in out.rglob("n*.png")}
    finished = len(journal_module.Journal(out).done)
    assert 5 <= finished < 40

    done = run(vcg, server, requests, out)
    assert done.code == 0, done.err
    summary = json.loads((out / "summary.json").read_text())
    assert (summary["made_before"], summary["made_now"]) == (finished, 40 - finished)
    untouched = sum(path.stat().st_mtime_ns == then for path, then in before.items())
    assert untouched >= finished
    assert not list(out.rglob("*.tmp"))

    assert run(vcg, server, requests, tmp_path / "whole").code == 0
    resumed, whole = contents(out), contents(tmp_path / "whole")
    for variable in (JOURNAL, "summary.json"):
        resumed.pop(variable), whole.pop(variable)
    leftovers = {name for name in resumed if name.rpartition("/")[2].startswith(".")}
    assert {k: v for k, v in resumed.items() if k not in leftovers} == whole
    assert leftovers == set()


def test_second_run_makes_nothing_and_changed_lines_are_made_again(
    vcg: Vcg, tmp_path: Path, server: ServerProcess
) -> None:
    requests = write_lines(
        tmp_path / "r.jsonl", {"seed": 1, "name": "a"}, {"seed": 2, "name": "b"}, {"seed": 3, "name": "c"}
    )
    out = tmp_path / "out"
    assert run(vcg, server, requests, out).code == 0
    assert json.loads((out / "summary.json").read_text())["made_now"] == 3
    assert run(vcg, server, requests, out).code == 0
    assert json.loads((out / "summary.json").read_text())["made_now"] == 0
    write_lines(requests, {"seed": 1, "name": "a"}, {"seed": 22, "name": "b"}, {"seed": 3, "name": "c"})
    (out / "c" / "c.gif").unlink()
    assert run(vcg, server, requests, out).code == 0
    assert json.loads((out / "summary.json").read_text())["made_now"] == 2
    assert parse_recipe((out / "b" / "b.vcg.json").read_bytes()).seed == 22
    assert (out / "c" / "c.gif").is_file()
    assert run(vcg, server, requests, out, "--scale", 2).code == 0  # other files: all again
    assert json.loads((out / "summary.json").read_text())["made_now"] == 3


def test_flat_shares_one_folder_and_one_credits_file(vcg: Vcg, tmp_path: Path, server: ServerProcess) -> None:
    requests = write_lines(tmp_path / "r.jsonl", *({"seed": i, "name": f"n{i}"} for i in range(12)))
    out = tmp_path / "out"
    assert run(vcg, server, requests, out, "--flat").code == 0
    assert not [p for p in out.iterdir() if p.is_dir()]
    assert len(list(out.glob("n*.vcg.json"))) == 12
    every = set()
    assert run(vcg, server, requests, tmp_path / "apart").code == 0
    for path in (tmp_path / "apart").rglob("CREDITS.txt"):
        every |= set(path.read_text().splitlines())
    assert every <= set((out / "CREDITS.txt").read_text().splitlines())


def test_ctrl_c_says_how_to_go_on(tmp_path: Path, server: ServerProcess) -> None:
    requests = write_lines(tmp_path / "r.jsonl", *({"seed": i} for i in range(500)))
    out = tmp_path / "out"
    process = start_vcg("batch", requests, "--server", server.address, "--out", out, "--animations", "idle")
    wait_for_lines(out / JOURNAL, 3)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "goes on from here" in err
    assert "Traceback" not in err


def test_server_that_is_lost_ends_the_batch_with_one_error(vcg: Vcg, tmp_path: Path, bundle_root: Path) -> None:
    requests = write_lines(tmp_path / "r.jsonl", *({"seed": i} for i in range(3)))
    with ServerProcess([f"--bundle={bundle_root / 'tiny'}"]) as gone:
        address = gone.address
    done = vcg("batch", requests, "--server", address, "--out", tmp_path / "out")
    assert done.code == 2
    assert "no VCG Bridge server" in done.error


@pytest.mark.parametrize("content", ["", "\n\n  \n"])
def test_file_without_requests(vcg: Vcg, tmp_path: Path, content: str) -> None:
    (tmp_path / "r.jsonl").write_text(content)
    done = vcg("batch", tmp_path / "r.jsonl", "--out", tmp_path / "out")
    assert done.code == 2
    assert "there is no request in it" in done.error
    assert not (tmp_path / "out").exists()


def test_journal_lines_that_make_no_sense_are_ignored(tmp_path: Path) -> None:
    (tmp_path / JOURNAL).write_bytes(b'\x00\xff\n{}\n[]\n{"format": 2}\n{"format": 1, "recipe": 3}\nnull\n')
    with journal_module.Journal(tmp_path) as journal:
        assert journal.done == {}


def wait_for_lines(path: Path, count: int) -> None:
    end = time.monotonic() + 60
    while not path.exists() or path.read_bytes().count(b"\n") < count:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_one_batch_at_a_time_in_a_folder(vcg: Vcg, tmp_path: Path, server: ServerProcess) -> None:
    requests = write_lines(tmp_path / "r.jsonl", {"seed": 1, "name": "a"})
    with journal_module.Journal(tmp_path / "out"):
        done = run(vcg, server, requests, tmp_path / "out")
    assert done.code == 2
    assert "another `vcg batch` is at work" in done.error
    assert run(vcg, server, requests, tmp_path / "out").code == 0


def test_only_leftovers_of_a_kill_are_swept(tmp_path: Path) -> None:
    kept = [".b.png.01234567.tmp", "a.png", ".a.png.tmp", ".a.png.0123456x.tmp", "notes.tmp"]
    gone = [".a.png.01234567.tmp", ".a.vcg.json.89abcdef.tmp", ".CREDITS.txt.89abcdef.tmp"]
    for name in kept + gone:
        (tmp_path / name).touch()
    journal_module.sweep(tmp_path, "a")
    assert {path.name for path in tmp_path.iterdir()} == set(kept)
    journal_module.sweep(tmp_path / "nowhere", "a")

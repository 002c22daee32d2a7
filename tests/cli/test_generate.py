"""`vcg generate`: what it writes, that a recipe brings the same bytes back, and one clear error for each mistake."""

from __future__ import annotations

import io
import json
import resource
import time
from pathlib import Path

import pytest
from PIL import Image

from tests.support.commands import Vcg, contents, start_vcg
from vcg_bridge.cli import connect
from vcg_bridge.cli.launch import ServerProcess
from vcg_bridge.contract.recipe import Recipe
from vcg_bridge.contract.recipe_io import parse_recipe

pytestmark = pytest.mark.socket

FILES = {".png", ".json", ".tres", ".gif", ".contact.png", ".vcg.json"}
TINY = "--bundle=tiny"


def test_one_command_writes_everything_and_leaves_no_server(
    vcg: Vcg, tmp_path: Path, started: list[ServerProcess]
) -> None:
    done = vcg("generate", TINY, "--archetype", "guard", "--seed", 7, "--out", tmp_path / "npc")
    assert done.code == 0, done.err
    files = contents(tmp_path / "npc")
    assert set(files) == {f"guard-7{suffix}" for suffix in FILES} | {"CREDITS.txt"}
    assert Image.open(io.BytesIO(files["guard-7.png"])).mode == "P"
    assert json.loads(files["guard-7.json"])["frames"]
    recipe = parse_recipe(files["guard-7.vcg.json"])
    assert (recipe.model, recipe.archetype, recipe.seed) == ("tiny", "guard", 7)
    assert b"Nobody" in files["CREDITS.txt"]
    assert str(tmp_path / "npc" / "guard-7.contact.png") in done.out
    assert done.err == ""
    (process,) = started
    assert process.process.poll() == 0


def test_recipe_file_and_text_make_the_same_bytes(vcg: Vcg, tmp_path: Path, server: ServerProcess) -> None:
    first = vcg("generate", TINY, "--seed", 11, "--novelty", 1, "--out", tmp_path / "a", "--json")
    text = json.loads(first.out)["characters"][0]["recipe_text"]
    name = json.loads(first.out)["characters"][0]["name"]
    recipe = tmp_path / "a" / f"{name}.vcg.json"
    assert vcg("generate", TINY, "--recipe", recipe, "--out", tmp_path / "b").code == 0
    # another server, which has drawn other things before, and the text form
    assert vcg("generate", "--server", server.address, "--seed", 3, "--out", tmp_path / "x").code == 0
    done = vcg("generate", "--server", server.address, "--recipe", text, "--name", name, "--out", tmp_path / "c")
    assert done.code == 0, done.err
    assert contents(tmp_path / "a") == contents(tmp_path / "b") == contents(tmp_path / "c")


def test_sheet_options_reach_the_files(vcg: Vcg, tmp_path: Path, server: ServerProcess) -> None:
    options = ["--server", server.address, "--seed", 5, "--name", "x", "--animations", "idle,walk"]
    assert vcg("generate", *options, "--out", tmp_path / "plain").code == 0
    done = vcg(
        "generate", *options, "--out", tmp_path / "full", "--layout", "packed", "--padding", 2, "--extrude", 1,
        "--scale", 2, "--outline", "ff0000", "--shadow", 40, "--normal-map", "--gifs",
    )  # fmt: skip
    assert done.code == 0, done.err
    plain, full = contents(tmp_path / "plain"), contents(tmp_path / "full")
    assert set(full) - set(plain) == {"x.normal.png", "x.walk.gif", "x.idle.gif"}
    assert plain["x.vcg.json"] == full["x.vcg.json"]
    palette = Image.open(io.BytesIO(full["x.png"])).convert("RGBA").getcolors(1 << 16)
    assert palette is not None
    assert (255, 0, 0, 255) in {colour for _, colour in palette}
    assert {colour[3] for _, colour in palette} >= {0, 102, 255}
    tags = {tag["name"] for tag in json.loads(full["x.json"])["meta"]["frameTags"]}
    assert {tag.split("_")[0] for tag in tags} == {"walk", "idle"}


def test_wishes_are_in_the_recipe(vcg: Vcg, tmp_path: Path, server: ServerProcess) -> None:
    shown = json.loads(vcg("bundles", "show", "tiny", "--json").out)
    ramp = next(r for r in shown["ramps"] if "skin" in r["colour groups"])["ramps"][-1]
    hair = json.loads(vcg("bundles", "show", "tiny", "hair", "--json").out)["hair"][-1]["id"]
    done = vcg(
        "generate", "--server", server.address, "--seed", 2, "--item", f"hair={hair}", "--no", "helm",
        "--ramp", f"skin={ramp}", "--out", tmp_path, "--name", "x",
    )  # fmt: skip
    assert done.code == 0, done.err
    recipe = parse_recipe((tmp_path / "x.vcg.json").read_bytes())
    assert recipe.layers["hair"].item == hair
    assert "helm" not in recipe.layers
    assert recipe.ramps["skin"] == ramp


def test_controls_change_the_style_in_steps(vcg: Vcg, tmp_path: Path, server: ServerProcess) -> None:
    common = ["--server", server.address, "--animations", "idle", "--out", tmp_path]

    def recipe(name: str, *options: object) -> Recipe:
        done = vcg("generate", *common, "--name", name, *options)
        assert done.code == 0, done.err
        return parse_recipe((tmp_path / f"{name}.vcg.json").read_bytes())

    plain = recipe("plain", "--seed", 5, "--item", "hair=short-02-cowlick")
    longer = recipe("longer", "--seed", 5, "--item", "hair=short-02-cowlick", "--control", "hair/length=1")
    first = recipe("first", "--from", tmp_path / "plain.vcg.json", "--seed", 5, "--control", "hair/length=0.5")
    second = recipe("second", "--from", tmp_path / "first.vcg.json", "--seed", 5, "--control", "hair/length=0.5")
    assert (plain.layers["hair"].code, plain.layers["hair"].item) == ((), "short-02-cowlick")
    assert len({plain.layers["hair"], longer.layers["hair"], first.layers["hair"]}) == 3
    steps = zip(second.layers["hair"].code, longer.layers["hair"].code, strict=True)
    assert all(abs(a - b) <= 1 for a, b in steps)  # each step is rounded
    for name in ("longer", "first"):
        assert (tmp_path / f"{name}.png").read_bytes() != (tmp_path / "plain.png").read_bytes()
    credits = (tmp_path / "CREDITS.txt").read_text(encoding="utf-8")
    assert all(f"Short {x}:" in credits for x in ("01 Buzz", "02 Cowlick", "03 Parted"))  # whose style it may be


def test_reroll_changes_only_that_and_lock_keeps_only_that(vcg: Vcg, tmp_path: Path, server: ServerProcess) -> None:
    common = ["--server", server.address, "--animations", "idle", "--out", tmp_path]
    assert vcg("generate", *common, "--seed", 1, "--name", "base").code == 0
    base = parse_recipe((tmp_path / "base.vcg.json").read_bytes())
    rerolled, locked = set(), set()
    for seed in range(20, 28):
        start = ["--from", tmp_path / "base.vcg.json", "--seed", seed]
        done = vcg("generate", *common, *start, "--reroll", "hair", "--name", "r")
        assert done.code == 0, done.err
        r = parse_recipe((tmp_path / "r.vcg.json").read_bytes())
        assert {k: c for k, c in r.layers.items() if k != "hair"} == {
            k: c for k, c in base.layers.items() if k != "hair"
        }
        assert {k: c for k, c in r.ramps.items() if k != "hair"} == {k: c for k, c in base.ramps.items() if k != "hair"}
        rerolled.add((r.layers.get("hair"), r.ramps.get("hair")))
        done = vcg("generate", *common, *start, "--lock", "body", "--name", "k")
        assert done.code == 0, done.err
        k = parse_recipe((tmp_path / "k.vcg.json").read_bytes())
        assert k.layers["body"] == base.layers["body"]
        locked.add(str(k.layers))
    assert len(rerolled) > 1
    assert len(locked) > 1


def test_count_names_each_by_its_seed(vcg: Vcg, tmp_path: Path, server: ServerProcess) -> None:
    done = vcg(
        "generate",
        "--server",
        server.address,
        "-a",
        "guard",
        "-s",
        5,
        "-n",
        3,
        "--out",
        tmp_path,
        "--animations",
        "idle",
    )
    assert done.code == 0, done.err
    names = {path.name for path in tmp_path.glob("*.vcg.json")}
    assert names == {"guard-5.vcg.json", "guard-6.vcg.json", "guard-7.vcg.json"}


@pytest.mark.parametrize(
    ("arguments", "says", "hints"),
    [
        (["--archetype", "gard"], "unknown archetype: 'gard'", '"guard"'),
        (["--item", "hiar=bob"], "'hiar'", '"hair"'),
        (["--item", "hair=nothing-like-it"], "'nothing-like-it'", ""),
        (["--ramp", "skn=ivory"], "'skn'", '"skin"'),
        (["--ramp", "skin=purple-haze"], "'purple-haze'", ""),
        (["--animations", "wlak"], "'wlak'", '"walk"'),
        (["--body", "x"], "'x'", ""),
        (["--control", "hair/lenght=1"], "unknown control: 'hair/lenght'", '"hair/length"'),
        (["--control", "hair/length=1", "--item", "hair=long-01-braid"], "hair 'long-01-braid'", "short-01-buzz"),
        (["--no", "body"], "body", ""),
        (["--recipe", "nowhere.vcg.json"], "nowhere.vcg.json: there is no such file", "NAME.vcg.json"),
        (["--recipe", "vcg1.AAAA"], "damaged", "copy it whole"),
        (["--from", "nowhere.vcg.json"], "there is no such file", ""),
    ],
)
def test_what_the_model_does_not_know(
    vcg: Vcg, tmp_path: Path, server: ServerProcess, arguments: list[str], says: str, hints: str
) -> None:
    done = vcg("generate", "--server", server.address, "--out", tmp_path / "out", *arguments)
    assert done.code == 2
    assert says in done.error
    assert hints in done.hint
    assert not (tmp_path / "out").exists()


def test_recipe_of_another_model(vcg: Vcg, tmp_path: Path, server: ServerProcess) -> None:
    assert vcg("generate", "--server", server.address, "--seed", 1, "--name", "x", "--out", tmp_path).code == 0
    path = tmp_path / "x.vcg.json"
    other = json.loads(path.read_bytes())
    for changes in ({"model": "other"}, {"model_sha256": "0" * 64}):
        path.write_text(json.dumps({**other, **changes}))
        done = vcg("generate", "--server", server.address, "--recipe", path, "--out", tmp_path / "out")
        assert done.code == 2
        assert "made with" in done.error
        assert not (tmp_path / "out").exists()


def test_recipe_finds_its_bundle_among_the_installed(vcg: Vcg, tmp_path: Path) -> None:
    first = vcg("generate", TINY, "--seed", 1, "--name", "x", "--animations", "idle", "--out", tmp_path / "a", "--json")
    text = json.loads(first.out)["characters"][0]["recipe_text"]
    recipe = tmp_path / "a" / "x.vcg.json"
    again = vcg("generate", "--recipe", recipe, "--animations", "idle", "--out", tmp_path / "b")  # no --bundle
    assert again.code == 0, again.err
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    other = vcg(
        "generate", "--from", text, "--reroll", "hair", "--animations", "idle", "--out", tmp_path / "c", "--json"
    )
    assert json.loads(other.out)["characters"][0]["recipe"]["model"] == "tiny"


def test_nothing_listens_at_the_named_server(vcg: Vcg, tmp_path: Path) -> None:
    done = vcg("generate", "--server", connect.DEFAULT_ADDRESS, "--out", tmp_path / "out")
    assert done.code == 2
    assert f"no VCG Bridge server at {connect.DEFAULT_ADDRESS}" in done.error
    assert "vcg serve" in done.hint


def test_server_with_a_bundle_that_is_not_installed_here(
    vcg: Vcg, tmp_path: Path, server: ServerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VCG_BUNDLES", str(tmp_path / "empty"))
    done = vcg("generate", "--server", server.address, "--out", tmp_path / "out")
    assert done.code == 2
    assert "tiny" in done.error


def test_full_disk_leaves_nothing_half_written(tmp_path: Path, server: ServerProcess) -> None:
    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))  # the kernel refuses to grow a file beyond that

    process = start_vcg(
        "generate", "--server", server.address, "--seed", 1, "--out", tmp_path / "out", preexec_fn=small_files
    )
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2, err
    assert "cannot write to" in err
    assert not (tmp_path / "out").exists() or contents(tmp_path / "out") == {}


def test_folder_that_is_a_file(vcg: Vcg, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    done = vcg("generate", "--out", tmp_path / "file" / "deeper")
    assert done.code == 2
    assert "is not a folder" in done.error


def test_keep_server_is_used_by_the_next_call(vcg: Vcg, tmp_path: Path, started: list[ServerProcess]) -> None:
    common = ["generate", TINY, "--seed", 4, "--animations", "idle", "--json"]
    first = json.loads(vcg(*common, "--keep-server", "--out", tmp_path / "a").out)
    (process,) = started
    assert process.process.poll() is None
    assert (first["started"], first["server"]) == (True, connect.DEFAULT_ADDRESS)
    second = json.loads(vcg(*common, "--out", tmp_path / "b").out)
    assert (second["started"], second["server"]) == (False, connect.DEFAULT_ADDRESS)
    assert len(started) == 1
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_stranger_at_the_default_address_is_left_alone(
    vcg: Vcg, tmp_path: Path, server: ServerProcess, monkeypatch: pytest.MonkeyPatch, bundle_root: Path
) -> None:
    from tests.support.tiny_bundle import write_tiny_bundle

    other = write_tiny_bundle(tmp_path / "bundles" / "tiny", seed=1)  # another bundle than the server's
    monkeypatch.setattr(connect, "DEFAULT_ADDRESS", server.address)
    monkeypatch.setattr(connect, "DEFAULT_PORT", int(server.address.rpartition(":")[2]))
    done = vcg("generate", f"--bundle={other}", "--seed", 1, "--animations", "idle", "--out", tmp_path / "out")
    assert done.code == 0, done.err
    assert "draws with another bundle" in done.err
    assert parse_recipe(next((tmp_path / "out").glob("*.vcg.json")).read_bytes()).model == "tiny"


def test_server_dies_with_the_command_that_started_it(tmp_path: Path) -> None:
    process = start_vcg("generate", TINY, "--count", 1000, "--out", tmp_path)
    child = wait_for_child(process.pid)
    wait_until(lambda: any(tmp_path.glob("*.png")))  # well into its work
    process.kill()
    process.communicate()
    wait_until(lambda: not alive(child))


def test_ctrl_c_ends_command_and_server(tmp_path: Path) -> None:
    import signal

    process = start_vcg("generate", TINY, "--count", 1000, "--out", tmp_path)
    child = wait_for_child(process.pid)
    wait_until(lambda: any(tmp_path.glob("*.png")))
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert not alive(child)


def wait_for_child(pid: int) -> int:
    found: list[int] = []

    def look() -> bool:
        found[:] = [int(x) for x in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        return bool(found)

    wait_until(look)
    return found[0]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z"
    except FileNotFoundError:
        return False


def wait_until(condition: object, limit_s: float = 60) -> None:
    end = time.monotonic() + limit_s
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)

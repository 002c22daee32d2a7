"""The command line itself: help, version, mistakes in options, how errors look."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import vcg_bridge
from tests.support.commands import ROOT, Vcg, start_vcg
from vcg_bridge.cli import bundles as bundles_module

COMMANDS = ("generate", "batch", "serve", "keys", "bundles", "plugin", "doctor", "bench")
PLUGIN = ("plugin install", "plugin list", "plugin path")


def test_help_lists_every_command_and_where_to_start(vcg: Vcg) -> None:
    done = vcg("--help")
    assert done.code == 0
    assert all(name in done.out for name in COMMANDS)
    assert "vcg generate --archetype guard --seed 7 --out my-npc" in done.out
    assert vcg("-h").out == done.out
    assert "generate" in vcg().out  # nothing at all: the same help


@pytest.mark.parametrize(
    "command",
    [*COMMANDS, "keys new", "keys show", "bundles list", "bundles show", "bundles verify", "bundles add", *PLUGIN],
)
def test_every_command_and_option_says_what_it_does(vcg: Vcg, command: str) -> None:
    done = vcg(*command.split(), "--help")
    assert done.code == 0
    assert done.err == ""
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert f"vcg {command}" in page
    for option in re.findall(r"(?<![\w-])--[a-z][a-z-]+", done.out):
        assert f"`{option}" in page, f"docs/cli.md does not know {option} of {command}"


def test_page_names_no_option_that_is_gone(vcg: Vcg) -> None:
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    helps = "".join(
        vcg(*c.split(), "--help").out
        for c in ("", *COMMANDS, "keys new", "keys show", "bundles list", "bundles show", "bundles add", *PLUGIN)
    )
    for option in set(re.findall(r"`(--[a-z][a-z-]+)", page)):
        assert re.search(rf"(?<![\w-]){option}(?![\w-])", helps), option


def test_version(vcg: Vcg) -> None:
    assert vcg("--version").out == f"vcg {vcg_bridge.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "says", "hint"),
    [
        (["generat"], "no such command 'generat'", "vcg --help"),
        (["generate"], "missing option '--out'", "vcg generate --help"),
        (["generate", "--sed", "7"], "no such option: --sed", "vcg generate --help"),
        (["generate", "--out", "x", "--seed", "seven"], "--seed", "vcg generate --help"),
        (["generate", "--out", "x", "--seed", "-1"], "seed must be from 0", ""),
        (["generate", "--out", "x", "--scale", "0"], "--scale", "vcg generate --help"),
        (["generate", "--out", "x", "--layout", "round"], "round", "vcg generate --help"),
        (["generate", "--out", "x", "--novelty", "2"], "novelty must be from 0 to 1", ""),
        (["generate", "--out", "x", "--item", "hair"], "--item 'hair' is not of the form", "--item hair"),
        (["generate", "--out", "x", "--item", "hair=a", "--no", "hair"], "contradict each other", ""),
        (["generate", "--out", "x", "--control", "hair/length"], "--control 'hair/length' is not of the form", ""),
        (["generate", "--out", "x", "--control", "hair/length=2"], "'2' is not a number from -1 to 1", "hair/length=0.5"),
        (["generate", "--out", "x", "--recipe", "r", "--control", "hair/length=1"], "--control cannot change it", "--from"),
        (["generate", "--out", "x", "--outline", "reddish"], "--outline 'reddish' is not a colour", "six hex digits"),
        (["generate", "--out", "x", "--padding", "4"], "are for packed sheets", "--layout packed"),
        (["generate", "--out", "x", "--name", "../x"], "cannot be a file name", "letters"),
        (["generate", "--out", "x", "--reroll", "hair"], "need a character to start from", "--from"),
        (["generate", "--out", "x", "--from", "r", "--reroll", "hair", "--lock", "body"], "either --reroll or --lock", ""),
        (["generate", "--out", "x", "--recipe", "r", "--seed", "1"], "--seed cannot change it", "--from"),
        (["generate", "--out", "x", "--animations", ","], "names nothing", "walk,idle"),
        (["generate", "--out", "x", "--bundle", "tinny"], "no bundle named 'tinny'", '"tiny"'),
        (["generate", "--out", "x", "--token-file", "nowhere"], "nowhere: cannot be read", ""),
        (["generate", "--out", "x", "--certificate", "x.pem"], "--certificate belongs to a server that is named", "tls://"),
        (["generate", "--out", "x", "--server", "tls://a:1", "--certificate", "x.pem"], "x.pem cannot be read", "PEM"),
        (["generate", "--out", "x", "--server", "tcp://a:1", "--certificate", "x.pem"], "tcp://a:1 is not TLS", "tls://"),
        (["bench", "--load", "--server", "tls://a:1", "--certificate", "x.pem"], "x.pem cannot be read", "PEM"),
        (["bench", "--server", "tcp://a:1"], "belong to --load and --soak", "servers of its own"),
        (["batch", "nowhere.jsonl", "--out", "x"], "nowhere.jsonl: cannot be read", "JSON"),
        (["serve", "--bind", "127.0.0.1:7421"], "is no address", "tcp://"),
        (["serve", "--bind", "tcp://0.0.0.0:0"], "can be reached from other machines", "token"),
        (["serve", "--bundle", "tinny"], "no bundle named 'tinny'", '"tiny"'),
        (["serve", "--device", "gpu"], "gpu", "vcg serve --help"),
        (["bundles", "show", "tinny"], "no bundle named 'tinny'", '"tiny"'),
        (["bundles", "show", "tiny", "hiar"], "'hiar'", '"hair"'),
        (["bundles", "add", "nowhere"], "nowhere", ""),
        (["bundles", "frobnicate"], "frobnicate", "vcg bundles --help"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_and_a_hint(
    vcg: Vcg, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], says: str, hint: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = vcg(*arguments)
    assert done.code == 2
    assert says in done.error
    assert hint in done.hint
    assert list(tmp_path.iterdir()) == []


def test_debug_shows_the_traceback(vcg: Vcg) -> None:
    done = vcg("bundles", "show", "tinny", "--debug")
    assert done.code == 2
    assert "Traceback" in done.err
    assert "error: there is no bundle named 'tinny'" in done.err


def test_a_fault_of_ours_is_one_line_too(vcg: Vcg, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr(bundles_module, "_facts", broken)
    done = vcg("bundles", "show", "tiny")
    assert done.code == 1
    assert done.error == "ZeroDivisionError: oh"
    assert "--debug" in done.hint


def test_reader_that_has_seen_enough() -> None:
    process = start_vcg("bundles", "show", "tiny", "--json")
    assert process.stdout is not None
    process.stdout.read(1)
    process.stdout.close()
    assert process.stderr is not None
    assert "Traceback" not in process.stderr.read()
    process.wait(30)

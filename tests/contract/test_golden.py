"""tests/golden is current, and this reader agrees with it byte for byte. The plugins' tests read the same files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scripts.make_golden import GOLDEN, SAMPLES, frames_of
from vcg_bridge.contract import blobs, codec
from vcg_bridge.contract import messages as m
from vcg_bridge.contract.errors import ProtocolError

NAMES = sorted(path.stem for path in GOLDEN.glob("*.bin"))
HOSTILE = json.loads((GOLDEN / "hostile.json").read_text(encoding="utf-8"))


def test_golden_files_are_current() -> None:
    script = Path(__file__).parents[2] / "scripts" / "make_golden.py"
    done = subprocess.run([sys.executable, str(script), "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_message_has_a_golden_file() -> None:
    kinds = {type(sample.message) for sample in SAMPLES.values()}
    assert kinds == {*m.REQUESTS.values(), *m.REPLIES.values()}


def plain(value: Any) -> Any:
    """The JSON form back as wire values."""
    if isinstance(value, dict):
        return bytes.fromhex(value["$bin"]) if set(value) == {"$bin"} else {k: plain(x) for k, x in value.items()}
    return [plain(x) for x in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", NAMES)
def test_bytes_json_and_message_agree(name: str) -> None:
    frames = frames_of((GOLDEN / f"{name}.bin").read_bytes())
    page = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
    table, encoded = codec.unpack(frames)
    assert table == plain(page["map"])
    assert [x.hex() for x in encoded] == page["blobs"]
    assert codec.pack(table, encoded) == frames
    if name == "values":
        return
    message = SAMPLES[name].message
    if isinstance(message, m.Bye) or type(message) in m.REPLIES.values():
        assert m.decode_reply(frames) == (message, encoded)
    else:
        assert m.decode_request(frames) == message
    assert m.encode(message, encoded) == frames
    if isinstance(message, m.Chunk):
        decoded = blobs.decode_blob(message.codec, encoded[0], message.raw_length, message.sha256)
        assert decoded == SAMPLES[name].blob
        assert page.get("decoded", page["blobs"]) == [decoded.hex()]


@pytest.mark.parametrize("row", HOSTILE, ids=[row["why"] for row in HOSTILE])
def test_hostile_bytes_are_refused(row: dict[str, str]) -> None:
    data = bytes.fromhex(row["hex"])
    with pytest.raises(ProtocolError):
        codec.unpack_map(data)
    with pytest.raises(ProtocolError):
        m.decode_request([data])
    with pytest.raises(ProtocolError):
        m.decode_reply([data])

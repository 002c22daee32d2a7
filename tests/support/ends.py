"""A server and a client as processes of their own, for tests that put them on two machines: `python -m tests.support.ends server|client JSON`.

The server prints its address, and for each line that it reads what it holds. The client prints a line for each picture it takes.
Both end when their input closes.
"""

from __future__ import annotations

import hashlib
import json
import logging
import sys
import threading
import time
from typing import Any

from vcg_bridge.contract.errors import VcgError
from vcg_bridge.contract.messages import Design, Limits


def serve(settings: dict[str, Any]) -> None:
    """settings: fields of ServerConfig."""
    from vcg_bridge.server.config import ServerConfig  # here: a client starts sooner without
    from vcg_bridge.server.server import Server

    logging.basicConfig(level="INFO", stream=sys.stderr)
    settings["limits"] = Limits(**settings["limits"])
    server = Server(ServerConfig(**{**settings, "bundles": tuple(settings["bundles"])}))
    thread = threading.Thread(target=server.run)
    thread.start()
    print(server.address, flush=True)
    for _ in sys.stdin:
        held = {
            "unfinished": server.unfinished, "held_bytes": server.held_bytes, "clients": server._service.clients,
            "connections": len(server._departures.open), "sessions": server._service._sessions._counter,
        }  # fmt: skip
        print(json.dumps(held), flush=True)
    server.stop()
    server.stop()
    thread.join()


def ask(settings: dict[str, Any]) -> None:
    """settings: `options` of Client.connect, `curve` keys, `count` of characters, `pause_s` after each picture."""
    from vcg_bridge.client import Client
    from vcg_bridge.client.options import CurveKeys

    try:
        with Client.connect(**settings["options"], curve=CurveKeys(*settings["curve"])) as client:
            job = client.generate(
                design=Design(seed=50), count=settings["count"], animations=("idle", "walk"), priority="batch"
            )
            for picture in job:
                print(picture.chunk.seq, hashlib.sha256(picture.data).hexdigest(), flush=True)
                time.sleep(settings["pause_s"])
            print("done", flush=True)
    except VcgError as error:
        print(error.code, error.message, flush=True)


if __name__ == "__main__":
    {"server": serve, "client": ask}[sys.argv[1]](json.loads(sys.argv[2]))

"""`python -m vcg_bridge.server`: the bare server, for scripts and tests. People use `vcg serve`."""

from __future__ import annotations

import argparse
import logging
import os
import sys

from vcg_bridge.contract import vocabulary as v
from vcg_bridge.contract.errors import VcgError
from vcg_bridge.server.config import ServerConfig
from vcg_bridge.server.run import serve


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0: stopped as told. 2: could not start; one line says why."""
    parser = argparse.ArgumentParser("python -m vcg_bridge.server", description=__doc__)
    parser.add_argument("--address", default=v.DEFAULT_ADDRESS, help="tcp://HOST:PORT; port 0: any free one")
    parser.add_argument("--bundle", action="append", default=[], help="name or folder; may be repeated")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument(
        "--grace", type=float, default=ServerConfig.grace_s, help="seconds for running jobs after SIGTERM"
    )
    parser.add_argument("--log", default="info", choices=("debug", "info", "warning", "error"))
    options = parser.parse_args(arguments)
    logging.basicConfig(level=options.log.upper(), stream=sys.stderr, format="%(asctime)s %(levelname)-7s %(message)s")
    config = ServerConfig(
        address=options.address,
        bundles=tuple(options.bundle) or ("",),
        device=options.device,
        threads=options.threads,
        token=os.environ.get("VCG_TOKEN", ""),
        grace_s=options.grace,
    )
    try:
        serve(config, ready=lambda server: print(server.address, flush=True))
    except VcgError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

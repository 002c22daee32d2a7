"""The training kit: art packs, networks, training, evaluation, export. Run from a checkout: `python -m training --help`."""

import os

os.environ.setdefault(
    "ORT_DISABLE_TELEMETRY", "1"
)  # as in vcg_bridge: some modules import ONNX Runtime before anything of that

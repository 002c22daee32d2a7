"""VCG Bridge: a click becomes a complete, animated game character."""

import os

# ONNX Runtime 1.29 and newer tells Microsoft of every session, on Linux and macOS too, unless this is set before it is imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__version__ = "0.1.0"

"""`python -m training export`: a run becomes a bundle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from training.errors import TrainingError
from training.layers.export import export_bundle
from training.packs.neutral import load_pack
from training.run import open_run
from vcg_bridge.contract.errors import VcgError

console = Console()


def export(
    run: Annotated[Path, typer.Argument(help="A run folder that `train` made.")],
    out: Annotated[
        Path, typer.Option(help="Folder of the bundle; an older bundle there is replaced when the new one is whole.")
    ],
    pack: Annotated[Path | None, typer.Option(help="The pack, if it has moved since training.")] = None,
    version: Annotated[str, typer.Option(help="Version of the bundle, for users to tell one from another.")] = "1.0.0",
    evaluation: Annotated[
        Path | None, typer.Option(help="evaluation.json that `evaluate` wrote of this bundle, for the model card.")
    ] = None,
    unfinished: Annotated[
        bool, typer.Option("--unfinished", help="Export a run that is still training, as it stands.")
    ] = False,
) -> None:
    """Write ONNX files, manifest, credits and model card; check that ONNX Runtime draws what torch draws, on every layer."""
    try:
        _, pack_dir = open_run(run, pack)
        measured = _read(evaluation) if evaluation else None
        manifest = export_bundle(
            run, load_pack(pack_dir), out, version, allow_unfinished=unfinished, evaluation=measured
        )
    except VcgError as error:
        console.print(f"[red]error:[/] {error}", highlight=False)
        raise typer.Exit(2) from None
    found: Any = manifest.training["reconstruction"]
    size = sum(path.stat().st_size for path in out.glob("*.onnx"))
    console.print(
        f"{out}: {manifest.name} {manifest.version}, {len(manifest.networks)} networks, {size / 1e6:.1f} MB; redraws the pack with "
        f"{found['exact_slots']:.2%} exact slots, alpha {found['alpha']:.3%}"
    )


def _read(file: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        found["subject"]["sha256"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TrainingError(
            f"{file} is no evaluation: {error!r}", hint="`python -m training evaluate BUNDLE --pack PACK` writes one"
        ) from None
    return found

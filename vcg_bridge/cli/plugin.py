"""`vcg plugin`: the Godot addon and the Unity package, into a project."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from vcg_bridge.cli import plugin_files, project_files, report
from vcg_bridge.contract.errors import BadRequest, VcgError, near

plugins = typer.Typer(help="The Godot addon and the Unity package: put one into a project.", no_args_is_help=True)

GODOT_PLUGIN = "res://addons/vcg_bridge/plugin.cfg"
UNITY_PACKAGE = "com.vcg.bridge"
NEEDS = {"godot": (4, 4), "unity": (2021, 3)}


@plugins.command()
def install(
    godot: Annotated[
        Path | None,
        typer.Option("--godot", metavar="PROJECT", help="A Godot project: its folder, or its project.godot."),
    ] = None,
    unity: Annotated[
        Path | None, typer.Option("--unity", metavar="PROJECT", help="A Unity project: the folder with Assets in it.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the plugin there, also if it is newer or was edited.")
    ] = False,
) -> None:
    """Copy a plugin into a project and enable it. An older one is replaced; one that was edited is left alone."""
    wanted = {"godot": godot, "unity": unity}
    places = {engine: place for engine, place in wanted.items() if place is not None}
    if not places:
        raise BadRequest("which project?", hint="vcg plugin install --godot PROJECT, or --unity PROJECT")
    projects = {engine: project_files.open_project(engine, place) for engine, place in places.items()}
    for engine, project in projects.items():
        _install(engine, project, force)


def _install(engine: str, project: project_files.Project, force: bool) -> None:
    source = plugin_files.plugin(engine)
    target = project.folder / source.place
    needs = ".".join(map(str, NEEDS[engine]))
    if project.older_than(*NEEDS[engine]):
        report.show_warning(
            f"{project.folder} was last saved by {engine.title()} {project.version}; the plugin needs {needs}"
        )
    done = plugin_files.install(source, target, force=force)
    report.out.print(f"{target}: {done} ({len(plugin_files.hashes(source.folder))} files)", markup=False)
    if engine == "godot":
        now = project_files.enable_in_godot(project, GODOT_PLUGIN)
        report.out.print(
            f"{project.folder / 'project.godot'}: {'enabled' if now else 'was enabled already'}", markup=False
        )
        report.out.print("If the project is open, reload it: Project > Reload Current Project.", markup=False)
        return
    other = project_files.other_source_in_unity(project, UNITY_PACKAGE)
    if other:
        report.show_warning(
            f"Packages/manifest.json names {UNITY_PACKAGE} too ({other}); Unity uses the copy in Packages"
        )
    report.out.print("Unity finds it when its window gets the focus: Window > VCG Bridge.", markup=False)


@plugins.command("list")
def list_(as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON, for programs.")] = False) -> None:
    """List the plugins that came with this VCG Bridge."""
    rows = []
    for engine in plugin_files.ENGINES:
        try:
            found = plugin_files.plugin(engine)
        except VcgError as error:
            rows.append({"engine": engine, "version": None, "folder": None, "problem": error.message})
            continue
        rows.append({"engine": engine, "version": found.version, "folder": str(found.folder), "problem": None})
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    cells = [
        (
            x["engine"],
            x["version"] or "-",
            ".".join(map(str, NEEDS[str(x["engine"])])),
            x["folder"] or f"BROKEN: {x['problem']}",
        )
        for x in rows
    ]
    report.table("", ("engine", "plugin", "needs at least", "where"), cells)


@plugins.command()
def path(engine: Annotated[str, typer.Argument(help="godot or unity.")]) -> None:
    """Print the folder of a plugin, for copying it by hand or by script."""
    if engine not in plugin_files.ENGINES:
        raise BadRequest(
            f"there is no plugin for {engine!r}", hint=near(engine, plugin_files.ENGINES) or "godot or unity"
        )
    print(plugin_files.plugin(engine).folder)

"""`vcg`: the list of commands, and the one place where errors become exit codes.

What a command needs beyond typer and the contract is imported when it runs, so that `vcg --help` answers at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

import vcg_bridge
from vcg_bridge.cli import report
from vcg_bridge.cli.batch import batch
from vcg_bridge.cli.bench import bench
from vcg_bridge.cli.bundles import bundles
from vcg_bridge.cli.doctor import doctor
from vcg_bridge.cli.generate import generate
from vcg_bridge.cli.keys import keys
from vcg_bridge.cli.plugin import plugins
from vcg_bridge.cli.serve import serve
from vcg_bridge.contract.errors import VcgError

app = typer.Typer(
    name="vcg",
    help="Complete, animated 2D game characters, drawn on your own machine.\n\n"
    "Start with:  vcg generate --archetype guard --seed 7 --out my-npc",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(
    epilog="A guard:  vcg generate --archetype guard --seed 7 --out npcs\n\n"
    "The same with other hair:  vcg generate --from npcs/guard-7.vcg.json --reroll hair --out npcs\n\n"
    "What there is:  vcg bundles show"
)(generate)
app.command(epilog="What a line may hold is in docs/cli.md; the words are those of `vcg generate`.")(batch)
app.command(context_settings={"auto_envvar_prefix": "VCG_SERVE"})(serve)
app.add_typer(bundles, name="bundles")
app.add_typer(keys, name="keys")
app.add_typer(plugins, name="plugin")
app.command()(doctor)
app.command()(bench)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"vcg {vcg_bridge.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the whole traceback of an error.")] = False,
) -> None:
    pass  # both are handled elsewhere: --version above, --debug in `run`, which must know it before anything fails


def run(arguments: Sequence[str]) -> int:
    """Run one `vcg` command line. Returns the exit code: 0 done, 1 a fault of ours, 2 a user's mistake, 130 Ctrl+C."""
    debug = "--debug" in arguments or bool(os.environ.get("VCG_DEBUG"))
    words = [word for word in arguments if word != "--debug"]
    try:
        result = app(words, prog_name="vcg", standalone_mode=False)
    except VcgError as error:
        return report.show_error(error, debug=debug)
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        return report.show_usage_error(error.format_message(), context.command_path if context else "vcg")
    except typer.Abort:
        return 130
    except BrokenPipeError:
        # `vcg bundles list | head`: the reader has seen enough. Keep Python from complaining at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # the last line of defence: a traceback helps nobody who did not ask for it
        return report.show_error(error, debug=debug)
    return result if isinstance(result, int) else 0


def main() -> None:
    """The console script."""
    sys.exit(run(sys.argv[1:]))

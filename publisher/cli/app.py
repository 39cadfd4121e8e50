"""The command line: which commands there are, and how an error becomes a message and an exit code.

Every command's module imports the rooms that it needs inside its function, and what only one path needs is imported
there: `hubpub --help` waits for none of it.
"""

from __future__ import annotations

import contextlib
import copy
import gc
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, cast

import typer

from publisher.cli.commands import (
    card,
    check,
    ci,
    dataset,
    doctor,
    evaluate,
    hub_serve,
    init,
    plan,
    promote,
    pull,
    release,
    rollback,
    schema,
    status,
    steps,
    templates,
    train,
    verify,
    weights,
)
from publisher.cli.exits import NO_ROOM
from publisher.cli.output import clean, report_error
from publisher.errors import Exit, HubpubError

DAILY, AFTER, STEPS, MACHINE = "Daily", "After a release", "Single steps", "Machine"

# typer brings its own click; the class of all its usage errors is reached through the one that it exports
UsageError = cast("type[typer.BadParameter]", typer.BadParameter.__mro__[1])
TYPERS_INTERRUPT = 130  # what newer typers return after Ctrl-C; older ones raise Abort

app = typer.Typer(
    name="hubpub",
    help="Release fine-tuned models to the Hugging Face Hub: one manifest, one command, a proven release.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib import metadata

        sys.stdout.write(f"hubpub {metadata.version('hubpub')}\n")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


app.command("init", rich_help_panel=DAILY)(init.init)
app.command("check", rich_help_panel=DAILY)(check.check)
app.command("card", rich_help_panel=DAILY)(card.card)
app.command("plan", rich_help_panel=DAILY)(plan.plan)
app.command("release", rich_help_panel=DAILY)(release.release)
app.command("status", rich_help_panel=DAILY)(status.status)
app.command("promote", rich_help_panel=AFTER)(promote.promote)
app.command("verify", rich_help_panel=AFTER)(verify.verify)
app.command("pull", rich_help_panel=AFTER)(pull.pull)
app.command("rollback", rich_help_panel=AFTER)(rollback.rollback)
dataset_app = typer.Typer(help="The training data.", no_args_is_help=True)
dataset_app.command("build")(dataset.build)
app.add_typer(dataset_app, name="dataset", rich_help_panel=STEPS)
app.command("train", rich_help_panel=STEPS)(train.train)
app.command("merge", rich_help_panel=STEPS)(weights.merge)
app.command("quantize", rich_help_panel=STEPS)(weights.quantize)
app.command("validate", rich_help_panel=STEPS)(steps.validate)
app.command("evaluate", rich_help_panel=STEPS)(evaluate.evaluate)
app.command("doctor", rich_help_panel=MACHINE)(doctor.doctor)
app.command("schema", rich_help_panel=MACHINE)(schema.schema)
hub_app = typer.Typer(help="The embedded Hub, for rehearsals and tests.", no_args_is_help=True)
hub_app.command("serve")(hub_serve.serve)
app.add_typer(hub_app, name="hub", rich_help_panel=MACHINE)
templates_app = typer.Typer(help="The built-in templates.", no_args_is_help=True)
templates_app.command("list")(templates.list_names)
templates_app.command("show")(templates.show)
templates_app.command("eject")(templates.eject)
app.add_typer(templates_app, name="templates", rich_help_panel=MACHINE)
ci_app = typer.Typer(help="Releases from CI, on a tag.", no_args_is_help=True)
ci_app.command("init")(ci.init)
ci_app.command("packages")(ci.packages)
app.add_typer(ci_app, name="ci", rich_help_panel=MACHINE)


def main() -> None:
    """Run, and end with a documented exit code whatever happens."""
    code = _run()
    gc.freeze()  # an ending process looks for garbage several times over, among all that was imported
    sys.exit(code)


def _run() -> int:
    try:
        code = _run_command(sys.argv[1:])
        sys.stdout.flush()  # here a full disk or a reader that has gone can still be told of
        return _interrupted() if code == TYPERS_INTERRUPT else code
    except HubpubError as error:
        report_error(error)
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted()
    except UsageError as error:
        return _misused(error)
    except BrokenPipeError:
        sys.stderr.close()  # whoever read our output has gone; there is nobody to tell
        return Exit.DONE
    except OSError as error:
        return _no_room(error) if error.errno in NO_ROOM else _report_bug()
    except Exception:  # noqa: BLE001 — the last door: a bug of ours becomes a file to attach, not a traceback
        return _report_bug()


def _run_command(arguments: Sequence[str]) -> int:
    """Run the command that was typed; returns its exit code."""
    if arguments[:1] == ["check"] and arguments[1:] and not any(each.startswith("-") for each in arguments):
        # Texts stay texts: typer would load pydantic for that, which takes as long as a card.
        try:
            check.check(list(arguments[1:]))
        except typer.Exit as ended:
            return ended.exit_code
        return Exit.DONE
    # standalone mode would turn an interruption into exit code 1 and keep us from saying how to go on
    return int(_asked_for(arguments)(standalone_mode=False) or Exit.DONE)


def _asked_for(arguments: Sequence[str]) -> typer.Typer:
    """The command line with the one command that is run: to set all of them up takes longer than many of them do."""
    named = [command for command in app.registered_commands if arguments[:1] == [command.name]]
    if not named:
        return app
    alone = copy.copy(app)
    alone.registered_commands, alone.registered_groups = named, []
    return alone


def _misused(error: typer.BadParameter) -> Exit:
    """A usage error in our own form. A group that is asked for nothing shows its help."""
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()
    else:
        path = error.ctx.command_path if error.ctx else "hubpub"
        what = " ".join(error.format_message().split()).rstrip(".")
        report_error(HubpubError("HP-M09", what, hint=f"{path} --help"))
    return Exit.USAGE


def _interrupted() -> Exit:
    again = " ".join(["hubpub", *sys.argv[1:]])
    report_error(HubpubError("HP-I01", "interrupted; what was done is kept", hint=f"go on with: {again}"))
    return Exit.INTERRUPTED


def _no_room(error: OSError) -> Exit:
    """A full disk is no bug of ours, and whatever was being written is written aside first."""
    import shutil
    import tempfile

    # A write that fails does not say which file it was for, so the disks that are written to are told of.
    places = {"here": Path.cwd(), f"in {tempfile.gettempdir()}": Path(tempfile.gettempdir())}
    free = ", ".join(f"{shutil.disk_usage(p).free / 1e6:.1f} MB {name}" for name, p in places.items())
    again = " ".join(["hubpub", *sys.argv[1:]])
    problem = HubpubError(
        "HP-X01",
        f"no room left to write: {error.strerror}; free are {free}",
        where=str(error.filename) if error.filename else None,
        hint=f"what was done is kept; make room, then go on with: {again}",
    )
    with contextlib.suppress(OSError):  # where even this cannot be written, the exit code says it
        report_error(problem)
    return problem.exit_code


def _report_bug() -> Exit:
    import traceback
    from importlib import metadata

    file = Path("hubpub-bug.txt").resolve()
    words = [f"hubpub {metadata.version('hubpub')}, Python {sys.version}", f"command: {sys.argv[1:]}"]
    file.write_text(clean("\n".join([*words, traceback.format_exc()])), encoding="utf-8")
    last = traceback.format_exc().strip().splitlines()[-1]
    report_error(
        HubpubError("HP-Z01", f"a bug of ours: {last}", where=str(file), hint="attach that file to a report")
    )
    return Exit.BUG

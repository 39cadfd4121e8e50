"""What stopped a command has one code: in the stage's line, in the event, and where the command ends."""

from __future__ import annotations

import errno
import json

import pytest
import typer

from publisher.cli.exits import code_of
from publisher.cli.output import Format, Output
from publisher.cli.progress import Progress
from publisher.errors import CATALOGUE, HubpubError


def stop(output: Output, error: BaseException) -> None:
    """A training begins, and this ends it."""
    with Progress(output, "demo") as progress:
        progress.began("train")
        raise error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (HubpubError("HP-A01", "no", hint="look"), "HP-A01"),
        (KeyboardInterrupt(), "HP-I01"),
        (typer.Abort(), "HP-I01"),
        (OSError(errno.ENOSPC, "no space left"), "HP-X01"),
        (OSError(errno.EACCES, "not allowed"), "HP-Z01"),
        (ZeroDivisionError(), "HP-Z01"),
    ],
)
def test_whatever_stops_a_stage_has_its_code_for_people_and_for_programs(
    error: BaseException, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A disk that is full is no bug of ours, and Ctrl-C at a question is an interruption."""
    for form in Format:
        with pytest.raises(type(error)):
            stop(Output(form), error)
    people, programs = [line for line in capsys.readouterr().err.splitlines() if '"started"' not in line]
    event = json.loads(programs)

    assert code == code_of(error)
    assert ["✗", "train", "stopped:", code] == people.split()[:4]
    assert ("failed", "train", [code]) == (
        event["event"],
        event["stage"],
        [e["code"] for e in event["errors"]],
    )
    assert CATALOGUE[code].exit == event["exit_code"]

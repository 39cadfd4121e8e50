"""The CI workflow that releases on a tag: the template, filled in for one project, and where it is written."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from publisher.card.templates import Templates
from publisher.errors import HubpubError
from publisher.manifest.lock import write_whole
from publisher.manifest.project import Project
from publisher.pipeline.workflow import repository_root
from publisher.records.receipts import ProofLevel

Provider = Literal["github"]
State = Literal["new", "same", "other"]

TEMPLATE = "ci/github.yml.j2"
FILE = Path(".github", "workflows", "hubpub.yml")
PYTHON = "3.12"
# By commit: a tag can be moved to other code, and what runs beside a release could publish in its place.
CHECKOUT = "de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2"
SETUP_PYTHON = "a309ff8b426b58ec0e2a45f0f869d46889d02405 # v6.2.0"


@dataclass(frozen=True)
class CiWorkflow:
    """A workflow as it should stand in a repository.

    Attributes:
        root: the repository's folder, in which providers look for workflows.
        text: the whole file.
        state: of what stands there: nothing, the very same, or another text.
    """

    root: Path
    text: str
    state: State

    @property
    def file(self) -> Path:
        """Where it is written."""
        return self.root / FILE


def compose(project: Project, *, environment: str, proof: ProofLevel) -> CiWorkflow:
    """Fill in the template, the project's own where it has one, and look at what stands in its place.

    Args:
        project: what is released.
        environment: the protected environment that the releasing job runs in.
        proof: how far it proves; less than `load` needs no torch.

    Raises:
        HubpubError: HP-C02, the template has an error.
    """
    root = repository_root(project.root)
    folder = project.root.relative_to(root).as_posix()
    text = _filled(
        project,
        environment=environment,
        proof=proof,
        extra="" if proof == "static" else "[models]",
        folder="" if folder == "." else json.dumps(folder),
        version=metadata.version("hubpub"),
        python=PYTHON,
        checkout=CHECKOUT,
        setup_python=SETUP_PYTHON,
    )
    return CiWorkflow(root, text, _state(root / FILE, text))


def write(workflow: CiWorkflow, *, over: bool) -> None:
    """Write the file; one that is right already stays untouched.

    Raises:
        HubpubError: HP-M09 where another text stands there and `over` was not said.
    """
    if workflow.state == "other" and not over:
        raise HubpubError(
            "HP-M09",
            f"{FILE.as_posix()} is there already, and is not what would be written",
            where=str(workflow.file),
            hint="hubpub ci init --yes writes over it; git diff then shows what changed",
        )
    if workflow.state != "same":
        write_whole(workflow.file, workflow.text)


def _filled(project: Project, **words: str) -> str:
    """The template with its words. `{{` and `{%` are the provider's own, so ours are `[[` and `[%`."""
    template = Templates.of(project.root).find(TEMPLATE)
    if template is None:
        raise HubpubError("HP-C02", f"there is no template {TEMPLATE}", hint="install hubpub again")
    environment = ImmutableSandboxedEnvironment(
        block_start_string="[%",
        block_end_string="%]",
        variable_start_string="[[",
        variable_end_string="]]",
        comment_start_string="[#",
        comment_end_string="#]",
        trim_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    try:
        return environment.from_string(template.text).render(words)
    except jinja2.TemplateError as fault:
        line = f":{fault.lineno}" if isinstance(fault, jinja2.TemplateSyntaxError) else ""
        raise HubpubError(
            "HP-C02",
            f"{TEMPLATE}: {fault.message}",
            where=f"{template.path}{line}",
            hint=f"hubpub templates show {TEMPLATE}, to compare it with the built-in one",
        ) from fault


def _state(file: Path, text: str) -> State:
    try:
        there = file.read_bytes()
    except FileNotFoundError:
        return "new"
    return "same" if there == text.encode() else "other"

"""Facts and prose → the text of a card. Pure: the same input gives the same bytes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Any, NoReturn

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from publisher.card.compiled import Compiled, users_cache
from publisher.card.formats import FormatError
from publisher.card.markdown import tidy
from publisher.card.marks import MARK, BrokenMarksError, Marks
from publisher.card.metadata import front_matter, front_matter_text
from publisher.card.needs import applies, missing
from publisher.card.templates import Template, Templates, built_in_folder
from publisher.card.trace import Rendered, trace
from publisher.card.view import CardInput
from publisher.card.vocabulary import MissingFactError, Vocabulary, change_rows, log_rows
from publisher.errors import HubpubError
from publisher.records.artifacts import KINDS
from publisher.records.facts import Fact, Facts

# What a template can raise by what it says; all else is a bug of ours and keeps its traceback.
TEMPLATE_FAULTS = (
    jinja2.TemplateError,
    MissingFactError,
    FormatError,
    BrokenMarksError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)

MAX_BYTES = 10 * 1024 * 1024  # a push with a larger README.md is rejected: cards are never large files

COMPILED = Compiled(users_cache(), built_in_folder())

# What templates call by name.
WORDS = (
    "fact", "has", "known", "under", "prose", "more_prose", "link", "check", "model_tree", "variants",
    "evaluated", "evaluated_here", "unmeasured",
    "benchmark_table", "benchmarked_here", "benchmark_tasks", "benchmark_files",
)  # fmt: skip


def render(card: CardInput, templates: Templates) -> Rendered:
    """Write one card.

    Returns:
        The text, front matter included, and where each of its numbers comes from.

    Raises:
        HubpubError: HP-C01, a template or a prose file asks for a fact that no stage measured; HP-C02, a template
            has an error. Both name the file and the line.
    """
    _refuse_private_characters(card)
    marks = Marks()
    room = _Room(card, templates, marks)
    name = "dataset_card.md" if card.kind == "dataset" else "model_card.md"
    try:
        body = tidy(room.render(name))
        matter = front_matter_text(front_matter(card, lambda fact: marks.wrap(fact, repr(fact.value))))
        text, marked = marks.strip(f"{matter}\n{body}")
    except TEMPLATE_FAULTS as fault:
        room.blame(fault, name)
    _refuse_too_large(text, card)
    return trace(text, marked, card)


def render_section(name: str, card: CardInput, templates: Templates) -> str:
    """Write one section alone, for a README that is not rendered anew.

    Raises:
        HubpubError: as `render` says.
    """
    marks = Marks()
    room = _Room(card, templates, marks)
    try:
        return marks.strip(tidy(room.render(f"partials/{name}.md")))[0]
    except TEMPLATE_FAULTS as fault:
        room.blame(fault, f"partials/{name}.md")


class _Room:
    """One Jinja environment with its templates, for one card."""

    def __init__(self, card: CardInput, templates: Templates, marks: Marks) -> None:
        self._card = card
        self._templates = templates
        self._read: dict[str, Template] = {}  # by file name, to find the line of a fault
        self._words = Vocabulary(card, marks)
        self._environment = ImmutableSandboxedEnvironment(
            loader=jinja2.FunctionLoader(self._load),
            undefined=jinja2.StrictUndefined,
            autoescape=False,  # Markdown, not HTML: filters escape what comes from files
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            finalize=self._words.finalize,
            bytecode_cache=COMPILED,
        )
        self._environment.filters |= {
            **self._words.filters(),
            "log_rows": log_rows,
            "change_rows": change_rows,
        }
        self._environment.globals = {
            **{name: getattr(self._words, name) for name in WORDS},
            "section": self._section,
            "card": _Shown(card),
        }

    def render(self, name: str) -> str:
        """Render a template with nothing but the globals."""
        return self._environment.get_template(f"{name}.j2").render()

    def _section(self, name: str) -> str:
        """Render a partial; one that has nothing to speak of in this release is empty."""
        template = self._templates.find(f"partials/{name}.md.j2")
        if template is None:
            raise jinja2.TemplateNotFound(f"partials/{name}.md.j2")
        if not applies(template, self._card):
            return ""
        return f"\n{self.render(f'partials/{name}.md').strip()}\n"

    def _load(self, name: str) -> tuple[str, str, Callable[[], bool]] | None:
        template = self._templates.find(name)
        if template is None:
            return None
        self._read[template.path] = template
        return template.text, template.path, lambda: True

    def blame(self, fault: BaseException, name: str) -> NoReturn:
        """Turn a fault into an error that names the template and the line; raise any other as it is."""
        place = self._place(fault)
        if place is None:
            template = self._templates.find(f"{name}.j2")
            if isinstance(fault, jinja2.TemplateNotFound):
                place = (template.name, template.path, 1) if template else (f"{name}.j2", f"{name}.j2", 1)
            elif isinstance(fault, BrokenMarksError) and template:
                place = (template.name, template.path, 1)
            else:
                raise fault
        template_name, path, line = place
        if isinstance(fault, MissingFactError):
            where = f"{path}:{line}"
            raise missing(fault.fact_id, self._card, where=where, template=template_name) from fault
        raise HubpubError(
            "HP-C02",
            f"{template_name} cannot be rendered: {_words_of(fault)}",
            where=f"{path}:{line}",
            hint=f"mend that line, or see the built-in one: hubpub templates show {template_name}",
            template=template_name,
            line=line,
            artifact=self._card.kind,
        ) from fault

    def _place(self, fault: BaseException) -> tuple[str, str, int] | None:
        """The innermost template line that a fault passed through."""
        if isinstance(fault, jinja2.TemplateSyntaxError) and fault.filename in self._read:
            return self._read[fault.filename].name, fault.filename, fault.lineno
        place = None
        for file_name, line in _frames(fault.__traceback__):
            if file_name in self._read:
                place = (self._read[file_name].name, file_name, line)
        return place


class _Shown:
    """The card's names, for templates; facts and prose only go through their own functions."""

    def __init__(self, card: CardInput) -> None:
        self.kind = card.kind
        self.form = card.form
        self.engines = card.engines
        self.repo_type = card.repo_type
        self.name = card.name
        self.version = card.version
        self.repo_id = card.repo_id
        self.title = card.title
        self.heading = card.heading
        self.owner = card.owner
        self.licence = card.licence
        self.licence_name = card.licence_name
        self.licence_link = card.licence_link
        self.licence_at = card.licence_at
        self.siblings = card.siblings
        # Every kind has its place, so that a template may ask for one that was not released.
        self.sibling = {kind: card.sibling(kind) for kind in KINDS}
        self.authors = card.authors
        self.citation = card.citation
        self.base_repo = card.base_repo
        self.base_revision = card.base_revision
        self.base_in_release = card.base_in_release
        self.datasets = card.datasets
        self.dataset_in_release = card.dataset_in_release
        self.smoke_prompt = card.smoke_prompt
        self.image_prompt = card.image_prompt or card.smoke_prompt
        self.images_shown = card.images_shown
        self.assets = card.assets
        self.checks = card.checks
        self.accepted = card.accepted
        self.stand_in = card.stand_in
        self.withdrawn = card.withdrawn
        self.duties = card.duties
        self.stated = card.stated_here
        self.multimodal = card.multimodal
        self.url = f"{card.hub_url}/{'datasets/' if card.kind == 'dataset' else ''}{card.repo_id}"


def _frames(traceback: TracebackType | None) -> Iterator[tuple[str, int]]:
    while traceback is not None:
        yield traceback.tb_frame.f_code.co_filename, traceback.tb_lineno
        traceback = traceback.tb_next


def _words_of(fault: BaseException) -> str:
    words = " ".join(str(fault).split()) or type(fault).__name__
    if isinstance(fault, jinja2.TemplateNotFound):
        return f"there is no template {words}"
    return words


def _refuse_too_large(text: str, card: CardInput) -> None:
    size = len(text.encode())
    if size > MAX_BYTES:
        largest = max(card.own_prose, key=lambda prose: len(prose.text), default=None)
        raise HubpubError(
            "HP-C05",
            f"the card of {card.repo_id} has {size / 1e6:.1f} MB; the Hub takes {MAX_BYTES / 1e6:.1f} MB at most",
            where=largest.path if largest else None,
            hint="shorten the prose, or put its tables into a file of the repo",
        )


def _refuse_private_characters(card: CardInput) -> None:
    for place, words in _strings(card, "card"):
        if MARK.search(words):
            raise HubpubError(
                "HP-C02",
                f"{place} holds a private-use character of plane 16, which hubpub marks facts with",
                where=place,
                hint="write it without that character",
            )


def _strings(value: Any, place: str) -> Iterator[tuple[str, str]]:
    """All strings inside a value, each with its place."""
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, Facts):
        for fact_id, fact in value.items():
            yield from _strings(fact.value, f"the fact {fact_id}")
    elif isinstance(value, Fact) or not dataclasses.is_dataclass(value):
        yield from _strings_in_container(value, place)
    else:
        for field in dataclasses.fields(value):
            name = getattr(value, "path", None) or f"{place}.{field.name}"
            yield from _strings(getattr(value, field.name), name)


def _strings_in_container(value: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _strings(key, place)
            yield from _strings(item, place)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _strings(item, place)

"""What a card is made from: frozen input, gathered by the caller. Nothing here reads a file or a clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from publisher.records.artifacts import KINDS, FileRecord, Kind
from publisher.records.facts import Fact, Facts, StatedSource
from publisher.records.forms import ENGINES, FORMS, Form

# Prose sections that the built-in templates have a place for; any other becomes a section of its own.
PLACED_PROSE = (
    "summary",
    "intended_use",
    "out_of_scope",
    "usage",
    "data",
    "training",
    "evaluation",
    "limitations",
    "ethics",
    "licence",
    "related",
    "acknowledgements",
)


ENCODER_DECODERS = frozenset(
    {
        "t5",
        "mt5",
        "umt5",
        "longt5",
        "bart",
        "mbart",
        "pegasus",
        "pegasus_x",
        "led",
        "m2m_100",
        "blenderbot",
        "whisper",
    }
)

# First parts of fact ids that a kind's card has nothing to do with.
FOREIGN_FACTS: dict[Kind, tuple[str, ...]] = {
    "base": ("model", "dataset", "train", "adapter", "merged", "nf4", "gguf", *FORMS),
    "dataset": ("model", "base", "train", "adapter", "merged", "nf4", "gguf", *FORMS, "evaluate", "lm_eval"),
}


@dataclass(frozen=True)
class Sibling:
    """Another repo of the same release."""

    kind: Kind
    repo_id: str


@dataclass(frozen=True)
class Prose:
    """What only a person can write: Markdown for one section, and the file that it came from.

    `section` is a plain name for the cards of what was trained (adapter, merged, nf4). `base.summary` or
    `dataset.limitations` speaks to that kind's card alone, and there takes the place of a plain one.
    """

    section: str
    text: str
    path: str
    pictures: tuple[FileRecord, ...] = ()  # what it shows, as it will lie beside the card


@dataclass(frozen=True)
class Author:
    """One author, as cited."""

    name: str
    url: str | None = None


@dataclass(frozen=True)
class Citation:
    """Fields of the BibTeX entry that the author gave. No year is guessed: there is no clock here."""

    title: str | None = None
    year: int | None = None
    url: str | None = None
    doi: str | None = None
    note: str | None = None


@dataclass(frozen=True)
class Accepted:
    """A finding that the author took on knowingly."""

    code: str
    reason: str


@dataclass(frozen=True)
class Duties:
    """What a base model's licence asks of those who pass it on.

    `notice` is the text of the NOTICE file, `phrases` must be seen on the card; empty where none is asked for.
    """

    title: str
    link: str = ""
    notice: str = ""
    phrases: tuple[str, ...] = ()
    restricted: bool = False  # its restrictions bind whoever gets the model


@dataclass(frozen=True)
class Access:
    """What whoever asks for a gated repo is shown and asked; `fields`: question → kind of answer, or the choices."""

    heading: str | None = None
    description: str | None = None
    prompt: str | None = None
    button: str | None = None
    fields: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    eu_disallowed: bool = False


@dataclass(frozen=True)
class Result:
    """A result on a benchmark of the Hub: its dataset and task, and the fact that is the value."""

    dataset: str
    task: str
    fact: str
    revision: str | None = None
    date: str | None = None
    notes: str | None = None


@dataclass(frozen=True)
class CardInput:
    """Everything that one card may speak of.

    Attributes:
        name: the release's name; `version`: what this release of it is called.
        kind: which artifact the card stands on; `repo_id`: its repo, owner/name.
        title: how people call the model family.
        facts: measured and stated values; the only way a number reaches the card.
        licence: id of the Hub's list; `licence_name` and `licence_link` belong to the id `other`.
        licence_at: where the licence's text is on the web; None where LICENSE lies beside the card, or nobody knows.
        base_repo: Hub id of the base model (of the card's own repo for the kind `base`).
        base_revision: commit or tag that the base is pinned to; None = its main branch.
        base_in_release: the base is a repo of this release.
        datasets: Hub ids of the training data; `dataset_in_release`: published with it.
        smoke_prompt: the prompt that the usage snippets send; `image_prompt` with so many pictures as `images_shown`.
        assets: repo paths that will exist beside the card: `assets/loss.png`, `LICENSE`, `evidence/facts.json`.
        checks: what else was checked before upload, and its outcome, in words.
        withdrawn: versions newer than this one that were rolled back, in order.
        duties: what the base's licence asks for; None where it is not one that we know.
        access: the form of a gated repo; `results`: benchmark results, of all artifacts.
        hub_url: where links to repos point.
    """

    name: str
    version: str
    kind: Kind
    repo_id: str
    title: str
    owner: str
    licence: str
    facts: Facts
    licence_name: str | None = None
    licence_link: str | None = None
    licence_at: str | None = None
    siblings: tuple[Sibling, ...] = ()
    prose: tuple[Prose, ...] = ()
    language: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    authors: tuple[Author, ...] = ()
    citation: Citation | None = None
    base_repo: str = ""
    base_revision: str | None = None
    base_in_release: bool = False
    datasets: tuple[str, ...] = ()
    dataset_in_release: bool = False
    smoke_prompt: str = ""
    image_prompt: str = ""
    images_shown: int = 1
    assets: tuple[str, ...] = ()
    checks: Mapping[str, str] = field(default_factory=dict)
    accepted: tuple[Accepted, ...] = ()
    withdrawn: tuple[str, ...] = ()
    duties: Duties | None = None
    access: Access | None = None
    results: tuple[Result, ...] = ()
    hub_url: str = "https://huggingface.co"

    @property
    def repo_type(self) -> str:
        """`dataset` or `model`."""
        return "dataset" if self.kind == "dataset" else "model"

    @property
    def form(self) -> Form | None:
        """The form that another program quantized to; None where the files were made here, or are GGUF."""
        return FORMS.get(self.kind)

    @property
    def engines(self) -> tuple[str, ...] | None:
        """What transformers needs besides itself to run that form; None where it does not read it."""
        return ENGINES.get(str(self.facts.value(f"{self.kind}.method", "")))

    @property
    def stand_in(self) -> bool:
        """Whether any fact was measured on a stand-in, so that the card must not pass for a real one."""
        return any(fact.stand_in for fact in self.facts.values())

    @property
    def stated(self) -> tuple[Fact, ...]:
        """What rests on the author's word alone, by id."""
        return tuple(fact for fact in self.facts.values() if isinstance(fact.source, StatedSource))

    @property
    def stated_here(self) -> tuple[Fact, ...]:
        """Of these, what this card is about: a dataset's card does not speak of the hardware of the training."""
        foreign = FOREIGN_FACTS.get(self.kind, ())
        return tuple(fact for fact in self.stated if fact.id.partition(".")[0] not in foreign)

    @property
    def own_prose(self) -> tuple[Prose, ...]:
        """The author's words for this card, the kind's name taken off their sections."""
        mine = f"{self.kind}."
        special = [
            replace(p, section=p.section.removeprefix(mine)) for p in self.prose if p.section.startswith(mine)
        ]
        taken = {prose.section for prose in special}
        if self.kind in ("base", "dataset"):
            return tuple(special)
        plain = [p for p in self.prose if p.section.partition(".")[0] not in KINDS and p.section not in taken]
        return (*plain, *special)

    @property
    def heading(self) -> str:
        """The card's title: the family's name, and which of its repos this is."""
        if self.kind == "base":
            return self.repo_id.rpartition("/")[2]
        suffix = {
            "adapter": ": LoRA adapter",
            "nf4": ": 4-bit (NF4)",
            "gguf": ": GGUF",
            "dataset": ": dataset",
            **{kind: f": {form.label}" for kind, form in FORMS.items()},
        }
        return self.title + suffix.get(self.kind, "")

    @property
    def multimodal(self) -> bool:
        """Whether the base takes images: transformers names such classes `…ForConditionalGeneration`.

        Encoder-decoder models of text bear that name as well, and are older than the others.
        """
        named = str(self.facts.value("base.architecture", "")).endswith("ForConditionalGeneration")
        return named and self.facts.value("base.model_type") not in ENCODER_DECODERS

    def sibling(self, kind: Kind) -> str | None:
        """Repo id of another artifact of this release; None where there is none."""
        return next((sibling.repo_id for sibling in self.siblings if sibling.kind == kind), None)

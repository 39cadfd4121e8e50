"""Which names in a card's Python stand for a model, a tokenizer, a processor, and what is called on them."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from publisher.checks.observe.snippets import (
    PythonBlock,
    Snippets,
    assigned,
    calls,
    constant,
    dotted,
    keyword,
)
from publisher.checks.observe.target import Absent, RepoView

MAX_GENERATIONS = 50  # of one card; rules look at the whole block of each


@dataclass(frozen=True)
class Loaded:
    """A variable that `Class.from_pretrained(id, ...)` was assigned to."""

    name: str
    class_name: str
    repo: str  # empty where it is not written out
    call: ast.Call
    block: PythonBlock

    @property
    def is_tokenizer(self) -> bool:
        """Whether it turns text into ids."""
        return self.class_name.endswith(("Tokenizer", "TokenizerFast"))

    @property
    def is_processor(self) -> bool:
        """Whether it may take more than text."""
        return self.class_name.endswith(("Processor", "FeatureExtractor"))

    @property
    def is_model(self) -> bool:
        """Whether it is a network."""
        return not self.is_tokenizer and not self.is_processor and not self.class_name.endswith("Config")

    @property
    def is_causal(self) -> bool:
        """Whether its output goes on where its input ends."""
        return self.class_name.endswith(("ForCausalLM", "LMHeadModel")) and "Seq2Seq" not in self.class_name

    @property
    def trusts_code(self) -> bool:
        """Whether its methods may come from the repo itself."""
        trust = keyword(self.call, "trust_remote_code")
        return trust is not None and constant(trust.value) is not False


@dataclass(frozen=True)
class Generation:
    """A call of `model.generate` on a model that the card loads."""

    call: ast.Call
    block: PythonBlock
    model: Loaded


class ModelsInCode:
    """What all Python blocks of a card, read as one program, load and call."""

    def __init__(self, snippets: Snippets) -> None:
        self.snippets = snippets

    @classmethod
    def observe(cls, view: RepoView) -> ModelsInCode | Absent:
        """From the card's Python blocks."""
        snippets = view.observe(Snippets)
        return snippets if isinstance(snippets, Absent) else cls(snippets)

    @cached_property
    def loaded(self) -> tuple[Loaded, ...]:
        """Every `name = Class.from_pretrained(...)`, also with `.to(...)` or `.eval()` behind it."""
        return tuple(
            found
            for block in self.snippets.parsed
            for name, value in assigned(block)
            if (found := _loaded(name, value, block)) is not None
        )

    @cached_property
    def _by_name(self) -> dict[str, list[Loaded]]:
        found: dict[str, list[Loaded]] = defaultdict(list)
        for each in self.loaded:
            found[each.name].append(each)
        return dict(found)

    def named(self, name: str) -> tuple[Loaded, ...]:
        """What a name may stand for: several where blocks show several ways."""
        return tuple(self._by_name.get(name, ())[:20])

    @cached_property
    def _otherwise(self) -> dict[str, set[int]]:
        """Names that are given something else as well, each with the first lines of the blocks that do."""
        found: dict[str, set[int]] = defaultdict(set)
        for block in self.snippets.parsed:
            for name, value in assigned(block):
                if name in self._by_name and _loaded(name, value, block) is None and not _wraps(name, value):
                    found[name].add(block.first)
        return dict(found)

    def meant(self, name: str, block: PythonBlock) -> tuple[Loaded, ...]:
        """What a name stands for in a block: what the block itself loads, else what others do; none where unclear."""
        here = tuple(each for each in self.named(name) if each.block is block)
        elsewhere = self._otherwise.get(name, set())
        if block.first in elsewhere or (not here and elsewhere):
            return ()
        return here or self.named(name)

    def repo(self, loaded: Loaded, place: int = 0) -> str:
        """The id that a model is loaded from: written out, or kept under a name that holds one text only.

        Args:
            loaded: what is loaded.
            place: which argument it is.
        """
        given = loaded.call.args[place] if len(loaded.call.args) > place else None
        if isinstance(given, ast.Name):
            texts = self._texts.get(given.id, {""})
            return next(iter(texts)) if len(texts) == 1 else ""
        text = constant(given)
        return text if isinstance(text, str) else ""

    @cached_property
    def _texts(self) -> dict[str, set[str]]:
        """Names with every text that they are given; an empty one for whatever is no text."""
        found: dict[str, set[str]] = defaultdict(set)
        for block in self.snippets.parsed:
            for name, value in assigned(block):
                text = constant(value)
                found[name].add(text if isinstance(text, str) else "")
        return dict(found)

    @cached_property
    def generations(self) -> tuple[Generation, ...]:
        """Every `generate` on a model whose loading is shown in one way only; the first `MAX_GENERATIONS`."""
        found: list[Generation] = []
        for block in self.snippets.parsed:
            for call in calls(block):
                if len(found) == MAX_GENERATIONS:
                    return tuple(found)
                name, _, method = dotted(call.func).rpartition(".")
                models = self.meant(name, block) if method == "generate" else ()
                if models and len({each.class_name for each in models}) == 1:
                    found.append(Generation(call, block, models[0]))
        return tuple(found)

    def encoded(self, block: PythonBlock) -> Iterator[tuple[str, ast.Call, Loaded]]:
        """Every `name = tokenizer(...)` or `name = processor(...)` of a block, without a `.to(...)` behind it."""
        for name, value in assigned(block):
            if isinstance(value, ast.Call):
                reader = next((each for each in self.named(dotted(value.func)) if not each.is_model), None)
                if reader is not None:
                    yield name, value, reader


def _wraps(name: str, value: ast.expr) -> bool:
    """Whether a name is given itself back: `model = model.to("cuda")`, `model = torch.compile(model)`."""
    return any(isinstance(node, ast.Name) and node.id == name for node in ast.walk(value))


def _loaded(name: str, value: ast.expr, block: PythonBlock) -> Loaded | None:
    while isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
        if value.func.attr == "from_pretrained":
            class_name = dotted(value.func.value).rpartition(".")[2]
            first = constant(value.args[0]) if value.args else None
            if not class_name:
                return None
            return Loaded(name, class_name, first if isinstance(first, str) else "", value, block)
        value = value.func.value
    return None

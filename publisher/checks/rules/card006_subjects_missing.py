"""CARD006 subjects-missing: a long model card leaves out what its readers ask first.

Why   what it is for, what it was trained on, how it was measured and where it fails decide whether it can be used.
Fix   add the missing subjects, each with a sentence at least; "not measured" is an answer too.

Bad
    README.md:
        # Aerial captions ←

        ## Description
        A language model that is fun to play with and that runs on any machine you may have at home or at work.

        ## Installation
        Get the files, put them where your program finds them, and start it as you start any other such program.

        ## Colours
        It speaks of red, green and blue things, of dark ones and of bright ones, and it never tires of doing so.

        ## Thanks
        To everyone who helped with time, with patience and with machines: without you there would be nothing here.
Good
    README.md:
        # Aerial captions

        ## Description
        A language model fine-tuned on 400 scenes, intended for research on captions of aerial photographs.

        ## Evaluation
        A loss of 1.21 on the held-out rows.

        ## Limitations
        Scenes are drawn; photographs were not tested. Colours other than the eight of the training are often named
        wrongly, and small objects are missed.

        ## Thanks
        To everyone who helped.
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.claims import Claims
from publisher.checks.observe.files import RepoKind
from publisher.checks.observe.readme import README, Metadata
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

# A subject counts as spoken of where any of its words stands anywhere, be it inside another word: headings are called
# all sorts of things, and what is looked for are cards that do not even touch it.
_SUBJECTS = (
    (
        "what it is for",
        (" use", "using", "usage", "intended", "purpose", "task", "application", "suitable", "inference", "demo",
         "how to", "quick start", "quickstart", "example"),
    ),
    ("what it was trained on", ("train", "tuned", "tuning", "data", "corpus", "distill", "merge", "quanti", "convert")),
    (
        "how it was measured",
        ("evaluat", "benchmark", "accurac", "perplexit", "loss", "f1", "bleu", "wer", "metric", "result", "performance",
         "compar", "score", "tested"),
    ),
    (
        "where it fails",
        ("limit", "bias", "risk", "caveat", "not suitable", "not intended", "not recommended", "out of scope",
         "out-of-scope", "warning", "caution", "known issues", "fail"),
    ),
)  # fmt: skip
_LEAST_SECTIONS = 4
_LEAST_WORDS = 60
_LEAST_MISSING = 2


@rule(Severity.NOTE)
def subjects_missing(claims: Claims, kind: RepoKind, card: Metadata) -> Iterator[Fault]:
    """One note for a card of several sections with prose that speaks of a model and leaves out two subjects or more."""
    if (
        kind is RepoKind.DATASET
        or sum(section.level > 1 for section in claims.outline.sections) < _LEAST_SECTIONS
    ):
        return
    passages = claims.outline.passages
    text = "\n".join((*(passage.text for passage in passages), *card.members)).lower()
    if (kind is RepoKind.CARD and "model" not in text) or len(text.split()) < _LEAST_WORDS:
        return
    missing = [what for what, words in _SUBJECTS if not any(word in text for word in words)]
    if len(missing) >= _LEAST_MISSING:
        yield Fault(
            f"the card says nowhere {', '.join(missing[:-1])} and {missing[-1]}",
            README,
            passages[0].line,
            hint="a sentence on each; `not measured` is an answer too",
        )

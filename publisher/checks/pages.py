"""docs/rules.md, made from the rules themselves, so that page, severity and code cannot disagree."""

from __future__ import annotations

from publisher.checks.page import Sample
from publisher.checks.registry import all_rules
from publisher.checks.rule import Rule

_INTRODUCTION = """\
# Rules

What `hubpub check` looks for. This page is generated from the rules (`UPDATE_GOLDEN=1 pytest tests/checks`); each
rule's samples are its tests. In a sample, `←` marks the place that is reported; what stands in brackets after a
file's name says how the file is made, and `{a token}` stands for a real one.

Leave a rule out with `--ignore CODE`, or answer for one line of a card where it stands:
`# hubpub: ignore[CODE] reason` in the front matter, `<!-- hubpub: ignore[CODE] reason -->` below it. Where else, and
how old findings are left out: [check.md](check.md).
"""


def render_pages() -> str:
    """The whole page: a table, then every rule."""
    rules = all_rules()
    table = ["| code | name | severity | what is wrong |", "|---|---|---|---|"]
    table += [
        f"| [{rule.code}](#{rule.code.lower()}) | {rule.name} | {rule.severity} | {rule.page.sentence} |"
        for rule in rules
    ]
    return "\n".join([_INTRODUCTION, *table, "", "\n".join(_page(rule) for rule in rules)])


def _page(rule: Rule) -> str:
    page = rule.page
    parts = [
        f"## {rule.code}",
        "",
        f"**{rule.name}** ({rule.severity}{', --fix' if rule.fixable else ''}): {page.sentence}",
        "",
        page.why,
        "",
        f"**Fix:** {page.fix}",
        "",
    ]
    for sample in page.samples:
        parts += [_sample(sample), ""]
    return "\n".join(parts)


def _sample(sample: Sample) -> str:
    fence = "````" if "```" in sample.text else "```"
    return f"{sample.kind}:\n\n{fence}text\n{sample.text}{fence}"

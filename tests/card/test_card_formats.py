"""How values look."""

import pytest

from publisher.card import formats


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ("134,515,008", formats.integer(134515008)),
        ("1 row", formats.count(1, "row", "rows")),
        ("0 rows", formats.count(0, "row", "rows")),
        ("134.5M", formats.human(134515008)),
        ("1.2B", formats.human(1234567890)),
        ("999", formats.human(999)),
        ("0.601", formats.number(0.60123, 3)),
        ("2.0e-5", formats.number(0.00002, 3)),
        ("0", formats.number(0.0, 3)),
        ("0.0002", formats.number(2e-4)),
        ("0.00002", formats.number(2e-5)),
        ("16", formats.number(16.0)),
        ("2e-4", formats.exponent(2e-4)),
        ("1.94e-4", formats.exponent(0.00019396, 2)),
        ("0", formats.exponent(0.0, 2)),
        ("97.5%", formats.percent(0.975)),
        ("100%", formats.percent(1.0)),
        (">99.9%", formats.percent(0.99999)),
        ("<0.1%", formats.percent(0.00001)),
        ("269.1 MB", formats.size(269060552)),
        ("1 byte", formats.size(1)),
        ("0.35 s", formats.duration(0.347)),
        ("92.7 s", formats.duration(92.7)),
        ("12 min 5 s", formats.duration(725)),
        ("2 min", formats.duration(119.9)),
        ("3 h 12 min", formats.duration(11520)),
        ("1 h", formats.duration(3600)),
        ("`a`, `b` and `c`", formats.joined(["a", "b", "c"])),
        ("none", formats.joined([])),
        ("`a` (3) and `b` (4)", formats.joined({"a": 3, "b": 4})),
        ("`` a`b ``", formats.code("a`b")),
        ("QLoRA", formats.spelled("qlora")),
        ("AdamW", formats.spelled("AdamW")),
        ('"say \\"hi\\"\\n"', formats.python('say "hi"\n')),
        (r"50\% \& more", formats.bibtex("50% & {more}")),
        ("0.6012 nats/token", formats.shown(0.60123, "nats/token")),
        ("8,192 tokens", formats.shown(8192, "tokens")),
        ("yes", formats.shown(True, None)),
        ("1.3 GB", formats.shown(1283457024, "bytes")),
        ("4.63 s", formats.shown(4.631, "s")),
    ],
)
def test_values_look_as_people_write_them(expected, actual):
    """Units, separators and rounding that never turns something into nothing."""
    assert expected == actual


@pytest.mark.parametrize(
    "form", [formats.integer, formats.human, formats.percent, formats.size, formats.python]
)
def test_a_value_without_a_form_is_refused(form):
    """A list in the place of a number is a fault, not a text."""
    with pytest.raises(formats.FormatError):
        form([1])

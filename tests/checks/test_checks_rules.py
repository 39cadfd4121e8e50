"""Every rule proves its own page: the Bad samples are found where the arrow points, the Good ones are quiet."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from checks_samples import known_of, write_sample

from publisher.checks import registry, rules
from publisher.checks.observe.target import RepoView
from publisher.checks.page import Sample
from publisher.checks.pages import render_pages
from publisher.checks.registry import all_rules
from publisher.checks.rule import Rule
from publisher.checks.run import check_view
from publisher.checks.source import FolderSource
from publisher.errors import HubpubError
from publisher.records.findings import Severity

RUN = "SNIP152"  # its samples are run, by tests/pipeline/test_pipeline_run_code.py
SAMPLES = [(rule, sample) for rule in all_rules() for sample in rule.page.samples if rule.code != RUN]
DOCS = Path(__file__).parents[2] / "docs" / "rules.md"


def named(case: Rule | Sample) -> str:
    return case.code if isinstance(case, Rule) else case.kind


@pytest.mark.parametrize(("rule", "sample"), SAMPLES, ids=named)
def test_a_rule_finds_what_its_bad_sample_marks_and_nothing_in_its_good_one(
    tmp_path: Path, rule: Rule, sample: Sample
) -> None:
    """A page whose sample is not reported teaches something false."""
    marked = write_sample(sample, tmp_path)

    report = check_view(RepoView(FolderSource(tmp_path), *known_of(sample)), [rule], "sample")

    assert marked == {(finding.path, finding.line) for finding in report.findings}
    assert () == report.skipped
    assert (sample.kind == "Bad") == bool(marked)


@pytest.mark.parametrize("rule", all_rules(), ids=named)
def test_a_rule_has_a_whole_page_that_agrees_with_its_file(rule: Rule) -> None:
    """Codes are looked up by users; a page under another name is never found."""
    page = rule.page

    assert (rule.code, rule.name) == (page.code, page.name)
    assert {"Bad", "Good"} == {sample.kind for sample in page.samples}
    assert page.sentence.endswith(".")
    assert rule.severity in Severity
    assert rule.fixable == ("edit=" in Path(sys.modules[rule.module].__file__ or "").read_text("utf-8"))


def test_every_file_of_the_rules_package_is_a_rule_that_is_found() -> None:
    """A rule with a misspelt file name would never run, and nobody would notice."""
    files = {path.stem for path in Path(rules.__path__[0]).glob("*.py")} - {"__init__"}

    assert files == {rule.module.rpartition(".")[2] for rule in all_rules()}
    assert all(re.fullmatch(r"[a-z]{3,5}\d{3}_[a-z0-9_]+", file) for file in files)


def test_the_published_page_is_what_the_rules_say() -> None:
    """UPDATE_GOLDEN=1 writes it anew."""
    page = render_pages()
    if os.environ.get("UPDATE_GOLDEN"):
        DOCS.write_text(page, "utf-8")

    assert DOCS.read_text("utf-8") == page


def test_a_rule_is_explained_by_its_code_in_any_case_and_an_error_by_its_own() -> None:
    """`hubpub check --explain` is what every error's last line tells to type."""
    assert registry.explain("meta010").startswith("META010 licence-missing: ")
    assert "Severity: error" in registry.explain("META010")
    assert "exit code 3" in registry.explain("HP-H01")
    with pytest.raises(HubpubError) as caught:
        registry.explain("META999")

    assert "HP-M09" == caught.value.code


def test_rules_are_chosen_by_code_and_by_family_and_an_unknown_name_is_refused() -> None:
    """A misspelt --ignore that ignores nothing would let a pipeline fail, a misspelt --select let it pass."""
    family = registry.choose(select=["card"], ignore=["CARD005"])

    every = {rule.code for rule in registry.all_rules() if rule.code.startswith("CARD")}

    assert every - {"CARD005"} == {rule.code for rule in family}
    with pytest.raises(HubpubError) as caught:
        registry.choose(ignore=["CRAD"])

    assert "HP-M09" == caught.value.code


def test_importing_the_engine_imports_no_rule_and_nothing_heavy() -> None:
    """`hubpub check` is run on every save; it may not cost a second before it begins."""
    script = (
        "import sys, publisher.checks.run as run;"
        "heavy = {'torch', 'transformers', 'numpy', 'pyarrow', 'huggingface_hub', 'rich', 'ruamel.yaml'};"
        "loaded = [name for name in sys.modules if name.startswith('publisher.checks.rules.')];"
        "print(sorted(heavy & set(sys.modules)), loaded)"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert "[] []" == answer.stdout.strip()

"""`check --run-code`: a card's Python really runs, in a child that has no network, and each fault is told in its place."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

sys.path.append(str(Path(__file__).parents[1] / "checks"))

from checks_samples import write_sample

from publisher.checks.observe.ran_code import RanBlock, RanCode
from publisher.checks.observe.target import RepoView
from publisher.checks.page import Sample
from publisher.checks.registry import by_code, choose
from publisher.checks.run import check_folder, check_view
from publisher.checks.source import CardSource, FolderSource
from publisher.cli.app import app
from publisher.pipeline.opened import Release
from publisher.pipeline.run_code import CodeLimits, run_code
from publisher.pipeline.run_code_faults import missing_here
from publisher.records.findings import SkippedRule

CODE = "SNIP152"


def card(*blocks: str) -> str:
    return "# A\n\n" + "\n".join(f"```python\n{block}\n```\n" for block in blocks)


def ran(folder: Path, text: str, limits: CodeLimits | None = None) -> tuple[RanBlock, ...]:
    folder.mkdir(exist_ok=True)
    (folder / "README.md").write_text(text, "utf-8")
    return run_code(RepoView(FolderSource(folder)), folder, limits=limits).blocks


@pytest.mark.parametrize("sample", by_code(CODE).page.samples, ids=lambda sample: sample.kind)
def test_the_page_of_the_rule_is_true_where_its_samples_are_run(tmp_path: Path, sample: Sample) -> None:
    """The samples of other rules are only read; these must run."""
    marked = write_sample(sample, tmp_path)
    view = RepoView(FolderSource(tmp_path))

    report = check_view(view.told(run_code(view, tmp_path)), choose([CODE]), "a")

    assert marked == {(finding.path, finding.line) for finding in report.findings}
    assert (sample.kind == "Bad") == bool(marked)
    assert () == report.skipped


def test_without_the_flag_nothing_is_run_and_the_report_says_so(tmp_path: Path) -> None:
    """A stranger's code is run by nobody's accident."""
    trace = tmp_path / "trace"
    (tmp_path / "README.md").write_text(card(f"open({str(trace)!r}, 'w').close()"))

    report = check_folder(tmp_path, select=[CODE])

    assert not trace.exists()
    assert (SkippedRule(CODE, "give --run-code"),) == report.skipped


def test_blocks_are_one_session_and_a_fault_is_told_with_its_line_and_last_words(tmp_path: Path) -> None:
    """Cards import in one block and ask in the next; a fault in the first is no fault of the second."""
    blocks = ran(
        tmp_path,
        card(
            "import json\nx = 1",
            ">>> y = x + 1\n>>> print(json.dumps(y))\n2",
            "z = 0\ntry:\n    1 / z\nexcept ZeroDivisionError as error:\n    raise ValueError('no way') from error",
            "import nowhere_to_be_found\nlost = 1",
            "print(lost)",
            "outputs = model.generate()",
            "import json\nprint(model)",
            "y = load(x, ...)",
        ),
    )

    assert [
        RanBlock(4, "ran"),
        RanBlock(9, "ran"),
        RanBlock(19, "failed", "ValueError: no way"),
        RanBlock(23, "not run", "it needs the package nowhere_to_be_found, which is not installed here"),
        RanBlock(28, "not run", "it needs what the block at line 23 did not bring"),
        RanBlock(32, "not run", "it shows a part of a program, without its `model`"),
        RanBlock(37, "failed", "NameError: name 'model' is not defined"),
        RanBlock(41, "not run", "it leaves parts for the reader to fill in"),
    ] == list(blocks)


def test_a_block_that_takes_too_long_is_stopped_and_those_behind_it_run(tmp_path: Path) -> None:
    """A loop for ever is not waited for."""
    blocks = ran(
        tmp_path,
        card("import time\nwhile True:\n    time.sleep(0.01)", "x = 1"),
        CodeLimits(block_s=0.3),
    )

    assert [("stopped", "still running after 0.3 s"), ("ran", "")] == [(b.verdict, b.told) for b in blocks]
    assert 4 <= blocks[0].line <= 6


def test_all_blocks_together_have_a_limit_too(tmp_path: Path) -> None:
    """A call that swallows the alarm must not hold the check."""
    loop = (
        "while True:\n    try:\n        import time; time.sleep(9)\n    except BaseException:\n        pass"
    )
    blocks = ran(tmp_path, card("x = 1", loop), CodeLimits(whole_s=3))

    assert [("ran", ""), ("stopped", "still running after 3 s")] == [(b.verdict, b.told) for b in blocks]


def test_memory_has_a_limit_and_what_came_before_it_was_reached_still_counts(tmp_path: Path) -> None:
    """A large model on a small machine is a note, and names the reason."""
    take = "x = []\nwhile True:\n    x.append(bytearray(b'1') * 20_000_000)"
    blocks = ran(tmp_path, card("1 / 0", take, "y = 1"), CodeLimits(memory_bytes=300_000_000))

    assert [
        ("failed", "ZeroDivisionError: division by zero"),
        ("stopped", "it used more than 0.3 GB of memory"),
        ("not run", "an earlier block ended the process"),
    ] == [(b.verdict, b.told) for b in blocks]


def test_what_was_stopped_is_a_note_and_what_could_not_run_is_named_as_unchecked(tmp_path: Path) -> None:
    """Limits belong to the machine, and nothing is passed in silence."""
    (tmp_path / "README.md").write_text(card("x = 1"))
    seen = RanCode(
        (RanBlock(4, "stopped", "too long"), RanBlock(9, "not run", "it needs a GPU")), offline=False
    )

    report = check_view(RepoView(FolderSource(tmp_path), seen), choose([CODE]), "a")

    assert [("note", 4)] == [(str(each.severity), each.line) for each in report.findings]
    assert [
        "line 9 could not run: it needs a GPU",
        "the system gives no namespaces: the code ran with the network open to it",
    ] == [each.reason for each in report.skipped]


def test_a_process_that_its_code_ends_takes_only_later_blocks_with_it(tmp_path: Path) -> None:
    """A crash in C says nothing, and must not take the report with it."""
    blocks = ran(tmp_path, card("x = 1", "import os\nos.kill(os.getpid(), 11)", "y = 2"))

    assert ["ran", "stopped", "not run"] == [block.verdict for block in blocks]
    assert blocks[1].told.startswith("its process died: signal SIGSEGV")


def test_the_repos_own_id_is_its_folder_and_other_ids_stay(tmp_path: Path) -> None:
    """The bytes that are checked are run, not those that lie on a Hub under the same name."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text('{"a": 1}')
    blocks = ran(
        folder,
        "---\nbase_model: acme/base\n---\n"
        + card(
            'base_id = "acme/base"\nmodel_id = "acme/model"\nprint(open(model_id + "/config.json").read())',
            'assert base_id == "acme/base"',
            'print(open(model_id + "/other.json").read())',
        ),
    )

    assert ["ran", "ran", "failed"] == [block.verdict for block in blocks]
    assert "acme/model/other.json" in blocks[2].told
    assert str(tmp_path) not in blocks[2].told


def test_the_network_is_out_of_reach_and_credentials_are_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a card's code could send away, it must not find."""
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    secret, network = ran(
        tmp_path,
        card(
            "import os\nassert 'HF_TOKEN' not in os.environ",
            "import socket\nsocket.create_connection(('1.1.1.1', 443), timeout=3)",
        ),
    )

    assert RanBlock(4, "ran") == secret
    assert "not run" == network.verdict


def test_a_card_by_itself_is_run_too_and_one_without_python_has_nothing_to_run(tmp_path: Path) -> None:
    """Authors check a card before there is a folder."""
    path = tmp_path / "card.md"
    path.write_text(card("1 / 0"))
    other = tmp_path / "other.md"
    other.write_text("# A\n")

    first = run_code(RepoView(CardSource(path)), None)
    second = run_code(RepoView(CardSource(other)), None)

    assert [RanBlock(4, "failed", "ZeroDivisionError: division by zero")] == list(first.blocks)
    assert RanCode(()) == second


@pytest.mark.parametrize(
    "error",
    [
        "RuntimeError: Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU",
        "AssertionError: Torch not compiled with CUDA enabled",
        "OSError: We couldn't connect to 'https://huggingface.co' to load the files, and couldn't find them in the cache",
        "ImportError: Using `bitsandbytes` 4-bit quantization requires bitsandbytes: `pip install -U bitsandbytes`",
        "FileNotFoundError: [Errno 2] No such file or directory: 'cat.png'",
        "KeyError: 'HF_TOKEN'",
        "EOFError: EOF when reading a line",
    ],
)
def test_what_only_this_machine_lacks_is_no_fault(error: str) -> None:
    """A sound card is not called broken for the want of a GPU."""
    assert missing_here(error, ()) is not None


@pytest.mark.parametrize(
    "error",
    [
        "ImportError: cannot import name 'AutoModelForCasualLM' from 'transformers' (/x/__init__.py)",
        "ModuleNotFoundError: No module named 'json.nothing'",
        "AttributeError: 'LlamaForCausalLM' object has no attribute 'generate_expression'",
        "KeyError: 'layers'",
        "OSError: /home/x/model does not appear to have a file named config.json",
        "FileNotFoundError: [Errno 2] No such file or directory: '/home/x/model/other.json'",
        "ValueError: timestamps must be sorted",
    ],
)
def test_what_every_reader_would_meet_is_a_fault(error: str) -> None:
    """Nothing broken may hide behind the machine."""
    assert missing_here(error, ("/home/x/model",)) is None


def test_the_command_runs_code_where_it_is_asked_to_and_never_what_lies_on_a_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The flag reaches the rule, and its failure the exit code."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "README.md").write_text(card("import json\njson.loads('{')"))
    arguments = ["check", "README.md", "--select", CODE, "--format", "json"]

    plain = CliRunner().invoke(app, arguments)
    run = CliRunner().invoke(app, [*arguments, "--run-code"])
    remote = CliRunner().invoke(app, ["check", "hf://acme/model", "--run-code"])

    assert 0 == plain.exit_code
    assert 0 != run.exit_code
    (finding,) = json.loads(run.stdout)["findings"]
    assert (CODE, 5) == (finding["code"], finding["line"])
    assert "JSONDecodeError" in finding["message"]
    assert "HP-M09" == getattr(remote.exception, "code", None)


def test_a_releases_cards_run_on_the_folders_of_all_its_repos(
    tmp_path: Path, open_release: Callable[..., Release]
) -> None:
    """An adapter's card loads its base too, which was not published yet."""
    release = open_release()
    for kind in ("base", "dataset"):
        folder = release.paths.artifact(kind)
        folder.mkdir(parents=True)
        (folder / "only.txt").write_text(kind)
    text = card(
        'assert open("alice/base" + "/only.txt").read() == "base"',
        'data = "alice/tiny"\nassert open(data + "/only.txt").read() == "dataset"',
        'open("alice/base" + "/nothing.txt")',
    )
    (release.paths.artifact("dataset") / "README.md").write_text(text)

    arguments = ["check", "tiny", "--run-code", "--select", CODE, "--format", "json"]
    ran = CliRunner().invoke(app, [*arguments, "--project", str(tmp_path)])

    (finding,) = json.loads(ran.stdout)["findings"]
    assert ("README.md", 13) == (finding["path"], finding["line"])
    assert "alice/base/nothing.txt" in finding["message"]

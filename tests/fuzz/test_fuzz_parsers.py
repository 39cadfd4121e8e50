"""Any bytes: a parser that reads a stranger's file has its documented outcomes and no others."""

from __future__ import annotations

import re
import signal
import tracemalloc
from collections.abc import Iterator

import pytest
from fuzz_seeds import SEEDS
from fuzz_targets import TARGETS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

LIMIT_S = 60  # of one test: a hang is a failure and no wait
HUNDRED_MB = 100 * 1000**2

_settings = settings(
    max_examples=120,
    deadline=None,
    derandomize=True,  # the same in every run: new faults are looked for with `make fuzz`
    database=None,
    suppress_health_check=list(HealthCheck),
)
_few = settings(_settings, max_examples=40)


@pytest.fixture(autouse=True)
def _limit() -> Iterator[None]:
    def fail(*_: object) -> None:
        raise AssertionError(f"took longer than {LIMIT_S} s")

    before = signal.signal(signal.SIGALRM, fail)
    signal.alarm(LIMIT_S)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@st.composite
def damaged(draw: st.DrawFn, seeds: tuple[bytes, ...]) -> bytes:
    """A good file with a few bytes changed, cut, repeated, or a number in it made huge."""
    raw = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, max(0, len(raw) - 1)))
        match draw(st.integers(0, 5)):
            case 0:
                raw[at : at + 1] = draw(st.binary(max_size=4))
            case 1:
                del raw[at : at + draw(st.integers(1, 40))]
            case 2:
                raw[at:at] = raw[at : at + 60] * draw(st.integers(1, 200))
            case 3:
                raw[at : at + 8] = draw(st.sampled_from([b"\xff" * 8, b"\xff" * 7 + b"\x7f", bytes(8)]))
            case 4:
                del raw[at:]
            case _:
                raw[at:at] = draw(st.sampled_from(WORDS))
    return bytes(raw)


WORDS = [
    b"\0", b"\r", b"\xe2\x80\xa8", b"\xed\xa0\x80", b"\xff\xfe", b"---\n", b"```\n", b"~~~", b"[" * 50, b"{" * 50, b"*a", b"&a ",
    b"!!int ", b"!!float x", b"!!timestamp ", b"!!binary ", b"%YAML 9.9\n---\n", b"<<: ", b"? ", b"1e999", b"9" * 5000, b"NaN",
    b"<!--", b"-->", b"{{", b"{%", b"%}", b"| a |", b"/home/x", b"0x", b"'", b'"', b"\\u0000", b"\\", b"hubpub: ignore[", b"\t",
]  # fmt: skip


@pytest.mark.parametrize("name", [name for name in TARGETS if name != "whole-check"])
def test_a_damaged_file_ends_in_a_documented_outcome(name: str) -> None:
    """Half a download, a flipped bit, an attacker's length."""

    @_settings
    @given(damaged(SEEDS[name]))
    def run(raw: bytes) -> None:
        TARGETS[name](raw)

    run()


@pytest.mark.parametrize("name", [name for name in TARGETS if name != "whole-check"])
def test_bytes_that_are_nothing_end_in_a_documented_outcome(name: str) -> None:
    """Whatever lies under that name."""

    @_settings
    @given(st.binary(max_size=300))
    def run(raw: bytes) -> None:
        TARGETS[name](raw)

    run()


YAML_TEXT = st.sampled_from(
    [
        "mit",
        "gemma",
        "other",
        "en",
        "English",
        "text-generation",
        "peft",
        "google/gemma-3-4b-it",
        "/home/x/model",
        "a/b/c",
        "https://x.y/z",
        "n<1K",
        "1e999",
        ".nan",
        "~",
        "true",
        "2020-01-01",
        "0x1F",
        "-7",
        "99999999999999999999",
        "lora",
        "${x}",
        "{{x}}",
        "''",
        '"\\0"',
        "'it''s'",
        "n<100K",
    ]
)
YAML = st.recursive(
    YAML_TEXT,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
        | st.dictionaries(
            st.sampled_from(
                [
                    "name",
                    "type",
                    "value",
                    "split",
                    "path",
                    "data_files",
                    "results",
                    "task",
                    "metrics",
                    "dataset",
                    "text",
                ]
            ),
            inner,
            max_size=3,
        ).map(lambda items: "{" + ", ".join(f"{key}: {value}" for key, value in items.items()) + "}")
    ),
    max_leaves=8,
)
KEYS = re.findall(
    r"\S+",
    "license license_name license_link library_name base_model base_model_relation pipeline_tag tags language datasets metrics "
    "model-index widget co2_eq_emissions configs dataset_info task_categories size_categories pretty_name thumbnail new_version "
    "extra_gated_fields extra_gated_prompt inference eval_results viewer licence source_datasets",
)
LINES = st.sampled_from([
    "# Model", "## Training", "#### Deep", "- **Parameters:** 4.3B", "- rank 8, alpha 16, dropout 0.05", "LoRA on q_proj, v_proj",
    "| a | b |", "|---|---|", "| Total | 12 | 4 |", "| train | 7 |", "```python", "```bash", "```", "~~~", "import torch",
    "model = AutoModelForCausalLM.from_pretrained(x, torch_dtype=torch.float16)", "out = model.generate(**inputs, temperature=0.1)",
    "print(tok.decode(out[0]))", "pip install aerial", "python train.py --lr 2e-4 \\", "[a](b.png) ![](c)", "[a]: <", "<img src=x",
    "<!-- x", "-->", "---", "@model{a, year={20},", "}", "$$x", "{{ x }}", "[More Information Needed]", "4-bit NF4, bf16, 24 GB",
    "Context length 32,768 tokens", "trained on 1,000 samples in 3.5 h", "Llama-3.2-12B", "state-of-the-art results", "\u202e x",
    "<!-- hubpub: ignore[CLAIM120] -->", "    indented", "\tx", ">>> x = 1", "loss 1.93 → 0.2 %", "100%", "arXiv:2106.09685", "",
])  # fmt: skip


@_few
@given(st.dictionaries(st.sampled_from(KEYS), YAML, max_size=8), st.lists(LINES, max_size=30))
def test_any_card_is_checked_to_the_end(keys: dict[str, str], lines: list[str]) -> None:
    """Every key with every kind of value, every kind of line after every other."""
    front = "".join(f"{key}: {value}\n" for key, value in keys.items())

    TARGETS["whole-check"](f"---\n{front}---\n{chr(10).join(lines)}\n".encode())


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("safetensors", (2**60).to_bytes(8, "little") + b"{}"),
        ("safetensors", (68).to_bytes(8, "little") + b'{"a":{"dtype":"U8","shape":["a",999999999999],"data_offsets":[0,0]}}'),
        ("gguf", b"GGUF\x03\0\0\0" + b"\xff" * 7 + b"\0" + (3).to_bytes(8, "little") + b"\xff" * 7 + b"\x7f"),
        ("pickle", b"\x80\x04\x8e" + b"\xff" * 7 + b"\x7f"),
        ("parquet", b"\x19\xfc\xff\xff\xff\xff\x0f"),
        ("parquet", b"\x1b" + b"\x01\xbb" * 5000),
        ("json-file", b'{"a": [' + b"[]," * 700_000 + b"0]}"),
        ("template", b"{{ 'x' * 999999999 }}"),
        ("template", b"{% for a in range(99999) %}{% for b in range(99999) %}{{ 'x' * 9 }}{% endfor %}{% endfor %}"),
    ],
)  # fmt: skip
def test_what_claims_to_be_huge_is_read_in_little_memory(name: str, raw: bytes) -> None:
    """A length is a number like any other, until somebody allocates it."""
    tracemalloc.start()
    TARGETS[name](raw)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < HUNDRED_MB


@pytest.mark.parametrize("raw", [b"%YAML 1.0\n---\na: 1\n", b'a: "\\UFFFFFFFF"\n', b'a: "\\U00110000"\n'])
def test_what_broke_a_parser_once_breaks_none_again(raw: bytes) -> None:
    """Found by `make fuzz`."""
    TARGETS["front-matter"](raw)


def test_every_parser_has_files_to_begin_with() -> None:
    """From nothing, a search finds nothing: seeds are what makes it reach the far ends of a parser."""
    assert set(TARGETS) == set(SEEDS)

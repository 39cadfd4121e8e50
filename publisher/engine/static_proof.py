"""Proving a model by its files, at any size: nothing is loaded, memory holds a piece of one tensor.

A merge that went wrong often loads and talks: it is the base, byte for byte, or lacks a layer, or holds a NaN that no
prompt reaches. The files tell.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from publisher.engine.chat import Tokenizer, encode_prompt
from publisher.engine.generate import FALLBACK_PROMPT
from publisher.engine.jobs import Emit, JobResult, ProveFiles
from publisher.engine.load import NAMED_KEYS, has_tokenizer, load_model, load_tokenizer
from publisher.engine.skeleton import read_skeleton
from publisher.engine.untie import find_untied
from publisher.errors import HubpubError
from publisher.records.facts import Json, Measurement
from publisher.weights.adapter import find_saved, find_weights
from publisher.weights.describe import is_embedding, is_head, read_config, tied_embeddings
from publisher.weights.header import Header, TensorEntry
from publisher.weights.lora import read_adapter
from publisher.weights.shards import ShardSet, read_shards
from publisher.weights.values import finite_piece

PIECE = 1 << 24  # bytes; a multiple of every type's width
AGAIN = "merge again from this base and this adapter: hubpub merge"


@dataclass(frozen=True)
class Expected:
    """Which tensors of a merged model are other than the base's.

    Attributes:
        must: an adapter's matrices were folded into these.
        may: these were taken through 4 bits or replaced by the adapter's own, which can leave them as they were.
        new: these are not in the base: a head that was tied there.
    """

    must: frozenset[str]
    may: frozenset[str]
    new: frozenset[str]


def run(job: ProveFiles, emit: Emit) -> JobResult:
    """Prove one model in a single pass over its files, and the base's beside them.

    1. Its tensors are those that its configuration asks for, in name and shape.
    2. No value is NaN or infinite; a head that is tied to the embedding and stored all the same is equal to it.
    3. A merged model differs from its base in every adapted tensor, and in no other.
    4. What a chat is made of, and what ends a turn, has a row in the embedding.

    Raises:
        HubpubError: HP-E03, names, shapes or tokens do not fit; HP-E05, a tensor is not finite; HP-E06, another
            tensor differs from the base than was adapted; HP-A01 … HP-A07 and HP-W01 … HP-W03 for the files.
    """
    folder = Path(job.folder)
    model = load_model(folder, place="meta")
    emit({"step": "names and shapes", "kind": job.kind})
    shards, config = read_shards(folder), read_config(folder)
    base = read_shards(Path(job.base)) if job.base is not None else None
    expected = _expected(job, base) if base is not None and job.adapter is not None else None
    if base is not None and expected is not None:
        _require_same_form(shards, base, expected)
    changed, finite = _read_all(shards, base, emit)
    tied = tied_embeddings(config, shards)
    if tied:
        _require_one_head(shards)
    values: dict[str, Json] = {
        "fits_config": True,
        "finite_tensors": finite,
        "tied_embeddings": tied,
        **(_vocabulary(folder, model) if has_tokenizer(folder) else {}),
    }
    if expected is not None:
        _require_adapted_alone(job, expected, changed)
        values |= {
            "differs_from_base": len(changed) + len(expected.new),
            "same_as_base": len(shards.tensors) - len(changed) - len(expected.new),
        }
    about = f"validate.{job.kind}"
    measured = tuple(Measurement(f"{about}.{name}", value) for name, value in values.items())
    return JobResult(measured, {"changed": sorted(changed)})


def _expected(job: ProveFiles, base: ShardSet) -> Expected:
    adapter = read_adapter(Path(str(job.adapter)))
    pairs, saved = find_weights(adapter, base), find_saved(adapter, base)
    tied = tied_embeddings(read_config(base.folder), base)
    untied = find_untied(adapter, base, pairs, saved, tied=tied)
    through: frozenset[str] = frozenset()
    if job.merge_base == "nf4":
        through = read_skeleton(base.folder, base).quantized
    return Expected(
        must=frozenset(pairs),
        may=through | frozenset(saved),
        new=frozenset({untied.name} if untied is not None else ()) - base.tensors.keys(),
    )


def _require_same_form(merged: ShardSet, base: ShardSet, expected: Expected) -> None:
    """Every tensor of the base is there, of its type and shape, and no other but those that the merge adds."""
    ours, theirs = merged.tensors, base.tensors
    faults = {
        "are not in the base": ours.keys() - theirs.keys() - expected.new,
        "of the base are missing": (theirs.keys() | expected.new) - ours.keys(),
        "have another type or shape than in the base": {
            name for name in ours.keys() & theirs.keys() if _form(ours[name]) != _form(theirs[name])
        },
    }
    for how, names in faults.items():
        if names:
            raise _not_merged(
                merged.folder, f"{len(names)} tensors {how}: {_few(names)}", tensors=sorted(names)
            )


def _read_all(shards: ShardSet, base: ShardSet | None, emit: Emit) -> tuple[set[str], int]:
    """Read every tensor once, and the base's beside it.

    Returns:
        Names of those whose bytes differ from the base's; how many hold finite values only, which is all of them.
    """
    homes = {name: shard for shard in (base.shards if base else ()) for name in shard.tensors}
    changed: set[str] = set()
    broken: list[str] = []
    done = 0
    for shard in shards.shards:
        for entry in sorted(shard.tensors.values(), key=lambda entry: entry.start):
            differs, finite = _read(shard, entry, homes.get(entry.name))
            changed |= {entry.name} if differs else set()
            broken += [] if finite else [entry.name]
            done += entry.stop - entry.start
            emit({"event": "bytes", "done": done, "of": shards.size_bytes})
    if broken:
        raise HubpubError(
            "HP-E05",
            f"{len(broken)} tensors hold NaN or infinite values: {_few(broken)}",
            hint="look where they come from; a learning rate too high or a float16 overflow puts them there",
            where=str(shards.folder),
            tensors=sorted(broken),
        )
    return changed, len(shards.tensors)


def _read(shard: Header, entry: TensorEntry, other: Header | None) -> tuple[bool, bool]:
    """Whether a tensor differs from the one of its name in another file, and whether it is finite."""
    differs, finite = False, True
    if other is None:
        return False, all(finite_piece(piece, entry.dtype) for piece in _pieces(shard, entry))
    pairs = zip(_pieces(shard, entry), _pieces(other, other.tensors[entry.name]), strict=True)
    for piece, theirs in pairs:
        differs = differs or piece != theirs
        finite = finite and finite_piece(piece, entry.dtype)
    return differs, finite


def _pieces(shard: Header, entry: TensorEntry) -> Iterable[bytes]:
    with shard.file.open("rb", buffering=0) as stream:
        stream.seek(entry.start)
        for at in range(entry.start, entry.stop, PIECE):
            yield stream.read(min(PIECE, entry.stop - at))


def _require_one_head(shards: ShardSet) -> None:
    """Versions of transformers disagree which of two different tensors a tied model has (transformers#45127)."""
    tensors = shards.tensors
    heads = [name for name in tensors if is_head(name)]
    embedding = next((name for name in tensors if is_embedding(name)), None)
    if not heads or embedding is None:
        return
    one, other = shards.shard_of(heads[0]), shards.shard_of(embedding)
    pairs = zip(_pieces(one, tensors[heads[0]]), _pieces(other, tensors[embedding]), strict=False)
    if _form(tensors[heads[0]]) != _form(tensors[embedding]) or any(left != right for left, right in pairs):
        raise HubpubError(
            "HP-E03",
            f"config.json ties the head to the embedding, and {heads[0]} differs from {embedding}",
            hint="set tie_word_embeddings to false, or save the model without the head",
            where=str(shards.folder),
            missing=[],
            unexpected=[heads[0]],
            mismatched=[],
        )


def _require_adapted_alone(job: ProveFiles, expected: Expected, changed: set[str]) -> None:
    folder = Path(job.folder)
    if not changed and expected.must:
        raise _not_merged(
            folder, f"all of its tensors are the base's, and the adapter has {len(expected.must)} modules"
        )
    if idle := expected.must - changed:
        what = f"{len(idle)} adapted tensors are as in the base: {_few(idle)}"
        raise _not_merged(folder, what, tensors=sorted(idle))
    if strange := changed - expected.must - expected.may:
        what = f"{len(strange)} tensors differ from the base that no adapter changed: {_few(strange)}"
        raise _not_merged(folder, what, tensors=sorted(strange))


def _vocabulary(folder: Path, model: Any) -> dict[str, Json]:
    """Hold the tokens against the embedding; spare tokens without a row, as gemma-3-1b has one, are counted."""
    tokenizer = load_tokenizer(folder)
    rows = int(model.get_input_embeddings().weight.shape[0])
    known = set(tokenizer.get_vocab().values())
    for use, token in _used_tokens(model, tokenizer):
        if token >= rows:
            raise HubpubError(
                "HP-E03",
                f"{use} is the token {token}, and the embedding has {rows} rows",
                hint="take the tokenizer that belongs to these weights, or resize the embedding before training",
                where=str(folder),
                token=token,
                rows=rows,
            )
    return {
        "vocabulary": len(known),
        "embedding_rows": rows,
        "tokens_without_row": sum(token >= rows for token in known),
    }


def _used_tokens(model: Any, tokenizer: Tokenizer) -> Iterable[tuple[str, int]]:
    """Tokens that every conversation needs, each with what it is for."""
    for source, ends in (
        ("generation_config.json", getattr(model.generation_config, "eos_token_id", None)),
        ("config.json", getattr(model.config.get_text_config(), "eos_token_id", None)),
        ("the tokenizer", tokenizer.eos_token_id),
    ):
        for token in ends if isinstance(ends, list) else [ends]:
            if token is not None:
                yield f"the end of a turn ({source})", int(token)
    if tokenizer.chat_template:
        for token in encode_prompt(tokenizer, FALLBACK_PROMPT):
            yield f"{tokenizer.convert_ids_to_tokens(token)!r}, which the chat template uses,", token


def _form(entry: TensorEntry) -> tuple[str, tuple[int, ...]]:
    return entry.dtype, entry.shape


def _few(names: Iterable[str]) -> str:
    ordered = sorted(names)
    rest = f" and {len(ordered) - NAMED_KEYS} more" if len(ordered) > NAMED_KEYS else ""
    return ", ".join(ordered[:NAMED_KEYS]) + rest


def _not_merged(folder: Path, fault: str, **data: Json) -> HubpubError:
    return HubpubError(
        "HP-E06", f"the merged model is not base plus adapter: {fault}", hint=AGAIN, where=str(folder), **data
    )

"""`hubpub init --from-files`: what a quantizer's files say of themselves. GGUF headers, configurations; no torch."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from glob import glob
from pathlib import Path

from publisher.checks.known.ids import licences
from publisher.errors import HubpubError
from publisher.manifest.compose import OPEN_QUESTION, Key, question
from publisher.manifest.schema import SUFFIX
from publisher.manifest.section import REPO_ID
from publisher.pipeline.base_licence import card_among, licence_in, licence_in_folder
from publisher.pipeline.init.asking import Ask
from publisher.pipeline.init.bases import OpenHub, pinned
from publisher.pipeline.init.drafts import Model, Words
from publisher.pipeline.own_ggufs import looked_at
from publisher.records.artifacts import Kind, RepoRef
from publisher.weights.gguf import GgufHeader, general_of
from publisher.weights.gguf_files import finest, is_projector
from publisher.weights.variant import kinds_of, read_variant

HUB = "https://huggingface.co/"
PROSE = {
    "intended_use": "What [{source}](https://huggingface.co/{source}) is for: its card says it. These files are the same model,\n"
    "quantized, for machines that the original is too large for.\n",
    "limitations": "Those of [{source}](https://huggingface.co/{source}), which its card tells, and what quantizing loses: the fewer\n"
    "bits a weight has, the more.\n",
}


@dataclass(frozen=True)
class _Found:
    """The user's files: those that are GGUF as they were asked for, and folders of other forms."""

    ggufs: tuple[Path, ...]
    pattern: str  # that finds the GGUF files again
    folders: dict[Kind, Path]

    @property
    def headers(self) -> dict[Path, GgufHeader]:
        """What the GGUF files' heads say."""
        return {file: general_of(file) for file in self.ggufs}


def from_files(
    pattern: str, source: str | None, folder: Path, name: str, owner: str | None, open_hub: OpenHub, ask: Ask
) -> tuple[Model, Words]:
    """Look at files that were quantized elsewhere.

    Args:
        pattern: a path or a pattern, as the command line has it: GGUF files, or folders of safetensors.
        source: the model that they were made of: owner/repo@revision or a folder; None = as their headers say.
        folder: where the manifest will lie; paths are written relative to it.
        name: the release's.
        owner: of the repos, as far as it is known.
        open_hub: for the source's commit and licence.
        ask: the author, for the source, where neither headers nor command line tell it.

    Raises:
        HubpubError: HP-M09 nothing matches, HP-M10 what matches is no form that can be released, HP-W01 … HP-W05 for
            damaged or missing files.
    """
    found = _found(pattern)
    if found.ggufs:
        looked_at(found.ggufs, pattern)
    headers = found.headers
    repo, place, told = _source(source, headers.values(), ask)
    base = _base_key(repo, place, folder, open_hub)
    known = None if str(base.value).startswith(OPEN_QUESTION) else repo
    licence, why = _licence(headers.values(), place if isinstance(place, Path) else None, known, open_hub)
    prose = {f"{section}.md": text.format(source=known) for section, text in PROSE.items()} if known else {}
    words = Words(
        "",
        licence=(Key("licence", licence, note=why),) if licence else (),
        card=(
            *((Key("title", known.rpartition("/")[2]),) if known else ()),
            *(Key(section, f"{section}.md") for section in PROSE),
        ),
        files=prose,
    )
    shown = f"{len(found.ggufs)} GGUF files" if found.ggufs else ""
    others = ", ".join(f"{path.name} ({kind})" for kind, path in found.folders.items())
    model = Model(
        source=" and ".join(part for part in (shown, others) if part),
        base=base,
        adapter=None,
        artifacts=_artifacts(found, folder, name, owner),
        told=told,
    )
    return model, words


def _found(pattern: str) -> _Found:
    matches = [Path(match).resolve() for match in sorted(glob(os.path.expanduser(pattern), recursive=True))]
    folders = [path for path in matches if path.is_dir()]
    ggufs = [path for path in matches if path.suffix == ".gguf" and path.is_file()]
    inside = [path for path in folders if not (path / "config.json").is_file() and any(path.glob("*.gguf"))]
    if len(inside) == 1 and not ggufs:
        pattern, ggufs = str(inside[0] / "*.gguf"), sorted(inside[0].glob("*.gguf"))
    forms: dict[Kind, Path] = {}
    for path in (path for path in folders if (path / "config.json").is_file()):
        if (kind := _kind(path)) in forms:
            raise HubpubError(
                "HP-M10",
                f"{forms[kind].name} and {path.name} are both {kind}, and a release has one of each form",
                where=str(path),
                hint="a release each: hubpub init NAME --from-files with one of the folders",
            )
        forms[kind] = path
    if not ggufs and not forms:
        raise HubpubError(
            "HP-M09",
            f"no GGUF file and no folder of quantized weights matches {pattern}",
            hint="quote the pattern, so that the shell leaves it as it is: --from-files '/mnt/q/*.gguf'",
        )
    return _Found(tuple(ggufs), os.path.abspath(os.path.expanduser(pattern)), forms)


def _kind(folder: Path) -> Kind:
    """The form of a folder; where its layout is that of several, the one that its name says."""
    kinds = list(kinds_of(folder))
    if not kinds:
        raise HubpubError(
            "HP-M10",
            f"{folder.name} holds weights that are not quantized, or in a form that hubpub makes itself",
            where=str(folder / "config.json"),
            hint="bitsandbytes and GGUF are made here from the source: nf4, gguf among the artifacts",
        )
    named = [kind for kind in kinds if kind in folder.name.lower().replace("-", "_")]
    return (named or (kinds if len(kinds) == 1 else kinds[-1:]))[0]


def _source(
    given: str | None, headers: Iterable[GgufHeader], ask: Ask
) -> tuple[str | None, str | Path | None, tuple[str, ...]]:
    """The source's Hub id, where it is to be had (a folder, or a revision), and what is worth telling."""
    said = _said_source(headers)
    if given is not None and Path(given).is_dir():
        return said, Path(given).resolve(), ()
    if given is None:
        given = ask("Which model were these files made of, owner/name?", said)
    repo, _, revision = (given or "").removeprefix("hf://").removeprefix(HUB).partition("@")
    if not REPO_ID.fullmatch(repo):
        return None, None, ()
    differs = said is not None and said != repo
    told = (f"the files' headers name {said} as what they were made of: is {repo} right?",) if differs else ()
    return repo, revision or None, told


def _base_key(repo: str | None, place: str | Path | None, folder: Path, open_hub: OpenHub) -> Key:
    open_id = question("which model these files were made of, owner/name")
    if isinstance(place, Path):
        relative = Path(os.path.relpath(place, folder)).as_posix()
        return Key("source", {"model": repo or open_id, "folder": relative})
    if repo is None:
        return Key("source", open_id)
    return pinned(Key("source", repo), open_hub, place)


def _said_source(headers: Iterable[GgufHeader]) -> str | None:
    """The Hub id that the headers name: what was converted, else the model that it was made from."""
    keys = (
        "general.source.repo_url",
        "general.source.huggingface.repository",
        "general.base_model.0.repo_url",
    )
    said = (_said(headers, key) for key in keys)
    ids = (text.removeprefix(HUB).strip("/") for text in said if text)
    return next((text for text in ids if REPO_ID.fullmatch(text)), None)


def _said(headers: Iterable[GgufHeader], key: str) -> str | None:
    """What the first header that has such a text says."""
    return next((text for header in headers if (text := header.text(key))), None)


def _licence(
    headers: Iterable[GgufHeader], folder: Path | None, repo: str | None, open_hub: OpenHub
) -> tuple[str | None, str]:
    """The licence's id as the files' headers say it, else as the source's card does."""
    if (said := (_said(headers, "general.license") or "").lower()) in licences():
        return said, "as the files' headers say"
    named = None
    if folder is not None:
        named = licence_in_folder(folder).get("licence")
    elif repo is not None:
        named = licence_in(card_on_hub(repo, open_hub)).get("licence")
    return named, "as the source's card says" if named else ""


def card_on_hub(repo: str, open_hub: OpenHub) -> str:
    """The text of a model's README; empty where it cannot be had as the Hub lists it."""
    try:
        hub, ref = open_hub(), RepoRef(repo)
        return card_among(hub, ref, "main", hub.tree(ref, "main"))
    except HubpubError:  # it has none, or cannot be asked: nothing is known then, and the check says so
        return ""


def _artifacts(found: _Found, folder: Path, name: str, owner: str | None) -> Key:
    def relative(path: str | Path) -> str:
        return Path(os.path.relpath(path, folder)).as_posix()

    def repo(kind: Kind) -> dict[str, str]:
        return {"repo": f"{owner}/{name}{SUFFIX[kind]}"} if owner else {}

    keys = []
    if found.ggufs:
        named = {**repo("gguf"), "files": relative(found.pattern)}
        if projector := finest([file for file in found.ggufs if is_projector(file)]):
            named["mmproj"] = relative(projector)
        keys.append(Key("gguf", named))
    for kind, path in found.folders.items():
        read_variant(kind, path)
        keys.append(Key(kind, {**repo(kind), "folder": relative(path), "proof": "static"}))
    offered = Key("nf4", repo("nf4"), note="this one would be made here, from the source", off=True)
    return Key("artifacts", (*keys, offered))

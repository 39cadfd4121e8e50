"""card: write each repo's README from the facts, with its evidence, loss plot and licence beside it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from publisher.card.dataset_plot import dataset_plot
from publisher.card.eval_results import eval_results
from publisher.card.plot import loss_plot
from publisher.card.render import render
from publisher.card.templates import Templates
from publisher.data.examples import example_sheet
from publisher.evidence.files import inventory
from publisher.evidence.record import refuse_stale
from publisher.manifest.lock import write_whole
from publisher.manifest.project import ReleasePaths
from publisher.manifest.schema import Manifest
from publisher.pipeline.cards import EXAMPLES, STATISTICS, card_input, facts_text
from publisher.pipeline.licensing import licence_files
from publisher.pipeline.steps.tensors import tensors_text
from publisher.pipeline.words import Words
from publisher.records.artifacts import CARD_FILES, KINDS, SIGNATURE, TENSORS_FILE, Kind, is_card_file
from publisher.records.changes import Tensors
from publisher.records.facts import Facts
from publisher.records.receipts import Version
from publisher.records.runs import Cards, Identity, Pins
from publisher.release.bom import BOM_FILE, bom_of
from publisher.release.provenance import PROVENANCE_FILE, opened


def card(
    paths: ReleasePaths,
    manifest: Manifest,
    templates: Templates,
    identity: Identity,
    pins: Pins,
    words: Words,
    version: Version,
    facts: Facts,
    tensors: Tensors | None,
) -> Cards:
    """Put README.md, evidence/, assets/, LICENSE and the like into every artifact's folder, and the README into git's sight.

    Raises:
        HubpubError: HP-C01 a template asks for a fact that no stage measured, HP-C02 a template has an error,
            HP-C04 an evidence file changed after its facts were taken.
    """
    refuse_stale(facts.values(), paths.workspace)
    assets = _assets(facts)
    files = {}
    for kind in (kind for kind in KINDS if kind in identity.refs):
        folder = paths.artifact(kind)
        _clear(folder)
        beside = {
            **(assets if kind in ("adapter", "merged") else {}),
            **(_pictures(facts, folder) if kind == "dataset" else {}),
            **{path: t.encode() for path, t in licence_files(kind, manifest, facts, templates).items()},
        }
        beside |= _evidence(paths, manifest, facts)
        beside |= _signed(kind, manifest, identity, version, facts)
        if manifest.evidence != "none" and tensors and kind in tensors.of:
            beside[TENSORS_FILE] = tensors_text(tensors.of[kind]).encode()
        for path, content in beside.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
        written = card_input(kind, manifest, templates, identity, pins, words, version, facts, tuple(beside))
        for picture in {picture for prose in written.own_prose for picture in prose.pictures}:
            (folder / picture.path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(paths.folder / picture.path, folder / picture.path)
        for path, text in eval_results(written).items():
            (folder / path).parent.mkdir(exist_ok=True)
            write_whole(folder / path, text)
        rendered = render(written, templates)
        for readme in (folder / "README.md", paths.card(kind)):
            write_whole(readme, rendered.text)
        files[kind] = inventory(folder, keep=is_card_file)
    return Cards(files)


def _assets(facts: Facts) -> dict[str, bytes]:
    log, last = facts.value("train.log"), facts.get("train.final_loss")
    if not log:
        return {}
    counts = str(facts.value("train.log_counts", "optimizer steps"))
    unit = last.unit if last else None
    singular = {"optimizer steps": "optimizer step", "log entries": "entry of the log"}
    return {"assets/loss.png": loss_plot(log, unit=unit, counts=singular[counts])}


def _pictures(facts: Facts, folder: Path) -> dict[str, bytes]:
    """What a dataset holds, drawn from the facts, and rows of it, from the rows themselves."""
    words = facts.value("dataset.answer_words")
    drawn = {}
    if words:
        drawn[STATISTICS] = dataset_plot(facts.value("dataset.rows_by.category", {}), words)
    if facts.value("dataset.examples"):
        drawn[EXAMPLES] = example_sheet(folder)
    return drawn


def _evidence(paths: ReleasePaths, manifest: Manifest, facts: Facts) -> Mapping[str, bytes]:
    """`facts.json`, and with `evidence: full` the files that its facts point to."""
    if manifest.evidence == "none":
        return {}
    found = {"evidence/facts.json": facts_text(facts).encode()}
    if manifest.evidence == "full":
        for path in sorted({f.source.path for f in facts.values() if hasattr(f.source, "path")}):
            found[path] = (paths.workspace / path).read_bytes()
    return found


def _signed(
    kind: Kind, manifest: Manifest, identity: Identity, version: Version, facts: Facts
) -> dict[str, bytes]:
    """`model.sig`, and with evidence the signed statement of what the files were made of, and the bill of materials."""
    if facts.value(f"{kind}.signature") is None or manifest.sign is None:
        return {}
    files = {SIGNATURE: str(facts.value(f"{kind}.signature"))}
    if manifest.evidence != "none":
        sealed = str(facts.value(f"{kind}.provenance"))
        repo_id = identity.refs[kind].repo_id
        files[PROVENANCE_FILE] = sealed
        files[BOM_FILE] = bom_of(opened(sealed), kind, repo_id, version.number)
    return {path: text.encode() for path, text in files.items()}


def _clear(folder: Path) -> None:
    """Remove an earlier card's files, so that nothing of it is left behind."""
    for name in CARD_FILES:
        (folder / name).unlink(missing_ok=True)
    for name in ("evidence", "assets", ".eval_results"):
        shutil.rmtree(folder / name, ignore_errors=True)

"""preflight: what is knowable in the first second fails in the first second."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from publisher.data.enhance.endpoint import ready
from publisher.errors import HubpubError
from publisher.evidence.imported.benchmarks import read_benchmarks
from publisher.evidence.imported.run import read_run
from publisher.hub.port import Hub
from publisher.manifest.lock import read_lock
from publisher.manifest.project import ReleasePaths
from publisher.manifest.schema import BaseSettings, Manifest
from publisher.manifest.section import REPO_ID
from publisher.pipeline.base_licence import licence_known_of
from publisher.pipeline.base_package import package_file
from publisher.pipeline.code_models import missing_models
from publisher.pipeline.folders import contents
from publisher.pipeline.inputs import given_files, released_ggufs, variant_folders
from publisher.pipeline.levels import Levels
from publisher.pipeline.own_ggufs import looked_at
from publisher.pipeline.services import LastVersion, Source, Wishes
from publisher.pipeline.signing import Signing, signing_problems
from publisher.pipeline.stand_in import is_gated_by_name, model_type_of, refuse_marked
from publisher.pipeline.steps.gguf import Converting, converter_of
from publisher.pipeline.steps.merge import is_merged
from publisher.pipeline.steps.resolve import BaseWeights
from publisher.pipeline.steps.variants import variant_problems
from publisher.records.artifacts import RepoRef
from publisher.records.runs import Identity
from publisher.release.keyless import lacking
from publisher.release.on_hub import look
from publisher.release.supersede import plan_superseded
from publisher.release.version import next_free
from publisher.release.withdrawn import refusal, withdrawn

HEAVY = ("torch", "transformers", "safetensors", "pyarrow")
FOR_ADAPTERS = ("peft", "bitsandbytes")
FOR_GGUF = ("gguf",)
FOR_ROWS = ("pyarrow",)
FOR_DATASETS = ("datasets",)  # which a dataset is read back with
FOR_CURVES = ("matplotlib",)
FOR_BUILDING = ("PIL", "matplotlib")  # the pictures of a dataset's card, and those in its rows
FOR_METRICS = ("scipy", "sacrebleu", "rouge_score")
MARGIN = 1.2  # file systems and temporary folders take their share
GGUF_SHARE = {"q8_0": 0.54, "f32": 2.0}  # of the bf16 weights; whatever else has 16 bits a weight, or fewer
GGUF_TO_BF16 = 3  # a 4-bit GGUF file grows about so much when it is dequantized


@dataclass(frozen=True)
class Preflight:
    """Nothing stands in the way, as far as can be known: who publishes, and the disk that the run needs at its peak."""

    account: str
    peak_bytes: int


def preflight(
    paths: ReleasePaths,
    hub: Hub,
    source: Source,
    manifest: Manifest,
    identity: Identity,
    wishes: Wishes,
    last: LastVersion,
) -> Preflight:
    """Look at packages, base, disk, token, rights and tag before anything slow.

    Raises:
        HubpubError: HP-M12 a stand-in, and the Hub is not on this machine; else the first problem, with all of them in
            `data["all"]`.
    """
    refuse_marked(hub, _brought(paths, manifest), rehearsing=paths.stand_in)
    levels = Levels.of(manifest, wishes.proof)
    if hub.is_keyless:
        account, problems = _keyless_rights(hub, identity, manifest, wishes.propose)
    else:
        account, problems = _rights(hub, identity, wishes.propose)
    problems += _packages(manifest, levels)
    # Where the Hub that bases come from said no already, asking it for the base says the same again, slowly.
    base = manifest.base
    silent = base and not account and source.hub.endpoint == hub.endpoint and not _local(base)
    look_at_base = _stand_in_size if paths.stand_in else _base_size
    size, unknown_base = (
        (0, None)
        if base is None
        else (0, _unseen(source.hub, base))
        if silent
        else look_at_base(paths, source.hub, base)
    )
    problems += [unknown_base] if unknown_base else []
    if unknown_base is None and not silent:
        problems += _unlicensed(paths, source.hub, manifest)
    problems += _inputs(paths, manifest)
    problems += _ggufs(paths, manifest)
    problems += _enhancement(paths, manifest)
    problems += signing_problems(Signing.of(manifest, paths.folder), paths, signed=_signed_before(paths))
    problems += variant_problems(paths, manifest, levels)
    size = size if BaseWeights.of(manifest, levels).are_read else 0
    own = _own_bytes(paths, manifest)
    peak = _peak_bytes(size, own, manifest, embedded=hub.host == "local")
    peak += (
        int(max(size, own) * MARGIN) if wishes.verify == "full" else 0
    )  # one repo at a time comes back whole
    problems += _disk(paths, peak)
    if account and not paths.stand_in and unknown_base is None:
        problems += missing_models(manifest.card.code_models, source.hub)
    if account:
        problems += _taken(paths, hub, identity, wishes.version or manifest.version, last)
        problems += [] if wishes.propose else _superseded(hub, identity, manifest)
    if problems:
        problems[0].data |= {"all": problems, "peak_bytes": peak}
        raise problems[0]
    return Preflight(account, peak)


def _packages(manifest: Manifest, levels: Levels) -> Iterator[HubpubError]:
    missing = [name for name in needed(manifest, levels) if importlib.util.find_spec(name) is None]
    if missing:
        yield HubpubError(
            "HP-E01",
            f"not installed: {', '.join(missing)}",
            hint='pip install "hubpub[models]"',
            missing=missing,
        )


def needed(manifest: Manifest, levels: Levels) -> tuple[str, ...]:
    """Packages that the run will import: none of torch's family where nothing is made and nothing is loaded."""
    packed = manifest.base and manifest.base.package
    own = {kind for kind, artifact in manifest.artifacts.items() if artifact.files or artifact.folder}
    written = {"merged", "nf4", "gguf"} & set(manifest.artifacts) - own
    drawn = FOR_CURVES if manifest.train or manifest.training_run else ()
    built = FOR_BUILDING if manifest.dataset is not None and manifest.dataset.build else ()
    made = manifest.train or manifest.evaluate or packed or written
    if made or any(levels[kind] != "static" for kind in manifest.artifacts if manifest.base):
        adapters = manifest.train or manifest.adapter or "nf4" in manifest.artifacts
        read = FOR_GGUF if "gguf" in manifest.artifacts or packed else ()
        compared = FOR_METRICS if manifest.evaluate else ()
        every = (*HEAVY, *(FOR_ADAPTERS if adapters else ()), *read, *built, *drawn, *compared)
        return tuple(dict.fromkeys(every))
    rows = manifest.dataset is not None and not manifest.dataset.link
    read_back = "dataset" in manifest.artifacts and levels["dataset"] != "static"
    every = (*(FOR_ROWS if rows else ()), *(FOR_DATASETS if read_back else ()), *built, *drawn)
    return tuple(dict.fromkeys(every))


def _inputs(paths: ReleasePaths, manifest: Manifest) -> Iterator[HubpubError]:
    """Folders that the manifest names and that are not there."""
    adapter = manifest.adapter or ""
    on_hub = REPO_ID.fullmatch(adapter.partition("@")[0])
    if adapter and not on_hub and not (paths.folder / adapter).is_dir():
        yield HubpubError(
            "HP-A07",
            f"the adapter folder {adapter} does not exist",
            where=str(paths.folder / adapter),
            hint="adapter: takes a folder relative to the manifest, or owner/repo@revision",
        )
    yield from unread_run(paths, manifest)
    yield from unread_benchmarks(paths, manifest)
    for place in manifest.dataset.places if manifest.dataset else ():
        if not (paths.folder / place).exists():
            yield HubpubError(
                "HP-D01",
                f"{place} does not exist, which the dataset is made of",
                where=str(paths.folder / place),
                hint="dataset: takes paths relative to the manifest",
            )


def unread_run(paths: ReleasePaths, manifest: Manifest) -> Iterator[HubpubError]:
    """What another trainer left, read once before anything slow; and what its author states besides."""
    try:
        told = {m.id: m.value for m in read_run(paths.folder, manifest.training_run).measured}
    except HubpubError as problem:
        yield problem
        return
    for fact_id in sorted(manifest.stated.keys() & told.keys()):
        yield HubpubError(
            "HP-A09",
            f"{fact_id} is stated as {manifest.stated[fact_id].value}, and the files of training_run: tell it",
            where=f"{paths.manifest}: stated",
            hint=f"remove {fact_id} from stated:",
            values=[manifest.stated[fact_id].value, told[fact_id]],
        )


def unread_benchmarks(paths: ReleasePaths, manifest: Manifest) -> Iterator[HubpubError]:
    """Results of benchmarks, read once before anything slow."""
    try:
        read_benchmarks(paths.folder, manifest.lm_eval, manifest.base.model if manifest.base else None)
    except HubpubError as problem:
        yield problem


def _ggufs(paths: ReleasePaths, manifest: Manifest) -> Iterator[HubpubError]:
    """The converter to GGUF, fetched now where it is not there; or the headers of files that were made elsewhere."""
    own = given_files(manifest, paths.folder)
    back = released_ggufs(manifest, paths.folder, read_lock(paths.lock))  # what comes back from the Hub
    if "gguf" in manifest.artifacts:
        try:
            if own is None:
                converter_of(Converting.of(manifest, paths.name), paths)
            elif not back:
                made = manifest.artifacts["gguf"]
                looked_at(own, str(made.files), made.mmproj)
        except HubpubError as problem:
            yield problem


def _enhancement(paths: ReleasePaths, manifest: Manifest) -> Iterator[HubpubError]:
    """What the dataset's language model lacks, where no dataset was built yet: whoever finds one built asks none."""
    asked = getattr(manifest.dataset.build if manifest.dataset else None, "enhance", None)
    if asked is None or paths.lock.is_file() or (paths.stages / "dataset.json").is_file():
        return
    try:
        ready(asked)
    except HubpubError as problem:
        yield problem


def _signed_before(paths: ReleasePaths) -> bool:
    """Whether there are signatures already, which stand while the files do."""
    lock = read_lock(paths.lock)
    return (paths.stages / "sign.json").is_file() or (lock is not None and "sign" in lock.stages)


def _brought(paths: ReleasePaths, manifest: Manifest) -> Iterator[Path]:
    """The files of models that the manifest names and that lie here."""
    base = manifest.base.folder if manifest.base else None
    folders = [base, manifest.adapter, *(made.folder for made in manifest.artifacts.values())]
    for folder in (paths.folder / place for place in folders if place):
        yield from sorted(folder.iterdir()) if folder.is_dir() else ()
    yield from given_files(manifest, paths.folder) or ()


def _stand_in_size(paths: ReleasePaths, hub: Hub, base: BaseSettings) -> tuple[int, HubpubError | None]:
    """A few megabytes, which count for nothing; what it is to be like must be known."""
    try:
        model_type_of(base, paths.folder, hub)
    except HubpubError as problem:
        return 0, problem
    return 0, None


def _local(base: BaseSettings) -> bool:
    """Whether a base lies on this machine."""
    return bool(base.package or base.folder)


def _base_size(paths: ReleasePaths, hub: Hub, base: BaseSettings) -> tuple[int, HubpubError | None]:
    """Bytes of the base's weights, as far as they can be told now."""
    try:
        if base.package:
            return package_file(base).stat().st_size * GGUF_TO_BF16, None
        if base.folder:
            folder = paths.folder / base.folder
            if not (folder / "config.json").is_file():
                raise HubpubError(
                    "HP-B04",
                    "the base folder holds no config.json",
                    where=str(folder),
                    hint="point base.folder at a transformers checkpoint",
                )
            return sum(file.stat().st_size for file in folder.glob("*.safetensors")), None
        return _size_on_hub(hub, base), None
    except HubpubError as problem:
        return 0, problem


def _size_on_hub(hub: Hub, base: BaseSettings) -> int:
    ref = RepoRef(str(base.model))
    state = hub.state(ref)
    if state is None:
        raise HubpubError(
            "HP-B01",
            f"the base {base.model} does not exist on this Hub, or this account may not see it",
            where=hub.endpoint,
            hint="check base: in the manifest",
        )
    revision = base.revision or state.head or "main"
    files = hub.tree(ref, revision)
    try:  # a gated repo lists its files to everyone and hands out none
        next(iter(hub.read(ref, revision, "config.json")), b"")
    except HubpubError as refusal:
        if refusal.code != "HP-H03":
            raise
        raise _gated(hub, base, "this account has no access") from refusal
    return sum(file.size for file in files if file.path.endswith(".safetensors"))


def _unseen(hub: Hub, base: BaseSettings) -> HubpubError | None:
    """What is known of a base on a Hub that nobody may be asked on."""
    return _gated(hub, base, "nobody is logged in") if is_gated_by_name(base) else None


def _unlicensed(paths: ReleasePaths, hub: Hub, manifest: Manifest) -> Iterator[HubpubError]:
    """Artifacts whose licence nobody names."""
    unnamed = [kind for kind, artifact in manifest.artifacts.items() if not artifact.licence]
    if not unnamed or manifest.licence or "base.licence" in manifest.stated:
        return
    if any(entry.code == "META012" for entry in manifest.accept):
        return
    try:
        why = _silence_of(manifest.base, paths, hub)
    except HubpubError as problem:
        yield problem
        return
    if why:
        yield HubpubError(
            "HP-M14",
            f"under which licence {', '.join(unnamed)} would be published is not said: {why}",
            where=f"{paths.manifest}: licence",
            hint="licence: apache-2.0, or another id of the Hub; `other` with licence_name: and licence_link:",
        )


def _silence_of(base: BaseSettings | None, paths: ReleasePaths, hub: Hub) -> str:
    """Why the base names no licence; empty where it does, and of a package's file, whose header is read later."""
    if base is None:
        return "there is no base that could name one"
    if paths.stand_in:
        return "a rehearsal does not ask the base"
    named = licence_known_of(base, paths.folder, hub)
    return f"the card of {base.model or base.folder} names none" if named == {} else ""


def _gated(hub: Hub, base: BaseSettings, why: str) -> HubpubError:
    return HubpubError(
        "HP-B02",
        f"the base {base.model} is gated and {why}",
        where=f"{hub.endpoint}/{base.model}",
        hint=f"accept its terms at {hub.endpoint}/{base.model}, then: hf auth login; or rehearse it: --stand-in --hub local",
    )


def _peak_bytes(base: int, own: int, manifest: Manifest, *, embedded: bool) -> int:
    """Bytes that come to lie on this disk: base, merged, 4-bit, and the embedded Hub's copies, of own files too."""
    kinds = set(manifest.artifacts)
    made_here = "gguf" in kinds and manifest.artifacts["gguf"].files is None
    types = Converting.of(manifest, "").types if made_here else ()  # what is linked takes no room
    ggufs = sum(GGUF_SHARE.get(name, 1.0) for name in types)
    quantized = base * (0.45 * ("nf4" in kinds) + ggufs)
    made = base * (1 + is_merged(manifest)) + quantized
    published = base * (("base" in kinds) + ("merged" in kinds)) + quantized + own
    return int((made + (published if embedded else 0)) * MARGIN)


def _own_bytes(paths: ReleasePaths, manifest: Manifest) -> int:
    """Bytes of the weights that were quantized elsewhere."""
    folders = variant_folders(manifest, paths.folder).values()
    files = [file for folder in folders for _, file in contents(folder)]
    return sum(file.stat().st_size for file in (*files, *(given_files(manifest, paths.folder) or ())))


def _disk(paths: ReleasePaths, peak: int) -> Iterator[HubpubError]:
    place = next(p for p in (paths.workspace, *paths.workspace.parents) if p.exists())
    done = _already_here(paths.workspace)
    free = shutil.disk_usage(place).free
    if peak > free + done:
        yield HubpubError(
            "HP-X01",
            f"the release needs {peak / 1e9:.1f} GB at its peak, {free / 1e9:.1f} GB are free",
            where=str(place),
            hint="free some room, or release fewer artifacts at once",
            needed_bytes=peak,
            free_bytes=free,
        )


def _already_here(workspace: Path) -> int:
    """Bytes of artifacts that were made before and need no new room."""
    return sum(f.stat().st_size for f in (workspace / "artifacts").glob("*/*.safetensors"))


def _rights(hub: Hub, identity: Identity, propose: bool) -> tuple[str, list[HubpubError]]:
    try:
        account = hub.account()
    except HubpubError as refusal:
        return "", [refusal]
    allowed = {account.name, *account.organisations}
    owners = sorted({ref.repo_id.split("/")[0] for ref in identity.refs.values()} - allowed)
    # Whoever sees a repo may propose; the embedded Hub's owner may write everywhere.
    if not owners or propose or hub.host == "local":
        return account.name, []
    return account.name, [
        HubpubError(
            "HP-H03",
            f"{account.name} is neither {owner} nor a member of it, and may not write there",
            where=hub.endpoint,
            hint="change owner: in the manifest, use a token of that owner, or propose it to them: --propose",
        )
        for owner in owners
    ]


def _keyless_rights(
    hub: Hub, identity: Identity, manifest: Manifest, propose: bool
) -> tuple[str, list[HubpubError]]:
    try:
        job = hub.account().name
        # A proposal changes neither who sees a repo nor a collection.
        private = {ref: None if propose else identity.private[kind] for kind, ref in identity.refs.items()}
        problem = lacking(hub, identity.name, private, None if propose else manifest.collection)
    except HubpubError as refusal:
        return "", [refusal]
    return ("", [problem]) if problem else (job, [])


def _superseded(hub: Hub, identity: Identity, manifest: Manifest) -> Iterator[HubpubError]:
    """An older repo that cannot be told about this release: a right that is missing, or a name that is wrong."""
    try:
        plan_superseded(hub, identity.refs, identity.private, manifest.supersedes)
    except HubpubError as problem:
        yield problem


def _taken(
    paths: ReleasePaths, hub: Hub, identity: Identity, number: str | None, last: LastVersion
) -> Iterator[HubpubError]:
    """A version that was withdrawn; or released already, and not from here, so that this would be something else."""
    repos = look(hub, identity.name, identity.refs, last.repos)
    gone = {version for repo in repos for version in withdrawn(repo.history, identity.name)}
    tags = {tag for repo in repos for tag in repo.state.tags} | {f"v{version}" for version in gone}
    meant = number or last.number
    if meant in gone:
        free = next_free(meant, tags)
        yield refusal(identity.name, meant, free, asked=number is not None, where=hub.endpoint)
        return
    if number is None or last.number is not None or any(paths.stages.glob("*.json")):
        return
    if f"v{number}" in tags:
        free = next_free(number, tags)
        yield HubpubError(
            "HP-M07",
            f"{number} is released on this Hub already, and neither the lock nor the workspace knows with what",
            where=hub.endpoint,
            hint=f"git pull, to have the lock of that release; or: hubpub release {identity.name} {free}",
            proposal=free,
        )

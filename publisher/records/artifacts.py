"""Artifacts: what one repo of a release holds, file by file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from publisher.records.digest import digest

Kind = Literal[
    "base", "dataset", "adapter", "merged", "nf4", "gguf",
    "awq", "gptq", "fp8", "nvfp4", "compressed_tensors", "mlx", "exl2", "exl3",
]  # fmt: skip
KINDS: tuple[Kind, ...] = get_args(Kind)  # also the order of promotion: what others point to comes first

RepoType = Literal["model", "dataset"]

README = "README.md"
# The card as rendered; travels where the README on the Hub differs from it by edits that others made there.
RENDERING = "evidence/card.md"
TENSORS_FILE = "evidence/tensors.json"

# What the card and its proofs consist of. A change in these alone is a card revision, not a new version.
LICENCE, NOTICE = "LICENSE", "NOTICE"
BASE_LICENCE = "LICENSE.base"  # the base's, where the release is under another one
SIGNATURE = "model.sig"  # over everything else: another key makes no other version
CARD_FILES = (README, LICENCE, BASE_LICENCE, NOTICE, SIGNATURE)
CARD_FOLDERS = ("evidence/", "assets/", ".eval_results/")


def is_card_file(path: str) -> bool:
    """Whether a repo path belongs to the card rather than to weights, data or configuration."""
    return path in CARD_FILES or path.startswith(CARD_FOLDERS)


@dataclass(frozen=True, order=True)
class FileRecord:
    """One file: repo path with forward slashes, size in bytes, sha256 in hex."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True)
class RepoRef:
    """One repo of the Hub."""

    repo_id: str  # owner/name
    repo_type: RepoType = "model"

    @property
    def path(self) -> str:
        """Where a Hub has it below its address: datasets in a folder of their own."""
        return f"datasets/{self.repo_id}" if self.repo_type == "dataset" else self.repo_id


@dataclass(frozen=True)
class Artifact:
    """The files of one repo, without its card: weights, data, configuration.

    `folder` is where they lie on this machine; it is no part of the artifact's identity.
    """

    kind: Kind
    folder: str
    files: tuple[FileRecord, ...]

    @property
    def digest(self) -> str:
        """Digest of the contents: equal bytes under equal paths, wherever they lie."""
        return digest([self.kind, [[f.path, f.size, f.sha256] for f in sorted(self.files)]])

    @property
    def size(self) -> int:
        """Bytes in all."""
        return sum(file.size for file in self.files)

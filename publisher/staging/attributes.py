"""`.gitattributes`: which files are large files, by name; and which are by their bytes."""

from __future__ import annotations

from io import BytesIO

from dulwich.attrs import compile_gitattributes_patterns, match_path, parse_git_attributes

LARGE_FROM = 10 * 1024 * 1024  # bytes; a regular file of the Hub is smaller
SAMPLE = 512  # bytes of a file's beginning that the client sends along

_ARCHIVES = "*.7z *.bz2 *.gz *.rar *.tar *.tar.* *.tgz *.xz *.zip *.zst"
_WEIGHTS = (
    "*.arrow *.bin *.ckpt *.ftz *.gguf *.h5 *.joblib *.lfs.* *.mlmodel *.model *.msgpack *.npy *.npz *.onnx *.ot"
    " *.parquet *.pb *.pickle *.pkl *.pt *.pth *.safetensors saved_model/**/* *.tflite *.wasm *tfevents*"
)
_MEDIA = (
    "*.aac *.bmp *.flac *.gif *.jpeg *.jpg *.lz4 *.mds *.mp3 *.mp4 *.ogg *.pcm *.png *.raw *.sam *.tiff *.wav"
    " *.webm *.webp"
)
_LARGE = "filter=lfs diff=lfs merge=lfs -text"


def _default(*groups: str) -> bytes:
    patterns = [pattern for group in groups for pattern in group.split()]
    return "".join(
        f"{pattern} {_LARGE}\n" for pattern in sorted(patterns, key=lambda name: name.lower())
    ).encode()


# What the first commit of a repo holds.
DEFAULT_ATTRIBUTES = {
    "model": _default(_ARCHIVES, _WEIGHTS),
    "dataset": _default(_ARCHIVES, _WEIGHTS, _MEDIA),
}


class LargeFileRules:
    """The rules of one `.gitattributes`."""

    def __init__(self, attributes: bytes) -> None:
        self._patterns = compile_gitattributes_patterns(parse_git_attributes(BytesIO(attributes)))

    def by_name(self, path: str) -> bool:
        """Whether a path's name makes it a large file."""
        return match_path(self._patterns, path.encode()).get(b"filter") == b"lfs"

    def applies(self, path: str, size: int, sample: bytes) -> bool:
        """Whether a file is to be sent as a large file: by its name, its size, or because it is no text."""
        return size > LARGE_FROM or self.by_name(path) or not _is_text(sample)


def with_paths(attributes: bytes, paths: list[str]) -> bytes:
    """Add a line for each path, so that git's own LFS filter knows the file too."""
    lines = "".join(f"{path.replace(' ', '[[:space:]]')} {_LARGE}\n" for path in paths).encode()
    return (attributes if attributes.endswith(b"\n") or not attributes else attributes + b"\n") + lines


def _is_text(sample: bytes) -> bool:
    if b"\0" in sample:
        return False
    # The sample may end within a character: an error in the last three bytes proves nothing.
    try:
        sample.decode()
    except UnicodeDecodeError as error:
        return len(sample) >= SAMPLE and error.start >= len(sample) - 3
    return True

"""Signatures over a repo's files: OpenSSF model signing with a key, written and checked by `model-signing` itself.

What belongs to the card is left out, as release digests leave it out: a card revision must not break a signature.
"""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
import textwrap
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from publisher.errors import HubpubError
from publisher.records.artifacts import CARD_FILES, CARD_FOLDERS, SIGNATURE

if TYPE_CHECKING:
    from model_signing import verifying

PACKAGES = ("model_signing", "OpenSSL", "securesystemslib", "cyclonedx")  # what `hubpub[sign]` brings
UNSIGNED = (*CARD_FILES, *(folder.rstrip("/") for folder in CARD_FOLDERS))


def fingerprint(public_pem: str) -> str:
    """Sha256, in hex, of a public key in its canonical PEM form: what signatures name their key by.

    Raises:
        ValueError: the text is no PEM of a public key.
    """
    head, foot = "-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----"
    _, found, rest = public_pem.partition(head)
    body, ended, _ = rest.partition(foot)
    if not (found and ended and body.split()):
        raise ValueError("no public key in PEM form")
    canonical = "\n".join((head, *textwrap.wrap("".join(body.split()), 64), foot)) + "\n"
    return sha256(canonical.encode()).hexdigest()


def sign_files(folder: Path, private_pem: bytes, password: bytes | None = None) -> str:
    """Hash the files of a folder, those of the card left out, and sign the list of them.

    Returns:
        The text of `model.sig`: a Sigstore bundle with a DSSE envelope, signed by ECDSA (P-256, P-384 or P-521).

    Raises:
        ValueError: the key cannot be read, or is of another kind.
    """
    from model_signing import hashing, signing

    # Weights that a user brings lie here as links; on a Hub there are none.
    hashed = hashing.Config().set_ignored_paths(paths=UNSIGNED).set_allow_symlinks(True)
    with _file_of(private_pem) as key, tempfile.TemporaryDirectory(prefix="hubpub-") as scratch:
        written = Path(scratch) / SIGNATURE
        # The library hands the password to `cryptography`, which takes bytes, whatever the hint says.
        config = signing.Config().use_elliptic_key_signer(private_key=key, password=cast("Any", password))
        config.set_hashing_config(hashed).sign(folder, written)
        return written.read_text(encoding="utf-8")


def check_signature(folder: Path, public_pem: str, where: str) -> str:
    """Hold the files of a folder against its `model.sig`; returns the fingerprint of the key that signed them.

    Raises:
        HubpubError: HP-R09 there is no signature, it is another key's, it is broken, or the files are others; HP-M13
            the key is of another kind than signatures are made with.
    """
    from cryptography.exceptions import InvalidSignature

    if not (folder / SIGNATURE).is_file():
        raise _refused(f"there is no {SIGNATURE}", where)
    verifier = _verifier(public_pem)
    with contextlib.redirect_stdout(io.StringIO()):  # the library prints its warnings
        try:
            # What was left out, and how files were hashed, the signature says: others may sign more than we do.
            verifier.verify(folder, folder / SIGNATURE)
        except InvalidSignature as fault:
            raise _refused(f"{SIGNATURE} was changed after it was signed", where) from fault
        # Whatever of a foreign file cannot be parsed: the library checks no shapes before it reads them.
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as fault:
            raise _refused(_why(str(fault)), where) from fault
    return fingerprint(public_pem)


def _verifier(public_pem: str) -> verifying.Config:
    from cryptography.exceptions import UnsupportedAlgorithm
    from model_signing import verifying

    try:
        with _file_of(public_pem.encode()) as key:
            return verifying.Config().use_elliptic_key_verifier(public_key=key)
    except (
        ValueError,
        AttributeError,
        UnsupportedAlgorithm,
    ) as fault:  # AttributeError: no curve, so RSA or the like
        raise HubpubError(
            "HP-M13",
            "the public key is none of the curves P-256, P-384 and P-521",
            hint="openssl ec -in PRIVATE.pem -pubout -out release.pub",
        ) from fault


def _why(fault: str) -> str:
    """The library's words, shortened to what a reader can act on."""
    if "Key mismatch" in fault:
        return f"{SIGNATURE} is by another key"
    if "Signature mismatch" in fault:
        return f"the files are not those that were signed: {fault.partition(': ')[2].strip('[]')}"
    return f"{SIGNATURE} cannot be read: {fault.splitlines()[0] if fault else 'it is no signature'}"


def _refused(what: str, where: str) -> HubpubError:
    return HubpubError(
        "HP-R09",
        what,
        where=where,
        hint="use none of these files before their author has told which key is theirs, and why",
    )


@contextlib.contextmanager
def _file_of(pem: bytes) -> Iterator[Path]:
    """A key as the file that the library asks for, on no disk: a pipe, which holds at least 4096 bytes."""
    reading, writing = os.pipe()
    try:
        with os.fdopen(writing, "wb") as stream:
            stream.write(pem)
        yield Path(f"/dev/fd/{reading}")
    finally:
        os.close(reading)

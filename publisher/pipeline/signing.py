"""The keys of a release: the public one from beside the manifest, the private one from where it is kept."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from publisher.errors import HubpubError
from publisher.manifest.project import ReleasePaths
from publisher.manifest.schema import Manifest
from publisher.manifest.signing import SigningSettings
from publisher.records.artifacts import Kind
from publisher.release.signing import PACKAGES, fingerprint


@dataclass(frozen=True)
class Signing:
    """What is to be signed, and for which public key. Whose private key it is that signs, and where it lies, is no part of it."""

    settings: SigningSettings
    public_pem: str
    kinds: tuple[Kind, ...]

    @property
    def digest(self) -> str:
        """The key that signatures hold for, and the repos."""
        return " ".join((fingerprint(self.public_pem), *self.kinds))

    @classmethod
    def of(cls, manifest: Manifest, folder: Path) -> Signing | None:
        """As the manifest says; None where nothing is signed.

        Raises:
            HubpubError: HP-M06 the public key's file is not there, HP-M13 it holds no public key.
        """
        if manifest.sign is None:
            return None
        file = folder / manifest.sign.public_key
        return cls(manifest.sign, public_key(file), tuple(sorted(manifest.artifacts)))


def public_key(file: Path) -> str:
    """The PEM text of a public key.

    Raises:
        HubpubError: HP-M06 no such file, HP-M13 it is something else.
    """
    try:
        text = file.read_text(encoding="ascii")
        fingerprint(text)
    except FileNotFoundError as fault:
        raise HubpubError(
            "HP-M06",
            f"the public key {file.name} does not exist",
            where=str(file),
            hint=f"openssl ec -in PRIVATE.pem -pubout -out {file.name}",
        ) from fault
    except (ValueError, OSError) as fault:
        raise HubpubError(
            "HP-M13",
            f"{file.name} holds no public key in PEM form",
            where=str(file),
            hint=f"openssl ec -in PRIVATE.pem -pubout -out {file.name}",
        ) from fault
    return text


@dataclass(frozen=True)
class PrivateKey:
    """A private key's PEM bytes and its password; never written, never printed."""

    pem: bytes
    password: bytes | None

    def __repr__(self) -> str:
        """Nothing of it."""
        return "PrivateKey(…)"


def private_key(
    signing: Signing, paths: ReleasePaths, environment: Mapping[str, str] = os.environ
) -> PrivateKey:
    """Read the private key and see that it is the public one's.

    Raises:
        HubpubError: HP-X06 it is not here, HP-M13 it lies in the project, cannot be read or is of another pair,
            HP-E01 the packages that sign are not installed.
    """
    refuse_without_packages()
    settings = signing.settings
    pem = _from_file(settings.key, paths) if settings.key else _from_variable(settings, environment)
    word = environment.get(settings.password_variable, "") if settings.password_variable else ""
    found = PrivateKey(pem, word.encode() or None)
    if _fingerprint_of(found, paths) != fingerprint(signing.public_pem):
        raise _unusable(f"the private key is not the one of {settings.public_key}", paths)
    return found


def refuse_without_packages() -> None:
    """Refuse where signatures can be neither made nor checked.

    Raises:
        HubpubError: HP-E01.
    """
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise HubpubError(
            "HP-E01",
            f"not installed: {', '.join(missing)}",
            hint='pip install "hubpub[sign]"',
            missing=missing,
        )


def signing_problems(signing: Signing | None, paths: ReleasePaths, *, signed: bool) -> Iterator[HubpubError]:
    """What would stop the signing. Where files were `signed` before, the key may be elsewhere: it may not be needed."""
    if signing is None:
        return
    try:
        private_key(signing, paths)
    except HubpubError as problem:
        if not (signed and problem.code == "HP-X06"):
            yield problem


def _from_file(place: str, paths: ReleasePaths) -> bytes:
    file = (paths.folder / Path(place).expanduser()).resolve()
    if file.is_relative_to(paths.folder.parents[1].resolve()):
        raise _unusable("the private key lies in the project, where a commit would publish it", paths)
    try:
        return file.read_bytes()
    except OSError as fault:
        raise _absent(f"the private key cannot be read: {place}", paths) from fault


def _from_variable(settings: SigningSettings, environment: Mapping[str, str]) -> bytes:
    name = settings.key_variable
    if not environment.get(name):
        raise HubpubError(
            "HP-X06",
            f"the private key is not here: {name} is not set",
            where="release.yaml: sign",
            hint=f'export {name}="$(cat PRIVATE.pem)", or name its file: sign: {{public_key: …, key: ~/PRIVATE.pem}}',
        )
    return environment[name].encode()


def _fingerprint_of(key: PrivateKey, paths: ReleasePaths) -> str:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    try:
        private = load_pem_private_key(key.pem, key.password)
    except (
        ValueError,
        TypeError,
        UnsupportedAlgorithm,
    ) as fault:  # TypeError: a password too many, or too few
        raise _unusable(f"the private key cannot be opened: {fault}", paths) from fault
    curves = ("secp256r1", "secp384r1", "secp521r1")  # what the format of signatures knows
    if not isinstance(private, EllipticCurvePrivateKey) or private.curve.name not in curves:
        raise _unusable("the private key is none of the curves P-256, P-384 and P-521", paths)
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return fingerprint(public.decode())


def _absent(what: str, paths: ReleasePaths) -> HubpubError:
    return HubpubError(
        "HP-X06", what, where=f"{paths.manifest}: sign", hint="put it there, or name where it is: sign.key"
    )


def _unusable(what: str, paths: ReleasePaths) -> HubpubError:
    return HubpubError(
        "HP-M13",
        what,
        where=f"{paths.manifest}: sign",
        hint="openssl ecparam -name prime256v1 -genkey -noout -out ~/release.pem && "
        "openssl ec -in ~/release.pem -pubout -out release.pub",
    )

"""Key pairs as `openssl ecparam -genkey` and `openssl ec -pubout` write them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec


@dataclass(frozen=True)
class KeyPair:
    """PEM texts."""

    private: str
    public: str


def make_pair(password: bytes | None = None) -> KeyPair:
    """A new pair on the curve P-256."""
    key = ec.generate_private_key(ec.SECP256R1())
    locked = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    return KeyPair(
        key.private_bytes(pem, pkcs8, locked).decode(), key.public_key().public_bytes(pem, spki).decode()
    )


def write_pair(pair: KeyPair, private: Path, public: Path) -> None:
    """Into two files."""
    private.write_text(pair.private)
    public.write_text(pair.public)

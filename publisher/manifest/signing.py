"""`sign`: with which key the files of every repo are signed."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from publisher.manifest.section import Section


class SigningSettings(Section):
    """OpenSSF model signing with a key of one's own. The public key lies beside the manifest, the private one never does."""

    public_key: str = Field(
        description="File of the public key, PEM, relative to the manifest: what `verify` holds signatures against."
    )
    key: str | None = Field(
        None, description="File of the private key, PEM, outside the project; `~` is the home folder."
    )
    key_variable: str = Field(
        "HUBPUB_SIGNING_KEY",
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="Without `key`: the environment variable that holds the private key's PEM text.",
    )
    password_variable: str | None = Field(
        None,
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="The environment variable that holds the private key's password; left out: it has none.",
    )

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return {"public_key": value} if isinstance(value, str) else value

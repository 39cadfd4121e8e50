"""What every part of a manifest is: a frozen mapping that refuses unknown keys, and the types that parts share."""

from __future__ import annotations

import re
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, Strict

REPO_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,94}/[A-Za-z0-9][\w.-]{0,94}")


Item = TypeVar("Item")


# Numbers are read strictly, so that "4" is no number; a YAML list is a tuple all the same.
Many = Annotated[tuple[Item, ...], Strict(False)]


Visibility = Literal["private", "public"]


Licence = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.+-]*$")]


class Section(BaseModel):
    """A mapping of the manifest: frozen, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)

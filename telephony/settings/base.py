"""What settings are made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Seconds = Annotated[float, Field(ge=0)]
File = Annotated[str, Field(json_schema_extra={"format": "path"})]
"""A path; in the configuration file, relative to that file."""


class Group(BaseModel):
    """A group of settings. Unknown keys are errors, and so is infinity: every bound is one."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, frozen=True, allow_inf_nan=False)

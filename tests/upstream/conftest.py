"""Entries of a `model_list`, written as a user would."""

from __future__ import annotations

from typing import Any, Protocol

import pytest

from telephony.settings import ModelEntry


class MakeEntry(Protocol):
    def __call__(
        self, model: str, *, name: str = "voice", info: dict[str, Any] | None = None, **params: Any
    ) -> Any: ...


@pytest.fixture
def entry() -> MakeEntry:
    """An entry of `model_list` as a YAML file would give it."""

    def make(model: str, *, name: str = "voice", info: dict[str, Any] | None = None, **params: Any) -> ModelEntry:
        written = {"model_name": name, "litellm_params": {"model": model, **params}, "model_info": info or {}}
        return ModelEntry.model_validate(written)

    return make

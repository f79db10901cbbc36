"""The tools that every agent can have without writing them."""

from __future__ import annotations

import pytest

from telephony.errors import ConfigurationError
from telephony.tools.builtin import BUILTINS, HANG_UP, builtin


def test_hang_up_is_found_by_its_reference() -> None:
    assert builtin("builtin:hang_up") is HANG_UP
    assert HANG_UP.reference == "builtin:hang_up"


def test_hang_up_tells_the_model_to_say_goodbye_first() -> None:
    assert HANG_UP.spec.description.index("goodbye") < HANG_UP.spec.description.index("then call this")


@pytest.mark.parametrize("reference", BUILTINS)
def test_every_builtin_is_described_and_closed(reference: str) -> None:
    spec = BUILTINS[reference].spec
    assert spec.description
    assert spec.parameters["type"] == "object"
    assert spec.parameters["additionalProperties"] is False


@pytest.mark.parametrize(
    ("reference", "remedy"),
    [("builtin:hangup", "Did you mean builtin:hang_up?"), ("builtin:sing", f"There is {', '.join(BUILTINS)}.")],
)
def test_an_unknown_one_is_refused_with_the_nearest(reference: str, remedy: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        builtin(reference, "telephony.yaml: agents.frontdesk.tools")
    assert caught.value.remedy == remedy
    assert "telephony.yaml" in str(caught.value)

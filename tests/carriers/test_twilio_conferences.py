"""Requests about conferences. That they are those of Twilio's own client is shown in
tests/contracts/test_twilio_client.py."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from telephony.carriers.twilio_conferences import (
    NewParticipant,
    ParticipantResource,
    create_participant,
    end_conference,
    list_participants,
    read_participant,
    read_participants,
    remove_participant,
    update_participant,
)
from telephony.carriers.twilio_rest import RestApi
from telephony.errors import CarrierError, ConfigurationError
from telephony.settings import TwilioSettings

CALL, CONFERENCE = "CA" + "1" * 32, "CF" + "2" * 32
API = RestApi(TwilioSettings(account_sid="AC" + "1" * 32, auth_token=SecretStr("a token")))
BODY = {
    "call_sid": CALL,
    "conference_sid": CONFERENCE,
    "status": "connected",
    "label": None,
    "muted": True,
    "hold": None,
}


def participant(**changes: Any) -> NewParticipant:
    return NewParticipant(**{"to": "+15550177", "from_number": "+15550100", "time_limit": 600, **changes})


def test_calling_somebody_in_is_not_repeated_and_the_rest_is() -> None:
    assert not create_participant(API, "room", participant()).idempotent
    assert not update_participant(API, "room", CALL, announce_url="https://x.example/y").idempotent
    for request in (
        update_participant(API, "room", CALL, hold=True),
        remove_participant(API, "room", CALL),
        list_participants(API, "room"),
        end_conference(API, "room"),
    ):
        assert request.idempotent


def test_whoever_is_gone_is_as_good_as_removed() -> None:
    assert remove_participant(API, "room", CALL).gone_is_success
    assert end_conference(API, "room").gone_is_success
    assert not update_participant(API, "room", CALL, hold=True).gone_is_success


def test_only_what_is_said_is_changed() -> None:
    assert update_participant(API, "room", CALL, muted=False).form == (("Muted", "false"),)


@pytest.mark.parametrize("name", ["", "a/b", "a b", "../x", "x" * 129, "ü"])
def test_a_name_that_could_lead_elsewhere_is_none(name: str) -> None:
    with pytest.raises(ConfigurationError, match="no name for a conference"):
        end_conference(API, name)


@pytest.mark.parametrize(
    ("change", "key"), [({"to": "911"}, "to"), ({"from_number": "x"}, "from"), ({"ring": 4}, "ring")]
)
def test_what_twilio_would_refuse_is_refused_before_it_is_asked(change: dict[str, Any], key: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        create_participant(API, "room", participant(**change))
    assert caught.value.key == key


def test_what_twilio_says_of_somebody_is_read() -> None:
    somebody = ParticipantResource(CALL, CONFERENCE, "connected", "", True, False)
    assert read_participant(BODY) == somebody
    assert read_participants({"participants": [BODY]}) == [somebody]


@pytest.mark.parametrize("body", [{}, {"participants": None}, {"participants": [1]}, {"participants": [{}]}])
def test_an_answer_without_anybody_is_an_error(body: dict[str, Any]) -> None:
    with pytest.raises(CarrierError):
        read_participants(body)
    with pytest.raises(CarrierError):
        read_participant(body)

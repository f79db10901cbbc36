"""What befalls a session, by the script: in a reply, at a moment, in one connection and not in the next."""

from __future__ import annotations

import json
from typing import Any

import pytest

from telephony.sim.model_client import ModelClient
from telephony.sim.model_trouble import MALFORMED

TEXT = "Your order has shipped and will be with you on Thursday."
CALL = {"name": "find", "arguments": {"order_id": "A-1042"}}


def asked(profile: str = "xai", *, wait: float = 5.0, **reply: Any) -> ModelClient:
    """A client that asked for a greeting, with *reply* over it."""
    client = ModelClient({"profile": profile, "replies": [{"on": "greeting", "say": TEXT, **reply}]})
    client.configure()
    client.send("response.create")
    client.wait(wait)
    return client


def both(test: Any) -> Any:
    return pytest.mark.parametrize("profile", ["xai", "openai"])(test)


def heard_ms(client: ModelClient) -> float:
    return sum(len(delta["delta"]) * 3 // 4 / 48 for delta in client.all("response.output_audio.delta"))


def is_over(client: ModelClient) -> bool:
    """Whether nothing comes any more, whatever the client does."""
    before = len(client.raw)
    client.send("response.cancel")
    client.send("response.create")
    client.wait(60)
    return len(client.raw) == before


# -- in a reply ----------------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize(
    ("trouble", "code"),
    [
        ({"close": 1011}, (1011, "scripted close")),
        ({"close": 4000}, (4000, "scripted close")),
        ({"vanish": True}, (1006, "")),
    ],
)
def test_connection_is_lost_in_the_middle_of_the_audio(
    profile: str, trouble: dict[str, Any], code: tuple[int, str]
) -> None:
    client = asked(profile, **trouble, delta_ms=[100, 100])
    assert client.model.close_request == code
    assert not client.model.frozen
    assert 0 < heard_ms(client) < 60 * len(TEXT)
    assert client.all("response.done") == []
    assert client.model.deadline() is None
    assert is_over(client)


@both
def test_session_freezes_in_the_middle_of_the_audio(profile: str) -> None:
    client = asked(profile, freeze=True, delta_ms=[100, 100])
    assert client.model.frozen
    assert client.model.close_request is None
    assert 0 < heard_ms(client) < 60 * len(TEXT)
    assert client.model.deadline() is None
    received = dict(client.model.received)
    assert is_over(client)
    assert dict(client.model.received) == received


@both
def test_session_falls_silent_in_the_middle_of_the_audio(profile: str) -> None:
    client = asked(profile, mute=True, delta_ms=[100, 100])
    assert not client.model.frozen
    assert client.model.close_request is None
    received = client.model.received.total()
    assert is_over(client)
    assert client.model.received.total() == received + 2


@pytest.mark.parametrize(
    ("place", "last"),
    [
        ("audio", "response.output_audio.delta"),
        ("call", "response.output_item.done"),
        ("done", "response.done"),
    ],
)
def test_trouble_comes_where_the_script_puts_it(place: str, last: str) -> None:
    client = asked(call=CALL, close=1011, trouble_at=place, delta_ms=[100, 100])
    assert client.types()[-1] == last
    assert bool(client.all("response.function_call_arguments.done")) == (place != "audio")


def test_reply_without_words_is_lost_after_its_calls() -> None:
    client = asked(say="", call=CALL, vanish=True)
    assert client.all("response.function_call_arguments.done")
    assert client.all("response.done") == []
    assert client.model.close_request == (1006, "")


def test_voice_without_sound_does_not_save_a_session() -> None:
    client = ModelClient({"replies": [{"on": "greeting", "say": TEXT, "close": 1011}]}, voice=lambda _: b"")
    client.configure()
    client.send("response.create")
    client.wait(2)
    assert client.model.close_request == (1011, "scripted close")


@both
def test_fifty_malformed_messages_come_in_one_burst_and_the_reply_goes_on(profile: str) -> None:
    client = asked(profile, malformed=50, delta_ms=[100, 100])
    burst = [index for index, text in enumerate(client.raw) if text in MALFORMED]
    assert len(burst) == 50
    assert burst == list(range(burst[0], burst[0] + 50))
    assert {client.raw[index] for index in burst} == set(MALFORMED)
    assert client.last("response.done")["response"]["status"] == "completed"
    assert client.faults == client.model.unmet == []


# -- at a moment of the session ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("profile", "code", "kind"),
    [
        ("openai", "session_expired", "invalid_request_error"),
        ("openai", "insufficient_quota", "insufficient_quota"),
        ("openai", "internal_error", "server_error"),
        ("openai", "something_new", "invalid_request_error"),
        ("xai", "internal_error", "internal_error"),
        ("xai", "timeout", "timeout"),
    ],
)
def test_error_comes_at_its_time_as_each_provider_words_it(profile: str, code: str, kind: str) -> None:
    client = ModelClient({"profile": profile, "faults": [{"at_s": 3, "error": code}]})
    client.wait(2.9)
    assert client.all("error") == []
    client.wait(0.2)
    error = client.last("error")["error"]
    assert (error["type"], error["code"]) == (kind, code if profile == "openai" else kind)
    assert error["message"]
    client.configure()
    assert client.all("session.updated")


def test_error_and_close_come_together() -> None:
    faults = [{"at_s": 3, "error": "session_expired", "close": 1001}]
    client = ModelClient({"profile": "openai", "faults": faults})
    client.wait(4)
    assert client.messages[-1]["error"]["code"] == "session_expired"
    assert client.model.close_request == (1001, "scripted close")


def test_several_things_befall_a_session_in_turn() -> None:
    faults = [{"at_s": 4, "freeze": True}, {"at_s": 1, "malformed": 2}, {"at_s": 2, "mute": True}]
    client = ModelClient({"faults": faults, "ping_s": 0.5})
    client.wait(10)
    pings = [at for at, message in zip(client.at, client.messages, strict=True) if message["type"] == "ping"]
    assert max(pings) <= 2.0
    assert sum(text in MALFORMED for text in client.raw) == 2
    assert client.model.frozen


# -- by connection -------------------------------------------------------------------------------------------------


def test_connections_differ_as_the_script_says_and_the_last_holds_for_all_that_follow() -> None:
    script = {
        "faults": [{"at_s": 1, "close": 1011}],
        "connections": [{}, {"refuse": 503}, {"faults": [], "never_ready": True}],
    }
    clients: list[ModelClient] = []
    for _ in range(4):
        clients.append(ModelClient(script, after=clients[-1] if clients else None))
    for client in clients:
        client.configure()
        client.wait(2)
    assert [client.model.refusal for client in clients] == [0, 503, 0, 0]
    assert [client.model.close_request is None for client in clients] == [False, False, True, True]
    assert [bool(client.all("session.updated")) for client in clients] == [True, True, False, False]


def test_connection_may_have_replies_of_its_own() -> None:
    script = {"replies": [{"on": "greeting", "say": "Hello."}], "connections": [{}, {"replies": []}]}
    first = ModelClient(script)
    second = ModelClient(script, after=first)
    assert len(first.model.unmet) == 1
    assert second.model.unmet == []


# -- limits --------------------------------------------------------------------------------------------------------


def test_openai_says_when_the_session_will_expire() -> None:
    for limit, lasts in ((30, 30), (0, 3600)):
        client = ModelClient({"profile": "openai", "session_limit_s": limit})
        client.configure()
        ends = [json.loads(raw)["session"]["expires_at"] for raw in (client.raw[0], client.raw[-1])]
        assert ends == [1_785_214_081 + lasts] * 2

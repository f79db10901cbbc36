"""The gateway over real sockets: who is let in, what everybody else is told, and where sessions go."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from aiohttp import ClientSession, WSServerHandshakeError
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from gateways import MASTER, Running, entry, gateway, model
from telephony.server.keys import hashed

pytestmark = pytest.mark.timeout(40)

NOBODY = "ws://127.0.0.1:9"
BEARER = {"Authorization": f"Bearer {MASTER}"}


def dial(
    running: Running, query: str = "?model=voice", headers: dict[str, str] | None = None, **options: Any
) -> connect:
    sent = BEARER if headers is None else headers
    return connect(running.url + query, additional_headers=sent, compression=None, proxy=None, **options)


async def until(client: ClientConnection, kind: str) -> list[dict[str, Any]]:
    """Everything up to the first event of a kind."""
    events: list[dict[str, Any]] = []
    async with asyncio.timeout(10):
        while not events or events[-1]["type"] != kind:
            events.append(json.loads(await client.recv()))
    return events


async def say(client: ClientConnection, text: str) -> list[dict[str, Any]]:
    """Write to the model; its reply."""
    content = [{"type": "input_text", "text": text}]
    item = {"type": "message", "role": "user", "content": content}
    await client.send(json.dumps({"type": "conversation.item.create", "item": item}))
    await client.send('{"type": "response.create"}')
    return await until(client, "response.done")


async def refused(
    running: Running, query: str = "?model=voice", headers: dict[str, str] | None = None
) -> tuple[int, str]:
    """HTTP status and error code of a handshake."""
    with pytest.raises(InvalidStatus) as caught:
        await dial(running, query, headers)
    response = caught.value.response
    error = json.loads(response.body)["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return response.status_code, error["code"]


# -- sessions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/v1/realtime", "/realtime", "/openai/v1/realtime"])
async def test_a_text_conversation_on_every_path(path, nothing_left_behind):
    async with await model() as grok, gateway([entry(grok.url)]) as running:
        async with connect(running.url.replace("/v1/realtime", path), additional_headers=BEARER) as client:
            assert (await until(client, "session.created"))[0]["session"]["model"] == "grok"
            await client.send('{"type": "session.update", "session": {"turn_detection": null}}')
            await until(client, "session.updated")
            reply = await say(client, "Hello?")
        report = await running.reports.get()
    assert any(event["type"] == "response.output_audio.delta" for event in reply)
    assert (report.client, report.model, report.deployment) == ("master", "voice", "xai/grok")
    assert (report.usage.responses, report.usage.text_items) == (1, 1)
    assert report.ending.by == "client"


async def test_what_clients_of_the_beta_send_along_reaches_no_provider():
    """OpenAI ends a session over that header, and the simulated one does, too."""
    async with (
        await model(profile="openai") as gpt,
        gateway([entry(gpt.url, provider="openai")]) as running,
        dial(running, headers={**BEARER, "OpenAI-Beta": "realtime=v1"}) as client,
    ):
        assert (await until(client, "session.created"))[0]["type"] == "session.created"


async def test_the_only_model_need_not_be_named():
    async with await model() as grok, gateway([entry(grok.url)]) as running, dial(running, "") as client:
        await until(client, "session.created")


async def test_a_deployment_that_refuses_in_whatever_way_is_passed_over():
    async with (
        await model(refuse=401) as wrong_key,
        await model(profile="openai", open_error="insufficient_quota") as poor,
        await model() as good,
    ):
        models = [entry(NOBODY), entry(wrong_key.url), entry(poor.url, provider="openai"), entry(good.url)]
        async with gateway(models, router_settings={"num_retries": 0}) as running, dial(running) as client:
            assert (await until(client, "session.created"))[0]["session"]["model"] == "grok"
        assert len(good.sessions) == 1


async def test_a_close_in_mid_sentence_reaches_the_client_with_its_code():
    reply = {"on": "text", "say": "I will not get far with this.", "close": 4242}
    async with await model(replies=[reply]) as grok, gateway([entry(grok.url)]) as running, dial(running) as client:
        with pytest.raises(ConnectionClosed):
            await say(client, "Hello?")
        assert client.close_code == 4242
        ending = (await running.reports.get()).ending
    assert (ending.by, ending.code) == ("model", 4242)


async def test_sessions_that_are_open_at_the_end_are_told_to_go():
    async with await model() as grok:
        async with gateway([entry(grok.url)]) as running:
            client = await dial(running)
            await until(client, "session.created")
        events = await until(client, "error")
        assert events[-1]["error"]["code"] == "gateway_stopping"
        await client.wait_closed()
        assert client.close_code == 1001


# -- who is let in -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers", [{"Authorization": f"Bearer {MASTER}"}, {"api-key": MASTER}], ids=["bearer", "api-key"]
)
async def test_a_key_in_a_header_opens(headers):
    async with await model() as grok, gateway([entry(grok.url)]) as running, dial(running, headers=headers) as client:
        await until(client, "session.created")


@pytest.mark.parametrize(
    ("offered", "agreed"),
    [
        (["realtime", f"openai-insecure-api-key.{MASTER}", "openai-beta.realtime-v1"], "realtime"),
        ([f"openai-insecure-api-key.{MASTER}", "realtime"], "realtime"),
        ([f"openai-insecure-api-key.{MASTER}"], f"openai-insecure-api-key.{MASTER}"),
    ],
)
async def test_a_key_among_the_subprotocols_opens(offered, agreed):
    async with (
        await model() as grok,
        gateway([entry(grok.url)]) as running,
        dial(running, headers={}, subprotocols=offered) as client,
    ):
        assert client.subprotocol == agreed
        await until(client, "session.created")


async def test_strangers_learn_nothing_but_that_they_are():
    async with gateway([entry(NOBODY)]) as running:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"api-key": MASTER + "x"}, {"Authorization": MASTER}):
            for query in ("?model=voice", "?model=nothing", ""):
                assert await refused(running, query, headers) == (401, "invalid_api_key")


async def test_a_clients_own_key_allows_what_it_says():
    keys = {"shop": {"sha256": hashed("sk-shop"), "models": ["voice"], "max_sessions": 1}}
    shop = {"Authorization": "Bearer sk-shop"}
    async with await model() as grok:
        models = [entry(grok.url), entry(grok.url, name="other")]
        async with gateway(models, gateway={"keys": keys}) as running:
            assert await refused(running, "?model=other", shop) == (403, "model_not_allowed")
            async with dial(running, "", shop) as client:  # the only one it may use
                await until(client, "session.created")
                assert await refused(running, headers=shop) == (429, "rate_limit_exceeded")
                async with dial(running):
                    pass
            assert {(await running.reports.get()).client for _ in range(2)} == {"shop", "master"}
            async with dial(running, headers=shop):
                pass


async def test_minutes_end_a_session_and_refuse_the_next():
    keys = {"trial": {"key": "sk-trial", "minutes_per_day": 0.005}}
    trial = {"Authorization": "Bearer sk-trial"}
    async with await model() as grok, gateway([entry(grok.url)], gateway={"keys": keys}) as running:
        async with dial(running, headers=trial) as client:
            assert (await until(client, "error"))[-1]["error"]["code"] == "minutes_exhausted"
            await client.wait_closed()
            assert client.close_code == 1008
        assert await refused(running, headers=trial) == (429, "insufficient_quota")


async def test_what_cannot_be_served_is_refused_with_a_status_of_its_own():
    async with await model(refuse=429) as full, await model(refuse=401) as wrong:
        models = [entry(full.url), entry(wrong.url, name="wrong"), entry(NOBODY, name="gone")]
        async with gateway(models, router_settings={"num_retries": 0}) as running:
            assert await refused(running, "") == (400, "model_required")
            assert await refused(running, "?model=nothing") == (404, "model_not_found")
            assert await refused(running) == (429, "rate_limit_exceeded")
            assert await refused(running, "?model=gone") == (503, "upstream_unavailable")
            assert await refused(running, "?model=wrong") == (503, "upstream_unavailable")  # our key, not the client's


# -- over HTTP -----------------------------------------------------------------------------------------------------


async def test_models_are_listed_for_whoever_may_use_them():
    keys = {"shop": {"key": "sk-shop", "models": ["b"]}}
    models = [entry(NOBODY, name="a"), entry(NOBODY, name="b", provider="openai"), entry(NOBODY, name="a")]
    async with gateway(models, gateway={"keys": keys}) as running, ClientSession() as http:
        for path, key, names in (("/v1/models", MASTER, ["a", "b"]), ("/models", "sk-shop", ["b"])):
            async with http.get(running.http + path, headers={"Authorization": f"Bearer {key}"}) as response:
                listed = await response.json()
            assert [model["id"] for model in listed["data"]] == names
            assert listed["data"][-1] == {"id": "b", "object": "model", "created": 0, "owned_by": "openai"}
        async with http.get(running.http + "/v1/models") as response:
            assert response.status == 401


async def test_health_asks_for_no_key():
    async with gateway([entry(NOBODY)]) as running, ClientSession() as http, http.get(running.http + "/health") as ok:
        assert (ok.status, await ok.json()) == (200, {"status": "ok"})


async def test_a_plain_request_is_told_to_upgrade():
    async with (
        gateway([entry(NOBODY)]) as running,
        ClientSession() as http,
        http.get(running.http + "/v1/realtime", headers=BEARER) as response,
    ):
        assert response.status == 426
        assert response.headers["Upgrade"] == "websocket"


async def test_a_gateway_that_stops_takes_no_more_sessions():
    async with await model() as grok, gateway([entry(grok.url)]) as running, ClientSession() as http:
        await running.process.gateway.drain(0)
        assert await refused(running) == (503, "gateway_stopping")
        with pytest.raises(WSServerHandshakeError):
            await http.ws_connect(running.url, headers=BEARER)
        async with http.get(running.http + "/health") as response:
            assert response.status == 503

"""Secrets planted wherever a configuration can hold one, digits typed in secret, arguments marked sensitive: a whole
call, watched, traced and logged at its loudest, and none of them in anything that comes out.

Where a configuration can hold a secret is read off the settings' own types, so that whoever adds a field plants one.
"""

from __future__ import annotations

import io
import json
import logging
import types
import typing
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from aiohttp import web
from pydantic import BaseModel, SecretStr

from collectors import Collector, collecting
from offices import TOKEN, ShortVoice, opened, outside, settings_for
from remote_services import COMMAND, http_service
from telephony.agents.agent import Agent
from telephony.bridge.encrypted import is_encrypted, open_encrypted
from telephony.errors import ConfigurationError, ToolError
from telephony.runtime.configuration import load
from telephony.runtime.encryption import key_ring
from telephony.runtime.logs import set_up
from telephony.runtime.redaction import redacted, secrets_of
from telephony.settings import (
    EncryptionSettings,
    GatewayKey,
    GatewaySettings,
    GeneralSettings,
    HttpToolSettings,
    LiteLLMParams,
    McpServerSettings,
    ModelEntry,
    OutboundSettings,
    Settings,
    TwilioSettings,
)
from telephony.tools import CallContext, tool

pytestmark = [pytest.mark.usefixtures("nothing_left_behind", "logging_as_before"), pytest.mark.timeout(90)]

CARD = "4929137562083614"
PIN = "Rumpelstiltskin-7"
KEY, OLD_KEY = "planted+recordings+key+" + "A" * 19 + "E=", "planted+recordings+old+" + "A" * 19 + "E="
EXPORT_KEY = "planted-otlp-header-51aa"
WRONG_KEY = "planted-wrong-key-0b77"
theirs = logging.getLogger("somebody.elses.client")


# -- where secrets may stand ---------------------------------------------------------------------------------------


def secret_fields(kind: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every place of a type of settings that takes a secret; `*` is any key or any element."""
    if kind is SecretStr:
        yield path
    elif isinstance(kind, type) and issubclass(kind, BaseModel):
        for name, its in kind.model_fields.items():
            yield from secret_fields(its.annotation, (*path, name))
    elif typing.get_origin(kind) in (dict, list):
        yield from secret_fields(typing.get_args(kind)[-1], (*path, "*"))
    elif typing.get_origin(kind) in (typing.Union, types.UnionType, typing.Annotated):
        for part in typing.get_args(kind):
            yield from secret_fields(part, path)


def secrets_in(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every secret in settings, and its place as above."""
    if isinstance(value, SecretStr):
        yield path, value.get_secret_value()
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from secrets_in(getattr(value, name), (*path, name))
    elif isinstance(value, Mapping | list):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from secrets_in(item, (*path, "*"))


def planted(name: str) -> SecretStr:
    return SecretStr(f"planted-{name}-7c1f")


def settings_full_of_secrets(folder: Path, model: str, rest: str, service: str) -> Settings:
    params = LiteLLMParams(model="xai/grok", api_base=model, api_key=planted("model-key"))
    order = {"properties": {"order_id": {"type": "string"}}, "required": ["order_id"]}
    twilio = settings_for(folder, rest=rest).twilio.model_dump()
    return settings_for(
        folder,
        internal_port=0,
        log_level="debug",
        twilio=TwilioSettings(
            **{
                **twilio,
                "auth_token_secondary": planted("second-token"),
                "shared_keys": {"one": planted("shared-key")},
            }
        ),
        outbound=OutboundSettings(api_key=planted("api-key"), from_number="+15550100"),
        model_list=[ModelEntry(model_name="sim", litellm_params=params)],
        encryption=EncryptionSettings(key=SecretStr(KEY), old_keys=[SecretStr(OLD_KEY)]),
        general_settings=GeneralSettings(master_key=planted("master-key")),
        gateway=GatewaySettings(keys={"client": GatewayKey(key=planted("gateway-key"))}),
        http_tools={
            "order": HttpToolSettings(
                description="Look an order up.",
                url=f"{service}/orders/{{order_id}}",
                headers={"X-Shop": planted("http-header")},
                bearer_token=planted("http-bearer"),
                parameters=order,
                sensitive=["order_id"],
                allow_private=True,
            )
        },
        mcp={
            "near": McpServerSettings(command=COMMAND, env={"SHOP_KEY": planted("mcp-env")}),
            "far": McpServerSettings(
                url="http://127.0.0.1:9/mcp",
                headers={"X-Shop": planted("mcp-header")},
                bearer_token=planted("mcp-bearer"),
                timeout=1,
            ),
        },
    )


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    async with collecting() as collector:
        yield collector


# -- tools that are as careless as tools are -----------------------------------------------------------------------


@tool
async def pay(call: CallContext, card: str) -> str:
    """Charge a card.

    Args:
        card: The handle of the card's number.
    """
    number = call.redeem(card)
    theirs.warning("POST /charge body=%r", {"number": number})
    call.logger.info("charging", number=number, grouped=" ".join(number[i : i + 4] for i in range(0, 16, 4)))
    try:
        raise ValueError(f"the bank does not know {number}")
    except ValueError as error:
        call.logger.exception("charging failed")
        raise ToolError(f"The card {number} was declined.") from error


@tool(sensitive=("pin",))
async def identify(call: CallContext, pin: str) -> str:
    """Find out who calls.

    Args:
        pin: What they have chosen.
    """
    theirs.info("GET /users?pin=%s", pin)
    call.logger.info("identifying", request={"pin": pin, "as": [f"<{pin}>"]})
    raise RuntimeError(f"no user with {pin}")


@dataclass
class Outputs:
    """Everything that came out, by where."""

    log: io.StringIO = field(default_factory=io.StringIO)
    texts: dict[str, str] = field(default_factory=dict)

    async def ask(self, session: aiohttp.ClientSession, method: str, url: str, **more: Any) -> str:
        async with session.request(method, url, **more) as response:
            text = self.texts[f"{method} {url}"] = f"{response.headers}\n{await response.text()}"
            return text


SCRIPT: dict[str, Any] = {
    "replies": [
        {"on": "greeting", "say": "Hello."},
        {
            "on": "speech",
            "hears": "Do it.",
            "calls": [
                {"name": "identify", "arguments": {"pin": PIN}},
                {"name": "order", "arguments": {"order_id": PIN}},
                {"name": "look", "arguments": {}},
            ],
        },
        {"on": "tool", "call": {"name": "collect_secret_digits", "arguments": {"prompt": "Your card?", "length": 16}}},
        {"on": "tool", "call": {"name": "pay", "arguments": {"card": "secret-1"}}},
        {"on": "tool", "say": "It did not work."},
    ]
}
STEPS: list[Any] = [
    {"wait": "agent"},
    {"say": "Do it."},
    {"wait": "agent"},
    {"press": {"keys": CARD, "tones": True}},
    {"wait": "agent"},
    "hang_up",
]


async def test_no_secret_comes_out_of_a_call_anywhere(tmp_path: Path, collector: Collector) -> None:
    out = Outputs()
    internal: list[str] = []

    @tool
    async def look() -> str:
        """Look at the process from inside, in the middle of the call."""
        async with aiohttp.ClientSession() as session:
            for path in ("/debug/tasks", "/metrics", "/readyz", "/healthz"):
                await out.ask(session, "GET", internal[0] + path)
        return "looked"

    async def service(request: web.Request) -> web.Response:
        assert request.headers["X-Shop"] == "planted-http-header-7c1f"
        return web.Response(status=500, text=f"no {request.path} for {request.headers['Authorization']}")

    environ = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server.port}",
        "OTEL_EXPORTER_OTLP_HEADERS": f"x-api-key={EXPORT_KEY}",
        "XAI_API_KEY": "planted-environment-3e0c",
    }
    refs = ["http:order", "mcp:near", "mcp:far", "builtin:collect_secret_digits", pay, identify, look]
    agent = Agent("frontdesk", greeting="Hello.", tools=refs, cassette="always")
    async with http_service(service) as address, outside(SCRIPT, voice=ShortVoice("agent", 1.0)) as around:
        settings = settings_full_of_secrets(tmp_path / "files", around.model.url, around.rest.base_url, address)
        (tmp_path / "files").mkdir()
        fields = dict(secrets_in(settings))
        assert set(fields) == set(secret_fields(Settings)), "a field for a secret has none in this test"
        assert all(fields.values())
        set_up("debug", "json", secrets_of(settings, environ, [agent]), out.log)
        async with opened(settings, around, agent, environ=environ) as made:
            assert made.office.internal
            internal.append(f"http://127.0.0.1:{made.office.internal.port}")
            outcome = await made.call(*STEPS)
            record = await made.record(outcome)
            await refused(out, made.office.address)

    outcomes = {use.name: use.outcome for use in record.tools}
    assert outcomes == {
        "identify": "error", "order": "error", "look": "ok", "collect_secret_digits": "ok", "pay": "error",
    }  # fmt: skip
    assert len(collector.spans) > 5
    out.texts["log"] = out.log.getvalue()
    out.texts["traces"] = "".join(body.decode(errors="replace") for body in collector.bodies)
    out.texts["settings"] = json.dumps(redacted(settings))
    out.texts["notes"] = repr(made.notes)
    for exchange in outcome.exchanges:
        out.texts[f"TwiML {len(out.texts)}"] = exchange.body
    for path in (tmp_path / "files").rglob("*"):
        if path.is_file():
            out.texts[str(path)] = path.read_bytes().decode(errors="replace")
        if is_encrypted(path):
            with open_encrypted(path, key_ring(settings)) as file:
                out.texts[f"{path}, decrypted"] = b"".join(file.pieces()).decode(errors="replace")
    assert any(name.endswith(".jsonl.enc, decrypted") for name in out.texts), "there is no cassette"
    secret = {*fields.values(), CARD, PIN, EXPORT_KEY, WRONG_KEY, environ["XAI_API_KEY"], TOKEN}
    secret |= {" ".join(CARD[i : i + 4] for i in range(0, 16, 4))}
    leaks = [(name, each) for name, text in out.texts.items() for each in secret if each in text]
    assert leaks == []
    for event in ("the bank does not know ***", "no user with", "POST /charge body="):
        assert event in out.texts["log"], "what would have leaked was not even logged"
    lines = [json.loads(line) for line in out.texts["log"].splitlines()]
    borrowed = [line["call_id"] for line in lines if line["logger"] == theirs.name]
    assert borrowed == [outcome.call_sid] * 2


async def refused(out: Outputs, address: str) -> None:
    """What strangers are told who come with a key that is none."""
    headers = {"Authorization": f"Bearer {WRONG_KEY}", "X-Twilio-Signature": WRONG_KEY}
    async with aiohttp.ClientSession(headers=headers) as session:
        await out.ask(session, "POST", f"{address}/twilio/voice", data={"CallSid": "CA1", "AuthToken": WRONG_KEY})
        await out.ask(session, "POST", f"{address}/api/v1/calls", json={"to": WRONG_KEY})
        await out.ask(session, "GET", f"{address}/v1/realtime?model=sim")
        await out.ask(session, "GET", f"{address}/twilio/media")


# -- mistakes ------------------------------------------------------------------------------------------------------


def spoiled(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    """A configuration that has nothing but *value* at *path*."""
    tree: Any = value
    for step, holder in reversed(list(zip(path, [Settings, *path], strict=False))):
        tree = [tree] if step == "*" and holder == "model_list" else {"one" if step == "*" else step: tree}
    return typing.cast("dict[str, Any]", tree)


@pytest.mark.parametrize("path", sorted(secret_fields(Settings)), ids=".".join)
@pytest.mark.parametrize("wrong", [["planted-7c1f"], {"value": "planted-7c1f"}, {"one": ["planted-7c1f"]}])
def test_no_mistake_in_a_field_for_a_secret_is_told_with_what_stands_there(
    tmp_path: Path, path: tuple[str, ...], wrong: Any
) -> None:
    file = tmp_path / "telephony.yaml"
    file.write_text(yaml.safe_dump(spoiled(path, wrong)), encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load(file, {}, dotenv=None)
    assert "planted" not in str(caught.value)
    assert path[0] in str(caught.value)

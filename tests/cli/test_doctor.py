"""`telephony doctor`: its lines, its JSON, its exit code, and what it changes only when it is told to."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Callable

import pytest

from offices import ACCOUNT, TOKEN, ShortVoice, free_port, outside
from telephony.simulate.board import PhoneNumber
from terminals import Desk, Telephony

Spoil = Callable[[str, str], None]


@pytest.mark.usefixtures("good")
def test_offline_a_good_configuration_passes_and_every_line_has_its_state(telephony: Telephony) -> None:
    said = telephony("doctor", "--offline")
    assert (said.code, said.errors) == (0, "")
    lines = said.out.splitlines()
    assert lines[0] == "green    configuration               agents: desk; numbers: *"
    assert lines[1] == "green    key xai/grok-voice-latest   there is one"
    assert "skipped  public url                  needs the network" in lines
    assert lines[-1].endswith("4 skipped")
    assert "planted" not in said.out


@pytest.mark.usefixtures("good")
def test_json_says_the_same_with_stable_keys(telephony: Telephony) -> None:
    said = telephony("doctor", "--offline", "--json")
    assert said.code == 0
    told = json.loads(said.out)
    assert told["ok"] is True
    assert told["findings"][0] == {
        "name": "configuration",
        "state": "green",
        "what": "agents: desk; numbers: *",
        "remedy": "",
    }
    assert {tuple(finding) for finding in told["findings"]} == {("name", "state", "what", "remedy")}


@pytest.mark.usefixtures("good")
def test_one_red_line_is_exit_code_1_and_its_remedy_stands_below_it(telephony: Telephony, spoil: Spoil) -> None:
    spoil("auth_token: planted-token-7c1f", "auth_token: ''")
    said = telephony("doctor", "--offline")
    assert said.code == 1
    first, second, *_ = said.out.splitlines()
    assert first.startswith("red      configuration               twilio.auth_token: it is not set")
    assert second.strip() == "Set TWILIO_AUTH_TOKEN or TWILIO_AUTH_TOKEN_FILE; it proves who calls."
    assert json.loads(telephony("doctor", "--offline", "--json").out)["ok"] is False


@pytest.mark.usefixtures("good")
def test_a_configuration_that_cannot_be_read_is_told_and_nothing_else_looked_at(
    telephony: Telephony, spoil: Spoil
) -> None:
    spoil("http://127.0.0.1:18080", "http://voice.example.com")
    spoil("port: 0", "prt: 0")
    said = telephony("doctor")
    assert (said.code, said.errors) == (1, "")
    assert "red      configuration               prt (telephony.yaml:3): there is no such setting" in said.out
    assert said.out.splitlines()[-2:] == [
        "skipped  everything else             mend the configuration first",
        "1 red, 1 skipped",
    ]
    spoil("prt: 0", "port: 0")
    assert "public_url (telephony.yaml:1): it is not https" in telephony("doctor").out


PLANTED = "planted-3f7a"
WORLD = """
public_url: http://127.0.0.1:PORT
host: 127.0.0.1
port: PORT
twilio: {account_sid: ACCOUNT, auth_token: TOKEN, api_base: "REST"}
agents: {desk: {instructions: Be brief.}}
numbers: {"+15550100": desk}
model_list:
  - model_name: grok
    litellm_params: {model: xai/grok, api_key: PLANTED, api_base: "MODEL"}
"""


async def test_as_a_process_it_asks_model_and_carrier_and_tells_no_secret(desk: Desk) -> None:
    async with outside({}, voice=ShortVoice("agent")) as around:
        number = PhoneNumber("+15550100")
        around.rest.board.phone_numbers[number.sid] = number
        text = WORLD.replace("PORT", str(free_port())).replace("ACCOUNT", ACCOUNT).replace("TOKEN", TOKEN)
        text = text.replace("REST", around.rest.base_url).replace("MODEL", around.model.url).replace("PLANTED", PLANTED)
        desk.write("telephony.yaml", text)
        process = await asyncio.to_thread(desk.run, "doctor", code=1)
        assert number.voice_url.startswith("https://demo.twilio.com")
        desk.write("telephony.yaml", text.replace("public_url: http:", "public_url: https:"))
        fixed = await asyncio.to_thread(desk.run, "doctor", "--fix", code=1)
        assert number.voice_url.startswith("https://127.0.0.1:")
    lines = {line[9:36].strip(): line.split()[0] for line in process.out.splitlines() if line[:1].strip()}
    assert (lines["websocket"], lines["model xai/grok"], lines["clock"]) == ("green", "green", "green")
    assert "green    number +15550100            leads to https://127.0.0.1:" in fixed.out
    assert "red      number +15550100            it still leads to Twilio's demo" in process.out
    assert [secret for secret in (TOKEN, PLANTED) if secret in process.out + process.errors] == []
    assert process.errors == ""


async def test_a_server_of_several_processes_is_asked_and_not_got_in_the_way_of(desk: Desk) -> None:
    async with outside({}, voice=ShortVoice("agent")) as around:
        text = WORLD.replace("PORT", str(free_port())).replace("ACCOUNT", ACCOUNT).replace("TOKEN", TOKEN)
        text = text.replace("REST", around.rest.base_url).replace("MODEL", around.model.url)
        desk.write("telephony.yaml", text + "workers: 2\nrun_folder: run\n")
        serving = desk.start("serve")
        await asyncio.to_thread(serving.until, "listening")
        process = await asyncio.to_thread(desk.run, "doctor", code=1)  # the account has no number
        serving.send(signal.SIGTERM)
        assert await asyncio.to_thread(serving.ended) == 0, serving.story
    lines = {line[9:36].strip(): line for line in process.out.splitlines()}
    assert lines["port"].endswith("and is asked below")
    for name in ("database", "port", "signature", "websocket"):
        assert lines[name].startswith("green "), lines[name]

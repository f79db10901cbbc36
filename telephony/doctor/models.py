"""The models: a real session with each deployment that an agent may speak with, opened and configured as calls do it.

Nothing is said in it and no response is asked for, so that it costs what a second of an open session costs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

from telephony.agents.agent import Agent, call_settings
from telephony.commands import ConfigureSession
from telephony.doctor.configuration import Staff
from telephony.doctor.finding import Check, Finding, amber, green, red
from telephony.errors import ConfigurationError, UpstreamError
from telephony.events import ModelError, SessionReady
from telephony.links.link import Link
from telephony.realtime import dialect
from telephony.realtime.base import Dialect
from telephony.settings import RouterSettings, SessionConfig, Settings
from telephony.upstream.balancer import chain
from telephony.upstream.deployment import Deployment
from telephony.upstream.pool import Upstream

OPENING = 10.0
"""Seconds to open a session in; more than a call would wait, so that what is slow is told from what is not there."""
READY = 8.0
"""Seconds from there until it has taken its configuration."""
BOUND = OPENING + READY + 4.0


def checks(settings: Settings, staff: Staff) -> list[Check]:
    """A session for each deployment, with the configuration of the first agent that may come to speak with it."""
    made = []
    for deployment in dict.fromkeys(staff.deployments):
        agent = next((one for one in staff.agents if _may_speak_with(one, deployment, settings)), None)
        if agent is not None:
            name = f"model {deployment.provider}/{deployment.model}"
            look = partial(
                _look, name, deployment, agent, call_settings(agent, staff.tools.get(agent.name, ())).session
            )
            made.append(Check(name, look, BOUND, network=True))
    return made


def _may_speak_with(agent: Agent, deployment: Deployment, settings: Settings) -> bool:
    model = agent.settings.model
    return not model or deployment.model_name in chain(model, settings.router_settings)


async def _look(name: str, deployment: Deployment, agent: Agent, config: SessionConfig) -> Sequence[Finding]:
    try:
        speaker = dialect(deployment.dialect, config)
    except ConfigurationError as error:
        return [red(name, error.problem, error.remedy)]
    loop = asyncio.get_running_loop()
    began = loop.time()
    upstream = Upstream([deployment], RouterSettings(timeout=OPENING, num_retries=0))
    try:
        session = await upstream.connect(deployment.model_name, budget=OPENING)
    except UpstreamError as error:
        return [red(name, str(error).removeprefix(f"{deployment.provider}/{deployment.model}: "), _REMEDY)]
    async with session:
        finding = await _configured(name, speaker, session, agent.name)
    seconds, patience = loop.time() - began, agent.settings.limits.connect
    if finding.state == "green" and seconds > patience:
        remedy = f"Raise agents.{agent.name}.limits.connect, or take a deployment that is nearer."
        return [amber(name, f"ready after {seconds:.1f} s, and callers wait {patience:g} s", remedy)]
    return [finding]


_REMEDY = (
    "401: the key. 404: the model's name or api_base. 429: quota or too many sessions. Else: the provider's status."
)


async def _configured(name: str, speaker: Dialect, session: Link, agent: str) -> Finding:
    """Configure the session and wait for what it says to that."""
    pumping = asyncio.get_running_loop().create_task(session.pump(), name="doctor's session")
    try:
        async with asyncio.timeout(READY):
            for update in speaker.encode(ConfigureSession()):
                session.write(update)
            async for message in session:
                for event in speaker.decode(message):
                    if isinstance(event, SessionReady):
                        return judge_ready(name, event, speaker.config, agent)
                    if isinstance(event, ModelError) and event.kind not in ("benign", "recoverable"):
                        remedy = (
                            f"Correct agents.{agent}: voice, session, tools and language go to the model as they are."
                        )
                        return red(name, f"it refuses the session of {agent}: {event.message or event.code}", remedy)
    except TimeoutError:
        return red(name, f"it does not take the session of {agent} within {READY:g} s", _REMEDY)
    finally:
        pumping.cancel()
        await asyncio.wait([pumping])
    code, reason = session.closed
    return red(name, f"it ends the session of {agent} ({code or 'without a word'}{reason and f', {reason}'})", _REMEDY)


def judge_ready(name: str, ready: SessionReady, wanted: SessionConfig, agent: str) -> Finding:
    """Whether the session is what was asked for. What it does not tell is taken for granted, as calls do."""
    for verb, got in (("hears", ready.input_audio), ("speaks", ready.output_audio)):
        if got not in (None, wanted.audio):
            remedy = f"Set agents.{agent}.audio to what it has; calls are translated as long as that is known."
            return amber(name, f"it {verb} {got} though {wanted.audio} was asked for", remedy)
    if ready.turn_detection is False:
        remedy = f"See agents.{agent}.turn_detection and session; behind a LiteLLM proxy, set model_info.dialect."
        return red(name, "it did not switch its turn detection on and would never answer", remedy)
    return green(name, f"ready for {agent}, {wanted.audio} both ways")

"""A LiteLLM `config.yaml` read as it is: what applies to realtime sessions is kept, the rest is named in one warning.

Such a file configures a proxy for every kind of model, so most of it cannot apply here, and none of that is a mistake.
But a limit or a strategy that somebody relies on must not vanish silently either.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Iterator

from telephony.runtime.located import Located, merge
from telephony.settings import GeneralSettings, LiteLLMParams, ModelEntry, RouterSettings

logger = logging.getLogger(__name__)

FOREIGN_SECTIONS = (
    "environment_variables",
    "callback_settings",
    "credential_list",
    "files_settings",
    "finetune_settings",
    "guardrails",
    "include",
    "mcp_aliases",
    "mcp_servers",
    "mcp_tools",
    "prompts",
    "search_tools",
    "vector_store_registry",
)
"""Sections of which nothing applies."""
SHARED_KEYS = {
    "fallbacks": "fallbacks",
    "default_fallbacks": "default_fallbacks",
    "cooldown_time": "cooldown_time",
    "allowed_fails": "allowed_fails",
    "num_retries": "num_retries",
    "request_timeout": "timeout",
}
"""Keys of `litellm_settings` that mean the same as one of `router_settings`, which wins (LiteLLM, "reliability")."""
STRATEGIES = {
    "cost-based-routing",
    "latency-based-routing",
    "provider-budget-routing",
    "usage-based-routing",
    "usage-based-routing-v2",
}
"""Strategies that need prices or counted tokens, which a session has only when it is over."""
INNOCENT = re.compile(r"custom_llm_provider|.*_cost(_.*)?|tags|.*description")
"""Parameters of a deployment that are notes, not orders, and the one that `upstream` reads by itself."""


def adapted(tree: Located) -> Located:
    """The tree of a configuration file without what cannot apply here, which is logged."""
    if not isinstance(tree.value, dict):
        return tree
    unused = list(_unused(tree))
    if unused:
        logger.warning("%s: not used by this program: %s", unused[0][1], ", ".join(dict.fromkeys(n for n, _ in unused)))
    sections = {key: item for key, item in tree.value.items() if key not in (*FOREIGN_SECTIONS, "litellm_settings")}
    for name, model in (("general_settings", GeneralSettings), ("router_settings", RouterSettings)):
        if name in sections:
            sections[name] = _only(sections[name], model.model_fields)
    if shared := _shared(tree):
        sections["router_settings"] = merge([shared, sections.get("router_settings", shared)])
    return Located(sections, tree.place)


def _unused(tree: Located) -> Iterator[tuple[str, str]]:
    """Name and place of everything that is given and has no effect."""
    yield from ((key, item.place) for key, item in tree.value.items() if key in FOREIGN_SECTIONS)
    known: dict[str, Collection[str]] = {
        "litellm_settings": SHARED_KEYS,
        "general_settings": GeneralSettings.model_fields,
        "router_settings": RouterSettings.model_fields,
    }
    for section, keys in known.items():
        for key, item in _items(tree, section):
            if key not in keys:
                yield f"{section}.{key}", item.place
            elif key == "routing_strategy" and str(item.value) in STRATEGIES:
                yield f"{section}.{key} {item.value}", item.place
            elif key in ("fallbacks", "default_fallbacks"):
                yield from ((f"{section}.{key} {name}", place) for name, place in _nobody(tree, item))
    yield from _unused_parameters(tree)


def _unused_parameters(tree: Located) -> Iterator[tuple[str, str]]:
    for entry in _list(tree.value.get("model_list")):
        for key, item in entry.value.items() if isinstance(entry.value, dict) else ():
            if key not in ModelEntry.model_fields:
                yield f"model_list.{key}", item.place
        for key, item in _items(entry, "litellm_params"):
            if key not in LiteLLMParams.model_fields and not INNOCENT.fullmatch(key):
                yield f"litellm_params.{key}", item.place


def _nobody(tree: Located, fallbacks: Located) -> Iterator[tuple[str, str]]:
    """Names to fall back on that `model_list` does not have."""
    entries = [entry.value for entry in _list(tree.value.get("model_list")) if isinstance(entry.value, dict)]
    known = {str(entry["model_name"].value) for entry in entries if "model_name" in entry}
    for entry in _list(fallbacks):
        names = [name for group in entry.value.values() for name in _list(group)] if _is_dict(entry) else [entry]
        texts = (name for name in names if isinstance(name.value, str))
        yield from ((name.value, name.place) for name in texts if name.value not in known)


def _shared(tree: Located) -> Located | None:
    """What `litellm_settings` says of routing, under the names of `router_settings`."""
    found = {SHARED_KEYS[key]: item for key, item in _items(tree, "litellm_settings") if key in SHARED_KEYS}
    return Located(found, tree.value["litellm_settings"].place) if found else None


def _only(section: Located, known: Collection[str]) -> Located:
    """A section with the keys that are known, unless their value is one that cannot apply."""
    if not _is_dict(section):
        return section
    kept = {key: item for key, item in section.value.items() if key in known}
    if "routing_strategy" in kept and str(kept["routing_strategy"].value) in STRATEGIES:
        del kept["routing_strategy"]
    return Located(kept, section.place)


def _items(tree: Located, key: str) -> list[tuple[str, Located]]:
    section = tree.value.get(key) if _is_dict(tree) else None
    return list(section.value.items()) if section is not None and _is_dict(section) else []


def _list(item: Located | None) -> list[Located]:
    return item.value if item is not None and isinstance(item.value, list) else []


def _is_dict(item: Located) -> bool:
    return isinstance(item.value, dict)

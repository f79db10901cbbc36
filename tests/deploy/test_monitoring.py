"""The alert rules and the dashboard: what Prometheus's own tool says, and that a running server has every metric."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploying import DEPLOY, run, said
from terminals import Desk, free_ports

FOLDER = DEPLOY / "prometheus"
DASHBOARD = DEPLOY / "grafana/dashboard.json"
METRIC = re.compile(r"\b(?:telephony|process)_[a-z_]+")
SUFFIXES = re.compile(r"_(?:bucket|sum|count|total)$")


def alerts() -> list[dict[str, Any]]:
    [group] = yaml.safe_load((FOLDER / "alerts.yaml").read_text(encoding="utf-8"))["groups"]
    rules: list[dict[str, Any]] = group["rules"]
    return rules


def dashboard() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    return loaded


def expressions() -> Iterator[str]:
    """Every query of the dashboard, with what Grafana puts in for its variables."""
    shown = dashboard()
    targets = [target["expr"] for panel in shown["panels"] for target in panel.get("targets", [])]
    for query in [*targets, *(each["expr"] for each in shown["annotations"]["list"])]:
        yield query.replace("$__rate_interval", "1m").replace("$agent", ".*")


def used(text: str) -> set[str]:
    return set(METRIC.findall(text))


# -- Prometheus ----------------------------------------------------------------------------------------------------


def test_prometheus_takes_its_configuration_and_the_rules() -> None:
    done = run("promtool", "check", "config", "prometheus.yaml", cwd=FOLDER)
    assert done.returncode == 0, said(done)
    assert f"{len(alerts())} rules found" in done.stdout


def test_every_alert_fires_when_it_should_and_only_then() -> None:
    done = run("promtool", "test", "rules", "alerts.test.yaml", cwd=FOLDER)
    assert done.returncode == 0, said(done)
    stories = yaml.safe_load((FOLDER / "alerts.test.yaml").read_text(encoding="utf-8"))["tests"]
    tests = [test for story in stories for test in story["alert_rule_test"]]
    names = {rule["alert"] for rule in alerts()}
    assert {test["alertname"] for test in tests if test.get("exp_alerts")} == names, (
        "an alert that nobody has seen fire"
    )
    assert {test["alertname"] for test in tests if not test.get("exp_alerts")} == names


def test_every_alert_says_what_to_do_and_how_urgent_it_is() -> None:
    for rule in alerts():
        assert rule["labels"]["severity"] in ("page", "ticket"), rule["alert"]
        assert {"summary", "description"} == set(rule["annotations"]), rule["alert"]


# -- Grafana -------------------------------------------------------------------------------------------------------


def test_prometheus_can_read_every_query_of_the_dashboard(tmp_path: Path) -> None:
    rules = [{"record": f"dashboard:query{number}", "expr": query} for number, query in enumerate(expressions())]
    assert len(rules) > 30
    file = tmp_path / "dashboard.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}), encoding="utf-8")
    done = run("promtool", "check", "rules", file)
    assert done.returncode == 0, said(done)


def test_panels_have_names_of_their_own_and_do_not_overlap() -> None:
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len({panel["title"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        fields = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not fields & taken, panel["title"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        taken |= fields


# -- the server ----------------------------------------------------------------------------------------------------

CONFIGURATION = """
public_url: http://127.0.0.1:{public}
host: 127.0.0.1
port: {public}
internal_port: {internal}
max_calls: 10
twilio: {{account_sid: AC00000000000000000000000000000000, auth_token: practice}}
agents: {{desk: {{instructions: Be brief.}}}}
numbers: {{"*": desk}}
model_list: [{{model_name: grok, litellm_params: {{model: xai/grok, api_base: "ws://127.0.0.1:9"}}}}]
"""


@pytest.fixture(scope="module")
def metrics(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of all families that a running server shows."""
    public, internal = free_ports(2)
    with Desk(tmp_path_factory.mktemp("server")) as desk:
        desk.write("telephony.yaml", CONFIGURATION.format(public=public, internal=internal))
        desk.start("serve").until('"listening"')
        with urllib.request.urlopen(f"http://127.0.0.1:{internal}/metrics", timeout=10) as page:
            text = page.read().decode()
    return {SUFFIXES.sub("", name) for name in re.findall(r"^# TYPE (\S+)", text, re.MULTILINE)}


def test_the_server_has_every_metric_that_alerts_ask_for(metrics: set[str]) -> None:
    for rule in alerts():
        missing = {name for name in used(rule["expr"]) if SUFFIXES.sub("", name) not in metrics}
        assert not missing, rule["alert"]


def test_the_server_has_every_metric_that_the_dashboard_shows(metrics: set[str]) -> None:
    missing = {name for query in expressions() for name in used(query) if SUFFIXES.sub("", name) not in metrics}
    assert not missing


def test_the_server_has_every_metric_that_texts_name(metrics: set[str]) -> None:
    texts = [
        DEPLOY / "README.md",
        DEPLOY / "kubernetes/adapter.yaml",
        DEPLOY / "kubernetes/base/horizontalpodautoscaler.yaml",
    ]
    named = {name for path in texts for name in re.findall(r"\btelephony_[a-z_]+", path.read_text(encoding="utf-8"))}
    annotated = {name for rule in alerts() for text in rule["annotations"].values() for name in used(text)}
    assert {name for name in named | annotated if SUFFIXES.sub("", name) not in metrics} == set()

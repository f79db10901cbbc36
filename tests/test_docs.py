"""What is documented is what there is: settings in README, files in the packaging list, targets in CONTRIBUTING."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path
from typing import get_args

import pytest
import yaml
from typer.testing import CliRunner

import readme
from telephony.cli import app
from telephony.records import Cause
from telephony.runtime.configuration import load
from telephony.runtime.environment import RESERVED, VENDOR_NAMES
from telephony.runtime.settings_table import describe_settings, renewed
from telephony.sim.caller_script import CallerScript
from telephony.sim.model_script import decode_script
from telephony.tools.builtin import BUILTINS
from telephony.upstream.deployment import PROVIDERS

ROOT = readme.ROOT
README = readme.TEXT


def test_every_setting_has_a_sentence() -> None:
    assert [row.key for row in describe_settings() if not row.meaning] == []


def test_readme_holds_the_table_of_settings_as_it_is_now() -> None:
    assert renewed(README) == README, "run: python -m telephony.runtime.settings_table README.md"


def test_readme_names_every_setting() -> None:
    missing = [row.key for row in describe_settings() if f"`{row.key}`" not in README]
    assert missing == [], "run: python -m telephony.runtime.settings_table README.md"


def test_readme_names_every_cause_of_a_finding() -> None:
    assert [cause for cause in get_args(Cause) if f"`{cause}`" not in README] == []


def test_make_targets_that_are_named_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    documents = README + (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert set(re.findall(r"`(?:PYTHON=\S+ )?make ([a-z]+)", documents)) <= targets


def test_paths_named_in_contributing_exist() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:telephony|tests|fixtures|\.ci|\.github)/[\w/.\-]*)`", text)
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_sdist_takes_every_document_with_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    included = project["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    documents = [path.name for path in ROOT.glob("*.md")]
    assert [name for name in documents if f"/{name}" not in included] == []


# -- the README's blocks, links and names --------------------------------------------------------------------------


@pytest.mark.parametrize("command", readme.commands())
def test_commands_in_readme_can_be_given(command: str) -> None:
    words = shlex.split(command)
    if words[0] == "telephony":
        # Options are read before help is given, so that one which is not there shows.
        result = CliRunner().invoke(app, [*words[1:], "--help"])
        assert result.exit_code == 0, result.output
    else:
        known = ("make", ".", "mkdir", "export", "curl", "kill", "cloudflared", "ngrok", "pytest")
        assert words[0] in known, "teach this test how to check it"


def test_configuration_in_readme_is_one(tmp_path: Path) -> None:
    configurations = [block for block in readme.blocks("yaml") if "model_list:" in block]
    assert configurations
    for number, text in enumerate(configurations):
        path = tmp_path / f"{number}.yaml"
        path.write_text(text, encoding="utf-8")
        load(path, {}, dotenv=None)


def test_scenario_in_readme_is_one() -> None:
    scenario = yaml.safe_load(readme.files()["hours.yaml"])
    assert len(decode_script(scenario).replies) == 3
    assert CallerScript.parse(scenario["caller"]).steps


def test_python_in_readme_compiles() -> None:
    assert readme.blocks("python")
    for block in readme.blocks("python"):
        compile(block, "README.md", "exec")


def test_faults_of_the_model_in_readme_exist() -> None:
    in_replies = re.findall(r"`((?:drop|stall_ms|bad_arguments|close): .+?)`", README)
    at_the_top = re.findall(r"`((?:refuse|never_ready): .+?)`", README)
    assert (len(in_replies), len(at_the_top)) == (4, 2)
    for fault in in_replies:
        decode_script({"replies": [{"on": "speech", **yaml.safe_load(fault)}]})
    for fault in at_the_top:
        decode_script(yaml.safe_load(fault))


def test_steps_of_the_caller_in_readme_exist() -> None:
    steps = re.findall(r"`((?:wait|press|pause): .+?)`", README)
    assert len(steps) == 3
    assert len(CallerScript.parse({"steps": [yaml.safe_load(step) for step in steps]}).steps) == 3


def test_readme_names_every_environment_variable() -> None:
    providers = {name for each in PROVIDERS.values() for name in (*each.key_names, *each.base_names)}
    missing = [name for name in sorted({*VENDOR_NAMES, *RESERVED, *providers}) if f"`{name}`" not in README]
    assert missing == []


def test_readme_names_every_prefix_of_a_model_and_every_builtin() -> None:
    assert [name for name in PROVIDERS if f"`{name}/" not in README] == []
    assert [name for name in BUILTINS if f"`{name}`" not in README] == []


def test_links_in_documents_lead_somewhere() -> None:
    for document in ROOT.glob("*.md"):
        text = document.read_text(encoding="utf-8")
        headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
        anchors = {"#" + re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
        links = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
        broken = [link for link in links if link not in anchors and not (ROOT / link).exists()]
        assert broken == [], document.name


def test_paths_named_in_readme_exist() -> None:
    named = re.findall(r"`((?:telephony|tests|fixtures)/[\w/.\-]*)`", README)
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []

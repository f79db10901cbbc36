"""A signed call from end to end behind the proxies that we ship configurations for: their real programs, real TLS, and
the server, the model and Twilio as processes of their own.
"""

from __future__ import annotations

import signal
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from deploying import DEPLOY, Authority, changed, found, run, running, said
from terminals import Desk, free_ports

pytestmark = pytest.mark.timeout(120)

CONFIGURATION = """
public_url: https://localhost:{public}
host: 127.0.0.1
port: {server}
twilio: {{account_sid: AC00000000000000000000000000000000, auth_token: practice, api_base: "http://127.0.0.1:{rest}"}}
agents:
  desk: {{greeting: Good day., instructions: Be brief., tools: ["builtin:hang_up"]}}
numbers: {{"*": desk}}
model_list:
  - {{model_name: grok, litellm_params: {{model: xai/grok-voice-latest, api_base: "ws://127.0.0.1:{model}"}}}}
"""
SCENARIO = """
model:
  replies:
    - {on: greeting, say: Good day.}
    - {on: speech, hears: "Are you open?", say: We are., call: {name: hang_up}}
caller:
  patience: 10
  steps: [{wait: agent}, {say: "Are you open?"}, {wait: end}]
"""


class Place:
    """One machine: the ports of everything on it, and the certificate."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.public, self.server, self.model, self.rest = free_ports(4)
        self.authority = Authority(folder)

    @property
    def settings(self) -> str:
        ports = {"public": self.public, "server": self.server, "model": self.model, "rest": self.rest}
        return CONFIGURATION.format(**ports)

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    # -- the proxies, each with the file that is shipped ----------------------------------------------------------

    def caddy(self) -> AbstractContextManager[None]:
        head = "{\n\tadmin off\n\tauto_https disable_redirects\n\tskip_install_trust\n}\n"
        file = self.write("Caddyfile", head + (DEPLOY / "proxy/Caddyfile").read_text(encoding="utf-8"))
        environment = {
            "PUBLIC_URL": f"https://localhost:{self.public}",
            "UPSTREAM": f"127.0.0.1:{self.server}",
            "TLS": f"tls {self.authority.certificate} {self.authority.key}",
            "XDG_DATA_HOME": str(self.folder),
            "XDG_CONFIG_HOME": str(self.folder),
        }
        words = ["caddy", "run", "--config", str(file), "--adapter", "caddyfile"]
        return running(self.folder, self.public, self.authority.root, *words, **environment)

    def nginx(self) -> AbstractContextManager[None]:
        file = self.write("nginx.conf", nginx_around(self.nginx_snippet(), self.folder))
        words = ["nginx", "-c", str(file), "-g", "daemon off;"]
        return running(self.folder, self.public, self.authority.root, *words)

    def nginx_snippet(self) -> str:
        live = "/etc/letsencrypt/live/voice.example.com"
        return changed(
            "proxy/nginx.conf",
            ("listen 443 ssl", f"listen 127.0.0.1:{self.public} ssl"),
            ("server_name voice.example.com", "server_name localhost"),
            ("server 127.0.0.1:8080", f"server 127.0.0.1:{self.server}"),
            (f"{live}/fullchain.pem", str(self.authority.certificate)),
            (f"{live}/privkey.pem", str(self.authority.key)),
        )

    def haproxy(self) -> AbstractContextManager[None]:
        file = self.write("haproxy.cfg", self.haproxy_configuration())
        return running(self.folder, self.public, self.authority.root, "haproxy", "-db", "-f", str(file))

    def haproxy_configuration(self) -> str:
        return changed(
            "proxy/haproxy.cfg",
            ("bind :443", f"bind 127.0.0.1:{self.public}"),
            ("/etc/haproxy/voice.example.com.pem", str(self.authority.both)),
            ("server bridge 127.0.0.1:8080", f"server bridge 127.0.0.1:{self.server}"),
        )


def nginx_around(snippet: str, folder: Path) -> str:
    """What Debian's nginx.conf is around a file of conf.d, without its user and its folders."""
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "\n".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    own = f"pid {folder}/nginx.pid;\nerror_log stderr;\nevents {{ worker_connections 768; }}\n"
    return f"{own}http {{\naccess_log off;\n{temporary}\n{snippet}\n}}\n"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def desk(tmp_path: Path, place: Place) -> Iterator[Desk]:
    with Desk(tmp_path, {"SSL_CERT_FILE": str(place.authority.root)}) as made:
        made.write("telephony.yaml", place.settings)
        made.write("scenario.yaml", SCENARIO)
        yield made


# -- what the validators say ---------------------------------------------------------------------------------------


def test_caddy_takes_its_file(place: Place) -> None:
    for environment in ({}, {"PUBLIC_URL": "https://localhost", "UPSTREAM": "bridge:8080"}):
        words = ["validate", "--config", "proxy/Caddyfile", "--adapter", "caddyfile"]
        done = run("caddy", *words, HOME=str(place.folder), **environment)
        assert done.returncode == 0, said(done)
        assert "Valid configuration" in done.stdout
        assert '"warn"' not in done.stderr, done.stderr


def test_nginx_takes_its_file(place: Place) -> None:
    file = place.write("nginx.conf", nginx_around(place.nginx_snippet(), place.folder))
    done = run("nginx", "-t", "-q", "-c", file)
    assert (done.returncode, done.stderr) == (0, ""), said(done)


def test_haproxy_takes_its_file(place: Place) -> None:
    file = place.write("haproxy.cfg", place.haproxy_configuration())
    done = run("haproxy", "-c", "-f", file)
    assert done.returncode == 0, said(done)
    assert "[WARNING]" not in done.stderr + done.stdout, said(done)


@pytest.mark.parametrize("proxy", ["nginx", "haproxy"])
def test_sockets_may_be_silent_for_an_hour(proxy: str) -> None:
    text = next((DEPLOY / "proxy").glob(f"{proxy}.*")).read_text(encoding="utf-8")
    wanted = {"nginx": ["proxy_read_timeout 1h;", "proxy_send_timeout 1h;"], "haproxy": ["timeout tunnel 1h"]}
    assert [line for line in wanted[proxy] if line not in text] == []


# -- calls ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("program", "behind"), [("caddy", Place.caddy), ("nginx", Place.nginx), ("haproxy", Place.haproxy)]
)
def test_a_signed_call_passes_behind(
    program: str, behind: Callable[[Place], AbstractContextManager[None]], place: Place, desk: Desk
) -> None:
    found(program)
    model = desk.start("simulate", "model", "--script", "scenario.yaml", "--port", str(place.model))
    server = desk.start("serve")
    model.until("A simulated model is at")
    server.until('"listening"')
    with behind(place):
        voice = f"https://localhost:{place.public}/twilio/voice"
        words = ["--script", "scenario.yaml", "--rest-port", str(place.rest), "--url", voice]
        caller = desk.start("simulate", "caller", *words)
        assert caller.ended(60) == 0, caller.story
        assert "ended by the agent: ok" in caller.out, caller.story
        answers = {path: status(f"https://localhost:{place.public}{path}", place) for path in ("/healthz", "/metrics")}
        assert answers == {"/healthz": 200, "/metrics": 404}
        assert status(voice, place, b"CallSid=CA1") == 403, "nobody has signed this"
        spoofed = {"X-Forwarded-Host": "voice.example.com", "X-Forwarded-Proto": "http", "X-Twilio-Signature": "x"}
        assert status(voice, place, b"CallSid=CA1", spoofed) == 403
        assert status(voice, place, b"x" * 70_000) == 413
    server.send(signal.SIGTERM)
    assert server.ended() == 0
    assert server.errors.count("call comes in") == server.errors.count("hanging up") == 1
    assert server.errors.count("request refused") == 2


BALANCED = """
defaults
    mode http
    timeout connect 3s
    timeout client 30s
    timeout server 15s
    timeout tunnel 1h

frontend public
    bind 127.0.0.1:{public} ssl crt {certificate}
    use_backend %[path,field(3,/)] if {{ path_beg /at/ }}
    default_backend any

backend any
    balance roundrobin
    server a 127.0.0.1:{a}
    server b 127.0.0.1:{b}

backend a
    http-request replace-path /at/a(/.*) \\1
    server a 127.0.0.1:{a}

backend b
    http-request replace-path /at/b(/.*) \\1
    server b 127.0.0.1:{b}
"""


def test_what_belongs_to_a_call_comes_to_the_one_of_several_servers_that_has_it(place: Place, desk: Desk) -> None:
    found("haproxy")
    (other,) = free_ports(1)
    ports = {"a": place.server, "b": other}
    text = BALANCED.format(public=place.public, certificate=place.authority.both, **ports)
    file = place.write("haproxy.cfg", text)
    model = desk.start("simulate", "model", "--script", "scenario.yaml", "--port", str(place.model))
    servers = []
    for name, port in ports.items():
        url = f"https://localhost:{place.public}/at/{name}/"
        desk.environment |= {"PORT": str(port), "TELEPHONY_INSTANCE_URL": url, "DATABASE_URL": f"sqlite:///{name}.db"}
        servers.append(desk.start("serve"))
    for process, sign in [(model, "A simulated model is at"), *((server, '"listening"') for server in servers)]:
        process.until(sign)
    with running(place.folder, place.public, place.authority.root, "haproxy", "-db", "-f", str(file)):
        voice = f"https://localhost:{place.public}/twilio/voice"
        words = ["--script", "scenario.yaml", "--rest-port", str(place.rest), "--url", voice, "--calls", "4"]
        caller = desk.start("simulate", "caller", *words)
        assert caller.ended(60) == 0, caller.story
        assert caller.out.count("ended by the agent: ok") == 4, caller.story
    for server in servers:
        assert server.errors.count("call comes in") == server.errors.count("hanging up") == 2, server.story
        assert "refused" not in server.errors, server.story


def status(url: str, place: Place, body: bytes | None = None, headers: dict[str, str] | None = None) -> int:
    """The HTTP status of a request through the proxy, whose certificate must be good."""
    context = ssl.create_default_context(cafile=str(place.authority.root))
    request = urllib.request.Request(url, body, headers or {})  # noqa: S310  https, as above
    try:
        with urllib.request.urlopen(request, timeout=10, context=context) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code

"""No argument leads a URL anywhere else than its author meant."""

from __future__ import annotations

from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.errors import ConfigurationError
from telephony.tools.arguments import InvalidArguments
from telephony.tools.url_template import UrlTemplate

TEMPLATE = UrlTemplate("https://shop.example.com:8443/orders/{order_id}/items/{item}?note={note}", "url")


@pytest.mark.parametrize(
    ("value", "inside"),
    [
        ("A-1042", "A-1042"),
        ("a b", "a%20b"),
        ("a/b", "a%2Fb"),
        ("@evil.example.com", "%40evil.example.com"),
        ("#top", "%23top"),
        ("?admin=1", "%3Fadmin%3D1"),
        ("été", "%C3%A9t%C3%A9"),
        ("a..b", "a..b"),
        ("{item}", "%7Bitem%7D"),
        ("%", "%25"),
    ],
)
def test_a_value_is_nothing_but_characters(value: str, inside: str) -> None:
    assert UrlTemplate("https://shop.example.com/orders/{id}", "url").fill({"id": value}) == (
        f"https://shop.example.com/orders/{inside}"
    )


@pytest.mark.parametrize(
    "value",
    ["", " ", ".", "..", "../admin", "a/../../admin", "..\\admin", "%2e%2e", "%2e%2e%2fadmin", "%252e%252e%252fadmin",
     "..;/admin", "a\r\nHost: evil", "a\nb", "a\x00b", "%0d%0aX: y"],
)  # fmt: skip
def test_a_value_that_may_climb_or_break_a_path_is_refused(value: str) -> None:
    with pytest.raises(InvalidArguments, match="`id`"):
        UrlTemplate("https://shop.example.com/orders/{id}", "url").fill({"id": value})


def test_two_values_do_not_become_dots_together() -> None:
    with pytest.raises(InvalidArguments, match="`a`"):
        UrlTemplate("https://shop.example.com/x/{a}.", "url").fill({"a": "."})


def test_line_ends_are_text_in_a_query() -> None:
    filled = UrlTemplate("https://shop.example.com/find?q={q}", "url").fill({"q": "a\r\nX: y&z=../"})
    assert filled == "https://shop.example.com/find?q=a%0D%0AX%3A%20y%26z%3D..%2F"


@given(st.text(max_size=30), st.text(max_size=30), st.text(max_size=30))
def test_whatever_the_values_the_structure_stays(order: str, item: str, note: str) -> None:
    try:
        filled = TEMPLATE.fill({"order_id": order, "item": item, "note": note})
    except InvalidArguments:
        return
    except UnicodeEncodeError:
        pytest.fail("a lone surrogate got through")
    url = urlsplit(filled)
    assert (url.scheme, url.netloc, url.fragment) == ("https", "shop.example.com:8443", "")
    assert [unquote(part) for part in url.path.split("/")] == ["", "orders", order, "items", item]
    assert parse_qs(url.query, keep_blank_values=True) == {"note": [note]}


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("https://{host}/x", "must not choose the host"),
        ("https://shop.{tld}/x", "must not choose the host"),
        ("https://shop.example.com{path}", "must not choose the host"),
        ("https://shop.example.com:{port}/x", "not a URL"),
        ("{scheme}://shop.example.com/", "begin with https"),
        ("ftp://shop.example.com/", "begin with https"),
        ("file:///etc/passwd", "begin with https"),
        ("/orders/{id}", "begin with https"),
        ("https://u:p@shop.example.com/", "user name"),
        ("https://{user}@shop.example.com/", "must not choose"),
        ("https://shop.example.com/#{id}", "fragment"),
        ("https://shop.example.com/{id", "character"),
        ("https://shop.example.com/{a b}", "character"),
        ("https://shop.example.com/a b", "character"),
        ("https://shop.example.com/é", "character"),
        ("https://[::1/", "not a URL"),
    ],
)
def test_a_template_that_cannot_be_used_safely_is_refused(url: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem) as refused:
        UrlTemplate(url, "http_tools.x.url")
    assert refused.value.key == "http_tools.x.url"
    assert refused.value.remedy

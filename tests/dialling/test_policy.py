"""The judge: nobody is reached who was not meant to be, by whatever spelling."""

from __future__ import annotations

from typing import get_args

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from targets import ADVERSARIAL, CALLER, DESK, DIALLING, FRIEND, NIGHT, OWN, SALES
from telephony.dialling import Allowed, DialPolicy, Refused, Tally
from telephony.dialling.numbering import TYPES
from telephony.errors import ConfigurationError
from telephony.records import COUNTED_WITH, Use
from telephony.settings import Allowance, Contact, DiallingSettings, MessageRules

POLICY = DialPolicy(DIALLING, {"narrow": ["night desk"], "frontdesk": None}, [OWN, "*"])
CLOSED = DialPolicy(DiallingSettings(directory=DIALLING.directory))
USES: tuple[Use, ...] = get_args(Use)


def allowed(policy: DialPolicy, target: str, use: Use = "transfer", agent: str = "frontdesk", **ends: str) -> Allowed:
    verdict = policy.judge(target, use, agent, **ends)  # type: ignore[arg-type]
    assert isinstance(verdict, Allowed), verdict
    return verdict


def refusal(policy: DialPolicy, target: str, use: Use = "transfer", agent: str = "frontdesk", **ends: str) -> str:
    verdict = policy.judge(target, use, agent, **ends)  # type: ignore[arg-type]
    assert isinstance(verdict, Refused), verdict
    return verdict.code


# -- the refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("target", "code"), ADVERSARIAL)
@pytest.mark.parametrize("use", ["transfer", "dial"])
def test_what_must_not_be_dialled_is_refused_for_what_it_is(target: str, code: str, use: Use) -> None:
    assert refusal(POLICY, target, use, caller=CALLER, called=OWN) == code


@pytest.mark.parametrize("target", [target for target, _ in ADVERSARIAL if target not in (CALLER, "+1 415 555 0142")])
def test_none_of_it_is_texted_either(target: str) -> None:
    wide = DIALLING.model_copy(update={"sms": MessageRules(countries=["US", "GB", "DE"], types=list(TYPES_LISTED))})
    refusal(DialPolicy(wide, own=[OWN]), target, "sms", caller=CALLER, called=OWN)


TYPES_LISTED = ("fixed_line", "mobile", "fixed_line_or_mobile")


@pytest.mark.parametrize(("target", "code"), ADVERSARIAL)
def test_a_refusal_tells_what_to_do_instead_and_never_repeats_the_target(target: str, code: str) -> None:
    verdict = POLICY.judge(target, "transfer", "frontdesk", caller=CALLER, called=OWN)
    assert isinstance(verdict, Refused)
    assert len(target) < 3 or target not in verdict.sentence
    assert "hang up and dial" in verdict.sentence if code == "emergency" else "sales (orders" in verdict.sentence


def test_a_refusal_names_only_whom_this_agent_may_use_so() -> None:
    narrow = POLICY.judge("Bob", "transfer", "narrow")
    assert isinstance(narrow, Refused)
    assert narrow.sentence == "There is nobody of that name. You can reach: night desk. Use one of these names."
    message = POLICY.judge("Bob", "sms", "frontdesk", caller=CALLER)
    assert isinstance(message, Refused)
    assert message.sentence.startswith(
        "There is nobody of that name. You can write to: sales (orders and prices), caller"
    )


def test_without_countries_there_is_nobody_beyond_the_directory() -> None:
    assert refusal(CLOSED, FRIEND) == "not_listed"
    assert refusal(CLOSED, FRIEND, "sms") == "not_listed"
    assert refusal(DialPolicy(DiallingSettings()), SALES, "dial") == "not_listed"


# -- the allowed ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["sales", " Sales\n", "SALES", SALES, "+1 (415) 555-2671", "tel:+1-415-555-2671"])
def test_the_directory_is_reached_by_name_and_by_number(target: str) -> None:
    for policy in (POLICY, CLOSED):
        found = allowed(policy, target)
        assert (found.number, found.name, found.contact.title) == (SALES, "sales", "orders and prices")


@pytest.mark.parametrize("target", ["Night  Desk", NIGHT])
def test_an_entry_brings_how_it_is_to_be_called(target: str) -> None:
    assert allowed(POLICY, target).contact.timeout == 30


def test_an_address_is_reached_if_it_is_in_the_directory() -> None:
    for target in ("service", DESK, "SIP:Desk@PBX.example.com"):
        assert allowed(POLICY, target).number == DESK


@pytest.mark.parametrize("name", ["911", "0", "100", "1-800-FLOWERS", "plus one", "caller"])
def test_a_name_of_the_directory_wins_over_whatever_else_it_might_mean(name: str) -> None:
    rules = DiallingSettings(directory={name: Contact(number=SALES, messages=True)}, allow=DIALLING.allow)
    for use in USES:
        assert allowed(DialPolicy(rules), name, use, caller=CALLER).number == SALES


@pytest.mark.parametrize("target", [FRIEND, "+1 202 555 0143", "+44 20 7946 0958", "+49 170 1234567"])
def test_beyond_it_an_ordinary_number_of_an_allowed_country_is_reached(target: str) -> None:
    found = allowed(POLICY, target)
    assert (found.name, found.contact.number) == ("", found.number)
    assert found.number == "+" + "".join(c for c in target if c.isdigit())


@pytest.mark.parametrize(
    ("types", "reached"),
    [(["fixed_line"], False), (["mobile"], False), (["fixed_line", "mobile"], True), (["fixed_line_or_mobile"], True)],
)
def test_where_fixed_and_mobile_look_alike_both_must_be_allowed(types: list[str], reached: bool) -> None:
    rules = DiallingSettings(allow=Allowance.model_validate({"countries": ["US"], "types": types}))
    assert isinstance(DialPolicy(rules).judge(FRIEND, "dial", ""), Allowed) is reached


@pytest.mark.parametrize(
    ("kind", "number"),
    [("toll_free", "+18005551234"), ("personal_number", "+447012345678"), ("uan", "+443001234567")],
)
def test_unusual_kinds_are_reached_if_they_are_listed(kind: str, number: str) -> None:
    rules = DiallingSettings(allow=Allowance.model_validate({"countries": ["US", "GB"], "types": [kind]}))
    assert allowed(DialPolicy(rules), number).number == number
    assert refusal(POLICY, number) == "type"


# -- agents that may do less ---------------------------------------------------------------------------------------


def test_an_agent_with_a_directory_of_its_own_reaches_nobody_else() -> None:
    assert allowed(POLICY, "night desk", agent="narrow").number == NIGHT
    for target in ("sales", SALES, FRIEND, DESK, "service"):
        assert refusal(POLICY, target, agent="narrow") == "not_listed"
    assert refusal(DialPolicy(DIALLING, {"mute": []}), "sales", agent="mute") == "not_listed"


# -- messages ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["caller", "Caller", CALLER, "+1 415 555 0142"])
def test_a_message_may_go_back_to_the_caller(target: str) -> None:
    for agent in ("frontdesk", "narrow"):
        assert allowed(POLICY, target, "sms", agent, caller=CALLER, called=OWN).number == CALLER


@pytest.mark.parametrize(
    ("caller", "code"),
    [
        ("anonymous", "unknown"),
        ("", "unknown"),
        ("client:bob", "unknown"),
        ("+19005551234", "premium"),
        ("+881612345678", "satellite"),
        ("+18005551234", "type"),
        ("+14155550177", "do_not_call"),
        ("+15550123", "invalid"),
    ],
)
def test_a_caller_who_shows_a_number_that_is_no_ordinary_one_gets_no_message(caller: str, code: str) -> None:
    assert refusal(POLICY, "caller", "sms", caller=caller) == code


def test_a_message_goes_to_nobody_else_unless_that_is_said() -> None:
    assert allowed(POLICY, "sales", "sms").number == SALES
    assert refusal(POLICY, "night desk", "sms") == "not_listed"
    assert refusal(POLICY, FRIEND, "sms", caller=CALLER) == "not_listed"
    abroad = DiallingSettings(sms=MessageRules(to_caller=False, countries=["GB"]))
    assert allowed(DialPolicy(abroad), "+447400123456", "sms").number == "+447400123456"
    assert refusal(DialPolicy(abroad), "+442079460958", "sms") == "type"
    assert refusal(DialPolicy(abroad), "caller", "sms", caller=CALLER) == "unknown"


def test_the_caller_is_nobody_to_be_transferred_to() -> None:
    assert refusal(POLICY, "caller", caller=CALLER) == "unknown"
    assert refusal(POLICY, CALLER, caller=CALLER) == "own"


# -- loops, and limits ---------------------------------------------------------------------------------------------


def test_no_call_leads_back_to_where_it_was_answered() -> None:
    assert refusal(CLOSED, "sales", called=SALES) == "own"
    assert refusal(DialPolicy(DIALLING, own=["+1 202 555*", "frontdesk"]), FRIEND) == "own"


@pytest.mark.parametrize(
    ("use", "tally", "code"),
    [
        ("transfer", Tally(5, 0), "per_call"),
        ("dial", Tally(0, 200), "per_day"),
        ("dial", Tally(9, 999), "per_call"),
        ("sms", Tally(3, 0), "per_call"),
        ("sms", Tally(0, 200), "per_day"),
        ("transfer", Tally(4, 199), ""),
        ("sms", Tally(2, 199), ""),
    ],
)
def test_a_call_and_a_day_have_their_limits(use: Use, tally: Tally, code: str) -> None:
    verdict = POLICY.judge("sales", use, "frontdesk", tally)
    assert (verdict.code if isinstance(verdict, Refused) else "") == code


def test_a_refusal_says_first_what_is_wrong_with_the_target() -> None:
    verdict = POLICY.judge("+19005551234", "dial", "frontdesk", Tally(99, 999))
    assert isinstance(verdict, Refused)
    assert verdict.code == "premium"


def test_uses_are_counted_with_those_that_share_their_limit() -> None:
    for use in USES:
        assert use in COUNTED_WITH[use]
        assert {POLICY.limit(other) for other in COUNTED_WITH[use]} == {POLICY.limit(use)}


def test_rules_that_cannot_be_used_make_no_policy() -> None:
    with pytest.raises(ConfigurationError, match=r"^dialling\.directory\.x\.number: it is a premium-rate"):
        DialPolicy(DiallingSettings(directory={"x": Contact(number="+19005551234")}))


# -- whatever is asked for -----------------------------------------------------------------------------------------

TARGETS = st.one_of(
    st.text(),
    st.text("0123456789+ -().;,/ptel:sip@xw#*\u0660\uff11\u200b", max_size=40),
    st.from_regex(r"\+[1-9][0-9]{3,14}", fullmatch=True),
    st.from_regex(r"\+(1[2-9][0-9]{9}|44[1-9][0-9]{9}|49[1-9][0-9]{6,11})", fullmatch=True),
    st.sampled_from([target for target, _ in ADVERSARIAL]).flatmap(
        lambda base: st.tuples(st.text(max_size=3), st.text(max_size=3)).map(lambda ends: ends[0] + base + ends[1])
    ),
)


@given(TARGETS, st.sampled_from(USES))
def test_whatever_is_asked_for_only_what_the_rules_name_can_come_of_it(target: str, use: Use) -> None:
    verdict = POLICY.judge(target, use, "frontdesk", caller=CALLER, called=OWN)
    if isinstance(verdict, Refused) or verdict.name:
        assert isinstance(verdict, Refused) or verdict.number in (SALES, NIGHT, DESK)
        return
    if target.strip().casefold() != "caller":
        assert "+" + "".join(character for character in target if character.isdigit()) == verdict.number
    number = phonenumbers.parse(verdict.number)
    assert phonenumbers.is_valid_number(number)
    assert phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) == verdict.number
    if use == "sms":
        assert verdict.number == CALLER
    else:
        assert phonenumbers.region_code_for_number(number) in ("US", "GB", "DE")
        assert TYPES[phonenumbers.number_type(number)] in ("fixed_line", "mobile", "fixed_line_or_mobile")
        assert verdict.number not in (OWN, CALLER, "+14155550177")
        assert not verdict.number.startswith("+1917555")


@given(TARGETS, st.sampled_from(USES))
def test_what_comes_of_it_means_itself(target: str, use: Use) -> None:
    verdict = POLICY.judge(target, use, "frontdesk", caller=CALLER, called=OWN)
    if isinstance(verdict, Allowed):
        again = POLICY.judge(verdict.number, use, "frontdesk", caller=CALLER, called=OWN)
        assert again == verdict

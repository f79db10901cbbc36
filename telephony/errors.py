"""Whose fault it is.

TelephonyError
 ├── ConfigurationError     yours: a setting, a file, an argument   (exit code 2)
 ├── CarrierError           the carrier's, or of somebody who pretends to be one
 │    ├── ForgedRequest     a signature or token that does not hold (403, close 1008)
 │    ├── OutcomeUnknown    its REST API gave no answer: what was asked for may have been done
 │    └── CarrierRefused    its REST API said no
 │         ├── AccountRefused    to us: wrong login, suspended, not permitted
 │         ├── CallStateRefused  to this moment: the call is not in a state for it
 │         ├── CarrierBusy       for now: too many requests, and nothing was done
 │         ├── CarrierGone       what it was about is not there
 │         └── NumberRefused     to a phone number: invalid, unverified, out of reach, not permitted
 ├── UpstreamError          the model's
 │    ├── UpstreamRefused   it answered, with a no: wrong key, no quota, unknown model
 │    └── UpstreamLost      it did not answer, or stopped answering
 ├── StoreError             the database's: locked, full, read-only, gone; calls go on without it
 ├── CassetteError          a recorded call's: the file is torn, foreign, or of another version   (exit code 2)
 ├── EncryptionError        an encrypted file's: its key is not here, or somebody has changed it
 ├── ToolError              a tool's author can raise it: the model is told the message and nothing else
 └── ScriptError            a simulation's script asks for the impossible, or the peer left the script
"""

from __future__ import annotations

from typing import Literal


class TelephonyError(Exception):
    """The base of everything we raise on purpose."""


class ConfigurationError(TelephonyError):
    """A setting cannot be used. It names the key, the place it was read from, and what to do."""

    def __init__(self, key: str, problem: str, remedy: str, place: str = "") -> None:
        self.key = key
        self.problem = problem
        self.remedy = remedy
        self.place = place
        where = f" ({place})" if place else ""
        super().__init__(f"{key}{where}: {problem}. {remedy}")


class CarrierError(TelephonyError):
    """The carrier did something we cannot use."""


class ForgedRequest(CarrierError):
    """A request is not from whom it claims. The reason is for our log only: every refusal looks the same outside."""


class CarrierRefused(CarrierError):
    """The carrier's REST API refused a request."""

    def __init__(self, message: str, status: int = 0, code: int = 0) -> None:
        super().__init__(message)
        self.status = status
        """HTTP status; from 500 on it may have been done all the same."""
        self.code = code
        """The carrier's own number for the error; 0 if it gave none."""


class AccountRefused(CarrierRefused):
    """The carrier will have none of it from us: a wrong login, an account that is suspended or not permitted to."""


class CallStateRefused(CarrierRefused):
    """The call is not in a state for what was asked: it has not been answered, or is over."""


class CarrierBusy(CarrierRefused):
    """The carrier gets too many requests and did nothing about this one."""


class CarrierGone(CarrierRefused):
    """What the request was about is not there."""


class NumberRefused(CarrierRefused):
    """A phone number will not do: it is none, is not ours, cannot be reached, or must not be called."""


class OutcomeUnknown(CarrierError):
    """The carrier gave no answer to a request that must not be repeated blindly: it may have done what was asked."""


class UpstreamError(TelephonyError):
    """The model's side failed."""


class UpstreamRefused(UpstreamError):
    """The model's server answered with a refusal."""

    def __init__(self, message: str, status: int = 0, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.status = status
        """HTTP status of the handshake; 0 if the refusal was none."""
        self.retry_after = retry_after
        """Seconds after which it wants to be asked again; 0 if it did not say (`Retry-After`, RFC 9110 10.2.3)."""


class UpstreamLost(UpstreamError):
    """The model's server could not be reached or went away."""

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        """The close code of its WebSocket; None if it never was open or vanished."""


Trouble = Literal["locked", "full", "read-only", "slow", "broken"]


class StoreError(TelephonyError):
    """The store of call records could not do its part. Nothing was half done."""

    def __init__(self, message: str, kind: Trouble = "broken") -> None:
        super().__init__(message)
        self.kind = kind
        """`locked`: another process holds it. `full`: no space. `slow`: no answer in time. `broken`: anything else."""


class CallStays(TelephonyError):
    """A call cannot go on in another process, and why. *again*: whether it may at its next turn."""

    def __init__(self, message: str, *, again: bool = False) -> None:
        super().__init__(message)
        self.again = again


class CassetteError(TelephonyError):
    """A recorded call cannot be read. The message names the file's line and the remedy."""


class EncryptionError(TelephonyError):
    """What is encrypted on the disk cannot be read: its key is not here, or it is not what was written."""


class ToolError(TelephonyError):
    """Raise it in a tool to tell the model what went wrong in your own words."""


class ScriptError(TelephonyError):
    """A simulation's script cannot be followed."""

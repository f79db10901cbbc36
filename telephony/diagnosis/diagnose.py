"""All that a caller will have minded, in the order of time.

It is worked out from `Evidence` alone: plain values in, plain values out, the same ones every time.
"""

from __future__ import annotations

from telephony.diagnosis.causes import explain
from telephony.diagnosis.endings import cut_off_goodbyes
from telephony.diagnosis.silence import PAUSE, waits
from telephony.diagnosis.speech import false_interruptions, overlaps, repeated_answers
from telephony.records import Evidence, Finding


def diagnose(evidence: Evidence, pause: float = PAUSE) -> list[Finding]:
    """What there is to say of a call; nothing, if it was well. *pause*: seconds of waiting that are minded."""
    findings = [explain(evidence, wait) for wait in waits(evidence, pause)]
    findings += overlaps(evidence)
    findings += false_interruptions(evidence)
    findings += repeated_answers(evidence)
    findings += cut_off_goodbyes(evidence)
    return sorted(findings, key=lambda finding: (finding.at, finding.kind, finding.cause))

"""Why was it silent? What a caller will have minded in a call and the cause of each, from what is known of it."""

from telephony.diagnosis.diagnose import diagnose

__all__ = ["diagnose"]

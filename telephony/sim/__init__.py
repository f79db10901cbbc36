"""Strict counterparts that need no key and no phone: a realtime model, a caller with a carrier, and their clock."""

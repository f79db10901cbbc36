"""Telephone carriers, pure files for each: their messages, webhooks, signatures and REST as values."""

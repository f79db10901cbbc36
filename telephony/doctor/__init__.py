"""`telephony doctor`: what could keep the telephone from being answered, looked at before somebody calls.

Each module looks at one part of the world and says what it finds (`finding`); `examination` puts the looks together. No
look raises, every one is bounded, and nothing is changed but what `--fix` says.
"""

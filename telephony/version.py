"""Which version this is; also written on every cassette."""

__version__ = "0.1.0"

"""The simulators on real sockets, with voices: what the simulate commands and the demo run."""

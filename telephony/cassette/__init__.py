"""A call as a file: every message that came in and went out, with the time at which it did.

A cassette is JSON Lines in UTF-8, `*.jsonl`. The first line says whose call it is and under which settings it was
carried; every other line is one message, in the order in which the exchange saw them:

    {"cassette": 1, "call_id": "CA…", "carrier": "twilio", "dialect": "xai", "agent": {…}, "settings": {…}, …}
    {"t": 0.0, "ch": "carrier", "dir": "in", "msg": {"event": "start", …}}
    {"t": 0.041372, "ch": "session", "dir": "in", "msg": {"type": "ModelConnected", "dialect": "xai", …}}
    {"t": 0.041372, "ch": "model", "dir": "out", "msg": {"type": "session.update", …}}

`t` is the very time that the exchange was given, in seconds since the media stream began, exact to the last digit. On
`carrier` and `model` stand the messages of the wires as they were; on the other channels what is on no wire: functions
(`tool`), sessions that come and go (`session`), the carrier's REST API (`rest`), the end of the call (`call`), the
deadlines that the exchange named and when it was woken (`timer`), and in the end what remained of the call (`record`).

    format      lines and the header                        recorder    writes while a call lasts
    resolved    an agent's settings in the header           replay      feeds what came in, compares what goes out
    compare     how two messages differ                     telling     a difference in a few words
    semantic    who said what, which tools ran: what matters of a call, compared
    brief       a line in a few words, many of them folded  timeline    the calm view of a whole call
    diff        how two calls differ
    cutting/    keeps a part of a call                      scrubbing/  takes out what is personal
    reacting/   lets its caller call a changed agent
"""

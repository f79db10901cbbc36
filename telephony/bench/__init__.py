"""What things cost on this machine, as ratios against a floor measured in the same run: what `telephony bench` shows.

`audio` and `wire` time single steps, `core` a call without sockets, `relay` whole calls over loopback. A floor is the
least that could do the same work: the standard library for the first three, and for the last a relay over the same
two WebSocket libraries that sends prepared bytes and understands nothing. Machines differ and are shared, and so do
microseconds; the ratios travel.
"""

"""Several processes that answer one telephone: a parent, and workers that it starts and starts again.

    parent ── listening socket, inherited ──► worker 1, worker 2, …     each with a loop, an office, its own calls
       │ ▲                                       │  ▲
       │ └──── channel (a socket pair) ──────────┘  └─ <run folder>/<worker>.http and .fds: from the other workers
       └────── <run folder>/<host>-<port>-<id>.parent: from the parents of other versions on the same port

**One port.** The parent binds it, in the ordinary way, so that a stranger on it is noticed, and everybody accepts from
that one socket. `SO_REUSEPORT` would give every worker a queue of its own, and who is killed takes the connections in
it along; here they wait for another worker. A new version gets the same socket from the parent of the old one, so that
none is lost between the two either.

**One owner.** What is remembered of a call (`Calls.live`, `past`, `away`, `visits`, who does not agree to be recorded,
answers that may be asked for again, connections to the model that wait for a stream) is in the memory of one worker,
its owner: the one with the fewest calls when the first word of it came. The registrar in the parent knows the owners.
Whoever gets a webhook of another's call has it answered by the owner; whoever gets a media stream, whose path names its
owner, gives the connection itself away before it is answered. So nobody stands between a call and its owner, and a
worker that dies ends its own calls and nobody else's.

**One API.** Every worker knows the others (`Others`). It gathers the live calls and the events of all of them; what is
asked about a call that it does not carry, by our id, which no registrar knows, or the carrier's, it asks all the others
for, and has the one that carries it answer: see `server.neighbours`.

**One count.** Places are taken at the registrar, one question after another (`agents.places`).

**When somebody is dead.** A worker: its calls end, their records are closed and their recordings finished by the next
worker that starts; what is asked about them is answered by another, as after the restart of a single process. It is
started again, after a pause that doubles while it does not last. A worker that has said nothing for `HUNG` seconds is
killed. The parent: its workers let their calls end, take no more, and go. Every question has a bound, after which
whoever asked serves the request itself.

**Two versions** side by side find each other in the run folder. The newest one that is not stopping accepts all
connections and owns all new calls; it asks the others whose a call is that it does not know, and they ask it. If it
dies, the one before takes over again. Both count their own calls only.
"""

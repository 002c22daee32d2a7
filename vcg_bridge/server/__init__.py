"""The server: protocol 1 on a ROUTER socket. `run.serve` runs one, `server.Server` is one.

One thread owns the socket and all state (server, sessions, jobs, mail); two threads draw (worker, studio), one turn after the other.
A turn is the next steps of several jobs, whose views share batches. Who draws next, and with whom, is a pure policy (scheduler).
"""

"""The server: protocol 1 on a ROUTER socket. `run.serve` runs one, `server.Server` is one.

One thread owns the socket and all state (server, sessions, jobs, mail); one thread draws (worker, studio). Between them
go steps, small pieces of a job, and what they gave. Who draws next is a pure policy (scheduler).
"""

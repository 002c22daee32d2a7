"""The server: a ROUTER socket, a service, a worker, and the loop that joins them."""

from __future__ import annotations

import logging
import socket
import threading
import time
from dataclasses import replace

import zmq

from vcg_bridge.contract import vocabulary as v
from vcg_bridge.contract.errors import ConfigError
from vcg_bridge.server.auth import Endpoint, address_error, check_address, parse_address, token_in
from vcg_bridge.server.certificates import ServedCertificate
from vcg_bridge.server.config import ServerConfig, check_config
from vcg_bridge.server.departures import Departures
from vcg_bridge.server.front import CLOSE_S, INSIDE, Front, Way
from vcg_bridge.server.health import HealthPort
from vcg_bridge.server.inbox import Inbox, guarded
from vcg_bridge.server.known_clients import DOMAIN, KnownClients
from vcg_bridge.server.mail import Mail
from vcg_bridge.server.metrics import Metrics
from vcg_bridge.server.private_folder import PrivateFolder
from vcg_bridge.server.recruiting import crew_of, limits_of
from vcg_bridge.server.renewal import Renewable, Renewed
from vcg_bridge.server.routes import unforeseeable
from vcg_bridge.server.service import Service
from vcg_bridge.server.shelf import Shelf
from vcg_bridge.server.strangers import Strangers
from vcg_bridge.server.supervisor import Supervisor
from vcg_bridge.server.trace import Trace
from vcg_bridge.server.vitals import Vitals
from vcg_bridge.server.worker import Worker

log = logging.getLogger("vcg_bridge.server")

SEND_MESSAGES = 16
"""Messages that ZeroMQ holds for one client. Few: it is credit that says how much may be under way."""

RECEIVE_MESSAGES = 0
"""Messages that ZeroMQ reads ahead from one client: without limit. At a limit it stops reading, and libzmq 4.3.5 ends the process (an assertion)
where a connection breaks off meanwhile and a ping of ZMTP is left of it. `Strangers` bounds what waits.
"""

OVERSIZE = 4
"""A frame of up to so many times the limit is answered with an error; for a larger one ZeroMQ closes the connection."""

TICK_S = 0.25
LINGER_MS = 1000
STOP_WORKER_S = 5.0


class Server:
    """Bound when made; serves while `run` runs. `stop` may be called from any thread or signal handler."""

    def __init__(self, config: ServerConfig) -> None:
        """Raises ConfigError, AddressError, BundleError, DeviceError; nothing is left open then."""
        self._config = check_config(config)
        endpoint = check_address(config.address, config.token)
        tls = check_address(config.tls_address, config.token, "tls") if config.tls_certificate is not None else None
        self._stops = 0
        self._reload = False
        self._awake, self._wake = socket.socketpair()
        self._awake.setblocking(False)
        self._wake.setblocking(False)
        self._context = zmq.Context(io_threads=1)
        unforeseeable()
        self._router: zmq.Socket[bytes] = self._context.socket(zmq.ROUTER)
        self._shelf: Shelf | None = None
        self._front: Front | None = None  # of TLS
        self._gate: Front | None = None  # of tcp beyond loopback
        self._certificate: ServedCertificate | None = None
        self._known: KnownClients | None = None
        self._renewables: list[Renewable] = []
        self._health: HealthPort | None = None
        self._trace: Trace | None = None
        self._metrics = Metrics()
        self._private: PrivateFolder | None = None
        try:
            self._set_options()
            self._departures = Departures(self._router, time.monotonic)
            self._strangers = Strangers(config.clients, self._departures.received)
            self._inbox = Inbox(self._router, self._departures, self._strangers, lambda: self._known)
            if tls is not None:
                self._front = self._tls_front(tls)
            self._encrypt()
            if endpoint.loopback:
                self._router.IPV6 = ":" in endpoint.host
                self._bind(endpoint)
            else:
                self._gate = self._made(Way("", endpoint, self._inside("tcp"), None, bool(config.curve_secret_key)))
                self._address = self._gate.address
            if config.metrics_address:
                self._health = HealthPort(parse_address(config.metrics_address, "http"))
            self._shelf = shelf = Shelf(config, self._notify)
            if config.trace is not None:
                self._trace = Trace(config.trace)
            self._worker = Worker(shelf, self._notify)
            self._crew = crew_of(config, shelf, self._worker, self._notify, self._trace)
        except BaseException:
            self._close()
            raise
        self._mail = Mail(self._router, config.backlog_bytes)
        config = replace(config, limits=limits_of(config, self._crew))
        self._service = Service(config, shelf, self._mail, self._crew, metrics=self._metrics, trace=self._trace)
        if config.token_file is not None:
            self._renewables.append(Renewed("--token-file", (config.token_file,), self._take_token))
        self._vitals = Vitals(
            self._metrics, shelf, self._service, self._worker, self._crew, self._departures, self._strangers,
            self._front, self._certificate, self._renewables, stopping=lambda: self._stops > 0,
        )  # fmt: skip
        if self._health is not None:
            self._health.pages |= self._vitals.pages()
        if not endpoint.loopback and not config.curve_secret_key:
            log.warning("%s can be reached from other machines, and nothing on the way is encrypted", self.address)

    @property
    def address(self) -> str:
        """Where it listens: tcp://127.0.0.1:7421."""
        return self._address

    @property
    def tls_address(self) -> str:
        """Where the TLS front listens: tls://127.0.0.1:7422. "" without one."""
        return self._front.address if self._front is not None else ""

    @property
    def metrics_address(self) -> str:
        """Where /metrics, /live and /ready are: http://127.0.0.1:9464. "" nowhere."""
        return self._health.address if self._health is not None else ""

    @property
    def unfinished(self) -> int:
        """Jobs that are queued, drawn or waiting."""
        return self._service.unfinished

    @property
    def held_bytes(self) -> int:
        """Drawn but not sent, of all jobs."""
        return self._service.held_bytes

    def _set_options(self) -> None:
        router, limits = self._router, self._config.limits
        router.ROUTER_MANDATORY = 1
        router.SNDHWM = SEND_MESSAGES
        router.RCVHWM = RECEIVE_MESSAGES
        router.MAXMSGSIZE = limits.request_bytes * OVERSIZE
        router.LINGER = LINGER_MS
        router.HANDSHAKE_IVL = 10_000
        router.HEARTBEAT_IVL = limits.ping_ms
        router.HEARTBEAT_TIMEOUT = max(limits.ping_ms, min(v.DEAD_MS, limits.forget_ms))  # long: editors stall

    def _tls_front(self, endpoint: Endpoint) -> Front:
        """The front, and a way in that only it knows. It is bound first: CURVE, set later, does not hold for it."""
        certificate, key = self._config.tls_certificate, self._config.tls_key
        assert certificate is not None
        assert key is not None
        self._certificate = ServedCertificate(certificate, key)
        self._renewables.append(self._certificate)
        front = self._made(Way("--tls-bind", endpoint, self._inside("tls"), self._certificate.context))
        self._certificate.give_to(front.renew)
        return front

    def _made(self, way: Way) -> Front:
        places = self._config.clients + self._strangers.most  # who says no hello takes none from who does
        most_bytes = self._config.limits.request_bytes * OVERSIZE
        return Front(way, places, most_bytes, self._departures.outside, self._inbox.behind)

    def _inside(self, name: str) -> str:
        """Bind the ROUTER where only a front of ours can reach it."""
        try:
            self._private = self._private or PrivateFolder("vcg-server-")
            inside = f"ipc://{self._private.path}/{name}{INSIDE}"
            self._router.bind(inside)
        except (OSError, zmq.ZMQError):  # no such sockets on this system, too long a path, or no place for files
            self._router.bind("tcp://127.0.0.1:*")
            return self._last_endpoint()
        return inside

    def _encrypt(self) -> None:
        """CURVE: clients that know our public key talk encrypted, others cannot talk. Who they are, the token says."""
        key = self._config.curve_secret_key
        if not key:
            return
        try:
            zmq.curve_public(key.encode("ascii"))
            self._router.setsockopt(zmq.CURVE_SECRETKEY, key.encode("ascii"))
        except (zmq.ZMQError, ValueError):
            raise ConfigError(
                "the CURVE secret key is no key", hint="40 characters, made by zmq.curve_keypair()"
            ) from None
        self._router.setsockopt(zmq.CURVE_SERVER, 1)
        if self._config.known_clients is not None:
            self._known = KnownClients(self._context, self._config.known_clients)
            self._renewables.append(self._known.renewed)
            self._router.setsockopt(zmq.ZAP_DOMAIN, DOMAIN.encode())

    def _bind(self, endpoint: Endpoint) -> None:
        try:
            self._router.bind(endpoint.url)
        except zmq.ZMQError as error:
            raise address_error(endpoint, error) from None
        self._address = self._last_endpoint()

    def _last_endpoint(self) -> str:
        endpoint = self._router.getsockopt(zmq.LAST_ENDPOINT)
        assert isinstance(endpoint, bytes)
        return endpoint.decode().rstrip("\0")

    def _take_token(self) -> str:
        """Raises ConfigError where the file holds none that this server may have."""
        assert self._config.token_file is not None
        token = token_in(self._config.token_file)
        check_config(replace(self._config, token=token))
        check_address(self._config.address, token)
        if self._front is not None:
            check_address(self._config.tls_address, token, "tls")
        self._service.token = token
        return "who is connected stays so, who comes needs the token that is there now"

    def _renew(self, now: float, *, at_once: bool = False) -> None:
        for renewable in self._renewables:
            renewable.look(now, at_once=at_once)

    def reload(self) -> None:
        """Take bundles, certificate, token and known clients anew, whether they seem to have changed or not. May be called from a signal handler."""
        self._reload = True
        self._notify()

    def stop(self) -> None:
        """Once: take no more jobs, finish those that run within the grace time, end. Twice: end now."""
        self._stops += 1
        self._notify()

    def _notify(self) -> None:
        try:
            self._wake.send(b"!")
        except (BlockingIOError, OSError):  # it will wake anyway; or it is closed
            return

    def run(self, supervisor: Supervisor | None = None) -> None:
        """Serve until stopped. Closes the server. supervisor: who wants to know how it goes."""
        supervisor = supervisor or Supervisor({})
        poller = zmq.Poller()
        poller.register(self._router, zmq.POLLIN)
        poller.register(self._departures.socket, zmq.POLLIN)
        poller.register(self._awake.fileno(), zmq.POLLIN)
        log.info("listening at %s", self.address)
        try:
            self._worker.start()
            if self._gate is not None:
                self._gate.start()
            if self._front is not None:
                self._front.start()
                log.info("listening with TLS at %s", self._front.address)
            if self._health is not None:
                self._health.start()
                log.info("metrics at %s/metrics", self._health.address)
            tick = time.monotonic()
            until: float | None = None  # when the grace time is over
            while not self._over(until):
                self._turn(poller)
                self._vitals.alive = now = time.monotonic()
                supervisor.turn(now, self._vitals.not_ready())
                if self._reload:
                    self._reload = False
                    self._service.reload()
                    self._renew(now, at_once=True)
                if now - tick >= TICK_S:
                    tick = now
                    self._service.look_at_the_clock()
                    self._crew.look_at_the_clock()
                    self._renew(now)
                    guarded(self._inbox.end_overdue, self._service, now)
                if self._stops and until is None:
                    until = now + self._config.grace_s
                    supervisor.stopping()
                    log.info(
                        "stopping: %d unfinished jobs, %g s for them", self._service.unfinished, self._config.grace_s
                    )
                    self._service.leave("the server is going down")
            self._service.abandon()
            self._flush()
        finally:
            self._crew.close()
            if not self._worker.stop(STOP_WORKER_S):
                log.warning("the worker does not end; leaving it")
            self._close()
            log.info("stopped")

    def _over(self, until: float | None) -> bool:
        if until is None:
            return False
        return self._stops > 1 or not self._service.unfinished or time.monotonic() >= until

    def _turn(self, poller: zmq.Poller) -> None:
        """Wait for something to happen and deal with it."""
        wait = TICK_S if self._mail.retry_s is None else self._mail.retry_s
        happened = dict(poller.poll(max(1, round(wait * 1000))))
        if self._awake.fileno() in happened:
            self._drain()
        for event in self._crew.take():
            guarded(self._service.event, event)
        if self._mail.retry_s is not None:
            self._service.retry_mail()
        if self._router in happened:
            self._inbox.read(self._service)
        else:
            self._inbox.idle()
        if self._departures.socket in happened:
            guarded(self._inbox.take_leave, self._service)
        self._service.settle()

    def _drain(self) -> None:
        try:
            while self._awake.recv(4096):
                pass
        except BlockingIOError:
            return

    def _flush(self) -> None:
        """Give the last answers a moment."""
        until = time.monotonic() + LINGER_MS / 1000
        while self._mail.retry_s is not None and time.monotonic() < until:
            time.sleep(self._mail.retry_s)
            self._mail.retry()

    def _close(self) -> None:
        if hasattr(self, "_departures"):
            self._departures.close()
        self._router.close()
        if self._known is not None:
            self._known.close()
        # With a bounded linger this ends; in a thread, because whatever happens the process must.
        ending = threading.Thread(target=self._context.term, name="vcg-zmq-term", daemon=True)
        ending.start()
        ending.join(2 * LINGER_MS / 1000)
        for front in (self._gate, self._front):  # after the ROUTER, whose last answers they carry
            if front is not None and not front.stop(3 * CLOSE_S):
                log.warning("a front does not end; leaving it")
        if self._health is not None:
            self._health.stop()
        if self._shelf is not None:
            self._shelf.close()
        if self._trace is not None:
            self._trace.close()
        self._awake.close()
        self._wake.close()
        if self._private is not None:
            self._private.close()

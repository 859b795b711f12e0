"""Which of several workers this process is, and how it finds the others."""

from __future__ import annotations

import contextlib
import dataclasses
import socket
import time

from edge_dce.errors import EdgeDceError

# Long enough to type the command on the next machine.
PATIENCE_S = 300.0

_GO = b"go"


class DistributionError(EdgeDceError):
    """Workers cannot train together, or no longer can."""


@dataclasses.dataclass(frozen=True)
class Worker:
    """Which of the workers this process is, and where all of them are; worker 0 is the chief."""

    index: int
    addresses: tuple[str, ...]

    @staticmethod
    def parse(text: str) -> Worker:
        """Read `INDEX/HOST:PORT,HOST:PORT,...`, for instance `0/10.0.0.1:2222,10.0.0.2:2222`.

        Raises:
            DistributionError: it is anything else.
        """
        index, _, rest = text.partition("/")
        addresses = tuple(rest.split(","))
        complete = all(host and port.isdigit() for host, _, port in (each.rpartition(":") for each in addresses))
        if not complete or len(addresses) < 2 or not index.isdigit() or int(index) >= len(addresses):
            raise DistributionError(
                f"--worker: expected INDEX/HOST:PORT,HOST:PORT with INDEX counting the addresses from 0, found '{text}'"
            )
        return Worker(int(index), addresses)


def meet(worker: Worker, *, patience_s: float = PATIENCE_S) -> None:
    """Return once every worker is there, at the chief's address, which is free again then.

    The engines wait too, but TensorFlow without limit and deaf to Ctrl-C, and jax ends in a page of its own.

    Raises:
        DistributionError: somebody has not come, or the chief's port is taken.
    """
    deadline = time.monotonic() + patience_s
    host, _, port = worker.addresses[0].rpartition(":")
    if worker.index > 0:
        _call_chief(worker, host.strip("[]"), int(port), deadline)
        return
    try:
        _await_all(worker, int(port), deadline)
    except OSError as error:
        raise DistributionError(f"{worker.addresses[0]}: cannot listen there ({error}); choose another port") from error


def _await_all(worker: Worker, port: int, deadline: float) -> None:
    missing = set(range(1, len(worker.addresses)))
    with contextlib.ExitStack() as open_sockets:
        server = open_sockets.enter_context(_listen(port))
        calls = []
        while missing:
            server.settimeout(max(deadline - time.monotonic(), 0.01))
            try:
                call, _ = server.accept()
            except TimeoutError as error:
                names = ", ".join(f"{index} ({worker.addresses[index]})" for index in sorted(missing))
                raise DistributionError(
                    f"expected all workers, found none at {names}; start it, then this one"
                ) from error
            open_sockets.enter_context(call)
            call.settimeout(1)
            # A stranger at the port says something else, or nothing.
            with contextlib.suppress(OSError):
                missing.discard(int.from_bytes(call.recv(4), "big"))
                calls.append(call)
        for call in calls:
            with contextlib.suppress(OSError):
                call.sendall(_GO)


def _listen(port: int) -> socket.socket:
    if socket.has_dualstack_ipv6():
        return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
    return socket.create_server(("", port))


def _call_chief(worker: Worker, host: str, port: int, deadline: float) -> None:
    while (left_s := deadline - time.monotonic()) > 0:
        # Refused until the chief is there; cut off if it goes away again.
        with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=left_s) as call:
            call.sendall(worker.index.to_bytes(4, "big"))
            if call.recv(len(_GO)) == _GO:
                return
        time.sleep(0.2)
    raise DistributionError(f"expected the chief at {worker.addresses[0]}, found no answer; start worker 0 there")

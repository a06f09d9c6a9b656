"""A Dask cluster that takes the work of a command: reached, looked at, and let go."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from concurrent.futures import Executor

import detutils

PATIENCE = 10  # seconds for a scheduler, and then for its first worker


@contextlib.contextmanager
def cluster(address: str | None) -> Iterator[tuple[Executor | None, int]]:
    """The executor of the scheduler at an address, and how many threads its workers have; None and 0 without one."""
    if address is None:
        yield None, 0
        return
    try:
        from distributed import Client
        from distributed.comm import get_address_host_port
    except ImportError as error:
        raise ImportError(f"--scheduler needs Dask ({error}): pip install 'detutils[dask]'") from error
    for name in [*logging.root.manager.loggerDict]:  # what they log, the commands say in a line
        if name.partition(".")[0] in ("distributed", "tornado", "asyncio"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        get_address_host_port(address)  # a client of an address that is none leaves a thread behind, which complains
        client = Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise ConnectionError(
            f"no Dask scheduler answers at {address} ({error}): start one with `dask scheduler` and give the address "
            "that it prints, tcp://HOST:8786"
        ) from error
    try:
        threads = _threads(client, address)
        executor: Executor = client.get_executor()
        yield executor, threads
    finally:
        with contextlib.suppress(Exception):  # the scheduler may be gone
            client.close(timeout=2)


def _threads(client: object, address: str) -> int:
    """How many threads the workers have; they must be there and have this detutils."""
    known: dict[str, int] = client.ncores()  # type: ignore[attr-defined]
    if not known:
        try:
            client.wait_for_workers(1, timeout=PATIENCE)  # type: ignore[attr-defined]
        except Exception as error:  # a TimeoutError of Dask's own
            raise ConnectionError(
                f"the scheduler at {address} has no workers: start some with `dask worker {address}`"
            ) from error
        known = client.ncores()  # type: ignore[attr-defined]
    versions: dict[str, str] = client.run(_version, on_error="return")  # type: ignore[attr-defined]
    for worker, version in versions.items():
        if version != detutils.__version__:
            there = f"detutils {version}" if isinstance(version, str) else f"no detutils ({version})"
            raise ValueError(
                f"the worker {worker} has {there}, this machine {detutils.__version__}: install the same on all"
            )
    return sum(known.values())


def _version() -> str:
    return detutils.__version__

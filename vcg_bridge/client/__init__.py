"""The Python client: `Client` blocks, `AsyncClient` is for asyncio. Needs zmq and msgpack; numpy when pixels are looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vcg_bridge.client.options import ClientOptions, CurveKeys
from vcg_bridge.client.pictures import Gatherer, Generated, Picture
from vcg_bridge.client.sync import Client, Job

if TYPE_CHECKING:
    from vcg_bridge.client.aio import AsyncClient, AsyncJob

__all__ = ["AsyncClient", "AsyncJob", "Client", "ClientOptions", "CurveKeys", "Gatherer", "Generated", "Job", "Picture"]


def __getattr__(name: str) -> object:
    if name in ("AsyncClient", "AsyncJob"):  # asyncio costs more to import than all the rest
        from vcg_bridge.client import aio

        return getattr(aio, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""How every process reaches Temporal: one set of options, one plugin."""

from collections.abc import Sequence
from typing import NamedTuple

from pydantic import SecretStr
from temporalio.client import Client
from temporalio.runtime import Runtime
from temporalio.worker import Interceptor

from contracts.errors import Unavailable
from workflows.plugin import firebreak_plugin


class Address(NamedTuple):
    """Where Temporal is, and how to be let in."""

    address: str
    namespace: str = "default"
    api_key: SecretStr | None = None
    tls: bool = False


async def connect(
    where: Address, interceptors: Sequence[Interceptor] = (), runtime: Runtime | None = None
) -> Client:
    """A client that speaks our contracts; `interceptors` are for its workers.

    Raises:
        Unavailable: nobody answers there.

    """
    try:
        return await Client.connect(
            where.address,
            namespace=where.namespace,
            api_key=where.api_key.get_secret_value() if where.api_key else None,
            tls=where.tls,
            plugins=[firebreak_plugin(interceptors=interceptors)],
            runtime=runtime,
        )
    except RuntimeError as err:
        fix = "Start Temporal, or correct FIREBREAK_TEMPORAL_ADDRESS."
        raise Unavailable(f"Temporal does not answer at {where.address}: {err}", fix) from err

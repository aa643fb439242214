"""All of Temporal's wiring in one plugin, given once to a client, which hands it to its workers.

Client, worker and replayer must agree on the data converter, the sandbox and what fails a run;
whoever connects without this plugin speaks another language.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakSet

from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import (
    DataConverter,
    DefaultFailureConverterWithEncodedAttributes,
    PayloadCodec,
)
from temporalio.plugin import SimplePlugin
from temporalio.worker import (
    Interceptor,
    WorkflowInstance,
    WorkflowInstanceDetails,
    WorkflowRunner,
)
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from workflows.endings import BUGS, Endings

# Read-only values and our own deterministic code; re-importing them for each run costs 7 ms.
PASSED_THROUGH = ("contracts", "workflows", "pydantic", "pydantic_core", "annotated_types")


def data_converter(codec: PayloadCodec | None = None) -> DataConverter:
    """Pydantic JSON; failures' texts are encoded like payloads, so that a codec covers them."""
    return dataclasses.replace(
        pydantic_data_converter,
        payload_codec=codec,
        failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
    )


class PreparedOnce(SandboxedWorkflowRunner):
    """Tries each class once a process: whoever loads two hundred runbooks has tried them already,
    one by one, and the worker need not do it again. And no run ends the process that it runs in.
    """

    def prepare_workflow(self, defn: Any) -> None:
        """Import the class in the sandbox, unless that was done; raises what its module raises."""
        if defn.cls not in _prepared:
            super().prepare_workflow(defn)
            _prepared.add(defn.cls)

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        """One run. What would end the worker fails the run's task instead."""
        instance = super().create_instance(det)
        activate = instance.activate

        def survived(act: WorkflowActivation) -> WorkflowActivationCompletion:
            try:
                return activate(act)
            except SystemExit as err:
                raise RuntimeError("the run wants to end its worker") from err

        instance.activate = survived  # type: ignore[method-assign]  # the instance is the SDK's own
        return instance


_prepared: WeakSet[type] = WeakSet()


def sandbox(passed_through: Sequence[str] = PASSED_THROUGH) -> WorkflowRunner:
    """The runner that refuses clocks, files and the network in workflow code."""
    default = SandboxRestrictions.default.with_passthrough_modules(*passed_through)
    members = default.invalid_module_members
    # A time zone that is proxied, to keep three of its class methods away, is none to `astimezone`.
    children = {name: found for name, found in members.children.items() if name != "zoneinfo"}
    unproxied = dataclasses.replace(members, children=children)
    return PreparedOnce(restrictions=dataclasses.replace(default, invalid_module_members=unproxied))


def firebreak_plugin(
    codec: PayloadCodec | None = None, interceptors: Sequence[Interceptor] = ()
) -> SimplePlugin:
    """The plugin; `interceptors` are the worker's own (activities), beside `Endings`."""
    runner: Callable[[WorkflowRunner | None], WorkflowRunner] = lambda _: sandbox()  # noqa: E731
    extra: dict[str, Any] = {"workflow_runner": runner}
    return SimplePlugin(
        "firebreak",
        data_converter=data_converter(codec),
        interceptors=[Endings(), *interceptors],
        workflow_failure_exception_types=list(BUGS),
        **extra,
    )

"""The parts of Firebreak on one machine, started and ended together."""

_POLLERS = ("transfer", "timer", "visibility", "outbound")
# The dev server has one shard, so its default of 20 polls a second would be felt as 50 ms a step.
DEV_SERVER_FLAGS = (
    *(
        argument
        for name in _POLLERS
        for argument in ("--dynamic-config-value", f"history.{name}ProcessorMaxPollRPS=5000")
    ),
    "--dynamic-config-value",
    'history.timerProcessorMaxTimeShift="10ms"',
)

"""What both servers of the sandbox share: they run for as long as a block, however it ends."""

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class Serving(ABC):
    """Something that is started, and ended by all means."""

    @abstractmethod
    def start(self) -> None:
        """Listen; raises OSError when the port is taken, RuntimeError when it was started."""

    @abstractmethod
    def stop(self) -> None:
        """End it; may be called again."""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

"""When a search that takes long is to stop."""

from __future__ import annotations

from time import perf_counter


class Limit:
    """Seconds that a search may take, from now on; and whether the user broke it off.

    A search that catches ``KeyboardInterrupt`` to return what it has so far says so in ``interrupted``.
    """

    def __init__(self, seconds: float | None = None) -> None:
        self.end = float("inf") if seconds is None else perf_counter() + seconds
        self.interrupted = False

    def reached(self) -> bool:
        """Whether to stop."""
        return self.interrupted or perf_counter() >= self.end

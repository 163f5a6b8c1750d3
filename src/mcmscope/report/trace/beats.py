"""Which beats a trace shows: all of them, or the first and the last ones of each segment."""

from __future__ import annotations

from dataclasses import dataclass

from mcmscope.cost.breakdown import SegmentEvaluation

MOST_SLICES = 100_000
"""About how many slices a trace shows unless a user says how many beats: some 15 MB."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The first and the last ``ends`` beats of each segment; None: all."""

    ends: int | None

    def parted(self, beats: int) -> tuple[range, range, range]:
        """Beats that are shown first, left out, and shown last."""
        if self.ends is None or 2 * self.ends >= beats:
            return range(beats), range(0), range(0)
        return range(self.ends), range(self.ends, beats - self.ends), range(beats - self.ends, beats)


def slices_of_beat(segment: SegmentEvaluation, replicas: int, *, simulated: bool) -> int:
    """Slices that one more beat of a segment adds."""
    layers = segment.layers[1] - segment.layers[0]
    if simulated:
        return segment.passes * replicas * (len(segment.stages) + 2 * layers)
    return segment.passes * (1 + len(segment.stages) + (layers if segment.passes == 1 else 0))


def default_shown(segments: tuple[SegmentEvaluation, ...], replicas: int, *, simulated: bool) -> Shown:
    """All beats if there are few enough slices; else as many as make about ``MOST_SLICES``."""
    sizes = [(x.beats, slices_of_beat(x, replicas, simulated=simulated)) for x in segments]

    def count(ends: int) -> int:
        return sum(min(beats, 2 * ends) * size for beats, size in sizes)

    most = max(beats for beats, _ in sizes)
    if count(most) <= MOST_SLICES:
        return Shown(None)
    few, many = 1, most
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (middle, many) if count(middle) <= MOST_SLICES else (few, middle)
    return Shown(few)

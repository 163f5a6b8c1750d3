"""What a run returns: one row per scheme, its schedule, its figures and the certificate of its search."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mcmscope.cost.evaluate import Evaluation
from mcmscope.hardware.package import Package
from mcmscope.schedule import Objective, Schedule, Scheme
from mcmscope.workload.network import Network

if TYPE_CHECKING:
    from pandas import DataFrame as PandasFrame
    from polars import DataFrame as PolarsFrame


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a search can say of its schedule.

    ``status``: ``optimal`` (proven: no schedule of the space is faster, whose micro-batches are
    powers of two up to 16 unless one was fixed), ``bounded`` (at most ``gap`` from the
    optimum), ``heuristic`` (no statement; ``gap`` is then the distance to the bound of the roofline) or
    ``infeasible``. ``space_size`` is the exact number of schedules in the space, ``states`` how many
    priced parts the search touched. ``start`` names the start that a local search won from.
    """

    status: str
    gap: float | None
    space_size: int
    states: int
    start: str | None = None


@dataclass(frozen=True, slots=True)
class SchemeResult:
    """One scheme: attributes carry the names of the keys in ``result.json``.

    The figures of an infeasible scheme are None, and ``reason`` says why it is. ``energy_profile`` names
    the constants behind the energies. ``speedup_over_segmented`` is the smaller of the synchronous and the
    flow-line throughput ratio to the run's segmented pipeline; None if the run has none that is feasible.
    """

    scheme: Scheme
    search: str
    certificate: Certificate
    feasible: bool
    reason: str | None
    search_s: float
    energy_profile: str
    schedule: Schedule | None
    evaluation: Evaluation | None
    speedup_over_segmented: float | None = None

    @property
    def throughput_per_s(self) -> float | None:
        """Samples per second over the whole batch, loads, fill and drain included."""
        return self.evaluation.throughput_per_s if self.evaluation else None

    @property
    def steady_throughput_per_s(self) -> float | None:
        """Samples per second as the batch goes to infinity."""
        return self.evaluation.steady_throughput_per_s if self.evaluation else None

    @property
    def flow_line_throughput_per_s(self) -> float | None:
        """As ``throughput_per_s`` if stages hand over as soon as they can, and flows share links."""
        return self.evaluation.flow_line_throughput_per_s if self.evaluation else None

    @property
    def latency_s(self) -> float | None:
        """One sample alone through the same schedule."""
        return self.evaluation.latency_s if self.evaluation else None

    @property
    def flow_line_latency_s(self) -> float | None:
        """As ``latency_s`` if stages hand over as soon as they can."""
        return self.evaluation.flow_line_latency_s if self.evaluation else None

    @property
    def batch_latency_s(self) -> float | None:
        """The whole batch, from the first load to the last output."""
        return self.evaluation.batch_latency_s if self.evaluation else None

    @property
    def energy_j_per_sample(self) -> float | None:
        """Energy of the batch over its samples."""
        return self.evaluation.energy_j_per_sample if self.evaluation else None

    @property
    def energy_breakdown_j(self) -> dict[str, float] | None:
        """``energy_j_per_sample`` by where it goes; the parts sum to it."""
        return self.evaluation.energy_breakdown_j if self.evaluation else None

    @property
    def utilization(self) -> float | None:
        """Share of the package's peak MACs that the batch uses, 0 to 1."""
        return self.evaluation.utilization if self.evaluation else None

    @property
    def bound_throughput_per_s(self) -> float | None:
        """What no schedule of this network on this package beats at this batch."""
        return self.evaluation.bound_throughput_per_s if self.evaluation else None

    @property
    def steady_bound_throughput_per_s(self) -> float | None:
        """What no schedule beats in steady state."""
        return self.evaluation.steady_bound_throughput_per_s if self.evaluation else None


@dataclass(frozen=True, slots=True)
class Result:
    """All schemes of one network on one package at one batch, in the order of ``Scheme``.

    ``interrupted``: the user broke off the last search; schemes after it are missing.
    """

    network: Network
    package: Package
    batch: int
    objective: Objective
    schemes: tuple[SchemeResult, ...]
    interrupted: bool = False

    def scheme(self, name: Scheme | str) -> SchemeResult:
        """The row of one scheme.

        Raises:
            KeyError: the run did not search it.
        """
        for row in self.schemes:
            if row.scheme == name:
                return row
        raise KeyError(f"{name}: the run searched {', '.join(row.scheme for row in self.schemes)}")

    @property
    def best(self) -> SchemeResult | None:
        """The feasible scheme that is best by the objective, the first of equal ones; None if none is.

        For throughput that is the smaller of the two: in step, and as a flow line.
        """
        rows = [(row.evaluation, row) for row in self.schemes if row.evaluation]
        if self.objective is Objective.THROUGHPUT:
            return max(rows, key=lambda pair: lesser_throughput_per_s(pair[0]))[1] if rows else None
        return min(rows, key=lambda pair: cost_of(pair[0], self.objective))[1] if rows else None

    def save(self, directory: str | Path) -> tuple[Path, ...]:
        """Write ``result.json``, ``report.html`` and ``schedule-SCHEME.json`` per feasible scheme.

        If none is, the network is written as ``result-network.json``. Returns the files, the result last.

        Each file appears whole or not at all. Schedule files of schemes that have none in this result, left
        there by another run, are removed, and so is its network.

        Raises:
            InputError: the directory cannot be made or written to.
        """
        from mcmscope.report.save import save_result

        return save_result(self, Path(directory))

    def to_pandas(self, table: str = "schemes") -> PandasFrame:
        """A table as a pandas data frame: ``schemes``, or ``segments``, ``stages`` or ``layers`` of them all.

        Raises:
            ImportError: pandas is not installed.
            InputError: there is no such table.
        """
        from mcmscope.report.notebook.tables import pandas_frame, result_columns

        return pandas_frame(result_columns(self, table))

    def to_polars(self, table: str = "schemes") -> PolarsFrame:
        """As ``to_pandas``, as a polars data frame."""
        from mcmscope.report.notebook.tables import polars_frame, result_columns

        return polars_frame(result_columns(self, table))

    def _repr_html_(self) -> str:
        """What notebooks show."""
        from mcmscope.report.notebook.show import result_html

        return result_html(self)


def lesser_throughput_per_s(evaluation: Evaluation) -> float:
    """Samples per second in step or as a flow line, whichever is less."""
    return min(evaluation.throughput_per_s, evaluation.flow_line_throughput_per_s)


def cost_of(evaluation: Evaluation, objective: Objective) -> int:
    """What the objective makes least: picoseconds, femtojoules or their product (whole numbers)."""
    match objective:
        case Objective.THROUGHPUT:
            return evaluation.batch_ps
        case Objective.LATENCY:
            return evaluation.latency_ps
        case Objective.ENERGY:
            return evaluation.energy_fj
        case Objective.EDP:
            return evaluation.energy_fj * evaluation.batch_ps

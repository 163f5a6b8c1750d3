from __future__ import annotations

import pytest

from mcmscope import Network, Package, load_network, load_package
from mcmscope.schedule import Cluster, Objective, Partition, Schedule, Scheme, Segment
from mcmscope.schedule_file import SavedSchedule
from mcmscope.warm import is_compiled
from tests.kernels import compile_halves


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Before workers start: compile the kernels, if all tests are asked for and nothing is compiled yet."""
    config = session.config
    whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS and not config.option.keyword
    if whole and not config.option.collectonly and not hasattr(config, "workerinput") and not is_compiled():
        compile_halves()


def cluster(first: int, end: int, start: int, count: int, partition: Partition) -> Cluster:
    return Cluster((first, end), tuple(range(start, start + count)), (1, 1, 1), (partition,) * (end - first))


@pytest.fixture(scope="session")
def network() -> Network:
    return load_network("alexnet")


@pytest.fixture(scope="session")
def package() -> Package:
    return load_package("simba-16")


@pytest.fixture(scope="session")
def saved(network: Network, package: Package) -> SavedSchedule:
    """AlexNet on 16 chiplets: an unbalanced pipeline, a merged stage, and linear layers in passes."""
    pipeline = Segment((0, 2), 1, (cluster(0, 1, 0, 1, Partition.ISP), cluster(1, 2, 1, 15, Partition.ISP)))
    merged = Segment((2, 5), 2, (cluster(2, 5, 0, 16, Partition.ISP),))
    linear = tuple(
        Segment((l, l + 1), 1, (cluster(l, l + 1, 0, 16, Partition.ISP),)) for l in range(5, len(network))
    )
    plan = Schedule((pipeline, merged, *linear))
    return SavedSchedule(network, package, 16, Objective.THROUGHPUT, Scheme.MERGED_PIPELINE, plan)

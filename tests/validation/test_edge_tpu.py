"""The Edge TPU case by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mcmscope.errors import InputError
from mcmscope.hardware import load_package
from mcmscope.validation.edge_tpu import kept_s, load_s, repeated_s, resident_bytes, single
from mcmscope.validation.edge_tpu_pipeline import chain
from mcmscope.validation.plans import pipelined, zoo_network

ONE, FOUR = load_package("edge-tpu"), load_package("edge-tpu-4")


def test_a_network_that_fits_loads_nothing_in_repetition() -> None:
    plan = single(zoo_network("mobilenet_v1"), ONE)
    assert resident_bytes(plan) == plan.network.weight_bytes
    runs = sum(segment.run_s for segment in plan.evaluation.segments)
    assert kept_s(plan) == pytest.approx(runs, rel=1e-6)


def test_what_does_not_fit_streams_over_the_link() -> None:
    plan = single(zoo_network("vgg16"), ONE)
    stages = [stage for segment in plan.evaluation.segments for stage in segment.stages]
    kept = 8 * 2**20 - max(stage.activation_bytes + stage.relayed_bytes for stage in stages)
    assert resident_bytes(plan) == kept
    streamed_s = (138_344_128 - kept) / 0.5e9
    runs = sum(segment.run_s for segment in plan.evaluation.segments)
    assert kept_s(plan) == pytest.approx(streamed_s + runs, rel=1e-3)
    assert repeated_s(plan, 8 * 2**20) < kept_s(plan) < repeated_s(plan, 0)
    assert load_s(plan, 500_000_000) == 1


def test_the_cliff_is_at_the_buffer() -> None:
    """Below it a few weights more cost next to nothing; beyond it they cost their way over the link."""
    times = {width: kept_s(single(chain("connected", width), ONE)) for width in (1000, 1200, 1800, 2000)}
    small = chain("connected", 1200).weight_bytes - chain("connected", 1000).weight_bytes
    large = chain("connected", 2000).weight_bytes - chain("connected", 1800).weight_bytes
    assert times[1200] - times[1000] < 0.1 * small / 0.5e9
    assert times[2000] - times[1800] == pytest.approx(large / 0.5e9, rel=0.05)


def test_four_devices_are_more_than_four_times_as_fast_where_one_streams() -> None:
    network = chain("connected", 2000)
    pipeline = pipelined(network, FOUR, 64)
    assert len(pipeline.evaluation.segments) == 1
    stages = pipeline.evaluation.segments[0].stages
    assert [stage.chiplets for stage in stages] == [1, 1, 1, 1]
    assert kept_s(single(network, ONE)) * pipeline.evaluation.steady_throughput_per_s > 4


def test_the_pipeline_is_the_fastest_division() -> None:
    network = chain("convolutions", 400)
    pipeline = pipelined(network, replace(FOUR, columns=2), 64)
    assert pipeline.schedule.segments[0].clusters[0].layers == (0, 3), "the first layer is small"


def test_layers_that_do_not_fit_are_told() -> None:
    with pytest.raises(InputError, match="no pipeline of 4 parts fits"):
        pipelined(chain("connected", 3000), FOUR, 64)

"""Weights that stream are told with their bytes and time; weights that fit are not."""

from __future__ import annotations

from dataclasses import replace

import mcmscope
from mcmscope.cost.evaluate import Evaluation
from mcmscope.report.sentences import sentences
from mcmscope.report.streaming import streaming


def best(network: str, package: str, batch: int) -> Evaluation:
    result = mcmscope.run(network, package, batch=batch, schemes="sequential")
    assert result.best is not None
    assert result.best.evaluation is not None
    return result.best.evaluation


def test_weights_larger_than_the_package_stream_once_per_batch() -> None:
    network, package = mcmscope.load_network("gpt2", seq=8), mcmscope.load_package("simba-16")
    evaluation = best("gpt2@seq8", "simba-16", 4)
    assert sum(segment.load_bytes for segment in evaluation.segments) == network.weight_bytes
    (line,) = streaming(evaluation, network, package)
    # 16 chiplets of 16 x 32 KiB; 124 MB over 4 samples.
    assert line.startswith(
        "Its weights, 124 MB, stream from DRAM, since the weight buffers of all chiplets hold 8.39 MB: "
        "a batch loads 124 MB, 30.9 MB a sample, in "
    )
    loading_s = sum(segment.load_s for segment in evaluation.segments)
    assert f"{100 * loading_s / evaluation.batch_latency_s:.0f}% of its time." in line
    result = mcmscope.run("gpt2@seq8", "simba-16", batch=4, schemes="sequential")
    assert line in sentences(result)


def test_one_sample_takes_all_of_it_and_prefetch_hides_some() -> None:
    network, package = mcmscope.load_network("gpt2", kv=8), mcmscope.load_package("simba-16")
    assert "a sample" not in streaming(best("gpt2@kv8", "simba-16", 1), network, package)[0]
    hiding = replace(package, prefetch=True)
    result = mcmscope.run(network, hiding, batch=64, schemes="sequential")
    assert result.best is not None
    assert result.best.evaluation is not None
    assert "of it not hidden" in streaming(result.best.evaluation, network, hiding)[0]


def test_weights_that_fit_are_not_told() -> None:
    network, package = mcmscope.load_network("resnet18"), mcmscope.load_package("simba-64")
    assert streaming(best("resnet18", "simba-64", 4), network, package) == []

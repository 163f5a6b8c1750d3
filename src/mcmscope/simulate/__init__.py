"""An event-driven simulation of schedules on a package of links; it shares nothing with the cost model."""

from mcmscope.simulate.result import SegmentTimes, Simulation, StageTimes
from mcmscope.simulate.run import IDEALS, simulate

__all__ = ["IDEALS", "SegmentTimes", "Simulation", "StageTimes", "simulate"]

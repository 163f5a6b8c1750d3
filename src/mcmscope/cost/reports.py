"""What the kernels read of a schedule and report of its price: the columns of their arrays."""

from __future__ import annotations

from mcmscope.cost.energy import ENERGY_TERMS
from mcmscope.cost.stage import LayerCost

# Columns of the encoded schedule.
SEGMENT_END, MICRO_BATCH = range(2)
CLUSTER_END, REGION, TILE_SAMPLES, TILE_ROWS, TILE_COLUMNS = range(5)

# Columns of what ``price`` reports per layer, stage and segment.
LAYER_ENERGY = len(LayerCost._fields)
"""Behind the figures of ``LayerCost``: the energy of a beat by its terms."""
LAYER_REPORT = LAYER_ENERGY + ENERGY_TERMS
STAGE_TIME, STAGE_STORED, STAGE_DISTINCT, STAGE_NEED, STAGE_RELAYED, STAGE_EXCESS, STAGE_CUT, STAGE_LINKS = (
    range(8)
)
STAGE_REPORT = 8
(
    LOAD_PS,
    BEATS,
    BEAT_PS,
    SLOWEST_PS,
    STAGES_PS,
    CUT_PS,
    IO_PS,
    SPILL_PS,
    RUN_PS,
    FLOW_PS,
    IO_BYTES,
    SPILL_BYTES,
    LOAD_BYTES,
    PASSES,
    PASS_PS,
    LINKS_PS,
    LAST_LOAD_PS,
    LAST_BEAT_PS,
    LAST_SLOWEST_PS,
) = range(19)
SEGMENT_REPORT = 19
OK, TOO_MUCH_WEIGHT, NO_SLICE_FITS = range(3)
"""What ``price`` returns: the schedule fits, or why not."""

"""The cost model: what a schedule costs in time and energy."""

"""The paper's experiments, run again: cases, their figures, claims that hold or do not, one report."""

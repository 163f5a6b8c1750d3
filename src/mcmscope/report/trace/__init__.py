"""A schedule over time, in the trace-event format that Perfetto and Chrome show."""

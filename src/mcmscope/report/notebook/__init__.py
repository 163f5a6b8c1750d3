"""What a notebook shows of results and schedules: HTML, and tables for pandas and polars."""

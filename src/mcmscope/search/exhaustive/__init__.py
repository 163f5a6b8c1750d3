"""Every schedule of a small space: its optimum, and where a schedule stands among all."""

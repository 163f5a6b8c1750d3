"""The rows of ``mcmscope reproduce`` as tables, charts and pages."""

"""Searches: from a network and a package to schedules."""

"""Tests of the cost model, and the plain twin they hold it against."""

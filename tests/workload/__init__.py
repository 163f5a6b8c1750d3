"""Tests of workload."""

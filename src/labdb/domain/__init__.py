"""Decisions: pure functions from declared and observed values to plans; no I/O, no clock."""

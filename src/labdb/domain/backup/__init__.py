"""Backup sets: what the repositories hold, and how long each is kept."""

"""Logical exports of single databases, each restored to prove it; runs on the server.

What an export must give back, and how long it is kept, is decided by :mod:`labdb.domain`.
"""

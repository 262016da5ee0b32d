"""The restore drill: runs on the server, from a timer; needs nothing but Python and PostgreSQL.

What it restores, and what the result must hold, is decided by :mod:`labdb.domain.recovery`.
"""

"""Behaviour of a running server, asserted from the operator's side."""

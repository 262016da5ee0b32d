"""The proofs of a repository host."""

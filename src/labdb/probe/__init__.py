"""What labdb sends to a guest to be run there: the standard library only, read-only."""

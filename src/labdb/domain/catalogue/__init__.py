"""Data models of astronomical catalogues, and what loading one decides: pure, without a server."""

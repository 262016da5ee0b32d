"""Loading catalogues: what is loaded, in which order, and what is said of it."""

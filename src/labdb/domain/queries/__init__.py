"""The library of research queries: what is asked, and what the answer means."""

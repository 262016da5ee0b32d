"""Releases of catalogues: schemas of tables, and the views by which researchers see one of them."""

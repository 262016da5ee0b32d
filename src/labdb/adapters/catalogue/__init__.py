"""Files and the database that catalogues are loaded from and to."""

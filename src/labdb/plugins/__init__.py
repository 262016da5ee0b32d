"""The Ansible faces of labdb: thin filters and modules over its pure functions."""

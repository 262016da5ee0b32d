"""Ansible lookups."""

"""Ansible filters."""

"""Ansible modules."""

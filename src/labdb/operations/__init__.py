"""Use cases: observe, decide with the domain, act through a playbook, report."""

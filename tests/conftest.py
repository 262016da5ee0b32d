"""What every kind of test may ask for."""

from hypothesis import settings

pytest_plugins = ["tests.postgres16"]

# How long an example takes says something about the machine, nothing about the code.
settings.register_profile("labdb", settings.get_profile("default"), deadline=None)
settings.load_profile("labdb")

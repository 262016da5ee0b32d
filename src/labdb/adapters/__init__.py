"""One third party each: nothing else may talk to it."""

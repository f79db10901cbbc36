"""A recorded call without what is personal on it: `scrub`, and `lint`, which tells what still looks real."""

"""A cable machine that is not there: mechanics, sensors with all their flaws, and exact truth."""

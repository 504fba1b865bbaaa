"""Loads on the body: inverse dynamics on the person's own masses and lengths, and what joints and discs take of it."""

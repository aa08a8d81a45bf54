"""Engines and modes beside each other on the same prompts."""

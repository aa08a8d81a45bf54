"""Servers: models behind an OpenAI-compatible interface."""

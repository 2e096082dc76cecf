"""Integrations: the tracer inside other frameworks; each imports its framework when it is used."""

"""Selective Search: where in a photograph an object may be."""

"""Boxes and what two of them have in common: forms, areas, overlaps, coding."""

"""Annotated images: readers, writers, one record of them, and made-up scenes."""

"""Compiled loops of ``detutils.pictures``."""

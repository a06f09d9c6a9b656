"""Compiled loops of ``detutils.heads``."""

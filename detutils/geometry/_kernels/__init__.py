"""Compiled loops of ``detutils.geometry``."""

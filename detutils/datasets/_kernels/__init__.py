"""Compiled loops of ``detutils.datasets``."""

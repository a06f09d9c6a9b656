"""Compiled loops of ``detutils.targets``."""

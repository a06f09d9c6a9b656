"""Compiled loops of ``detutils.suppression``."""

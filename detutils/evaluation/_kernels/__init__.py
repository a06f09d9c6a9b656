"""Compiled loops of ``detutils.evaluation``."""

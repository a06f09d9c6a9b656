"""Compiled loops of ``detutils.proposals``."""

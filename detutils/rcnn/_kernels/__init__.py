"""Compiled loops of ``detutils.rcnn``."""

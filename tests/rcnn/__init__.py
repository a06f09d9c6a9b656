"""Tests of ``detutils.rcnn``."""

"""Tests of ``detutils.suppression``."""

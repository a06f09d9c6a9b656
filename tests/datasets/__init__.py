"""Tests of ``detutils.datasets``."""

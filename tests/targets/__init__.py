"""Tests of ``detutils.targets``."""

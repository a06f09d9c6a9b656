"""Tests of ``detutils.pictures``."""

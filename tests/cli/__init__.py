"""Tests of ``detutils.cli``."""

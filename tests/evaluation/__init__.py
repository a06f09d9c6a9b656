"""Tests of ``detutils.evaluation``."""

"""Tests of ``detutils.geometry``."""

"""Tests of ``detutils.heads``."""

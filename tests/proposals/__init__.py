"""Tests of ``detutils.proposals``."""

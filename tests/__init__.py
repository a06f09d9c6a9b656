"""The tests: definitions in ``naive``, hostile inputs in ``cases``, one ``test_<module>`` for each module."""

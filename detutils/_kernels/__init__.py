"""Compiled loops that belong to no subject: checks of users' numbers, and their limits."""

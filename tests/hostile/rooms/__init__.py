"""The entries of the table, in the rooms of the house: each ``fill`` adds those of its subject."""

"""Puts this folder on the path, for what the tests in the folders below share."""

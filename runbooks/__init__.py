"""The runbooks that ship with Firebreak: one file, one class, one story."""

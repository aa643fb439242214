"""What `firebreak runbooks check` finds wrong with one file, or with two triggers. Pure."""

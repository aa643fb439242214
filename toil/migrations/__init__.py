"""The history of the tables. A revision that has been released is never edited."""

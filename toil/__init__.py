"""The books: what happened to incidents, what may be written now, and the ledger of human work."""

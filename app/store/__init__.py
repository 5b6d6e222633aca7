"""The only folder that writes queries. Nothing in it commits: a transaction belongs to the use case."""

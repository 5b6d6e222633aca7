"""The commands of `flask sync`, by theme; app/cli.py puts them together."""

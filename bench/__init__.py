"""Load generator, limit of the path, and the benchmark of the client path.

Nothing in here is installed or asserted in a test: `python -m bench` measures a daemon that speaks
the client protocol, ours or another one, and prints a table. README.md tells how to read it.
"""

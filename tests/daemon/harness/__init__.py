"""What a test of the real daemon needs: the process, the wire, sessions, recorded exchanges.

Nothing here imports the package under test: the codec is a second, independent one.
"""

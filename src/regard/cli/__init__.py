"""The command line: one file a verb, heavy imports inside the verbs.

Only this layer prints, exits and chooses devices. Results go to standard output; progress,
notes and errors to standard error.
"""

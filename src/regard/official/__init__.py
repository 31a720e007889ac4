"""The official SCAN and VSE++ code: its checkpoints, read and written; its sets and figures."""

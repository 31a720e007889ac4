"""What the official SCAN and VSE++ code reads and writes: data, checkpoints, published figures."""

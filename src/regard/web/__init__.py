"""The page where people look, and the HTTP API under it: `regard.web.app.create_app(index)`.

Knows requests, responses and an open index. Knows nothing of training or the command line.
"""

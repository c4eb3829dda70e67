"""Ring 0: OAuth 2.0 and OpenID Connect as values. No clock, no randomness, no I/O, no asyncio, no browser."""

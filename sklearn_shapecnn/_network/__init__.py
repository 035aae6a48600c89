"""The network: its plan, its modules, and how images enter it."""

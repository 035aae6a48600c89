"""The network: its plan, its modules, how images enter it, and how it predicts."""

"""Train the filters that the package ships, on synthetic drawings only."""

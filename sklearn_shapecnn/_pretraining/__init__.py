"""Train the filters that the package ships, on drawn formulas only."""

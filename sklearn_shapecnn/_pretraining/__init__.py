"""How the filters that the package ships were learned: from drawn formulas alone."""

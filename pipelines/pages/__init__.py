"""Pages that need no network: escaping, tables, plots and the document around them."""

"""Reports of an evaluation: tables on the terminal, JSON, and one page with plots."""

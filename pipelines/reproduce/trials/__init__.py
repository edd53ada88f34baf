"""Systems trained, held out fold by fold and measured on the research sets that have sound."""

"""The five systems as published: their training schedules, and what is trained besides the nets."""

"""Planning: what a run would do, what it would take, and what that would cost."""

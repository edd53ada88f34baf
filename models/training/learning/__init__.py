"""The students: what they are shown, what they are trained towards, and the loop that trains them."""

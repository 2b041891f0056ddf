"""Give money back as an operator, with a second person above a limit."""

"""What is learnt: a module per task, how data are split and prepared for it, and what a simple model reaches."""

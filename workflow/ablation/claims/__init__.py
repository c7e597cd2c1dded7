"""What the course report claims, and what a study's numbers say to it."""

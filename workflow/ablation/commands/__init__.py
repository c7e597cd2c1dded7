"""What a person calls: plan, verify, diff, prune."""

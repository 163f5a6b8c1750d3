"""What a person reads: tables and explanations."""

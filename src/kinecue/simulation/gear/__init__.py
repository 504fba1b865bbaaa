"""What athletes hold and train on."""

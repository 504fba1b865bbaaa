"""What the samples of a machine are held against: stamps, what a handle can do, each sensor against the other."""

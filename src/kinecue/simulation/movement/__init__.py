"""Movement: controls and goals to postures, sets in time, faults, walking and getting into position."""

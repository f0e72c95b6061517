"""What lies in the object store and which rows name it; and the reading that finds out whether it is still the same."""

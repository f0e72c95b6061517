"""Team meetings: a list of cases, who sits in them, and what is concluded of each."""

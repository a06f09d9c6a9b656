"""What every function means, in plain Python over lists: the definitions that tests and benchmarks compare with."""

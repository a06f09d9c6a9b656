"""Drop-in modules: other libraries' names, argument orders, return types and quirks over the functions of detutils.

Change one import line and the results stay equal; each module's docstring says what differs, and why. Nothing here
computes: an adapter brings its arguments into the form of the public function and the answer into the form of the
original. Importing an adapter imports neither the original nor torch.
"""

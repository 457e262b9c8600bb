"""What holds for every test, of the core and of the plugins beside it."""

from hypothesis import settings

# how long an example takes says more of the machine than of the code
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

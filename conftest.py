"""What holds for every test, of the core and of the plugins beside it."""

import signal

from hypothesis import settings

# how long an example takes says more of the machine than of the code
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# a job in the background of a script ignores Ctrl-C, and so would all that tests start
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

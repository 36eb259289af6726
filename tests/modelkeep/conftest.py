"""The fixtures of the reference project, for the tests of this library."""

from fixtures import *  # noqa: F403
from fixtures import _nobody, _one_thread  # noqa: F401

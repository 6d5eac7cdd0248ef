"""The fixtures of daemon_rig, for every folder of scenarios."""
from daemon_rig import *  # noqa: F401,F403 - pytest finds fixtures by their names here

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from runner_rig import busybox, own_runner, requirements, runner  # noqa: E402,F401

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from instances_rig import own_place, place  # noqa: E402,F401

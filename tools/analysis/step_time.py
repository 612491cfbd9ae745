"""``mmfkd analyze step_time`` as a script."""

import sys

from mmfkd.cli import main

if __name__ == '__main__':
    sys.exit(main(['analyze', 'step_time', *sys.argv[1:]]))

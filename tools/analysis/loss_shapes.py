"""``mmfkd analyze loss_shapes`` as a script."""

import sys

from mmfkd.cli import main

if __name__ == '__main__':
    sys.exit(main(['analyze', 'loss_shapes', *sys.argv[1:]]))

"""``mmfkd analyze loss_cost`` as a script."""

import sys

from mmfkd.cli import main

if __name__ == '__main__':
    sys.exit(main(['analyze', 'loss_cost', *sys.argv[1:]]))

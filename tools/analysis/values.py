"""``mmfkd analyze values`` as a script."""

import sys

from mmfkd.cli import main

if __name__ == '__main__':
    sys.exit(main(['analyze', 'values', *sys.argv[1:]]))

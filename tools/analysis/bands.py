"""``mmfkd analyze bands`` as a script."""

import sys

from mmfkd.cli import main

if __name__ == '__main__':
    sys.exit(main(['analyze', 'bands', *sys.argv[1:]]))

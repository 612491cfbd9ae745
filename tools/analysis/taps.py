"""``mmfkd analyze taps`` as a script."""

import sys

from mmfkd.cli import main

if __name__ == '__main__':
    sys.exit(main(['analyze', 'taps', *sys.argv[1:]]))

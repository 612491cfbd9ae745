"""``mmfkd cache`` as a script."""

import sys

from mmfkd.cli import main

if __name__ == '__main__':
    sys.exit(main(['cache', *sys.argv[1:]]))
